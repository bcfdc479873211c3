import { checkBrackets } from '../../base/decorated-member.ts';
import { checkPlace, checkSizes } from '../regions/region.ts';
import type { RegisterBank } from './model.ts';
import { makeRegister, type Register } from './register.ts';
import type { RegisterSpec } from './spec.ts';
import { type CommonSpec, makeTable, type RegisterTable, type TableEntry } from './table.ts';

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
  table<const C extends CommonSpec, const T extends Readonly<Record<string, TableEntry>>>(
    common: C,
    registers: T,
  ): RegisterTable<C, T> {
    return makeTable(this, common, registers);
  }
}

/** Registers that no memory region has, as a value that mints their decorators. */
export function registerBank(spec: RegisterBankSpec): CarriedBank {
  return new CarriedBank(spec);
}
