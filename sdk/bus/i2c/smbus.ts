import type { I2cAddress, I2cDirection } from './address.ts';
import type { I2cBus } from './bus.ts';

/** What a transaction answers instead of a value. All are below zero. */
export const SmbusError = {
  /** The target is not there, or did not take a byte. */
  NoAcknowledge: -1,
  /** The packet error code is not that of the bytes. */
  PacketError: -2,
  /** A target announced a block of 0 bytes, or of more than it may have. */
  BlockCount: -3,
} as const;

/** @see SMBus 3.2, 6.5.7 "Block Write/Read": up to 255 bytes; 32 before version 3 */
const MostBytesOfBlock = 255;
/** x^8 + x^2 + x + 1. @see SMBus 3.2, 6.4.1.2 "PEC: CRC-8" */
const Polynomial = 0x107;

const table = Uint8Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) remainder = remainder & 0x80 ? (remainder << 1) ^ Polynomial : remainder << 1;
  return remainder;
});

/** The packet error code after one more byte of a message; it begins with 0, and the address bytes count. */
export const packetErrorCode = (code: number, byte: number): number => table[(code ^ byte) & 0xff] as number;

/**
 * The bus protocols of SMBus, for controllers: each method is a whole transaction, from start to stop. It answers what was read,
 * or 0 where nothing is, or one of `SmbusError`. Words have their low byte first.
 *
 * @see System Management Bus Specification 3.2, 6.5 "Bus protocols"
 */
export class SmbusHost {
  /** Whether a packet error code ends each message. */
  usesPacketErrorCode = false;
  private code = 0;

  constructor(private readonly bus: I2cBus) {}

  /** The direction is the message. @see SMBus 3.2, 6.5.1 */
  quick(address: I2cAddress, direction: I2cDirection): number {
    return this.end(this.bus.start(address, direction));
  }

  /** @see SMBus 3.2, 6.5.2 */
  sendByte(address: I2cAddress, byte: number): number {
    return this.end(this.start(address, 'write') && this.write(byte) && this.writeCode());
  }

  /** @see SMBus 3.2, 6.5.3 */
  receiveByte(address: I2cAddress): number {
    return this.start(address, 'read') ? this.endOfRead(this.read(true)) : this.end(false);
  }

  /** @see SMBus 3.2, 6.5.4 */
  writeByte(address: I2cAddress, command: number, byte: number): number {
    return this.end(this.command(address, command) && this.write(byte) && this.writeCode());
  }

  writeWord(address: I2cAddress, command: number, word: number): number {
    return this.end(this.command(address, command) && this.writeBoth(word) && this.writeCode());
  }

  /** @see SMBus 3.2, 6.5.5 */
  readByte(address: I2cAddress, command: number): number {
    const isThere = this.command(address, command) && this.start(address, 'read');
    return isThere ? this.endOfRead(this.read(true)) : this.end(false);
  }

  readWord(address: I2cAddress, command: number): number {
    const isThere = this.command(address, command) && this.start(address, 'read');
    return isThere ? this.endOfRead(this.readBoth()) : this.end(false);
  }

  /** Writes a word and reads its answer. @see SMBus 3.2, 6.5.6 */
  processCall(address: I2cAddress, command: number, word: number): number {
    const isThere = this.command(address, command) && this.writeBoth(word) && this.start(address, 'read');
    return isThere ? this.endOfRead(this.readBoth()) : this.end(false);
  }

  /** @see SMBus 3.2, 6.5.7 */
  writeBlock(address: I2cAddress, command: number, bytes: ArrayLike<number>): number {
    return this.end(this.command(address, command) && this.writeCounted(bytes) && this.writeCode());
  }

  /** Fills `target` from its start, and answers how many bytes the block has. One that does not fit is `BlockCount`. */
  readBlock(address: I2cAddress, command: number, target: Uint8Array): number {
    const isThere = this.command(address, command) && this.start(address, 'read');
    return isThere ? this.readCounted(target) : this.end(false);
  }

  /** @see SMBus 3.2, 6.5.8 */
  blockProcessCall(address: I2cAddress, command: number, bytes: ArrayLike<number>, target: Uint8Array): number {
    const isThere = this.command(address, command) && this.writeCounted(bytes) && this.start(address, 'read');
    return isThere ? this.readCounted(target) : this.end(false);
  }

  /** No protocol of SMBus: fills `target` with what follows the command, without a count. Answers its length. */
  readBytes(address: I2cAddress, command: number, target: Uint8Array): number {
    const isThere = this.command(address, command) && this.start(address, 'read');
    if (!isThere) return this.end(false);
    for (let at = 0; at < target.length; at++) target[at] = this.read(at === target.length - 1);
    return this.endOfRead(target.length);
  }

  private command(address: I2cAddress, command: number): boolean {
    return this.start(address, 'write') && this.write(command);
  }

  private start(address: I2cAddress, direction: I2cDirection): boolean {
    if (!this.bus.isBusy) this.code = 0;
    this.code = packetErrorCode(this.code, (address << 1) | (direction === 'read' ? 1 : 0));
    return this.bus.start(address, direction);
  }

  private write(byte: number): boolean {
    this.code = packetErrorCode(this.code, byte);
    return this.bus.write(byte & 0xff);
  }

  private writeBoth(word: number): boolean {
    return this.write(word & 0xff) && this.write((word >> 8) & 0xff);
  }

  private writeCounted(bytes: ArrayLike<number>): boolean {
    const count = Math.min(bytes.length, MostBytesOfBlock);
    if (!this.write(count)) return false;
    for (let at = 0; at < count; at++) if (!this.write(bytes[at] as number)) return false;
    return true;
  }

  private writeCode(): boolean {
    return !this.usesPacketErrorCode || this.bus.write(this.code);
  }

  /** The last byte is not acknowledged: the packet error code, if there is one. */
  private read(isLast: boolean): number {
    const byte = this.bus.read(this.usesPacketErrorCode || !isLast);
    this.code = packetErrorCode(this.code, byte);
    return byte;
  }

  private readBoth(): number {
    const low = this.read(false);
    return low | (this.read(true) << 8);
  }

  private readCounted(target: Uint8Array): number {
    const count = this.read(false);
    if (count === 0 || count > target.length) {
      this.bus.read(false);
      this.bus.stop();
      return SmbusError.BlockCount;
    }
    for (let at = 0; at < count; at++) target[at] = this.read(at === count - 1);
    return this.endOfRead(count);
  }

  private endOfRead(value: number): number {
    const isRight = !this.usesPacketErrorCode || this.bus.read(false) === this.code;
    this.bus.stop();
    return isRight ? value : SmbusError.PacketError;
  }

  private end(acknowledged: boolean): number {
    this.bus.stop();
    return acknowledged ? 0 : SmbusError.NoAcknowledge;
  }
}
