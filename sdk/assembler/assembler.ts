import { type ArithmeticInstructions, arithmeticInstructions } from './arithmetic.ts';
import { type ControlInstructions, controlInstructions } from './control.ts';
import { type Directives, directives } from './directives.ts';
import { Emitter } from './emitter.ts';
import type { CodeBits } from './encoding.ts';
import type { Assembled } from './layout.ts';
import { type MoveInstructions, moveInstructions } from './moves.ts';
import { type SystemInstructions, systemInstructions } from './system.ts';

/** The instructions and directives of a source, a method each. The destination is the first operand, as in Intel's manuals. */
export type Assembler = Directives &
  MoveInstructions &
  ArithmeticInstructions &
  ControlInstructions &
  SystemInstructions;

export interface AssembleOptions {
  /** Linear address of the first byte; 0 by default. */
  readonly origin?: number;
  /** Width of the code at its start: 16 or 32. */
  readonly bits: CodeBits;
}

/**
 * Machine code of x86 processors, of 16 and 32 bits, from a source that is a function.
 *
 * Jumps to labels are short where the target is near enough. A mistake throws an `AssemblyError` that names the instruction.
 */
export function assemble({ origin = 0, bits }: AssembleOptions, source: (a: Assembler) => void): Assembled {
  const out = new Emitter(origin, bits);
  out.checkRange('origin', origin, 0, 0xffff_ffff);
  source({
    ...directives(out),
    ...moveInstructions(out),
    ...arithmeticInstructions(out),
    ...controlInstructions(out),
    ...systemInstructions(out),
  });
  return out.finish();
}
