import { BackplaneError } from '../../base/errors.ts';
import { hex } from '../../base/text.ts';
import { mayCompile } from '../../memory/handler-calls.ts';
import type { ClassMetadata, DeviceInstance } from '../class-metadata.ts';
import type { RegionTemplate } from '../regions/region.ts';
import type { RegisterCode } from './access-model.ts';
import { compileRegisters } from './compile.ts';
import { interpretRegisters } from './interpret.ts';
import type { RegisterDeclaration } from './model.ts';
import { type RegisterLocks, RegisterPlaces } from './parts.ts';

/** The registers of one class as functions. */
export interface ClassRegisters {
  /** What answers at an offset where a register (or a data port) begins. */
  at(region: RegionTemplate, offset: number): RegisterCode;
  reset(device: DeviceInstance): void;
}

/** How accesses reach registers here: by code made for each, or by an interpreter where `new Function` is forbidden. */
export function registerEngine(): 'compiled' | 'interpreted' {
  return mayCompile() ? 'compiled' : 'interpreted';
}

const made = new WeakMap<ClassMetadata, ClassRegisters>();

/** Made when the first device of the class is realized or reset. */
export function registersOf(metadata: ClassMetadata): ClassRegisters {
  let registers = made.get(metadata);
  if (registers === undefined) {
    registers = makeRegisters(metadata);
    made.set(metadata, registers);
  }
  return registers;
}

function makeRegisters(metadata: ClassMetadata): ClassRegisters {
  const places = new RegisterPlaces(metadata, registerLocks);
  const { models, ports, helpers } = places;
  const code =
    registerEngine() === 'compiled'
      ? compileRegisters(models, ports, helpers, metadata.deviceClass.name)
      : interpretRegisters(models, ports, helpers);
  places.fill(code);
  return { at: (region, offset) => places.at(region, offset), reset: (device) => code.reset.call(device) };
}

const locks = new WeakMap<object, RegisterLocks>();

/** The locks of a device's write-once registers: plain data, live, for snapshots to save and to assign back. */
export function registerLocks(device: object): RegisterLocks {
  let ofDevice = locks.get(device);
  if (ofDevice === undefined) {
    ofDevice = {};
    locks.set(device, ofDevice);
  }
  return ofDevice;
}

/** Every register to its reset value, write-once bits unlocked; those declared otherwise keep what they hold. */
export function resetRegisters(device: DeviceInstance): void {
  const { metadata } = device;
  if (metadata.registers.length > 0) registersOf(metadata).reset(device);
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
