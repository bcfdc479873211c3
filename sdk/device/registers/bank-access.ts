import { BackplaneError } from '../../base/errors.ts';
import { hex } from '../../base/text.ts';
import type { DeviceInstance } from '../class-metadata.ts';
import { registersOf } from './engine.ts';
import type { AbsentBytes, RegisterBank } from './model.ts';
import { describeBank } from './names.ts';
import type { RegisterPlaces } from './partial-access.ts';
import { peekBank } from './peek.ts';

/** The registers of one device in one bank, as what carries the accesses reaches them. An access may cover several registers. */
export interface BankAccess {
  /** 1, 2 or 4 bytes, at any offset. */
  read(offset: number, size: number): number;
  write(offset: number, value: number, size: number): void;
  read64(offset: number): bigint;
  write64(offset: number, value: bigint): void;
  /** Whether a register has this byte. */
  has(offset: number): boolean;
  /** What a read of 1 to 4 bytes would answer; undefined where only a read hook knows. Nothing is cleared and no hook is called. */
  peek(offset: number, size: number): number | undefined;
}

/** How the carrier of a bank gets at a device's registers. Asked once, when the device is realized. */
export function bankOf(device: DeviceInstance, bank: RegisterBank, absent?: AbsentBytes): BankAccess {
  return new SealedBank(device, bank, registersOf(device.metadata), absent);
}

class SealedBank implements BankAccess {
  constructor(
    private readonly device: DeviceInstance,
    private readonly bank: RegisterBank,
    private readonly places: RegisterPlaces,
    private readonly absent: AbsentBytes | undefined,
  ) {}

  read(offset: number, size: number): number {
    return this.places.readSpan(this.device, this.bank, this.within(offset, size), size, this.absent);
  }

  write(offset: number, value: number, size: number): void {
    this.places.writeSpan(this.device, this.bank, value, this.within(offset, size), size, this.absent);
  }

  read64(offset: number): bigint {
    const [first, second] = [BigInt(this.read(offset, 4)), BigInt(this.read(offset + 4, 4))];
    return this.bank.endianness === 'big' ? (first << 32n) | second : (second << 32n) | first;
  }

  write64(offset: number, value: bigint): void {
    const [low, high] = [Number(BigInt.asUintN(32, value)), Number(BigInt.asUintN(32, value >> 32n))];
    this.write(offset, this.bank.endianness === 'big' ? high : low, 4);
    this.write(offset + 4, this.bank.endianness === 'big' ? low : high, 4);
  }

  has(offset: number): boolean {
    return this.places.hasByte(this.bank, offset);
  }

  peek(offset: number, size: number): number | undefined {
    const value = peekBank(this.device, this.bank, this.within(offset, size), size);
    return value === undefined ? undefined : Number(value);
  }

  private within(offset: number, size: number): number {
    const { bank } = this;
    if (bank.mirrored || (offset >= 0 && offset + size <= bank.size)) return offset;
    throw new BackplaneError(
      'range-outside-region',
      `Device '${this.device.id}': ${size} bytes at ${hex(offset)} leave ${describeBank(bank)}, which has ${hex(bank.size)} bytes. ` +
        'Let the carrier cut the access, or declare the bank mirrored.',
    );
  }
}
