import type { BackplaneError } from '../base/errors.ts';

/**
 * Types only: `test/architecture/error-codes.test.ts` reads this file, and makes the page of codes from it.
 * Codes of the errors of the host's KVM. The type is the error's class.
 */
export interface HostKvmErrorCodes {
  /** The package koffi, which calls libc, is not installed or cannot be loaded. @remedy Install the version that the message names. */
  'koffi-missing': BackplaneError;
  /** Another version of koffi is installed than the one that was tried. @remedy Install the version that the message names. */
  'koffi-version': BackplaneError;
  /** The host is no Linux on x64. @remedy Use `-accel kvm-sim`. */
  'kvm-needs-linux': BackplaneError;
  /** A worker thread was to run a guest: signals that interrupt it reach the main thread. @remedy Use the main thread, or a process. */
  'kvm-needs-main-thread': BackplaneError;
  /** The host has no memory for the RAM of a guest. @remedy Give the machine less RAM. */
  'no-guest-memory': BackplaneError;
}
