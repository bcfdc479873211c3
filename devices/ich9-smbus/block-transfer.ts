import { type I2cBus, SmbusError, type SmbusHost } from '../../sdk/i2c.ts';
import { shape, state } from '../../sdk/index.ts';
import { BlockBuffer } from './block-buffer.ts';
import { BlockSize } from './registers.ts';
import { readUncounted, writeUncounted } from './transfers.ts';

/** The registers of the controller, as a transfer of a block uses them. */
export interface BlockRegisters {
  readonly target: number;
  readonly command: number;
  /** The length of a block that is written; it shows that of one that was read. */
  data0: number;
  readonly data1: number;
  /** The byte that waits for the guest, or that it has given. */
  blockData: number;
  /** The next byte of a read is the last one. */
  readonly isLastByte: boolean;
  /** The last byte of a read waits for the guest as the others do, and the transfer ends when that has taken it. */
  readonly lastByteWaits: boolean;
  /** The whole block goes through the buffer. */
  readonly usesBuffer: boolean;
  /** Blocks have no byte that counts them. */
  readonly isI2c: boolean;
  /** The length that a target announced, or one of `SmbusError`. */
  lengthOf(answer: number): number;
}

/** How a step of a block ends, if not with one of `SmbusError`. */
export const BlockStep = { Done: 0, ByteWaits: 1 } as const;

/** A block of up to 32 bytes: at once through the buffer, or byte by byte, as the guest takes or gives them. */
export class BlockTransfer {
  @state readonly buffer = new BlockBuffer();
  @state({ as: shape.choice(['none', 'write', 'read', 'i2c-read']) }) private phase: Phase = 'none';
  /** The last byte of a read has come, and the guest has not taken it. */
  @state private isLast = false;
  readonly #registers: BlockRegisters;
  readonly #bus: I2cBus;
  readonly #host: SmbusHost;

  constructor(registers: BlockRegisters, bus: I2cBus, host: SmbusHost) {
    this.#registers = registers;
    this.#bus = bus;
    this.#host = host;
  }

  /** The guest takes or gives the bytes of a block one by one. */
  get isUnderWay(): boolean {
    return this.phase !== 'none';
  }

  /** Byte by byte from the target itself: the buffer is not used. */
  get isI2cRead(): boolean {
    return this.phase === 'i2c-read';
  }

  read(): number {
    const { isI2c, target, command, usesBuffer } = this.#registers;
    const { bytes } = this.buffer;
    const length = isI2c ? readUncounted(this.#bus, target, bytes) : this.#host.readBlock(target, command, bytes);
    return this.show(this.#registers.lengthOf(length), usesBuffer);
  }

  /** Writes a block and reads one. */
  processCall(): number {
    const { target, command, data0 } = this.#registers;
    const { bytes } = this.buffer;
    return this.show(this.#host.blockProcessCall(target, command, bytes.slice(0, data0), bytes), true);
  }

  /** Without the buffer the bytes are collected first. */
  write(): number {
    if (this.#registers.usesBuffer) return this.send();
    this.buffer.restart();
    this.buffer.current = this.#registers.blockData;
    this.phase = 'write';
    return BlockStep.ByteWaits;
  }

  /** The offset that is read from is in HST_D1. @see Intel ICH9 Family datasheet, "I2C Read" */
  i2cRead(): number {
    const { target, data1 } = this.#registers;
    const bus = this.#bus;
    if (bus.start(target, 'write') && bus.write(data1) && bus.start(target, 'read')) return this.nextOfI2cRead();
    bus.stop();
    return SmbusError.NoAcknowledge;
  }

  /** The guest has taken a byte, or given the next one. */
  next(): number {
    if (this.isLast) return BlockStep.Done;
    if (this.phase === 'i2c-read') return this.nextOfI2cRead();
    this.buffer.advance();
    if (this.phase === 'read') return this.showRead('read', this.buffer.current);
    if (this.buffer.index === this.#registers.data0) return this.send();
    this.buffer.current = this.#registers.blockData;
    return BlockStep.ByteWaits;
  }

  end(): void {
    this.phase = 'none';
    this.isLast = false;
  }

  abandon(): void {
    if (this.phase === 'i2c-read') this.#bus.stop();
    else if (this.phase !== 'none') this.buffer.restart();
    this.end();
  }

  private show(length: number, isWhole: boolean): number {
    this.buffer.restart();
    if (length < 0) return length;
    this.#registers.data0 = length;
    return isWhole ? BlockStep.Done : this.showRead('read', this.buffer.current);
  }

  private nextOfI2cRead(): number {
    const { isLastByte } = this.#registers;
    const byte = this.#bus.read(!isLastByte);
    if (isLastByte) this.#bus.stop();
    return this.showRead('i2c-read', byte);
  }

  /**
   * Of n bytes the guest has n interrupts, and one for the end. Later datasheets say so of this controller.
   * @see Intel Pentium and Celeron J1850 datasheet, section 22.8.1, "BYTE_DONE_STS"
   */
  private showRead(phase: 'read' | 'i2c-read', byte: number): number {
    const { isLastByte, lastByteWaits } = this.#registers;
    this.phase = phase;
    this.isLast = isLastByte;
    this.#registers.blockData = byte;
    return isLastByte && !lastByteWaits ? BlockStep.Done : BlockStep.ByteWaits;
  }

  private send(): number {
    const { data0, isI2c, target, command } = this.#registers;
    this.buffer.restart();
    if (data0 > BlockSize) return SmbusError.BlockCount;
    const bytes = this.buffer.bytes.subarray(0, data0);
    const answer = isI2c
      ? writeUncounted(this.#bus, target, command, bytes)
      : this.#host.writeBlock(target, command, bytes);
    return Math.min(answer, BlockStep.Done);
  }
}

type Phase = 'none' | 'write' | 'read' | 'i2c-read';
