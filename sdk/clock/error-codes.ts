import type { BackplaneError } from '../base/errors.ts';

/**
 * Types only: `test/architecture/error-codes.test.ts` reads this file, and makes the page of codes from it.
 * Codes of the errors of the clock room. The type is the error's class.
 */
export interface ClockErrorCodes {
  /** A timer's callback arms its timer at or before the present, again and again. @remedy Arm it later than `clock.now`. */
  'endless-timer': BackplaneError;
  /** The epoch of a clock is moved in a callback or a handler, whose variables hold times. @remedy Move it between two instructions. */
  'epoch-moved-inside': BackplaneError;
  /**
   * A countdown or a counter is given a frequency, a prescaler, a width or a value that it cannot have.
   * @remedy Give whole numbers within the range that the message says. Check what comes from a guest first.
   */
  'invalid-count': BackplaneError;
  /** The epoch of a clock is moved by a part of a second, backwards, or too far. @remedy Move it forward by whole seconds. */
  'invalid-epoch-move': BackplaneError;
  /**
   * A time is no number of nanoseconds that a clock or a timer can have.
   * @remedy Give whole nanoseconds from 0 on, beyond 2^53 as a bigint.
   */
  'invalid-time': BackplaneError;
  /**
   * A device that runs already makes a timer, which would belong to no device.
   * @remedy Make it in the constructor or in `onRealize()`, keep it in a field, and arm it later.
   */
  'late-timer': BackplaneError;
  /**
   * A clock is moved to a time beyond 2^53 ns after its epoch in one step.
   * @remedy Use `advance(nanoseconds)`, which moves the epoch on the way.
   */
  'time-beyond-epoch': BackplaneError;
  /** A clock is moved back, or to NaN. @remedy Move it forward. */
  'time-goes-back': BackplaneError;
  /**
   * A clock starts at, or is moved to, a time later than 142 million years after the start.
   * @remedy Start it earlier, or advance it less.
   */
  'time-too-late': BackplaneError;
}
