import { runCommandLine } from '../../sdk/cli/main.ts';
import type { Terminal } from '../../sdk/cli/terminal.ts';

export interface Spoken {
  readonly status: number;
  /** What went to standard output, and what was said beside it. */
  readonly printed: string;
  readonly noted: string;
  readonly progress: readonly string[];
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
  const status = await runCommandLine(words, terminal);
  return { status, printed: printed.join('\n'), noted: noted.join('\n'), progress };
}
