/** Lines that a guest moves, and the level of the data line. */
export interface MovableLines {
  set(clock: boolean, data: boolean): void;
  readonly data: boolean;
}

/** A guest that moves the lines as a driver does. */
export class LineGuest<L extends MovableLines> {
  constructor(readonly lines: L) {}

  start(): void {
    this.lines.set(false, true);
    this.lines.set(true, true);
    this.lines.set(true, false);
    this.lines.set(false, false);
  }

  stop(): void {
    this.lines.set(false, false);
    this.lines.set(true, false);
    this.lines.set(true, true);
  }

  /** Answers the level that the line has while the clock is high. */
  bit(level: boolean): boolean {
    this.lines.set(false, level);
    this.lines.set(true, level);
    const { data } = this.lines;
    this.lines.set(false, level);
    return data;
  }

  /** Answers whether a target acknowledges. */
  write(byte: number): boolean {
    for (let bit = 7; bit >= 0; bit--) this.bit(((byte >> bit) & 1) === 1);
    return !this.bit(true);
  }

  read(acknowledge: boolean): number {
    let byte = 0;
    for (let bit = 0; bit < 8; bit++) byte = (byte << 1) | (this.bit(true) ? 1 : 0);
    this.bit(!acknowledge);
    return byte;
  }
}
