/** What is at the other end of a pin's wire. */
export type InterruptSink = (level: boolean) => void;

/**
 * An output of a device. The device sets its level; where the wire goes is the machine's business, and a pin that is
 * connected to nothing is a pin whose interrupts nobody hears.
 */
export class InterruptPin {
  private high = false;
  /** Hears each change before the wires do, and is none of them. */
  observer: InterruptSink | undefined;
  /** Where other state of the device says what its level is, this answers that: a snapshot in which the two disagree is refused. */
  highWhile: (() => boolean) | undefined;
  private readonly sinks: InterruptSink[] = [];

  get level(): boolean {
    return this.high;
  }

  get connected(): boolean {
    return this.sinks.length > 0;
  }

  set(level: boolean): void {
    if (this.high === level) return;
    this.high = level;
    this.observer?.(level);
    for (const sink of this.sinks) {
      // A sink may answer at once by changing the pin; whoever has not heard yet hears the last word only.
      if (this.high !== level) return;
      sink(level);
    }
  }

  /** Takes a level from a snapshot. Nobody is told: the other ends of its wires have theirs from the same snapshot. */
  restore(level: boolean): void {
    this.high = level;
  }

  /**
   * Up and down again. To an 8259A that is no interrupt: it wants the pin up until the processor has acknowledged, so that a
   * device lowers it when the guest reads or clears the cause.
   */
  pulse(): void {
    this.set(true);
    this.set(false);
  }

  /** Solders a wire to the pin. It hears the present level at once if that is high, and answers how to take it off. */
  connect(sink: InterruptSink): () => void {
    this.sinks.push(sink);
    if (this.high) sink(true);
    return () => {
      const index = this.sinks.indexOf(sink);
      if (index < 0) return;
      this.sinks.splice(index, 1);
      if (this.high) sink(false);
    };
  }
}
