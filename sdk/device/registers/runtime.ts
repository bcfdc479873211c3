import { BackplaneError } from '../../base/errors.ts';
import { hex } from '../../base/text.ts';
import type { DeviceInstance } from '../class-metadata.ts';
import { noLocks, registerLocks } from './locks.ts';
import type { RegisterDeclaration } from './model.ts';

/** Every register to its reset value, write-once bits unlocked; those declared otherwise keep what they hold. */
export function resetRegisters(device: DeviceInstance): void {
  for (const register of device.metadata.registers) resetRegister(device, register);
}

function resetRegister(device: DeviceInstance, register: RegisterDeclaration): void {
  const { member, hasLocks, atReset, reset, count } = register;
  if (hasLocks) registerLocks(device)[member] = noLocks(register);
  if (atReset !== 'reset-value') return;
  const fields = device as unknown as Record<string, number | bigint | BigUint64Array>;
  if (count === undefined) fields[member] = reset;
  else (fields[member] as BigUint64Array).fill(reset as bigint);
}

const seen = new WeakSet<DeviceInstance>();

/** The class's fields must be able to hold their registers, and start as the declarations say. Asked once per device. */
export function checkRegisterFields(device: DeviceInstance): void {
  if (seen.has(device)) return;
  seen.add(device);
  for (const register of device.metadata.registers) {
    const held: unknown = (device as unknown as Readonly<Record<string, unknown>>)[register.member];
    const problem = register.count === undefined ? singleProblem(register, held) : arrayProblem(register, held);
    if (problem === undefined) continue;
    throw new BackplaneError(
      'register-field-mismatch',
      `Class ${device.constructor.name}: field '${register.member}', a register, ${problem}`,
    );
  }
}

function singleProblem({ width, reset, atReset }: RegisterDeclaration, held: unknown): string | undefined {
  const type = width === 64 ? 'bigint' : 'number';
  if (typeof held !== type) return `holds ${describe(held)} instead of a ${type}. Set it where it is declared.`;
  if (held === reset || atReset === 'set-by-device') return undefined;
  return (
    `starts as ${hex(held as number | bigint)}, but its reset value is ${hex(reset)}. Let both say the same, or declare it ` +
    "atReset: 'set-by-device'."
  );
}

const arrays = { 8: Uint8Array, 16: Uint16Array, 32: Uint32Array, 64: BigUint64Array } as const;

function arrayProblem({ width, count }: RegisterDeclaration, held: unknown): string | undefined {
  const Kind = arrays[width];
  if (held instanceof Kind && held.length === count) return undefined;
  const found = held instanceof Kind ? `${held.length} of them` : describe(held);
  return `must be a new ${Kind.name}(${count}), but it is ${found}.`;
}

function describe(held: unknown): string {
  if (held === undefined) return 'nothing';
  return typeof held === 'object' && held !== null ? `a ${held.constructor.name}` : `a ${typeof held}`;
}
