import type { StateError } from './restore-plan.ts';

/** Codes of the errors that the state room throws. The type is the error's class. */
export interface StateErrorCodes {
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
  /**
   * A device or service refused a state that fits its declaration.
   * @remedy Look at the error's `cause`: its onStateLoaded(), or another hook, threw it.
   */
  'state-refused': StateError;
}
