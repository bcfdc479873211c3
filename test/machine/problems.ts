import { expect } from 'vitest';
import type { Problem } from '../../sdk/base/errors.ts';
import type { MachineDefinition } from '../../sdk/index.ts';
import { Machine, type MachineRequest, WiringError } from '../../sdk/runtime.ts';

/** Everything that is wrong with the wiring of a machine; nothing where it can be built. */
export function problemsOf(definition: MachineDefinition, request?: MachineRequest): readonly Problem[] {
  try {
    Machine.create(definition, request);
  } catch (error) {
    if (error instanceof WiringError) return error.problems;
    throw error;
  }
  return [];
}

/** These problems and no others, in this order: of each the code, and things that its message names. */
export function expectProblems(
  problems: readonly Problem[],
  ...expected: readonly (readonly [code: string, ...named: string[]])[]
): void {
  expect(problems.map(({ code }) => code)).toEqual(expected.map(([code]) => code));
  expected.forEach(([, ...named], index) => {
    for (const name of named) expect(problems[index]?.message).toContain(name);
  });
}
