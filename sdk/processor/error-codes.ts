import type { BackplaneError } from '../base/errors.ts';

/**
 * Types only: `test/architecture/error-codes.test.ts` reads this file, and makes the page of codes from it.
 * Codes of the errors of processors for machine code. The type is the error's class.
 */
export interface ProcessorErrorCodes {
  /**
   * The guest executes bytes from where it has no memory.
   * @remedy Look at the guest: it jumped to a device or beyond its RAM. Only RAM, and ROM that ends at 4 GiB, hold code.
   */
  'code-outside-memory': BackplaneError;
  /**
   * The processor cannot execute what the guest asked for.
   * @remedy Look at the address and the bytes in the message. So ends a jump to unassigned memory, too.
   */
  'instruction-not-executed': BackplaneError;
  /** A page without a secure context cannot check the processor's file. @remedy Serve the page by HTTPS, or from localhost. */
  'no-secure-context': BackplaneError;
  /** The RAM is more than the processor reaches. @remedy Give at most what the message says. */
  'processor-ram-too-large': BackplaneError;
  /** A fault could not be delivered, and neither could the fault of that. @remedy Look at the guest's interrupt table and stack. */
  'triple-fault': BackplaneError;
  /**
   * The page may not compile WebAssembly.
   * @remedy Add `'wasm-unsafe-eval'` to `script-src` of the page's Content-Security-Policy.
   */
  'wasm-blocked': BackplaneError;
  /** The file is not the one build of the processor that was tried. @remedy Install the version that the message names. */
  'wasm-differs': BackplaneError;
  /** There are no bytes of the processor. @remedy Give the bytes of `build/v86.wasm` of the package that the message names. */
  'wasm-missing': BackplaneError;
}
