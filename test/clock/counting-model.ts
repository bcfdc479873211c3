import type { Countdown, Counter } from '../../sdk/clock/index.ts';

/** Ticks one by one, with times as exact fractions: what countdowns and counters must show, and how often they expire. */
export class TickModel {
  running = false;
  expired = false;
  expiries = 0;
  private elapsed = 0n;
  private now = 0n;

  constructor(
    public frequency: number,
    public prescaler: number,
    private readonly tick: (model: TickModel) => void,
  ) {}

  /** Parts of a tick: a tick has `length`, a nanosecond has `frequency / common`. */
  private get parts(): readonly [length: bigint, perNanosecond: bigint] {
    const [length, frequency] = [BigInt(this.prescaler) * 1_000_000_000n, BigInt(this.frequency)];
    let [a, b] = [length, frequency];
    while (b > 0n) [a, b] = [b, a % b];
    return [length / a, frequency / a];
  }

  advanceTo(now: bigint): void {
    const passed = now - this.now;
    this.now = now;
    if (!this.running || this.frequency === 0) return;
    const [length, perNanosecond] = this.parts;
    this.elapsed += passed * perNanosecond;
    while (this.running && this.elapsed >= length) {
      this.elapsed -= length;
      this.tick(this);
    }
    if (!this.running) this.elapsed = 0n;
  }

  setRate(frequency: number, prescaler: number): void {
    const [before] = this.parts;
    const stood = this.frequency === 0;
    this.frequency = frequency;
    this.prescaler = prescaler;
    this.elapsed = stood || frequency === 0 ? 0n : (this.elapsed * this.parts[0]) / before;
  }

  start(counter: Countdown | Counter): void {
    this.running = true;
    counter.start();
  }

  stop(counter: Countdown | Counter): void {
    this.running = false;
    counter.stop();
  }

  acknowledge(counter: Countdown | Counter): void {
    this.expired = false;
    counter.acknowledge();
  }

  beginTick(): void {
    this.elapsed = 0n;
  }

  expire(): void {
    this.expired = true;
    this.expiries++;
  }
}
