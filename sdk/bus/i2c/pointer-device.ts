import { BackplaneError } from '../../base/errors.ts';
import { rememberReserved, reserveMembers } from '../../device/class-checks.ts';
import { state } from '../../state/schema.ts';
import { shape } from '../../state/shapes.ts';
import type { I2cAddress, I2cDirection } from './address.ts';
import { I2cDevice } from './device.ts';
import type { Acknowledge } from './target.ts';

/** How the pointer of a chip works, with which most transfers begin. */
export interface I2cPointerSpec {
  /** How far the pointer reaches: bytes, or words of `unit` bytes. */
  readonly size: number;
  /** Bytes between two values of the pointer, the high byte first. Each word is read and written as a whole. Default: 1. */
  readonly unit?: 1 | 2 | 4;
  /** Bytes of the pointer, the high one first. Default: 1. Upper bits that do not fit come from the address on the bus. */
  readonly bytes?: 1 | 2;
  /** From the first to the last: where the pointer goes round. Behind it, it goes on to the end. Default: all. */
  readonly wraps?: readonly [first: number, last: number];
  /** Writes go round in pages of so many. Default: as reads do. */
  readonly page?: number;
  /** False: the pointer stays where it was set. Default: it counts up. */
  readonly increments?: boolean;
}

/**
 * A chip whose bytes are behind a pointer. The first bytes of a write set it, and each further byte goes to where it points. A read
 * goes on from there. The pointer counts up, and stays over a stop.
 */
export abstract class I2cPointerDevice extends I2cDevice {
  /** Where the next byte is read or written. */
  @state({ as: shape.bits(24) }) protected pointer = 0;
  /** The bytes of the pointer that have come so far, and how many are missing. */
  @state({ as: shape.bits(24) }) private incoming = 0;
  @state({ as: shape.integer(0, 2) }) private missing = 0;
  /** The word that is under way, and how many of its bytes are done. */
  @state({ as: shape.bits(32) }) private word = 0;
  @state({ as: shape.integer(0, 3) }) private done = 0;
  readonly #spec: Required<I2cPointerSpec>;
  /** Bits of the address on the bus that are upper bits of the pointer. */
  readonly #blocks: number;

  constructor({ size, unit = 1, bytes = 1, wraps = [0, size - 1], page = 0, increments = true }: I2cPointerSpec) {
    super();
    this.#spec = { size, unit, bytes, wraps, page, increments };
    this.#blocks = Math.max(Math.ceil(size / 0x100 ** bytes) - 1, 0);
    rememberReserved(this, I2cPointerDevice);
    const blocks = this.#blocks + 1;
    if (size < 1 || blocks > 8 || (blocks & (blocks - 1)) !== 0) throw unreachable(this.constructor.name, size, bytes);
  }

  override get addressMask(): number {
    return super.addressMask & ~this.#blocks;
  }

  /** The byte, or word, to which the pointer points. */
  protected abstract readAt(pointer: number): number;
  /** A byte, or word, was written there. `false`: its last byte is not acknowledged. */
  protected abstract writeAt(pointer: number, value: number): Acknowledge;

  /** Where the pointer goes after a byte or word. */
  protected next(pointer: number, direction: I2cDirection): number {
    const { size, wraps, page, increments } = this.#spec;
    if (!increments) return pointer;
    if (direction === 'write' && page > 0) return pointer - (pointer % page) + ((pointer + 1) % page);
    return pointer === wraps[1] ? wraps[0] : (pointer + 1) % size;
  }

  override onStart(direction: I2cDirection, address: I2cAddress): Acknowledge {
    this.incoming = address & this.#blocks;
    this.missing = direction === 'write' ? this.#spec.bytes : 0;
    this.done = 0;
    return true;
  }

  override onWrite(byte: number): Acknowledge {
    if (this.missing === 0) return this.take(byte);
    this.incoming = this.incoming * 0x100 + byte;
    if (--this.missing === 0) this.pointer = this.incoming % this.#spec.size;
    return true;
  }

  override onRead(): number {
    const { unit } = this.#spec;
    if (this.done === 0) this.word = this.readAt(this.pointer);
    const byte = (this.word >>> (8 * (unit - 1 - this.done))) & 0xff;
    this.done = (this.done + 1) % unit;
    if (this.done === 0) this.pointer = this.next(this.pointer, 'read');
    return byte;
  }

  override reset(): void {
    super.reset();
    this.pointer = 0;
    this.incoming = 0;
    this.missing = 0;
    this.done = 0;
    this.word = 0;
  }

  private take(byte: number): Acknowledge {
    this.word = this.done === 0 ? byte : ((this.word << 8) | byte) >>> 0;
    this.done = (this.done + 1) % this.#spec.unit;
    if (this.done > 0) return true;
    const taken = this.writeAt(this.pointer, this.word);
    this.pointer = this.next(this.pointer, 'write');
    return taken;
  }
}

reserveMembers(I2cPointerDevice, { pointer: 'where the next byte is read or written' });

function unreachable(name: string, size: number, bytes: number): BackplaneError {
  return new BackplaneError(
    'i2c-pointer-too-short',
    `Class ${name}: a pointer of ${bytes} byte${bytes === 1 ? '' : 's'} cannot reach ${size} bytes. The address on the bus may add up to 3 bits, ` +
      'for 2, 4 or 8 blocks. Give the pointer more bytes, or the chip another size.',
  );
}
