import { BackplaneError } from '../../base/errors.ts';
import { hex } from '../../base/text.ts';
import type { DeviceBlueprint, DeviceInstance } from '../class-metadata.ts';
import type { IoRegionTemplate, RegionTemplate } from '../regions/region.ts';
import { type DataPort, dataPortsOf, portSource, type RegisterSource, registerSource } from './access-source.ts';
import { type RegisterDeclaration, sideOf } from './model.ts';
import { describeMissing, registerAt } from './names.ts';
import { RegisterRemarks } from './remarks.ts';

type Read = (this: DeviceInstance, offset: number, size: number) => number;
type Write = (this: DeviceInstance, value: number, offset: number, size: number) => void;

/** What the memory core calls for a register, or for all registers behind a data port. */
export interface RegisterFunctions {
  readonly read?: Read;
  readonly write?: Write;
  readonly readWide?: (this: DeviceInstance, offset: number) => bigint;
  readonly writeWide?: (this: DeviceInstance, value: bigint, offset: number) => void;
}

/** The same with its place, for accesses that take more than one register. */
interface Slot extends RegisterFunctions {
  readonly region: IoRegionTemplate;
  readonly offset: number;
  readonly bytes: number;
  readonly count: number;
  readonly stride: number;
  readonly readPart?: (this: DeviceInstance, offset: number, at: number, size: number, index: number) => number;
  readonly writePart?: (
    this: DeviceInstance,
    value: number,
    offset: number,
    at: number,
    size: number,
    index: number,
  ) => void;
}

interface Compiled {
  readonly registers: readonly Partial<Slot>[];
  readonly ports: readonly Partial<Slot>[];
  readonly reset: (this: DeviceInstance) => void;
}

/** The registers of one class as functions, made when its first device is realized or reset. */
export class CompiledRegisters {
  private readonly slots: readonly Slot[];
  private readonly resetAll: (this: DeviceInstance) => void;

  constructor(private readonly blueprint: DeviceBlueprint) {
    const { registers, deviceClass } = blueprint;
    const ports = dataPortsOf(registers);
    const sources = registers.map((one, number) => registerSource(one, number, sideOf(one, registers)));
    const text = sourceText(sources, ports, deviceClass.name);
    const helpers = {
      remarks: registers.map((register) => new RegisterRemarks(register)),
      locksOf: registerLocks,
      readSpan: this.readSpan.bind(this),
      writeSpan: this.writeSpan.bind(this),
      absentRead: this.absentRead.bind(this),
      absentWrite: this.absentWrite.bind(this),
    };
    // Decision 0012: code made from checked declarations, names quoted, so that every register has its own.
    const compile = new Function('helpers', 'declarations', text);
    const compiled = compile(helpers, registers) as Compiled;
    const plain = registers.flatMap((register, number) =>
      register.indexedBy === undefined ? [slotOf(register, compiled.registers[number] ?? {})] : [],
    );
    const behindPorts = ports.map(({ registers: [first] }, number) => {
      return slotOf({ ...first, count: undefined }, compiled.ports[number] ?? {});
    });
    this.slots = joinPairs([...plain, ...behindPorts]);
    this.resetAll = compiled.reset;
  }

  /** What answers at an offset where a register (or a data port) begins. */
  at(region: RegionTemplate, offset: number): RegisterFunctions {
    const slot = this.slots.find((one) => one.region === region && one.offset === offset);
    if (slot === undefined) return {};
    const span = this;
    return {
      read(start, size) {
        return span.readSpan(this, slot, start, size);
      },
      write(value, start, size) {
        span.writeSpan(this, slot, value, start, size);
      },
      ...slot,
    };
  }

  reset(device: DeviceInstance): void {
    this.resetAll.call(device);
  }

  /** More than one register at once, or a part of one and what follows it: up to four bytes, each of its own register. */
  private readSpan(device: DeviceInstance, { region }: Pick<Slot, 'region'>, offset: number, size: number): number {
    let value = 0;
    for (let done = 0; done < size; ) {
      const place = this.placeOf(region, offset + done, size - done);
      const { slot, start, length } = place;
      let part: number;
      if (slot?.readPart) part = slot.readPart.call(device, start, place.at, length, place.index);
      else if (slot?.read) part = slot.read.call(device, start, length);
      else part = this.missing(device, region, start, length, false);
      const shift = 8 * (region.endianness === 'big' ? size - done - length : done);
      value |= (length > 3 ? part : part & ((1 << (8 * length)) - 1)) << shift;
      done += length;
    }
    return value >>> 0;
  }

  private writeSpan(
    device: DeviceInstance,
    { region }: Pick<Slot, 'region'>,
    value: number,
    offset: number,
    size: number,
  ): void {
    for (let done = 0; done < size; ) {
      const place = this.placeOf(region, offset + done, size - done);
      const { slot, start, length } = place;
      const shift = 8 * (region.endianness === 'big' ? size - done - length : done);
      const part = length > 3 ? value : (value >>> shift) & ((1 << (8 * length)) - 1);
      if (slot?.writePart) slot.writePart.call(device, part, start, place.at, length, place.index);
      else if (slot?.write) slot.write.call(device, part, start, length);
      else this.missing(device, region, start, length, true);
      done += length;
    }
  }

  private placeOf(region: IoRegionTemplate, offset: number, most: number) {
    const start = region.mirrored ? offset % region.size : offset;
    for (const slot of this.slots) {
      if (slot.region !== region) continue;
      const index = Math.min(Math.floor((start - slot.offset) / slot.stride), slot.count - 1);
      const at = start - slot.offset - index * slot.stride;
      if (index < 0 || at >= slot.bytes) continue;
      return { slot, start, index, at, length: Math.min(most, slot.bytes - at) };
    }
    return { slot: undefined, start, index: 0, at: 0, length: 1 };
  }

  /** As the region answers where nothing is. */
  private missing(
    device: DeviceInstance,
    region: IoRegionTemplate,
    offset: number,
    size: number,
    isWrite: boolean,
  ): number {
    const where = `offset ${hex(offset)} (${size} bytes) of region '${region.name}'`;
    const place = registerAt(this.blueprint.registers, region, offset);
    if (region.missing === 'guest-error') device.guestError(describeMissing(place, where, isWrite));
    return region.kind === 'ports' ? 0xffff_ffff : 0;
  }

  /** The index register holds the number of no register, or of one without that direction. */
  private absentRead(device: DeviceInstance, first: RegisterDeclaration, chosen: number): number {
    this.absentWrite(device, first, chosen, false);
    return first.region.kind === 'ports' ? 0xffff_ffff : 0;
  }

  private absentWrite(
    device: DeviceInstance,
    { region, offset }: RegisterDeclaration,
    chosen: number,
    isWrite = true,
  ): void {
    if (region.missing !== 'guest-error') return;
    const place = registerAt(this.blueprint.registers, region, offset, chosen);
    device.guestError(describeMissing(place, `index ${hex(chosen)} of region '${region.name}'`, isWrite));
  }
}

function slotOf(register: RegisterDeclaration, functions: Partial<Slot>): Slot {
  const { region, offset, width, count = 1, stride = 1 } = register;
  return { region, offset, bytes: width / 8, count, stride, ...functions };
}

/** Where one register is read and another written, there is one slot with the functions of both. */
function joinPairs(slots: readonly Slot[]): Slot[] {
  const joined: Slot[] = [];
  for (const slot of slots) {
    const partner = joined.findIndex(({ region, offset }) => region === slot.region && offset === slot.offset);
    if (partner < 0) joined.push(slot);
    else joined[partner] = { ...(joined[partner] as Slot), ...slot };
  }
  return joined;
}

function sourceText(sources: readonly RegisterSource[], ports: readonly DataPort[], className: string): string {
  const functions = ({ reads, writes, isWide, takesParts }: RegisterSource, number: number): string => {
    const names = [
      ...(reads ? [`read: read${number}`] : []),
      ...(writes ? [`write: write${number}`] : []),
      ...(reads && takesParts ? [`readPart: readPart${number}`] : []),
      ...(writes && takesParts ? [`writePart: writePart${number}`] : []),
      ...(reads && isWide ? [`readWide: readWide${number}`] : []),
      ...(writes && isWide ? [`writeWide: writeWide${number}`] : []),
    ];
    return `{ ${names.join(', ')} }`;
  };
  return [
    "'use strict';",
    'const { remarks, locksOf, readSpan, writeSpan, absentRead, absentWrite } = helpers;',
    `const [${sources.map((_, number) => `d${number}`).join(', ')}] = declarations;`,
    `const [${sources.map((_, number) => `r${number}`).join(', ')}] = remarks;`,
    ...sources.map(({ text }) => text),
    ...ports.map((port, number) => portSource(port, sources, number)),
    `return { registers: [${sources.map(functions).join(', ')}],`,
    `  ports: [${ports.map((_, number) => `{ read: readPort${number}, write: writePort${number} }`).join(', ')}],`,
    `  reset() { ${sources.map(({ reset }) => reset).join(' ')} } };`,
    `//# sourceURL=backplane-registers/${className.replace(/\W/g, '_')}.js`,
  ].join('\n');
}

const compiled = new WeakMap<DeviceBlueprint, CompiledRegisters>();

/** The functions of a class's registers, compiled once. */
export function compiledRegisters(blueprint: DeviceBlueprint): CompiledRegisters {
  let registers = compiled.get(blueprint);
  if (registers === undefined) {
    registers = new CompiledRegisters(blueprint);
    compiled.set(blueprint, registers);
  }
  return registers;
}

/** Which write-once bits are locked, by the register's field of the class; of an array one entry per register. */
export type RegisterLocks = Record<string, number | bigint | (number | bigint)[]>;

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
  const { blueprint } = device;
  if (blueprint.registers.length > 0) compiledRegisters(blueprint).reset(device);
}

const seen = new WeakSet<DeviceInstance>();

/** The class's fields must be able to hold their registers, and start as the declarations say. Asked once per device. */
export function checkRegisterFields(device: DeviceInstance): void {
  if (seen.has(device)) return;
  seen.add(device);
  for (const register of device.blueprint.registers) {
    const held: unknown = (device as unknown as Readonly<Record<string, unknown>>)[register.member];
    const problem = register.count === undefined ? singleProblem(register, held) : arrayProblem(register, held);
    if (problem === undefined) continue;
    throw new BackplaneError(`Class ${device.constructor.name}: field '${register.member}', a register, ${problem}`);
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
