import { shape, state } from '../../sdk/index.ts';
import { BlockSize } from './registers.ts';

/** The 32 bytes of the controller for a block, and the one that comes next. */
export class BlockBuffer {
  @state readonly bytes = new Uint8Array(BlockSize);
  @state({ as: shape.integer(0, BlockSize - 1) }) index = 0;

  get current(): number {
    return this.bytes[this.index] as number;
  }

  set current(byte: number) {
    this.bytes[this.index] = byte;
  }

  /** Begins again at the first byte. */
  restart(): void {
    this.index = 0;
  }

  advance(): void {
    this.index = (this.index + 1) % BlockSize;
  }

  take(): number {
    const { current } = this;
    this.advance();
    return current;
  }

  put(byte: number): void {
    this.current = byte;
    this.advance();
  }

  reset(): void {
    this.bytes.fill(0);
    this.index = 0;
  }
}
