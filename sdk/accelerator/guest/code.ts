import { BackplaneError } from '../../base/errors.ts';
import type { GuestOperation } from './operation.ts';

/**
 * In which mode a vCPU begins: 16-bit real mode, or 32-bit protected mode and 64-bit long mode with flat segments. Long mode maps the
 * first 4 GiB one to one, in pages of 2 MiB.
 */
export type ProcessorMode = 'real' | 'protected' | 'long';

export const processorModes: readonly ProcessorMode[] = ['real', 'protected', 'long'];

/** The general registers that a guest can begin with; what is left out is 0. */
export type GeneralRegisters = Readonly<
  Partial<Record<'eax' | 'ebx' | 'ecx' | 'edx' | 'esi' | 'edi' | 'esp' | 'ebp', number>>
>;

export const generalRegisters = ['eax', 'ebx', 'ecx', 'edx', 'esi', 'edi', 'esp', 'ebp'] as const;

/** Bytes that are put into the machine's memory before its guest begins. */
export interface CodePiece {
  /** Guest physical address. */
  readonly address: number;
  readonly bytes: Uint8Array;
}

/** Where a vCPU begins, with interrupts disabled. */
export interface CodeStart {
  readonly mode: ProcessorMode;
  /** Linear address of the first instruction: below 1 MiB in real mode, below 4 GiB in the others. */
  readonly entry: number;
  readonly registers?: GeneralRegisters;
  /** Of protected mode: selectors of the flat segments, and where their table is. Default: 8 and 16, and no table. */
  readonly segments?: {
    readonly code: number;
    readonly data: number;
    readonly table?: { readonly base: number; readonly limit: number };
  };
}

/**
 * A guest in machine code, as data. Its pieces are put into the machine's RAM and ROM when it is loaded, and again after each reset of the
 * machine. Then vCPU 0 begins where `start` says: at the reset vector, with the registers of a reset, or elsewhere.
 */
export interface GuestCode {
  /** How messages call it. */
  readonly name: string;
  readonly pieces: readonly CodePiece[];
  readonly start: 'reset' | CodeStart;
}

/** Whether a guest is machine code: no program, and no recording. */
export function isGuestCode(image: object): image is GuestCode {
  return 'pieces' in image && Array.isArray(image.pieces);
}

/** Why a vCPU cannot go on, with the name of the machine code that it executes. */
export function withGuestName(failure: BackplaneError | undefined, image: object | undefined): typeof failure {
  if (failure === undefined || image === undefined || !isGuestCode(image)) return failure;
  const message = `Guest '${image.name}': ${failure.message.replace(/^The /, 'the ')}`;
  return new BackplaneError(failure.code, message, { cause: failure });
}

/** Told what a vCPU does while it executes machine code, in the order in which it happens: for a recording. */
export interface CodeObserver {
  /** It is as after power-on: at a load, and after each reset of the machine. */
  started(): void;
  /** The processor goes on. With a limit of 0 it ends an instruction only. The vector is of the interrupt that it takes, or -1. */
  entering(limit: number, vector: number): void;
  /** It came back after so many instructions, with the operation that it needs, which is not executed yet; undefined: with none. */
  entered(executed: number, operation: GuestOperation | undefined): void;
  /** The operation is finished: what it has read is in it. */
  completed(operation: GuestOperation): void;
  /** Something in the kernel took this write, without an exit. `high` counts with 8 bytes only. */
  wrote(isPort: boolean, address: number, size: number, low: number, high: number): void;
  /** It exits because it halts, because an interrupt window opens, or because it cannot go on. */
  halted(): void;
  windowOpened(): void;
  failed(): void;
}
