import { BackplaneError } from '../base/errors.ts';

/** Where in the source an instruction or directive is. */
export interface SourcePlace {
  /** Instructions and directives are counted from 0, labels are not. */
  readonly index: number;
  /** The name of the method: `mov`. */
  readonly mnemonic: string;
  /** The last label before it; undefined before the first. */
  readonly label: string | undefined;
}

/** A mistake in a source of the assembler. The message names the instruction, and the last label before it. */
export class AssemblyError extends BackplaneError {
  override readonly name: string = 'AssemblyError';

  constructor(
    code: string,
    readonly place: SourcePlace,
    why: string,
  ) {
    const after = place.label === undefined ? '' : ` after label '${place.label}'`;
    super(code, `Assembler: instruction ${place.index}, ${place.mnemonic}${after}: ${why}`);
  }
}

/** Makes the error of a mistake in the instruction that is being written. */
export type FailHere = (code: string, why: string) => AssemblyError;

export const failAt =
  (place: SourcePlace): FailHere =>
  (code, why) =>
    new AssemblyError(code, place, why);
