import { BackplaneError, describeThrown } from '../memory/errors.ts';
import { leave } from './leaving.ts';
import { withOrigins } from './plugins/bundle-lines.ts';
import { causesOf, withPlace } from './plugins/failure-place.ts';

/** Where a command writes: results go out, everything said on the way goes to the other stream. */
export interface Terminal {
  print(text: string): void;
  note(text: string): void;
  /** A line that replaces itself while a person is watching; nobody else sees it. */
  progress(text: string): void;
  bold(text: string): string;
  /** Letters in a line, where a person is watching. */
  readonly width?: number | undefined;
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
    width: stdout.isTTY === true ? stdout.columns : undefined,
    bold: (text) => (colours ? `\x1b[1m${text}\x1b[0m` : text),
  };
}

/** Says what went wrong in one message; how the program got there only when asked. */
export function reportFailure(terminal: Terminal, failure: unknown, verbose: boolean): void {
  const expected = failure instanceof BackplaneError;
  const message = withPlace(describeThrown(failure), failure);
  terminal.note(`backplane: ${expected ? '' : 'unexpected failure: '}${message}`);
  const links = [...causesOf(failure)];
  if (!expected) for (const cause of links.slice(1)) terminal.note(`  because: ${describeThrown(cause)}`);
  // The author's own line is usually in the last of them.
  if (verbose) terminal.note(links.map((link) => withOrigins(stackOf(link))).join('\ncaused by '));
  else if (!expected) terminal.note("Run again with '--verbose' to see where it happened.");
}

function stackOf(error: Error): string {
  return typeof error.stack === 'string' ? error.stack : describeThrown(error);
}

/** `backplane ... | head` closes the pipe early; that is not a failure. */
function leaveQuietlyWhenNobodyReads(): void {
  process.stdout.once('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') leave(0);
    throw error;
  });
}
