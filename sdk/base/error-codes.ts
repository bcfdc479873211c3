import type { DeviceFailure } from './errors.ts';

/** Codes of the errors that the memory room throws. The type is the error's class. */
export interface BaseErrorCodes {
  /**
   * A device's own code threw: a handler, a hook, a timer's callback.
   * @remedy Look at the error's `cause`, which is what the device threw, and mend the device.
   */
  'device-failure': DeviceFailure;
}
