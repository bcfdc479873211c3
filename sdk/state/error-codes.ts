import type { BackplaneError } from '../base/errors.ts';
import type { StateError } from './restore-plan.ts';

/**
 * Types only: `test/architecture/error-codes.test.ts` reads this file, and makes the page of codes from it.
 * Codes of the errors that the state room throws. The type is the error's class.
 */
export interface StateErrorCodes {
  /** A shape of state has bounds that no number has. @remedy Give `shape.bits` 1 to 53 bits; for more, use `shape.bigBits`. */
  'invalid-shape': BackplaneError;
  /** The name of a field in snapshots is no name there. @remedy Use letters, digits, `_` and `-`. */
  'invalid-state-name': BackplaneError;
  /** A version is no whole number from 1, or the oldest is above the newest. @remedy Count versions up from 1. */
  'invalid-version': BackplaneError;
  /** `@state` has brackets and nothing in them. @remedy Write `@state`, or `@state({ ... })`. */
  'needless-brackets': BackplaneError;
  /**
   * A check of the device found that fields of the loaded state contradict each other.
   * @remedy Look at `differences`: the state was changed by hand, or comes from a class with other rules.
   */
  'state-contradiction': StateError;
  /**
   * A snapshot and the machine, device or service that it is loaded into differ; `differences` lists where.
   * @remedy Build the machine as it was when it was saved, or declare the change of the class: `version`, `since`, `retired`.
   */
  'state-mismatch': StateError;
  /** Two fields of one object have one name in snapshots. @remedy Give one of them another: `@state({ name: '...' })`. */
  'state-name-taken': BackplaneError;
  /**
   * A device or service refused a state that fits its declaration.
   * @remedy Look at the error's `cause`: its onStateLoaded(), or another hook, threw it.
   */
  'state-refused': StateError;
  /**
   * A field with `@state` holds a value that no snapshot can hold.
   * @remedy Give it a shape, or a value that JSON has, as the message says; or leave `@state` out.
   */
  'unsupported-state': BackplaneError;
}
