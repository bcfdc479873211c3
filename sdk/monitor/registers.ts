import { hex } from '../base/text.ts';
import {
  type Device,
  describeRegisterValue,
  devicesIn,
  peekDeclared,
  RegionTemplate,
  type RegisterDeclaration,
  registerLabel,
} from '../device/index.ts';
import type { RunningMachine } from '../machine/index.ts';

/** More elements of an array are counted. */
const MostElements = 16;
const Unknown = ': unknown without a read';

/** `info registers -c`: the registers of processors that execute machine code, as QEMU prints them. */
export function infoProcessors(machine: RunningMachine): string {
  machine.settle();
  return machine.accelerator.registerDump ?? 'no processor executes machine code\n';
}

/**
 * `info registers`: what a guest would read from each declared register now, with its fields. It reads nothing: what only a read
 * hook or a read handler knows is shown as unknown, unless the device has a peek handler.
 */
export function infoRegisters(machine: RunningMachine): string {
  machine.settle();
  const lines = machine.devices.flatMap(({ id, device }) =>
    devicesIn(device).flatMap(({ name, device: part }) => {
      const { registers, type } = part.metadata;
      if (registers.length === 0) return [];
      const title = `dev: ${type}, id "${name === '' ? id : `${id}.${name}`}"`;
      return [title, ...registers.flatMap((register) => linesOf(part, register))];
    }),
  );
  return lines.map((line) => `${line}\n`).join('');
}

function linesOf(device: Device, register: RegisterDeclaration): string[] {
  const { count = 1, name } = register;
  const shown = Math.min(count, MostElements);
  const lines = Array.from({ length: shown }, (_, index) => lineOf(device, register, index));
  const isUnknown = count > 1 && lines.every((line) => line.endsWith(Unknown));
  if (isUnknown) return [`${placed(register, 0)} ${name}[${count}]${Unknown}`];
  return count > shown ? [...lines, `  and ${count - shown} more of ${name}`] : lines;
}

function lineOf(device: Device, register: RegisterDeclaration, index: number): string {
  const what = `${placed(register, index)} ${registerLabel({ register, index })}`;
  const { isRead, value } = peekDeclared(device, register, index);
  if (!isRead) return `${what}: write-only`;
  const known = value ?? peekByRegion(device, register, index);
  if (known === undefined) return `${what}${Unknown}`;
  const digits = `0x${known.toString(16).padStart(register.width / 4, '0')}`;
  return register.fields.length === 0
    ? `${what} = ${digits}`
    : `${what} = ${digits} ${describeRegisterValue(register, known)}`;
}

/** Of an indexed register, the index that chooses it. */
function placed({ bank, offset, stride = 0, indexedBy }: RegisterDeclaration, index: number): string {
  const place = indexedBy === undefined ? hex(offset + index * stride) : `[${hex(indexedBy.index + index * stride)}]`;
  return `  ${bank.name} ${place}`;
}

/** A peek handler may know what a read hook shows. */
function peekByRegion(device: Device, register: RegisterDeclaration, index: number): bigint | undefined {
  const { bank, offset, stride = 0, width, indexedBy } = register;
  if (!(bank instanceof RegionTemplate) || indexedBy !== undefined) return undefined;
  return device.region(bank).ops.peek?.(offset + index * stride, width / 8);
}
