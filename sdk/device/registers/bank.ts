import { checkBrackets } from '../../base/decorated-member.ts';
import { BackplaneError } from '../../base/errors.ts';
import { hex } from '../../base/text.ts';
import type { DeviceInstance } from '../class-metadata.ts';
import { checkPlace, checkSizes } from '../regions/region.ts';
import type { RegisterPlaces } from './byte-enables.ts';
import { registersOf } from './engine.ts';
import type { AbsentBytes, RegisterBank } from './model.ts';
import { describeBank } from './names.ts';
import { peekBank } from './peek.ts';
import { makeRegister, type Register } from './register.ts';
import type { RegisterSpec } from './spec.ts';
import { makeTable, type RegisterTable } from './table.ts';

/** What a bank says about itself that is no memory region. */
export interface RegisterBankSpec {
  /** The name in references, traces and messages. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** The widths in bytes that its carrier hands on. Default: 1, 2 and 4, at any offset. */
  readonly accessSizes?: readonly number[];
  readonly endianness?: 'little' | 'big';
  /** 'silent': an access to bytes without a register is not a guest error. */
  readonly missing?: 'guest-error' | 'silent';
  /** 'dropped': an access reaches only the register in which it begins. Default: 'next-register'. */
  readonly overrun?: 'next-register' | 'dropped';
  /** Its registers repeat where an access runs over its end, or begins behind it. */
  readonly mirrored?: boolean;
}

/**
 * Registers that are in no memory region: PCI configuration space, a chip behind a serial bus. What carries the accesses gets at
 * them with `bankOf(device, bank)`.
 */
export class CarriedBank implements RegisterBank {
  readonly kind = 'carried';
  readonly name: string;
  readonly size: number;
  readonly endianness: 'little' | 'big';
  readonly missing: 'guest-error' | 'silent';
  readonly mirrored: boolean;
  readonly overrun: 'next-register' | 'dropped';
  /** @internal */
  readonly accepts: RegisterBank['accepts'];
  /** @internal */
  readonly implements: RegisterBank['implements'];

  /** @internal */
  constructor(spec: RegisterBankSpec) {
    checkPlace(spec, 'carried');
    const { accessSizes = [1, 2, 4] } = spec;
    const sizes = Object.freeze({ ...checkSizes('carried', { ...spec, accessSizes }).accepts, unaligned: true });
    this.name = spec.name;
    this.size = spec.size;
    this.accepts = sizes;
    this.implements = sizes;
    this.endianness = spec.endianness ?? 'little';
    this.missing = spec.missing ?? 'guest-error';
    this.mirrored = spec.mirrored ?? false;
    this.overrun = spec.overrun ?? 'next-register';
    Object.freeze(this);
  }

  /** A register at this offset, held by a field of the class: `@configRegisters.register(0x40, { width: 8 }) control = 0`. */
  register<const S extends RegisterSpec>(
    offset: number,
    // A word that no specification has is refused; a type parameter alone would let it pass.
    spec: S & Readonly<Record<Exclude<keyof S, keyof RegisterSpec>, never>>,
  ): Register<S> {
    checkBrackets(offset, spec, `.register(offset, { width: 8 }) of bank '${this.name}'`);
    return makeRegister<S>({ bank: this, offset, spec, indexed: undefined });
  }

  /**
   * Many registers of one kind at once: `configRegisters.table({ width: 32 }, { control: 0x00, status: { at: 0x04, access: 'read-only' } })`.
   * A class gets their fields by `extends withRegisters(SystemDevice, table)`.
   */
  table<
    const C extends RegisterSpec,
    const T extends Readonly<Record<string, number | ({ readonly at: number } & Partial<RegisterSpec>)>>,
  >(common: C, registers: T): RegisterTable<C, T> {
    return makeTable(this, common, registers);
  }
}

/** Registers that no memory region has, as a value that mints their decorators. */
export function registerBank(spec: RegisterBankSpec): CarriedBank {
  return new CarriedBank(spec);
}

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
