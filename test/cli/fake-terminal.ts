import { expect } from 'vitest';
import { BackplaneError } from '../../sdk/base/errors.ts';
import { runCommandLine } from '../../sdk/cli/main.ts';
import type { Terminal } from '../../sdk/cli/terminal.ts';

export interface Spoken {
  readonly status: number;
  /** What went to standard output, and what was said beside it. */
  readonly printed: string;
  readonly noted: string;
  readonly progress: readonly string[];
  /** What the command failed with, and its code. */
  readonly failure: unknown;
  readonly code: string | undefined;
}

/**
 * The command was refused with this code, in one message without a stack that names these things, and nothing was printed.
 * Without a code the error is one of another room. Returns the message.
 */
export function expectRefused(said: Spoken, code: string | undefined, ...named: readonly string[]): string {
  expect({ status: said.status, printed: said.printed }).toEqual({ status: 1, printed: '' });
  expect(said.noted).toMatch(/^backplane: /);
  expect(said.noted).not.toMatch(/\n\s+at |unexpected failure/);
  if (code !== undefined) expect(said.code, said.noted).toBe(code);
  for (const name of named) expect(said.noted).toContain(name);
  return said.noted;
}

/** Runs one command line in this process, in front of a terminal that remembers. */
export async function backplane(...words: string[]): Promise<Spoken> {
  const printed: string[] = [];
  const noted: string[] = [];
  const progress: string[] = [];
  const terminal: Terminal = {
    print: (text) => void printed.push(text),
    note: (text) => void noted.push(text),
    progress: (text) => void progress.push(text),
    bold: (text) => text,
  };
  let failure: unknown;
  const status = await runCommandLine(words, terminal, (thrown) => {
    failure = thrown;
  });
  const code = failure instanceof BackplaneError ? failure.code : undefined;
  return { status, printed: printed.join('\n'), noted: noted.join('\n'), progress, failure, code };
}
