import type { BackplaneError } from '../base/errors.ts';

/**
 * Types only: `test/architecture/error-codes.test.ts` reads this file, and makes the page of codes from it.
 * Codes of the errors of a monitor's commands. The type is the error's class.
 */
export interface MonitorErrorCodes {
  /** A command of the monitor has the wrong operands. @remedy Write them as the message says; `help` shows all commands. */
  'malformed-monitor-command': BackplaneError;
  /** A command of the monitor would change a run that is being recorded. @remedy Use `x` and `info`, or run without -record. */
  'monitor-while-recording': BackplaneError;
  /** The monitor has no command of that name. @remedy Correct the name; `help` lists the commands. */
  'unknown-monitor-command': BackplaneError;
}
