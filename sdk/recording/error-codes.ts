import type { BackplaneError } from '../base/errors.ts';

/**
 * Types only: `test/architecture/error-codes.test.ts` reads this file, and makes the page of codes from it.
 * Codes of the errors of recorded runs. The type is the error's class.
 */
export interface RecordingErrorCodes {
  /** A recording was to be recorded, or machine code whose instructions take no time. @remedy Copy a recording; give plainCost a number. */
  'guest-not-recordable': BackplaneError;
  /** A machine was to be recorded that has run already, or that another recording is made of. @remedy Begin with the first run. */
  'machine-not-recordable': BackplaneError;
  /** The lines at the beginning of a recorded run are missing, or say something that cannot be. @remedy Record the run again. */
  'recording-header-damaged': BackplaneError;
  /** A line about the world outside of a recorded run says what cannot be. @remedy Record the run again. */
  'recording-line-damaged': BackplaneError;
  /** A recorded run was to be replayed on a machine that is another one. @remedy Give the machine, devices and options of the message. */
  'recording-of-another-machine': BackplaneError;
}
