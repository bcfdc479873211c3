import { BackplaneError } from '../memory/index.ts';

/** Everything that is wrong with a machine's wiring, found before any of its devices was mapped. */
export class WiringError extends BackplaneError {
  override readonly name: string = 'WiringError';

  constructor(
    readonly machine: string,
    /** One sentence or two per mistake: where, what, why, and what to change. */
    readonly mistakes: readonly string[],
    /** What the first device threw that could not be constructed. */
    cause?: unknown,
  ) {
    const count = mistakes.length === 1 ? 'one mistake' : `${mistakes.length} mistakes`;
    super(
      `Machine '${machine}' has ${count} in its wiring:\n${mistakes.map((mistake) => `  - ${mistake}`).join('\n')}`,
      { cause },
    );
  }
}
