import type { Json, JsonReader } from '../base/json-reader.ts';
import { HighestFrequency, LargestPrescaler, TickRate } from './tick-rate.ts';
import { LatestTime, SECOND } from './time.ts';

/** What the ticks of a counter are taken from. */
export interface TickingClock {
  readonly now: number;
  readonly epoch: bigint;
}

/** Counts the ticks of a rate, exactly: parts of a tick are kept from one call to the next, and over moves of the epoch. */
export class ElapsedTicks {
  /** Parts of the present tick that had passed at `since`. */
  private parts = 0;
  /** Guest time up to which all ticks were taken, from `epoch`. */
  private since = 0;
  /** Undefined after a restore: the epoch that the clock has then. */
  private epoch: bigint | undefined;
  private rate: TickRate;
  private readonly first: TickRate;

  constructor(
    private readonly clock: TickingClock,
    frequency: number,
    prescaler: number,
    private readonly where: string,
  ) {
    this.first = new TickRate(frequency, prescaler, where);
    this.rate = this.first;
  }

  get frequency(): number {
    return this.rate.frequency;
  }

  get prescaler(): number {
    return this.rate.prescaler;
  }

  /** Whether there are any ticks. */
  get stands(): boolean {
    return this.rate.perNanosecond === 0;
  }

  /** Another rate from now on. The part of a tick that has passed is kept, unless there were no ticks or will be none. */
  setRate(frequency: number, prescaler: number): void {
    const rate = new TickRate(frequency, prescaler, this.where);
    const { perTick } = this.rate;
    const stands = this.stands || rate.perNanosecond === 0;
    this.parts = stands ? 0 : Number((BigInt(this.parts) * BigInt(rate.perTick)) / BigInt(perTick));
    this.rate = rate;
  }

  /** The ticks that have ended since the last call; a bigint beyond 2^53. Those of a counter that is stopped do not count. */
  take(counts: boolean): number | bigint {
    const now = Math.floor(this.clock.now);
    const { epoch } = this.clock;
    const { since, rate } = this;
    const before = this.epoch ?? epoch;
    this.since = now;
    this.epoch = epoch;
    if (!counts || rate.perNanosecond === 0) return 0;
    const passed = Math.max(0, now - since) * rate.perNanosecond + this.parts;
    if (before !== epoch || passed > Number.MAX_SAFE_INTEGER)
      return this.takeFar(BigInt(now) - BigInt(since) + (epoch - before) * BigInt(SECOND));
    this.parts = passed % rate.perTick;
    return (passed - this.parts) / rate.perTick;
  }

  private takeFar(nanoseconds: bigint): number | bigint {
    const perTick = BigInt(this.rate.perTick);
    const passed = (nanoseconds < 0n ? 0n : nanoseconds) * BigInt(this.rate.perNanosecond) + BigInt(this.parts);
    this.parts = Number(passed % perTick);
    const ticks = passed / perTick;
    return ticks > BigInt(Number.MAX_SAFE_INTEGER) ? ticks : Number(ticks);
  }

  /** A new tick begins. */
  restart(): void {
    this.parts = 0;
  }

  /** Guest time at which so many ticks will have ended, or a stop on the way. Call it right after `take`. */
  timeOf(ticks: number): number {
    return this.since + this.rate.until(ticks, this.parts);
  }

  reset(): void {
    this.parts = 0;
    this.rate = this.first;
  }

  save(): { readonly [name: string]: Json } {
    return { since: this.since, parts: this.parts, frequency: this.frequency, prescaler: this.prescaler };
  }

  read(saved: JsonReader): () => void {
    const since = saved.member('since').integer(0, LatestTime);
    const parts = saved.member('parts').integer(0);
    const frequency = saved.member('frequency').integer(0, HighestFrequency);
    const prescaler = saved.member('prescaler').integer(1, LargestPrescaler);
    const rate = new TickRate(frequency, prescaler, this.where);
    if (parts >= rate.perTick) saved.member('parts').refuse(`expected less than a tick, which has ${rate.perTick}`);
    return () => {
      this.rate = rate;
      this.parts = parts;
      this.since = since;
      this.epoch = undefined;
    };
  }
}
