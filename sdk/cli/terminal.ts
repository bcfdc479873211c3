import { BackplaneError } from '../memory/errors.ts';
import { withOrigins } from './plugins/bundle-lines.ts';

/** Where a command writes: results go out, everything said on the way goes to the other stream. */
export interface Terminal {
  print(text: string): void;
  note(text: string): void;
  /** A line that replaces itself while a person is watching; nobody else sees it. */
  progress(text: string): void;
  bold(text: string): string;
}

const eraseLine = '\r\x1b[K';

export function hostTerminal(): Terminal {
  const { stdout, stderr, env } = process;
  const colours = stdout.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  leaveQuietlyWhenNobodyReads();
  let progressShown = false;
  const clearProgress = () => {
    if (progressShown) stderr.write(eraseLine);
    progressShown = false;
  };
  return {
    print(text) {
      clearProgress();
      stdout.write(`${text}\n`);
    },
    note(text) {
      clearProgress();
      stderr.write(`${text}\n`);
    },
    progress(text) {
      if (stderr.isTTY !== true || env['TERM'] === 'dumb') return;
      stderr.write(text === '' ? eraseLine : `${eraseLine}${text}`);
      progressShown = text !== '';
    },
    bold: (text) => (colours ? `\x1b[1m${text}\x1b[0m` : text),
  };
}

/** Says what went wrong in one message; how the program got there only when asked. */
export function reportFailure(terminal: Terminal, failure: unknown, verbose: boolean): void {
  const error =
    failure instanceof Error ? failure : new Error(`something that is no Error was thrown: ${String(failure)}`);
  const expected = error instanceof BackplaneError;
  const message = expected ? error.message : `unexpected failure: ${error.message}`;
  terminal.note(`backplane: ${message}`);
  for (let cause = error.cause; cause instanceof Error && !expected; cause = cause.cause) {
    terminal.note(`  because: ${cause.message}`);
  }
  if (verbose) terminal.note(stacksOf(error));
  else if (!expected) terminal.note("Run again with '--verbose' to see where it happened.");
}

/** The stack of an error and of everything that led to it: the author's own line is usually in the last of them. */
function stacksOf(error: Error): string {
  const stacks: string[] = [];
  const seen = new Set<unknown>();
  for (let link: unknown = error; link instanceof Error && !seen.has(link); link = link.cause) {
    seen.add(link);
    stacks.push(withOrigins(link.stack ?? link.message));
  }
  return stacks.join('\ncaused by ');
}

/** `backplane ... | head` closes the pipe early; that is not a failure. */
function leaveQuietlyWhenNobodyReads(): void {
  process.stdout.once('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
}
