import { BackplaneError } from '../base/errors.ts';

/** Units of guest time. Every duration in the SDK is a number of nanoseconds, written as `10 * MILLISECOND`. */
export const NANOSECOND = 1;
export const MICROSECOND = 1e3;
export const MILLISECOND = 1e6;
export const SECOND = 1e9;

/** The epoch moves when the time since it reaches this, so that deadlines stay far below 2^53. */
export const EpochMovesAt = 2 ** 52;

/**
 * 142 million years in seconds. No clock starts later, no epoch is later, and no timer fires then or later. Sums of such
 * seconds are exact numbers. A guest that still runs then sees the last 52 days again and again.
 */
export const LatestSecond = 2 ** 52;

/** The same in nanoseconds: the deadline of a timer that never fires, and the bound of every time that is kept. */
export const LatestTime = LatestSecond * SECOND;

/** Seconds by which the epoch moves. Times beyond 2^53 lose nothing by it, because it has so many factors of two. */
const Step = 2 ** 22;

/** By how many seconds the epoch has to move, so that `time` is far from 2^53 again: 0 for most times. */
export function secondsToMove(time: number): number {
  if (time < EpochMovesAt) return 0;
  return Step * (Math.floor((time - EpochMovesAt) / (Step * SECOND)) + 1);
}

/** Splits the time since the machine's start into an epoch and `now`, as a clock that ran since then has them. */
export function splitTime(nanoseconds: number | bigint): { readonly epoch: bigint; readonly now: number } {
  if (nanoseconds < 0 || (typeof nanoseconds !== 'bigint' && !Number.isSafeInteger(nanoseconds))) {
    throw new BackplaneError(
      'invalid-time',
      `A clock cannot start at ${nanoseconds} ns. Give whole nanoseconds from 0 on, beyond 2^53 as a bigint.`,
    );
  }
  const whole = BigInt(nanoseconds);
  const second = BigInt(SECOND);
  if (whole > BigInt(LatestTime)) {
    throw new BackplaneError(
      'time-too-late',
      `A clock cannot start at ${nanoseconds} ns: seconds are exact up to ${LatestSecond}, which is 142 million years. Start it earlier.`,
    );
  }
  const past = whole - BigInt(EpochMovesAt);
  const epoch = past < 0n ? 0n : (past / (BigInt(Step) * second) + 1n) * BigInt(Step);
  return { epoch, now: Number(whole - epoch * second) };
}
