import { maskOf, wideLowMask } from '../../base/bits.ts';
import type { DeviceInstance } from '../class-metadata.ts';
import {
  accessesOf,
  answersReads,
  bitRangesOf,
  type RegisterAccess,
  type RegisterDeclaration,
  sideOf,
  takesWrites,
} from './model.ts';

/** Which bits of a register behave how, as bit masks. */
interface AccessMasks {
  readonly all: bigint;
  /** Take what is written: read-write, write-only, undocumented, unimplemented. */
  readonly taken: bigint;
  /** What a written one brings: `taken`, and what it sets for good (write-one-to-set). */
  readonly brought: bigint;
  readonly oneToClear: bigint;
  readonly readToClear: bigint;
  readonly once: bigint;
  /** Are not kept: what is written goes to hooks only. */
  readonly trigger: bigint;
  /** Read as what the register holds. */
  readonly shown: bigint;
  /** What bits read that are always the same: constant (unless the device sets it from its options), reserved. */
  readonly fixed: bigint;
  readonly reserved: bigint;
  /** Changing them is reported: undocumented, unimplemented. */
  readonly reported: bigint;
}

/** What accesses do to one register. The compiler prints its code from this, and the interpreter closes over it. */
export interface AccessModel {
  readonly register: RegisterDeclaration;
  readonly masks: AccessMasks;
  readonly bytes: number;
  /** Whether a write has a place to go: a field, or a setter. */
  readonly stores: boolean;
  /** Held as a bigint. */
  readonly isBig: boolean;
  readonly reads: boolean;
  readonly writes: boolean;
  /** Takes eight bytes at once. */
  readonly isWide: boolean;
  /** Only the register's own offset answers, whatever the width of the access. */
  readonly isExtended: boolean;
  /** No access begins inside the register. */
  readonly isAligned: boolean;
  /** Accesses of another width than the register's never come. */
  readonly hasOneWidth: boolean;
  /** An access may touch a part of the register, or run over into another. */
  readonly takesParts: boolean;
}

/** What an access calls. `lanes` are the bits that it touches. */
export interface RegisterCode {
  readonly read?: (this: DeviceInstance, offset: number, size: number, index?: number) => number;
  readonly write?: (this: DeviceInstance, value: number, offset: number, size: number, index?: number) => void;
  readonly readWide?: (this: DeviceInstance, offset: number) => bigint;
  readonly writeWide?: (this: DeviceInstance, value: bigint, offset: number) => void;
  readonly readLanes?: (this: DeviceInstance, index: number, lanes: never) => number | bigint;
  readonly writeLanes?: (this: DeviceInstance, value: never, index: number, lanes: never) => void;
}

/** The functions of a class's registers, and of its data ports. */
export interface RegistersCode {
  readonly registers: readonly RegisterCode[];
  readonly ports: readonly RegisterCode[];
}

export function accessModels(registers: readonly RegisterDeclaration[]): AccessModel[] {
  return registers.map((register) => {
    const { bank, offset, width, stride = 0, narrow, indexedBy } = register;
    const { max, unaligned } = bank.implements;
    const min = Math.min(bank.accepts.min, bank.implements.min);
    const accesses = accessesOf(register);
    const side = sideOf(register, registers);
    const bytes = width / 8;
    const isExtended = narrow === 'zero-extended';
    const isAligned = !unaligned && offset % bytes === 0 && stride % bytes === 0;
    const hasOneWidth = indexedBy === undefined && min === bytes && Math.min(max, 4) === bytes;
    return {
      register,
      masks: masksOf(register),
      bytes,
      stores: register.kind === 'stored' || register.hasSetter,
      isBig: width === 64,
      reads: side !== 'writes' && answersReads(accesses),
      writes: side !== 'reads' && takesWrites(accesses),
      isWide: width === 64 && max === 8,
      isExtended,
      isAligned,
      hasOneWidth,
      takesParts: !isExtended && !(hasOneWidth && isAligned),
    };
  });
}

function masksOf(register: RegisterDeclaration): AccessMasks {
  const of = (...accesses: readonly RegisterAccess[]): bigint =>
    bitRangesOf(register)
      .filter(({ access }) => accesses.includes(access))
      .reduce((mask, range) => mask | maskOf(range), 0n);
  const all = wideLowMask(register.width);
  const trigger = of('trigger');
  const fixed = register.atReset === 'set-by-device' ? of('reserved') : of('constant', 'reserved');
  const taken = of('read-write', 'write-only', 'undocumented', 'unimplemented');
  return {
    all,
    taken,
    brought: taken | of('write-one-to-set'),
    oneToClear: of('write-one-to-clear'),
    readToClear: of('read-to-clear'),
    once: of('write-once'),
    trigger,
    shown: all & ~fixed & ~of('write-only') & ~trigger,
    fixed: register.kind === 'trigger' ? BigInt(register.reads ?? 0) : BigInt(register.reset) & fixed,
    reserved: of('reserved'),
    reported: of('undocumented', 'unimplemented'),
  };
}

/** The registers that one data port shows, one at a time, by their places among all. */
export interface DataPort {
  readonly first: RegisterDeclaration;
  readonly numbers: readonly number[];
}

export function dataPortsOf(registers: readonly RegisterDeclaration[]): DataPort[] {
  const ports: { readonly first: RegisterDeclaration; readonly numbers: number[] }[] = [];
  registers.forEach((register, number) => {
    if (register.indexedBy === undefined) return;
    const port = ports.find(({ first }) => first.bank === register.bank && first.offset === register.offset);
    if (port === undefined) ports.push({ first: register, numbers: [number] });
    else port.numbers.push(number);
  });
  return ports;
}
