import type { Device } from '../../device/index.ts';
import type { TestBench } from '../test-bench.ts';
import { type Answer, perform, type ScriptStep } from './guest-script.ts';

/** What one side answered: step by step; undefined where the step does not count. */
export type Answers = readonly (Answer | undefined)[];

/** A handler or timer that threw, as an answer. */
export function answerOf(bench: TestBench<Device>, step: ScriptStep): Answer {
  try {
    return perform(bench, step);
  } catch (error) {
    return threw(error);
  }
}

export function threw(error: unknown): Answer {
  return `threw: ${error instanceof Error ? error.message : String(error)}`;
}

/** Where two sides first answer differently, in words; `last` is said of the end. */
export function difference(
  script: readonly ScriptStep[],
  left: Answers,
  right: Answers,
  [leftName, rightName]: readonly [string, string],
): string | undefined {
  for (let index = 0; index < script.length; index++) {
    const a = left[index];
    const b = right[index];
    if (a === b || a === undefined || b === undefined) continue;
    return `step ${index + 1} answers ${trimmed(a)} ${leftName}, and ${trimmed(b)} ${rightName}.`;
  }
  return undefined;
}

const trimmed = (answer: Answer): string => answer.trim() || 'nothing';

/** Forgets which edges the pins have had so far. */
export function clearRecorders(bench: TestBench<Device>): void {
  const recorders = bench.interrupts as Readonly<Record<string, { clear(): void }>>;
  for (const name in recorders) recorders[name]?.clear();
}

/** Where the last step of a kind stands; -1 if there is none. */
export function lastOf(script: readonly ScriptStep[], kind: ScriptStep['kind']): number {
  return script.findLastIndex((step) => step.kind === kind);
}

/** The first pin that is up, if one is. */
export function pinHigh(bench: TestBench<Device>): string | undefined {
  const recorders = bench.interrupts as Readonly<Record<string, { readonly level: boolean }>>;
  return Object.keys(recorders).find((name) => recorders[name]?.level === true);
}
