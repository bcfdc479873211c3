import type { AssemblyError } from './errors.ts';

/**
 * Types only: `test/architecture/error-codes.test.ts` reads this file, and makes the page of codes from it.
 * Codes of the errors of the assembler. The type is the error's class.
 */
export interface AssemblerErrorCodes {
  /**
   * A label is defined twice.
   * @remedy Give one of them another name, or take a name from `localLabel`.
   */
  'duplicate-label': AssemblyError;
  /**
   * The target of a jump that has only a short form is more than 127 bytes away.
   * @remedy Move the target, or jump round a `jmp`.
   */
  'jump-too-far': AssemblyError;
  /**
   * An instruction has no form for these operands, or an address cannot be encoded.
   * @remedy Write the operands that the message names.
   */
  'operand-mismatch': AssemblyError;
  /**
   * An instruction or a value names a label that is not defined.
   * @remedy Define it with `label`, or correct the name.
   */
  'unknown-label': AssemblyError;
  /**
   * A number does not fit the field of the instruction, or the value of a label does not.
   * @remedy Write a value in the range of the message.
   */
  'value-does-not-fit': AssemblyError;
}
