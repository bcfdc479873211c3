import { BackplaneError } from '../../base/errors.ts';
import { hex } from '../../base/text.ts';
import type { DeviceInstance } from '../class-metadata.ts';
import type { RegisterPlaces } from './byte-enables.ts';
import { registersOf } from './engine.ts';
import type { AbsentBytes, RegisterBank } from './model.ts';
import { describeBank } from './names.ts';
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
    return this.places.read(this.device, this.bank, this.within(offset, size), size, this.absent);
  }

  write(offset: number, value: number, size: number): void {
    this.places.write(this.device, this.bank, value, this.within(offset, size), size, this.absent);
  }

  read64(offset: number): bigint {
    return this.places.readWide(this.device, this.bank, this.within(offset, 8));
  }

  write64(offset: number, value: bigint): void {
    this.places.writeWide(this.device, this.bank, value, this.within(offset, 8));
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
