import type { BackplaneError } from '../base/errors.ts';

/**
 * Types only: `test/architecture/error-codes.test.ts` reads this file, and makes the page of codes from it.
 * Codes of the errors of the analysis room. The type is the error's class.
 */
export interface AnalysisErrorCodes {
  /**
   * The replay of a recording stopped before its end: the machine stopped, or a device threw.
   * @remedy Look at the error's `cause`; replay on a machine that suits the recording.
   */
  'replay-stopped': BackplaneError;
  /** A suggestion names a region that the machine does not have. @remedy Carry the suggestion out on the machine that it was made for. */
  'suggestion-of-another-machine': BackplaneError;
  /**
   * KVM's rules and the replay count different numbers of exits.
   * @remedy Use `drain=every-exit`, and a recording without a reset or a halt in its middle.
   */
  'unpredictable-recording': BackplaneError;
}
