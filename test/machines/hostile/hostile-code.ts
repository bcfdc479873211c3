import { Edu } from '../../../devices/index.ts';
import { pcI440fx } from '../../../machines/index.ts';
import type { MachineCode } from '../../../sdk/accelerator/kvm/simulated-kernel/processor.ts';
import {
  type Assembler,
  al,
  assemble,
  ax,
  byte,
  distance,
  ds,
  dx,
  eax,
  es,
  fs,
  gs,
  type Value,
  word,
} from '../../../sdk/assembler.ts';
import { BackplaneError, type MachineDefinition, MiB, use } from '../../../sdk/index.ts';
import {
  defineObserver,
  type GuestCode,
  Machine,
  type MachineEvent,
  type RunOptions,
  type RunOutcome,
  simulatedAccelerator,
} from '../../../sdk/runtime.ts';
import { endOfJob } from '../../end-of-job.ts';
import { x86 } from '../../processor/bare-processor.ts';

/** Where a guest lies, its stack, what is free, and where it places BAR 0 of its card. */
export const Place = { code: 0x1_0000, stack: 0x8_0000, free: 0x4_0000, pages: 0x10_0000, edu: 0xfe00_0000 } as const;
/** Selectors of the guest's table: flat code and data, the same for ring 3, and its task. */
export const Selector = { code: 0x08, data: 0x10, userCode: 0x1b, userData: 0x23, task: 0x28 } as const;
export const Ram = 4 * MiB;

/** A pc with all chips and a card that does DMA. */
export const populatedPc: MachineDefinition = {
  ...pcI440fx,
  devices: [...pcI440fx.devices, use(Edu, { id: 'edu', addr: '04.0' })],
} as MachineDefinition;

/** 64 KiB of known bytes in the place of a firmware: not made to be executed. */
export const rom = Uint8Array.from({ length: 0x1_0000 }, (_, index) => (index * 7 + (index >> 8)) & 0xff);

export type Source = (a: Assembler) => void;

/** What became of a guest. */
export interface Ran {
  readonly machine: Machine;
  /** How its run ended; undefined where it threw. */
  readonly outcome: RunOutcome | undefined;
  readonly failure: BackplaneError | undefined;
  readonly guestErrors: readonly string[];
  /** What devices were asked for: each element of a string. */
  readonly accesses: number;
  /** Whether the processor has as much memory as before. */
  readonly hasSameMemory: boolean;
}

/** Flat code of 32 bits, without tables. */
export const guestOf = (name: string, bytes: Uint8Array): GuestCode => ({
  name,
  pieces: [{ address: Place.code, bytes }],
  start: { mode: 'protected', entry: Place.code, registers: { esp: Place.stack } },
});

export const assembled = (source: Source): Uint8Array => assemble({ origin: Place.code, bits: 32 }, source).bytes;

/** A populated machine, and how to ask whether its processor has taken more memory. */
export async function populated(
  firmware: Uint8Array = rom,
): Promise<{ machine: Machine; guestErrors: string[]; hasSameMemory(): boolean }> {
  const memories: { readonly buffer: ArrayBufferLike; readonly size: number }[] = [];
  const machineCode = watched(await x86(), ({ buffer }) => memories.push({ buffer, size: buffer.byteLength }));
  const guestErrors: string[] = [];
  await endOfJob();
  const machine = Machine.create(populatedPc, {
    ram: Ram,
    firmware,
    options: { chips: 'all' },
    accelerator: simulatedAccelerator({ machineCode }),
    onGuestError: (device, message) => guestErrors.push(`${device}: ${message}`),
  });
  // A memory of WebAssembly that grows takes its bytes away from who had them.
  const hasSameMemory = (): boolean =>
    memories.length === 1 && memories.every(({ buffer, size }) => size > Ram && buffer.byteLength === size);
  return { machine, guestErrors, hasSameMemory };
}

/** Answers how many accesses devices were asked for since this call. */
export function countedAccesses(machine: Machine): () => number {
  let accesses = 0;
  const observe = ({ kind }: MachineEvent) => {
    if (kind === 'access') accesses++;
  };
  machine.observe(defineObserver({ name: 'accesses', start: () => ({ observe }) }));
  return () => accesses;
}

function watched(code: MachineCode, onMemory: (bytes: Uint8Array) => void): MachineCode {
  return {
    ...code,
    create: () => {
      const vm = code.create();
      const { memory } = vm;
      const allocate = memory.allocate.bind(memory);
      memory.allocate = (size, name) => {
        const allocated = allocate(size, name);
        onMemory(allocated.bytes);
        return allocated;
      };
      return vm;
    },
  };
}

/** Runs it on a machine of its own. Any error but a `BackplaneError` goes on to the test. */
export async function runHostile(source: Source, limits: number | RunOptions = 100_000): Promise<Ran> {
  return await runCode(guestOf('hostile', assembled(source)), limits);
}

/** The same for any guest, and a firmware of one's own. */
export async function runCode(guest: GuestCode, limits: number | RunOptions, firmware?: Uint8Array): Promise<Ran> {
  const { machine, guestErrors, hasSameMemory } = await populated(firmware);
  const accesses = countedAccesses(machine);
  let [outcome, failure]: [RunOutcome | undefined, BackplaneError | undefined] = [undefined, undefined];
  try {
    outcome = machine.run(guest, typeof limits === 'number' ? { operationLimit: limits } : limits);
  } catch (error) {
    if (!(error instanceof BackplaneError)) throw error;
    failure = error;
  }
  return { machine, outcome, failure, guestErrors, accesses: accesses(), hasSameMemory: hasSameMemory() };
}

/**
 * Segments with a task, and an interrupt table of so many gates that all lead to the label `handler`, or to another label for a vector.
 * The source goes on behind it.
 */
export function putTables(a: Assembler, gates: number, handlers: Readonly<Record<number, Value>> = {}): void {
  a.lgdt('tables.gdtr');
  a.lidt('tables.idtr');
  a.mov(eax, Selector.data);
  for (const segment of [ds, es, fs, gs]) a.mov(segment, ax);
  // The gates are words of labels, whose halves the assembler does not take apart.
  for (let vector = 0; vector < gates; vector++) {
    a.mov(eax, handlers[vector] ?? 'handler');
    a.mov(word(`gate.${vector}`), ax);
    a.shr(eax, 16);
    a.mov(word(`gate.${vector}.high`), ax);
  }
  a.mov(eax, 'tables.task');
  a.mov(word('task.low'), ax);
  a.shr(eax, 16);
  a.mov(byte('task.high'), al);
  a.mov(eax, Selector.task);
  a.ltr(ax);
  a.jmp('tables.end');
  a.align(8);
  a.label('tables.gdt');
  a.dd(0, 0);
  for (const access of [0x9b00, 0x9300, 0xfb00, 0xf300]) a.dw(0xffff, 0, access, 0xcf);
  a.dw(0x67);
  a.label('task.low');
  a.dw(0);
  a.label('task.high');
  a.dw(0x8900, 0);
  a.label('tables.idt');
  for (let vector = 0; vector < gates; vector++) {
    a.label(`gate.${vector}`);
    a.dw(0, Selector.code, 0xee00);
    a.label(`gate.${vector}.high`);
    a.dw(0);
  }
  a.label('tables.idt.end');
  a.label('tables.gdtr');
  a.dw(distance('tables.gdt', 'tables.idt', -1));
  a.dd('tables.gdt');
  a.label('tables.idtr');
  a.dw(distance('tables.idt', 'tables.idt.end', -1));
  a.dd('tables.idt');
  a.label('tables.task');
  a.dd(0, Place.stack, Selector.data);
  a.fill(0x66 - 12);
  // Its map of ports lies behind its end: no port is allowed in ring 3.
  a.dw(0x68);
  a.label('tables.end');
}

const ConfigAddress = 0xcf8;
const EduConfig = 0x8000_2000;

/** BAR 0 of the card at `Place.edu`, which answers and may do DMA. */
export function putCard(a: Assembler): void {
  for (const [register, value] of [
    [0x10, Place.edu],
    [0x04, 0x6],
  ] as const) {
    a.mov(dx, ConfigAddress);
    a.mov(eax, EduConfig + register);
    a.out(dx, eax);
    a.mov(dx, ConfigAddress + 4);
    a.mov(eax, value);
    a.out(dx, eax);
  }
}

/** What ends each guest that comes so far. */
export function putEnd(a: Assembler): void {
  a.cli();
  a.hlt();
}
