import { BackplaneError } from '../base/errors.ts';
import { SECOND } from './time.ts';

/** Nothing in a machine is faster: its clock counts nanoseconds. */
export const HighestFrequency = SECOND;
export const LargestPrescaler = 65_536;
/** Deadlines later than this are reached in several steps, so that sums of times stay exact. */
const LongestWait = 2 ** 50;

/**
 * How often a counter counts: `frequency` ticks a second, of which it counts each `prescaler`-th. The length of a tick need not
 * be a whole number of nanoseconds. A nanosecond has `perNanosecond` parts, and a tick has `perTick` of them. Both are whole
 * numbers, so nothing is rounded however long a counter runs.
 */
export class TickRate {
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
