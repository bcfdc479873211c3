import { counted, hex } from '../../base/text.ts';
import type { ClassMetadata, DeviceInstance } from '../class-metadata.ts';
import {
  type AccessModel,
  accessModels,
  type DataPort,
  dataPortsOf,
  type RegisterCode,
  type RegistersCode,
} from './access-model.ts';
import type { RegisterLocks } from './locks.ts';
import type { AbsentBytes, RegisterBank, RegisterDeclaration } from './model.ts';
import { describeBank, describeMissing, registerAt } from './names.ts';
import { UnimplementedLog } from './unimplemented-log.ts';

/** What the code of registers calls. */
export interface RegisterHelpers {
  /** By register. */
  readonly parts: readonly RegisterParts[];
  readonly logs: readonly UnimplementedLog[];
  /** Which write-once bits are locked. */
  locksOf(device: object): RegisterLocks;
  /** The index register holds the number of no register, or of one without that direction. */
  absentRead(device: DeviceInstance, first: RegisterParts, chosen: number): number;
  absentWrite(device: DeviceInstance, first: RegisterParts, chosen: number): void;
}

/** A place that answers: a register, a pair of them of which one is read and one written, or a data port. */
interface Slot extends RegisterCode {
  readonly bank: RegisterBank;
  readonly offset: number;
  readonly bytes: number;
  readonly count: number;
  readonly stride: number;
  readonly reader?: RegisterParts;
  readonly writer?: RegisterParts;
}

/** The registers of a class in their places: what an access does that is none of one whole register. */
export class RegisterPlaces {
  readonly models: readonly AccessModel[];
  readonly ports: readonly DataPort[];
  readonly helpers: RegisterHelpers;
  private slots: readonly Slot[] = [];

  constructor(
    private readonly metadata: ClassMetadata,
    locksOf: (device: object) => RegisterLocks,
  ) {
    const { registers } = metadata;
    this.models = accessModels(registers);
    this.ports = dataPortsOf(registers);
    this.helpers = {
      parts: this.models.map((model) => new RegisterParts(model, this)),
      logs: registers.map((register) => new UnimplementedLog(register)),
      locksOf,
      absentRead: (device, first, chosen) => this.absent(device, first.model.register, chosen, false),
      absentWrite: (device, first, chosen) => this.absent(device, first.model.register, chosen, true),
    };
  }

  fill({ registers, ports }: RegistersCode): void {
    const plain = this.models.flatMap(({ register, reads, writes, takesParts }, number): Slot[] => {
      const part = this.helpers.parts[number] as RegisterParts;
      part.code = registers[number] as RegisterCode;
      if (register.indexedBy !== undefined) return [];
      const [reader, writer] = [
        reads && takesParts ? { reader: part } : {},
        writes && takesParts ? { writer: part } : {},
      ];
      return [{ ...slotOf(register), ...part.code, ...reader, ...writer }];
    });
    const slots = [...plain, ...this.ports.map(({ first }, number) => ({ ...slotOf(first, 1), ...ports[number] }))];
    // Where one register is read and another written, there is one slot with the functions of both.
    const isFirst = (slot: Slot, number: number) =>
      slots.findIndex(({ bank, offset }) => bank === slot.bank && offset === slot.offset) === number;
    this.slots = slots.filter(isFirst).map(({ bank, offset }) => {
      return Object.assign({}, ...slots.filter((slot) => slot.bank === bank && slot.offset === offset)) as Slot;
    });
  }

  /** What answers at an offset where a register (or a data port) begins. */
  at(bank: object, offset: number): RegisterCode {
    const slot = this.slots.find((one) => one.bank === bank && one.offset === offset);
    if (slot === undefined) return {};
    const places = this;
    return {
      read(start, size) {
        return places.readSpan(this, slot.bank, start, size);
      },
      write(value, start, size) {
        places.writeSpan(this, slot.bank, value, start, size);
      },
      ...slot,
    };
  }

  /** More than one register at once, or a part of one and what follows it: up to four bytes, each of its own register. */
  readSpan(device: DeviceInstance, bank: RegisterBank, offset: number, size: number, absent?: AbsentBytes): number {
    let value = 0;
    for (let done = 0; done < size; ) {
      const { slot, start, index, at, length } = this.placeOf(bank, offset + done, size - done);
      let part: number;
      if (slot?.reader) part = slot.reader.read(device, start, at, length, index);
      else if (slot?.read) part = slot.read.call(device, start, length);
      else if (slot === undefined && absent !== undefined) part = absent.read(start, length);
      else part = this.missing(device, bank, start, length, false);
      const shift = 8 * (bank.endianness === 'big' ? size - done - length : done);
      value |= (length > 3 ? part : part & ((1 << (8 * length)) - 1)) << shift;
      done += length;
    }
    return value >>> 0;
  }

  writeSpan(
    device: DeviceInstance,
    bank: RegisterBank,
    value: number,
    offset: number,
    size: number,
    absent?: AbsentBytes,
  ): void {
    for (let done = 0; done < size; ) {
      const { slot, start, index, at, length } = this.placeOf(bank, offset + done, size - done);
      const shift = 8 * (bank.endianness === 'big' ? size - done - length : done);
      const part = length > 3 ? value : (value >>> shift) & ((1 << (8 * length)) - 1);
      if (slot?.writer) slot.writer.write(device, part, start, at, length, index);
      else if (slot?.write) slot.write.call(device, part, start, length);
      else if (slot === undefined && absent !== undefined) absent.write(start, part, length);
      else this.missing(device, bank, start, length, true);
      done += length;
    }
  }

  hasByte(bank: RegisterBank, offset: number): boolean {
    return this.placeOf(bank, offset, 1).slot !== undefined;
  }

  private placeOf(bank: RegisterBank, offset: number, most: number) {
    const start = bank.mirrored ? offset % bank.size : offset;
    for (const slot of this.slots) {
      if (slot.bank !== bank) continue;
      const index = Math.min(Math.floor((start - slot.offset) / slot.stride), slot.count - 1);
      const at = start - slot.offset - index * slot.stride;
      if (index < 0 || at >= slot.bytes) continue;
      return { slot, start, index, at, length: Math.min(most, slot.bytes - at) };
    }
    return { slot: undefined, start, index: 0, at: 0, length: 1 };
  }

  /** As the bank answers where nothing is. */
  private missing(device: DeviceInstance, bank: RegisterBank, offset: number, size: number, isWrite: boolean): number {
    const where = `offset ${hex(offset)} (${counted(size, 'byte')}) of ${describeBank(bank)}`;
    return this.report(device, bank, offset, where, isWrite);
  }

  private absent(
    device: DeviceInstance,
    { bank, offset }: RegisterDeclaration,
    chosen: number,
    isWrite: boolean,
  ): number {
    return this.report(device, bank, offset, `index ${hex(chosen)} of ${describeBank(bank)}`, isWrite, chosen);
  }

  private report(
    device: DeviceInstance,
    bank: RegisterBank,
    offset: number,
    where: string,
    isWrite: boolean,
    chosen?: number,
  ): number {
    const place = registerAt(this.metadata.registers, bank, offset, chosen);
    if (bank.missing === 'guest-error') device.guestError(describeMissing(place, where, isWrite));
    return bank.kind === 'ports' ? 0xffff_ffff : 0;
  }
}

function slotOf({ bank, offset, width, count = 1, stride = 1 }: RegisterDeclaration, most = count): Slot {
  return { bank, offset, bytes: width / 8, count: most, stride };
}

/** Accesses that touch a part of one register, or begin in it and go on in the next. */
export class RegisterParts {
  code: RegisterCode = {};

  constructor(
    readonly model: AccessModel,
    private readonly places: RegisterPlaces,
  ) {}

  read(device: DeviceInstance, offset: number, at: number, size: number, index: number): number {
    const { bytes, isBig, register } = this.model;
    if (at + size > bytes) return this.places.readSpan(device, register.bank, offset, size);
    const shift = 8 * this.distance(at, size);
    const whole = this.code.readLanes?.call(device, index, lanesOf(size, shift, isBig) as never) ?? (isBig ? 0n : 0);
    // Compiled code asks for the register's width too: a hook of an unchecked plugin answers anything.
    if (!isBig) return (whole as number) >>> shift;
    return Number(BigInt.asUintN(8 * size, (whole as bigint) >> BigInt(shift)));
  }

  write(device: DeviceInstance, value: number, offset: number, at: number, size: number, index: number): void {
    const { bytes, isBig, register } = this.model;
    if (at + size > bytes) {
      this.places.writeSpan(device, register.bank, value, offset, size);
      return;
    }
    const shift = 8 * this.distance(at, size);
    const placed = isBig ? BigInt(value) << BigInt(shift) : value << shift;
    this.code.writeLanes?.call(device, placed as never, index, lanesOf(size, shift, isBig) as never);
  }

  /** Eight bytes that begin inside the register. */
  readHalves(device: DeviceInstance, offset: number): bigint {
    const { bank } = this.model.register;
    const half = (at: number) => BigInt(this.places.readSpan(device, bank, offset + at, 4));
    return bank.endianness === 'big' ? half(4) | (half(0) << 32n) : half(0) | (half(4) << 32n);
  }

  writeHalves(device: DeviceInstance, value: bigint, offset: number): void {
    const { bank } = this.model.register;
    const [low, high] = bank.endianness === 'big' ? [4, 0] : [0, 4];
    this.places.writeSpan(device, bank, Number(BigInt.asUintN(32, value)), offset + low, 4);
    this.places.writeSpan(device, bank, Number(BigInt.asUintN(32, value >> 32n)), offset + high, 4);
  }

  /** Bytes between the access and the register's lowest bit. */
  private distance(at: number, size: number): number {
    return this.model.register.bank.endianness === 'big' ? this.model.bytes - at - size : at;
  }
}

function lanesOf(size: number, shift: number, isBig: boolean): number | bigint {
  if (isBig) return ((1n << BigInt(8 * size)) - 1n) << BigInt(shift);
  return ((size > 3 ? -1 : (1 << (8 * size)) - 1) << shift) >>> 0;
}
