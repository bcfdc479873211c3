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
import { SpiCommandDevice } from './command-device.ts';

/** What `spiRegisters` may be told beyond name and size. */
export interface SpiRegistersSpec {
  /** The name in references, traces and messages. */
  readonly name: string;
  /** Bytes, at most as many as the command can name. */
  readonly size: number;
  /** The bit of the command that says which way the bytes go. Default: 0x80. */
  readonly directionBit?: number;
  /** What the bit means when it is set. Default: 'read'. */
  readonly directionBitSet?: 'read' | 'write';
  /** The bit of the command that has the address count up with each byte, or whether it always or never does. Default: 'always'. */
  readonly increments?: number | 'always' | 'never';
  /** Which byte of a register of 16 or 32 bits is first. Default: the high one, 'big'. */
  readonly endianness?: 'little' | 'big';
  /** 'silent': an access to bytes without a register is not a guest error. */
  readonly missing?: 'guest-error' | 'silent';
}

type Addressing = Required<Pick<SpiRegistersSpec, 'directionBit' | 'directionBitSet' | 'increments'>>;

const addressings = new WeakMap<RegisterBank, Addressing>();

/** The registers of a chip behind a command byte, which names a register and a direction. */
export function spiRegisters(spec: SpiRegistersSpec): CarriedBank {
  const { directionBit = 0x80, directionBitSet = 'read', increments = 'always', endianness = 'big', ...bank } = spec;
  const made = registerBank({ ...bank, endianness });
  addressings.set(made, Object.freeze({ directionBit, directionBitSet, increments }));
  return made;
}

/** A chip with registers behind a command byte. They are declared as those of a region are. */
export abstract class SpiRegisterDevice extends SpiCommandDevice {
  readonly #bank: RegisterBank;
  readonly #addressing: Addressing;
  #access: BankAccess | undefined;

  constructor() {
    super();
    const [bank, addressing] = bankOfClass(metadataOf(new.target as never));
    this.#bank = bank;
    this.#addressing = addressing;
  }

  protected override onCommand(command: number): void {
    const { directionBit, increments } = this.#addressing;
    const bits = directionBit | (typeof increments === 'number' ? increments : 0);
    this.address = (command & ~bits) % this.#bank.size;
  }

  protected override onData(byte: number): number {
    const { directionBit, directionBitSet, increments } = this.#addressing;
    const { address, command } = this;
    const counts = typeof increments === 'number' ? (command & increments) !== 0 : increments === 'always';
    if (counts) this.address = (address + 1) % this.#bank.size;
    this.#access ??= bankOf(this, this.#bank);
    const isRead = ((command & directionBit) !== 0) === (directionBitSet === 'read');
    if (isRead) return this.#access.read(address, 1);
    this.#access.write(address, byte, 1);
    return 0xff;
  }
}

function bankOfClass({ deviceClass, registers }: ClassMetadata): readonly [RegisterBank, Addressing] {
  const banks = new Set(registers.map(({ bank }) => bank).filter((bank) => addressings.has(bank)));
  const [bank] = banks;
  if (bank !== undefined && banks.size === 1) return [bank, addressings.get(bank) as Addressing];
  throw new BackplaneError(
    'spi-register-banks',
    `Class ${deviceClass.name} extends SpiRegisterDevice and has registers of ${banks.size} banks behind its command. Declare all of them ` +
      'on one value of spiRegisters(), or extend SpiCommandDevice.',
  );
}
