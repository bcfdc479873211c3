import { BackplaneError } from '../base/errors.ts';
import type { Json, JsonReader } from '../base/json-reader.ts';
import { LatestTime, SECOND } from './time.ts';

/** Nothing in a machine is faster: its clock counts nanoseconds. */
const HighestFrequency = SECOND;
const LargestPrescaler = 65_536;
/** Deadlines later than this are reached in several steps, so that sums of times stay exact. */
const LongestWait = 2 ** 50;

/**
 * How often a counter counts: `frequency` ticks a second, of which it counts each `prescaler`-th. The length of a tick need not
 * be a whole number of nanoseconds. A nanosecond has `perNanosecond` parts, and a tick has `perTick` of them. Both are whole
 * numbers, so nothing is rounded however long a counter runs.
 */
class TickRate {
  /** Parts of a tick; Infinity for the frequency 0. */
  readonly perTick: number;
  readonly perNanosecond: number;

  /** `where` names the counter, for messages. */
  constructor(
    readonly frequency: number,
    readonly prescaler: number,
    where: string,
  ) {
    if (!Number.isInteger(frequency) || frequency < 0 || frequency > HighestFrequency) {
      throw new BackplaneError(
        'invalid-count',
        `${where} cannot have the frequency ${frequency}. Give whole hertz from 0, which stands still, to ${HighestFrequency}; ` +
          'a part of a hertz is a higher frequency with a prescaler.',
      );
    }
    if (!Number.isInteger(prescaler) || prescaler < 1 || prescaler > LargestPrescaler) {
      throw new BackplaneError(
        'invalid-count',
        `${where} cannot have the prescaler ${prescaler}. Give a whole number from 1 to ${LargestPrescaler}.`,
      );
    }
    const length = prescaler * SECOND;
    const common = frequency === 0 ? 1 : greatestCommonDivisor(length, frequency);
    this.perTick = frequency === 0 ? Number.POSITIVE_INFINITY : length / common;
    this.perNanosecond = frequency === 0 ? 0 : frequency / common;
  }

  /** Nanoseconds until so many ticks have ended, or a stop on the way. `parts` of the first have passed. */
  until(ticks: number, parts: number): number {
    const { perTick, perNanosecond } = this;
    if (ticks === Number.POSITIVE_INFINITY || perNanosecond === 0) return Number.POSITIVE_INFINITY;
    const whole = ticks * perTick - parts;
    if (whole <= Number.MAX_SAFE_INTEGER) {
      const over = whole % perNanosecond;
      return Math.min((whole - over) / perNanosecond + (over > 0 ? 1 : 0), LongestWait);
    }
    const [exact, divisor] = [BigInt(ticks) * BigInt(perTick) - BigInt(parts), BigInt(perNanosecond)];
    return Math.min(Number((exact + divisor - 1n) / divisor), LongestWait);
  }
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

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
