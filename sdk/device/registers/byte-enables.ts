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

// An access is the address of its first byte and byte enables: which bytes it names. It is cut here, once, where a register ends,
// and each register gets its part in its own lanes. Only an access inside one register of up to 32 bits does without: the
// register's own code knows the lanes.

/** What the code of registers calls. */
export interface RegisterHelpers {
  readonly logs: readonly UnimplementedLog[];
  /** Which write-once bits are locked. */
  locksOf(device: object): RegisterLocks;
  /** Accesses that one register does not take as a whole, by the register where they begin. */
  cutRead(device: DeviceInstance, register: number, offset: number, size: number): number;
  cutWrite(device: DeviceInstance, register: number, value: number, offset: number, size: number): void;
  cutReadWide(device: DeviceInstance, register: number, offset: number): bigint;
  cutWriteWide(device: DeviceInstance, register: number, value: bigint, offset: number): void;
  /** The index register holds the number of no register, or of one without that direction. */
  absentRead(device: DeviceInstance, register: number, chosen: number): number;
  absentWrite(device: DeviceInstance, register: number, chosen: number): void;
}

/** A place that answers: a register, a pair of them of which one is read and one written, or a data port. */
interface Slot extends RegisterCode {
  readonly bank: RegisterBank;
  readonly offset: number;
  readonly bytes: number;
  readonly count: number;
  readonly stride: number;
  readonly isBig: boolean;
}

/** The registers of a class in their places. */
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
    const bankOf = (number: number) => (registers[number] as RegisterDeclaration).bank;
    this.helpers = {
      logs: registers.map((register) => new UnimplementedLog(register)),
      locksOf,
      cutRead: (device, number, offset, size) => this.read(device, bankOf(number), offset, size),
      cutWrite: (device, number, value, offset, size) => this.write(device, bankOf(number), value, offset, size),
      cutReadWide: (device, number, offset) => this.readWide(device, bankOf(number), offset),
      cutWriteWide: (device, number, value, offset) => this.writeWide(device, bankOf(number), value, offset),
      absentRead: (device, number, chosen) => this.absent(device, number, chosen, false),
      absentWrite: (device, number, chosen) => this.absent(device, number, chosen, true),
    };
  }

  fill({ registers, ports }: RegistersCode): void {
    const plain = this.models.flatMap(({ register, isExtended }, number): Slot[] => {
      const { readLanes, writeLanes, ...whole } = registers[number] as RegisterCode;
      if (register.indexedBy !== undefined) return [];
      return [
        {
          ...slotOf(register),
          ...whole,
          ...(!isExtended && { ...(readLanes && { readLanes }), ...(writeLanes && { writeLanes }) }),
        },
      ];
    });
    const slots = [...plain, ...this.ports.map(({ first }, number) => ({ ...slotOf(first, 1), ...ports[number] }))];
    // Where one register is read and another written, there is one slot with the functions of both.
    const isFirst = (slot: Slot, number: number) =>
      slots.findIndex(({ bank, offset }) => bank === slot.bank && offset === slot.offset) === number;
    this.slots = slots.filter(isFirst).map(({ bank, offset }) => {
      return Object.assign({}, ...slots.filter((slot) => slot.bank === bank && slot.offset === offset)) as Slot;
    });
  }

  /** What answers accesses that begin in a register (or a data port) at this offset. */
  at(bank: object, offset: number): RegisterCode {
    const slot = this.slots.find((one) => one.bank === bank && one.offset === offset);
    if (slot === undefined) return {};
    const places = this;
    return {
      // Of a register without that direction: an access may go on in the next one.
      read(start, size) {
        return places.read(this, slot.bank, start, size);
      },
      write(value, start, size) {
        places.write(this, slot.bank, value, start, size);
      },
      ...slot,
    };
  }

  hasByte(bank: RegisterBank, offset: number): boolean {
    return this.slotAt(bank, bank.mirrored ? offset % bank.size : offset) !== undefined;
  }

  /** 1 to 4 bytes. */
  read(device: DeviceInstance, bank: RegisterBank, offset: number, size: number, absent?: AbsentBytes): number {
    let value = 0;
    for (let done = 0; done < size; ) {
      const start = bank.mirrored ? (offset + done) % bank.size : offset + done;
      const slot = this.slotAt(bank, start);
      const length = slot === undefined ? 1 : Math.min(size - done, bytesLeft(slot, start));
      let part: number;
      if (slot?.readLanes !== undefined) part = readPart(slot, device, start, length);
      else if (slot?.read !== undefined) part = slot.read.call(device, start, length);
      else if (slot === undefined && absent !== undefined) part = absent.read(start, length);
      else part = this.missing(device, bank, start, length, false);
      value |= cut(part, length) << (8 * (bank.endianness === 'big' ? size - done - length : done));
      done += bank.overrun === 'dropped' && slot !== undefined ? size : length;
    }
    return value >>> 0;
  }

  write(
    device: DeviceInstance,
    bank: RegisterBank,
    value: number,
    offset: number,
    size: number,
    absent?: AbsentBytes,
  ): void {
    for (let done = 0; done < size; ) {
      const start = bank.mirrored ? (offset + done) % bank.size : offset + done;
      const slot = this.slotAt(bank, start);
      const length = slot === undefined ? 1 : Math.min(size - done, bytesLeft(slot, start));
      const part = cut(value >>> (8 * (bank.endianness === 'big' ? size - done - length : done)), length);
      if (slot?.writeLanes !== undefined) writePart(slot, device, part, start, length);
      else if (slot?.write !== undefined) slot.write.call(device, part, start, length);
      else if (slot === undefined && absent !== undefined) absent.write(start, part, length);
      else this.missing(device, bank, start, length, true);
      done += bank.overrun === 'dropped' && slot !== undefined ? size : length;
    }
  }

  /** 8 bytes: a part of a 64-bit register is one access of it. */
  readWide(device: DeviceInstance, bank: RegisterBank, offset: number): bigint {
    let value = 0n;
    for (let done = 0; done < 8; ) {
      const length = this.partOfWide(bank, offset + done, 8 - done);
      const slot = length > 4 ? this.slotAt(bank, inBank(bank, offset + done)) : undefined;
      const start = inBank(bank, offset + done);
      const part =
        slot === undefined ? BigInt(this.read(device, bank, start, length)) : readBig(slot, device, start, length);
      value |= part << BigInt(8 * (bank.endianness === 'big' ? 8 - done - length : done));
      done += bank.overrun === 'dropped' ? 8 : length;
    }
    return value;
  }

  writeWide(device: DeviceInstance, bank: RegisterBank, value: bigint, offset: number): void {
    for (let done = 0; done < 8; ) {
      const length = this.partOfWide(bank, offset + done, 8 - done);
      const slot = length > 4 ? this.slotAt(bank, inBank(bank, offset + done)) : undefined;
      const start = inBank(bank, offset + done);
      const from = 8 * (bank.endianness === 'big' ? 8 - done - length : done);
      const part = BigInt.asUintN(8 * length, value >> BigInt(from));
      if (slot === undefined) this.write(device, bank, Number(part), start, length);
      else writeBig(slot, device, part, start, length);
      done += bank.overrun === 'dropped' ? 8 : length;
    }
  }

  /** Bytes that one register takes of a wide access. */
  private partOfWide(bank: RegisterBank, offset: number, most: number): number {
    const start = inBank(bank, offset);
    const slot = this.slotAt(bank, start);
    return slot === undefined ? 1 : Math.min(most, bytesLeft(slot, start));
  }

  private slotAt(bank: RegisterBank, start: number): Slot | undefined {
    for (const slot of this.slots) {
      if (slot.bank === bank && bytesLeft(slot, start) > 0) return slot;
    }
    return undefined;
  }

  /** As the bank answers where nothing is. */
  private missing(device: DeviceInstance, bank: RegisterBank, offset: number, size: number, isWrite: boolean): number {
    const where = `offset ${hex(offset)} (${counted(size, 'byte')}) of ${describeBank(bank)}`;
    return this.report(device, bank, offset, where, isWrite);
  }

  private absent(device: DeviceInstance, number: number, chosen: number, isWrite: boolean): number {
    const { bank, offset } = this.metadata.registers[number] as RegisterDeclaration;
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
  return { bank, offset, bytes: width / 8, count: most, stride, isBig: width === 64 };
}

const inBank = (bank: RegisterBank, offset: number): number => (bank.mirrored ? offset % bank.size : offset);
const cut = (value: number, bytes: number): number => (bytes > 3 ? value : value & ((1 << (8 * bytes)) - 1));

/** Which register of an array has this byte, or the one before it. */
function indexIn({ offset, count, stride }: Slot, start: number): number {
  return count === 1 ? 0 : Math.min(Math.floor((start - offset) / stride), count - 1);
}

/** Bytes of a register from this one on; 0 or less where it has none. */
function bytesLeft(slot: Slot, start: number): number {
  if (start < slot.offset) return 0;
  return slot.bytes - (start - slot.offset - indexIn(slot, start) * slot.stride);
}

/** Bits from the register's lowest to the part's. */
function shiftOf(slot: Slot, start: number, length: number): number {
  const left = bytesLeft(slot, start);
  return 8 * (slot.bank.endianness === 'big' ? left - length : slot.bytes - left);
}

/** Bits of a part of up to 4 bytes in their lanes. */
const lanesOf = (length: number, shift: number): number => (cut(0xffff_ffff, length) << shift) >>> 0;
const wideLanesOf = (length: number, shift: number): bigint => ((1n << BigInt(8 * length)) - 1n) << BigInt(shift);

function readPart(slot: Slot, device: DeviceInstance, start: number, length: number): number {
  if (slot.isBig) return Number(BigInt.asUintN(8 * length, readBig(slot, device, start, length)));
  const shift = shiftOf(slot, start, length);
  const read = slot.readLanes as (this: DeviceInstance, index: number, lanes: number) => number;
  return read.call(device, indexIn(slot, start), lanesOf(length, shift)) >>> shift;
}

function writePart(slot: Slot, device: DeviceInstance, value: number, start: number, length: number): void {
  if (slot.isBig) {
    writeBig(slot, device, BigInt(value >>> 0), start, length);
    return;
  }
  const shift = shiftOf(slot, start, length);
  const write = slot.writeLanes as (this: DeviceInstance, value: number, index: number, lanes: number) => void;
  write.call(device, (value << shift) >>> 0, indexIn(slot, start), lanesOf(length, shift));
}

function readBig(slot: Slot, device: DeviceInstance, start: number, length: number): bigint {
  const shift = shiftOf(slot, start, length);
  const read = slot.readLanes as ((this: DeviceInstance, index: number, lanes: bigint) => bigint) | undefined;
  const whole = read?.call(device, indexIn(slot, start), wideLanesOf(length, shift)) ?? 0n;
  return BigInt.asUintN(8 * length, whole >> BigInt(shift));
}

function writeBig(slot: Slot, device: DeviceInstance, value: bigint, start: number, length: number): void {
  const shift = shiftOf(slot, start, length);
  const write = slot.writeLanes as
    | ((this: DeviceInstance, value: bigint, index: number, lanes: bigint) => void)
    | undefined;
  write?.call(device, value << BigInt(shift), indexIn(slot, start), wideLanesOf(length, shift));
}
