import { swapBytes } from '../../base/bits.ts';
import { BackplaneError } from '../../base/errors.ts';
import {
  type BankAccess,
  bankOf,
  type CarriedBank,
  type ClassMetadata,
  metadataOf,
  type RegisterBank,
  registerBank,
} from '../../device/index.ts';
import type { I2cAddress, I2cDirection } from './address.ts';
import { I2cPointerDevice, type I2cPointerSpec } from './pointer-device.ts';
import type { Acknowledge } from './target.ts';

/** What `i2cRegisters` may be told beyond name and size. */
export interface I2cRegistersSpec {
  /** The name in references, traces and messages. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Which byte of a register of 16 or 32 bits is first. Default: the high one, 'big'. */
  readonly endianness?: 'little' | 'big';
  /** 'silent': an access to bytes without a register is not a guest error. */
  readonly missing?: 'guest-error' | 'silent';
  /** How the pointer works. Its `size` follows from the bank. Default: one byte, which counts up and goes round at the end. */
  readonly pointer?: Omit<I2cPointerSpec, 'size'>;
}

const pointers = new WeakMap<RegisterBank, I2cPointerSpec>();

/** The registers of a chip behind a pointer: `const registers = i2cRegisters({ name: 'tmp', size: 4 })`. */
export function i2cRegisters({ pointer = {}, endianness = 'big', ...spec }: I2cRegistersSpec): CarriedBank {
  const bank = registerBank({ ...spec, endianness });
  pointers.set(bank, Object.freeze({ ...pointer, size: spec.size / (pointer.unit ?? 1) }));
  return bank;
}

/**
 * A chip with registers behind a pointer. They are declared as those of a region are: `@registers.register(0x00, { width: 8 })`.
 */
export abstract class I2cRegisterDevice extends I2cPointerDevice {
  readonly #bank: RegisterBank;
  readonly #unit: 1 | 2 | 4;
  #access: BankAccess | undefined;

  constructor() {
    const [bank, spec] = bankOfClass(metadataOf(new.target as never));
    super(spec);
    this.#bank = bank;
    this.#unit = spec.unit ?? 1;
  }

  /**
   * Called at each start, and when the pointer goes round to 0. Here the chip copies into its registers what must not change while
   * they are read or written one by one. Nothing by default.
   */
  protected latch(): void {}

  override onStart(direction: I2cDirection, address: I2cAddress): Acknowledge {
    this.latch();
    return super.onStart(direction, address);
  }

  protected override next(pointer: number, direction: I2cDirection): number {
    const next = super.next(pointer, direction);
    if (next === 0) this.latch();
    return next;
  }

  protected readAt(pointer: number): number {
    return this.inOrder(this.access.read(pointer * this.#unit, this.#unit));
  }

  protected writeAt(pointer: number, value: number): Acknowledge {
    this.access.write(pointer * this.#unit, this.inOrder(value), this.#unit);
  }

  private inOrder(value: number): number {
    return this.#bank.endianness === 'big' ? value : swapBytes(value, this.#unit);
  }

  private get access(): BankAccess {
    this.#access ??= bankOf(this, this.#bank);
    return this.#access;
  }
}

function bankOfClass({ deviceClass, registers }: ClassMetadata): readonly [RegisterBank, I2cPointerSpec] {
  const banks = new Set(registers.map(({ bank }) => bank).filter((bank) => pointers.has(bank)));
  const [bank] = banks;
  if (bank !== undefined && banks.size === 1) return [bank, pointers.get(bank) as I2cPointerSpec];
  const found =
    banks.size === 0 ? 'no registers' : `registers of ${[...banks].map(({ name }) => `'${name}'`).join(' and ')}`;
  throw new BackplaneError(
    'i2c-register-banks',
    `Class ${deviceClass.name} extends I2cRegisterDevice and has ${found} behind its pointer. Declare its registers on one value of ` +
      'i2cRegisters(), or extend I2cDevice.',
  );
}
