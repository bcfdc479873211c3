import type { DeviceInstance } from '../class-metadata.ts';
import { type AccessModel, accessModels } from './access-model.ts';
import { chosenIndex, type RegisterBank, type RegisterDeclaration } from './model.ts';

/** The first bytes of a peek, all of one register. */
export interface PeekedBytes {
  readonly bytes: number;
  /** What a read would answer, in the low bytes. Undefined where only a read hook knows: it may have side effects. */
  readonly value: bigint | undefined;
}

const models = new WeakMap<readonly RegisterDeclaration[], readonly AccessModel[]>();

function modelsOf({ metadata: { registers } }: DeviceInstance): readonly AccessModel[] {
  let known = models.get(registers);
  if (known === undefined) {
    known = accessModels(registers);
    models.set(registers, known);
  }
  return known;
}

/**
 * Looks at the register that a read at this offset of a bank would reach. It clears nothing and calls no hook. Undefined if no
 * register answers reads there.
 */
export function peekRegister(
  device: DeviceInstance,
  bank: RegisterBank,
  offset: number,
  size: number,
): PeekedBytes | undefined {
  const start = bank.mirrored ? offset % bank.size : offset;
  for (const model of modelsOf(device)) {
    const { register, bytes, isExtended, reads } = model;
    if (register.bank !== bank || !reads) continue;
    const index = indexOf(device, register, start);
    const at = start - register.offset - (register.indexedBy === undefined ? index * (register.stride ?? 0) : 0);
    if (index < 0 || at < 0 || at >= (isExtended ? 1 : bytes)) continue;
    const length = isExtended || bank.overrun === 'dropped' ? size : Math.min(size, bytes - at);
    const whole = shownBy(device, model, index);
    const shift = bank.endianness === 'big' ? Math.max(0, bytes - at - length) : at;
    return { bytes: length, value: whole === undefined ? undefined : bytesOf(whole, shift, length) };
  }
  return undefined;
}

/** What the guest would read from a declared register (which one of an array), wherever it is. As `peekRegister`. */
export function peekDeclared(
  device: DeviceInstance,
  register: RegisterDeclaration,
  index: number,
): { readonly isRead: boolean; readonly value: bigint | undefined } {
  const model = modelsOf(device).find((one) => one.register === register);
  const isRead = model?.reads === true;
  return { isRead, value: isRead ? shownBy(device, model, index) : undefined };
}

/** A whole access to the registers of a bank. Bytes without a register read 0. */
export function peekBank(device: DeviceInstance, bank: RegisterBank, offset: number, size: number): bigint | undefined {
  return joined(bank, size, (at, most) => peekRegister(device, bank, offset + at, most) ?? { bytes: 1, value: 0n });
}

/** Joins the parts of a peek in the byte order of the bank. */
export function joined(
  { endianness }: Pick<RegisterBank, 'endianness'>,
  size: number,
  part: (at: number, most: number) => PeekedBytes,
): bigint | undefined {
  let all = 0n;
  for (let done = 0; done < size; ) {
    const { bytes, value } = part(done, size - done);
    if (value === undefined) return undefined;
    const shift = endianness === 'big' ? size - done - bytes : done;
    all |= bytesOf(value, 0, bytes) << BigInt(8 * shift);
    done += bytes;
  }
  return all;
}

const bytesOf = (value: bigint, first: number, count: number): bigint =>
  BigInt.asUintN(8 * count, value >> BigInt(8 * first));

type Held = number | bigint;

/** Which one of an array; -1 where the index register chooses another register. */
function indexOf(
  device: DeviceInstance,
  { offset, count = 1, stride = 1, indexedBy }: RegisterDeclaration,
  start: number,
) {
  if (indexedBy === undefined) return Math.min(Math.floor((start - offset) / stride), count - 1);
  const index = (device as unknown as Readonly<Record<string, number>>)[indexedBy.indexMember] as number;
  const step = (chosenIndex(indexedBy, index) - indexedBy.index) / stride;
  return Number.isInteger(step) && step >= 0 && step < count ? step : -1;
}

function shownBy(device: DeviceInstance, { register, masks }: AccessModel, index: number): bigint | undefined {
  const { kind, member, count, readHook, fields, width } = register;
  if (readHook !== undefined || fields.some((field) => field.readHook !== undefined)) return undefined;
  if (kind === 'trigger') return masks.fixed;
  const field = (device as unknown as Readonly<Record<string, Held | readonly Held[]>>)[member];
  const held = count === undefined ? (field as Held) : (field as readonly Held[])[index];
  if (held === undefined || (typeof held === 'number' && !Number.isInteger(held))) return undefined;
  return (BigInt.asUintN(width, BigInt(held)) & masks.shown) | masks.fixed;
}
