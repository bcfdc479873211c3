import type { BackplaneError } from '../base/errors.ts';

/**
 * Types only: `test/architecture/error-codes.test.ts` reads this file, and makes the page of codes from it.
 * Codes of the errors of the backend room. The type is the error's class; some are among the problems of a WiringError.
 */
export interface BackendErrorCodes {
  /** A back end opens asynchronously, and a machine is built synchronously. @remedy Write `await openBackends([...])` first. */
  'asynchronous-backend': BackplaneError;
  /** Two devices, or two options of one, name the same back end. @remedy Give one of them another back end. */
  'backend-in-use': BackplaneError;
  /** A back end could not be opened on the host. @remedy See to what the message says of the host. */
  'backend-not-opened': BackplaneError;
  /** A program sends to a back end that no machine has. @remedy Give it to `Machine.create` first. */
  'backend-without-machine': BackplaneError;
  /** Two back ends of one machine have the same id. @remedy Give one of them another id. */
  'duplicate-backend': BackplaneError;
  /** More is posted to the inbox than it holds for one back end. @remedy Wait until the device has taken some of it. */
  'inbox-overrun': BackplaneError;
  /** A kind of back ends has no name, type, options or open(). @remedy Write what the message says. */
  'invalid-backend': BackplaneError;
  /** A device or an event names a back end that the machine does not have. @remedy Write one of the ids that the message lists. */
  'no-such-backend': BackplaneError;
  /** A device names a block back end where it takes one for characters, or the reverse. @remedy Name another. */
  'wrong-backend-type': BackplaneError;
}
