import { expect } from 'vitest';
import type { Problem } from '../sdk/base/errors.ts';

/** An error with a code; some hold several problems, each with a code of its own. */
export interface Refusal extends Error {
  readonly code: string;
  readonly problems?: readonly Problem[];
}

/**
 * The action is refused with this code, and the message names these things: a device, a region, an address, an option. How
 * the sentence goes is no concern of a test; test/ROOM/messages.golden.txt keeps it. The code may be that of one of several
 * problems, whose message then names the things. Answers the error.
 */
export function expectRefusal(action: () => Promise<unknown>, code: string, ...named: string[]): Promise<Refusal>;
export function expectRefusal(action: () => unknown, code: string, ...named: string[]): Refusal;
export function expectRefusal(action: () => unknown, code: string, ...named: string[]): Refusal | Promise<Refusal> {
  const check = (thrown: unknown) => checked(thrown, code, named);
  let result: unknown;
  try {
    result = action();
  } catch (thrown) {
    return check(thrown);
  }
  if (result instanceof Promise) return result.then(() => check(undefined), check);
  return check(undefined);
}

function checked(thrown: unknown, code: string, named: readonly string[]): Refusal {
  if (thrown === undefined) expect.fail(`expected a refusal '${code}', and nothing was refused`);
  const refusal = thrown as Refusal;
  const problems: readonly Problem[] = [refusal, ...(refusal.problems ?? [])].filter((one) => one.code === code);
  if (!(thrown instanceof Error) || problems.length === 0) {
    const codes = [refusal, ...(refusal.problems ?? [])].map((one) => one?.code ?? 'no code').join(', ');
    expect.fail(`expected a refusal '${code}', found ${codes}: ${String(thrown)}`);
  }
  const missing = named.filter((name) => !problems.some(({ message }) => message.includes(name)));
  if (missing.length > 0) {
    const messages = problems.map(({ message }) => message).join('\n');
    expect.fail(
      `the message of '${code}' does not name ${missing.map((name) => `'${name}'`).join(', ')}:\n${messages}`,
    );
  }
  return refusal;
}
