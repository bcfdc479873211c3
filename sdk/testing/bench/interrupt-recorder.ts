import type { InterruptPin } from '../../device/index.ts';

/** One change of a pin, and the virtual time at which it happened. */
export interface InterruptChange {
  readonly level: boolean;
  /** Nanoseconds on the bench's clock, counted from its epoch. */
  readonly at: number;
}

/** Listens to one pin of a device on the bench and remembers every change. */
export class InterruptRecorder {
  private readonly seen: InterruptChange[] = [];

  constructor(
    private readonly pin: InterruptPin,
    now: () => number,
  ) {
    pin.connect((level) => this.seen.push({ level, at: now() }));
  }

  get level(): boolean {
    return this.pin.level;
  }

  /** Every change since the bench was made, or since the last `clear()`, in order. */
  get changes(): readonly InterruptChange[] {
    return this.seen;
  }

  /** How often the pin went up: what a controller that looks for edges would count. */
  get rises(): number {
    return this.seen.filter(({ level }) => level).length;
  }

  /** The epoch of the bench's clock has moved. */
  rebase(nanoseconds: number): void {
    this.seen.forEach(({ level, at }, index) => {
      this.seen[index] = { level, at: at - nanoseconds };
    });
  }

  /** Forgets what was recorded; the pin keeps its level. */
  clear(): void {
    this.seen.length = 0;
  }
}
