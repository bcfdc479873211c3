import type { BackplaneError } from '../base/errors.ts';

/**
 * Types only: `test/architecture/error-codes.test.ts` reads this file, and makes the page of codes from it.
 * Codes of the errors of calls of libc. The type is the error's class.
 */
export interface NativeErrorCodes {
  /** The package koffi, which calls libc, is not installed or cannot be loaded. @remedy Install the version that the message names. */
  'koffi-missing': BackplaneError;
  /** Another version of koffi is installed than the one that was tried. @remedy Install the version that the message names. */
  'koffi-version': BackplaneError;
}
