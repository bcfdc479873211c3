import type { BackplaneError, DeviceFailure } from './errors.ts';

/**
 * Types only: `test/architecture/error-codes.test.ts` reads this file, and makes the page of codes from it.
 * Codes of the errors of the base room. The type is the error's class.
 */
export interface BaseErrorCodes {
  /**
   * A device's own code threw: a handler, a hook, a timer's callback.
   * @remedy Look at the error's `cause`, which is what the device threw, and mend the device.
   */
  'device-failure': DeviceFailure;
  /** A decorator that takes arguments is written without brackets. @remedy Write the brackets: `@device({ ... })`. */
  'missing-brackets': BackplaneError;
  /**
   * The file was compiled with standard decorators; those of a device are TypeScript's own.
   * @remedy Set `"experimentalDecorators": true` in the `tsconfig.json` that includes the file.
   */
  'standard-decorator': BackplaneError;
  /** A decorated member is static, and each device has its own. @remedy Remove `static`. */
  'static-member': BackplaneError;
  /** A declaration has a word that means nothing there. @remedy Write the word that the message names, or one of those that it lists. */
  'unknown-word': BackplaneError;
}
