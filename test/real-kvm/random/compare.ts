import { Random } from '../../../sdk/testing/random.ts';
import { shrinkNow } from '../../../sdk/testing/shrink.ts';
import { randomScript, type Script, type Step } from './script.ts';

/** A kernel that runs scripts, and what its userspace saw; undefined for a script that does not fit. */
export interface ScriptRunner {
  run(script: Script): string[] | undefined;
}

export interface ScriptDifference {
  readonly seed: number;
  /** The smallest script that still shows it. */
  readonly script: Script;
  /** What both saw of it. */
  readonly expected: readonly string[];
  readonly actual: readonly string[];
}

export interface RandomComparison {
  readonly scripts: number;
  readonly operations: number;
  readonly exits: number;
  readonly difference: ScriptDifference | undefined;
}

export interface RandomOptions {
  readonly operations: number;
  /** Scripts come from this seed on, one each. */
  readonly seed: number;
  readonly onProgress?: (operations: number) => void;
}

const MostTries = 600;

/** Runs random scripts on both until so many operations are done, or one differs. It is shrunk then. */
export function compareRandomly(
  expected: ScriptRunner,
  actual: ScriptRunner,
  options: RandomOptions,
): RandomComparison {
  let scripts = 0;
  let operations = 0;
  let exits = 0;
  for (let { seed } = options; operations < options.operations; seed++) {
    const script = randomScript(new Random(seed));
    const seen = expected.run(script);
    if (seen === undefined) continue;
    scripts++;
    operations += script.steps.length;
    exits += seen.filter((event) => /^(in|out|load|store|hlt)\b/.test(event)).length;
    if (!isSame(seen, actual.run(script))) {
      return { scripts, operations, exits, difference: shrunk(seed, script, expected, actual) };
    }
    options.onProgress?.(operations);
  }
  return { scripts, operations, exits, difference: undefined };
}

function shrunk(seed: number, script: Script, expected: ScriptRunner, actual: ScriptRunner): ScriptDifference {
  const differs = (steps: readonly Step[]): boolean => {
    const part = { ...script, steps };
    return !isSame(expected.run(part) ?? [], actual.run(part));
  };
  const smallest = { ...script, steps: shrinkNow(script.steps, differs, MostTries) };
  return { seed, script: smallest, expected: expected.run(smallest) ?? [], actual: actual.run(smallest) ?? [] };
}

const isSame = (expected: readonly string[], actual: readonly string[] | undefined): boolean =>
  actual !== undefined &&
  expected.length === actual.length &&
  expected.every((event, index) => event === actual[index]);

/** The script, and what both saw around the first event that differs. */
export function describeDifference(
  { seed, script, expected, actual }: ScriptDifference,
  names: [string, string],
): string {
  const first = expected.findIndex((event, index) => event !== actual[index]);
  const at = first < 0 ? expected.length : first;
  const part = (events: readonly string[]): string =>
    events
      .slice(Math.max(0, at - 3), at + 4)
      .map((event, index) => `    ${Math.max(0, at - 3) + index === at ? '>' : ' '} ${event}`)
      .join('\n');
  return [
    `seed ${seed}, ring drained at: ${script.drain}; ${script.steps.length} steps:`,
    ...script.steps.map((step) => `    ${JSON.stringify(step)}`),
    `  ${names[0]} saw:\n${part(expected)}`,
    `  ${names[1]} saw:\n${part(actual)}`,
  ].join('\n');
}
