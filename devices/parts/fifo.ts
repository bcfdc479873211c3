import { shape, state } from '../../sdk/index.ts';

/** The deepest of the chips here. */
const Most = 64;

/** Frames or characters in order, of up to 16 bits. A snapshot that says more than fits is harmless: it is full then. */
export class Fifo {
  @state private readonly frames: Uint16Array;
  @state({ as: shape.integer(0, Most - 1) }) private first = 0;
  @state({ as: shape.integer(0, Most) }) length = 0;

  /** So many of them fit, at most 64. */
  constructor(readonly depth: number) {
    this.frames = new Uint16Array(depth);
  }

  get isFull(): boolean {
    return this.length >= this.depth;
  }

  /** The one at a place from the next one on, which is 0. */
  at(place: number): number {
    return this.frames[(this.first + place) % this.depth] as number;
  }

  /** Whether one of them is as large. */
  hasAbove(least: number): boolean {
    for (let place = 0; place < this.length; place++) if (this.at(place) >= least) return true;
    return false;
  }

  /** False: it is full, and the frame is lost. */
  push(frame: number): boolean {
    if (this.isFull) return false;
    this.frames[(this.first + this.length++) % this.depth] = frame;
    return true;
  }

  /** Zero, if it is empty. */
  shift(): number {
    if (this.length === 0) return 0;
    const frame = this.at(0);
    this.first = (this.first + 1) % this.depth;
    this.length--;
    return frame;
  }

  /** Changes the next one. */
  replace(frame: number): void {
    this.frames[this.first % this.depth] = frame;
  }

  clear(): void {
    this.frames.fill(0);
    this.first = 0;
    this.length = 0;
  }
}
