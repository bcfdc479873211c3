import { shape, state } from '../../sdk/index.ts';

/** Frames that a FIFO holds. */
const Depth = 8;

/** Frames in order. */
export class Fifo {
  @state private readonly frames = new Uint16Array(Depth);
  @state({ as: shape.integer(0, Depth - 1) }) private first = 0;
  @state({ as: shape.integer(0, Depth) }) length = 0;

  get isFull(): boolean {
    return this.length === Depth;
  }

  /** False: it is full, and the frame is lost. */
  push(frame: number): boolean {
    if (this.isFull) return false;
    this.frames[(this.first + this.length++) % Depth] = frame;
    return true;
  }

  /** Zero, if it is empty. */
  shift(): number {
    if (this.length === 0) return 0;
    const frame = this.frames[this.first] as number;
    this.first = (this.first + 1) % Depth;
    this.length--;
    return frame;
  }

  clear(): void {
    this.frames.fill(0);
    this.first = 0;
    this.length = 0;
  }
}
