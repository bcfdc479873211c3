import { BackplaneError, describeThrown } from '../base/errors.ts';
import { printable, printableLines } from '../base/text.ts';
import { explainFileFailure, reasonOf } from './files.ts';
import { causesOf, withOrigins, withPlace } from './plugins/failure-place.ts';

/** Where a command writes: results to standard output, messages to standard error. */
export interface Terminal {
  print(text: string): void;
  note(text: string): void;
  /** A progress line that replaces itself. It is shown on an interactive terminal only. */
  progress(text: string): void;
  bold(text: string): string;
  /** Columns of an interactive terminal. */
  readonly width?: number | undefined;
}

const eraseLine = '\r\x1b[K';

export function hostTerminal(): Terminal {
  const { stdout, stderr, env } = process;
  const colours = stdout.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  watchStreams();
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

/** Noncharacters of Unicode, which no text contains. */
const [BoldBegins, BoldEnds] = ['\ufdd0', '\ufdd1'];
const boldPart = new RegExp(`${BoldBegins}([^${BoldEnds}]*)${BoldEnds}`, 'g');

/**
 * A terminal without control characters: names, messages and values come from files, plugins and guests. The second and
 * later lines of a message are indented, so that none looks like a message of its own.
 */
export function safeTerminal(terminal: Terminal): Terminal {
  return {
    print: (text) => terminal.print(printableLines(text).replace(boldPart, (_, part: string) => terminal.bold(part))),
    note: (text) => terminal.note(indented(printableLines(text))),
    progress: (text) => terminal.progress(printable(text)),
    bold: (text) => `${BoldBegins}${text}${BoldEnds}`,
    width: terminal.width,
  };
}

/** Indents all lines but the first, if one of them begins in the first column. */
const indented = (text: string): string => (/\n(?! )/.test(text) ? text.replaceAll('\n', '\n  ') : text);

/** Reports a failure in one message. With -verbose its code and its stack follow. */
export function reportFailure(terminal: Terminal, failure: unknown, verbose: boolean): void {
  const ofFile = explainFileFailure(failure);
  const expected = failure instanceof BackplaneError || ofFile !== undefined;
  const message = withPlace(ofFile ?? describeThrown(failure), failure);
  terminal.note(`backplane: ${expected ? '' : 'unexpected failure: '}${message}`);
  const links = [...causesOf(failure)];
  if (!expected) for (const cause of links.slice(1)) terminal.note(`  because: ${describeThrown(cause)}`);
  if (verbose && failure instanceof BackplaneError) terminal.note(`  code: ${failure.code}`);
  if (verbose) terminal.note(links.map((link) => withOrigins(stackOf(link))).join('\ncaused by '));
  else if (!expected) terminal.note("Run again with '-verbose' to see where it happened.");
}

function stackOf(error: Error): string {
  return typeof error.stack === 'string' ? error.stack : describeThrown(error);
}

/** A closed pipe (`backplane ... | head`) is not a failure. A full disk is. */
function watchStreams(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') leave(0);
    process.stderr.write(`backplane: the results cannot be written to standard output (${reasonOf(error)}).\n`);
    leave(1);
  });
  // Standard error is gone; the results are written all the same.
  process.stderr.on('error', () => {});
}

let isLeavingOnPurpose = false;

/** Ends the process on purpose, so that its end is not reported. */
export function leave(status: number): never {
  isLeavingOnPurpose = true;
  process.exit(status);
}

export function isLeaving(): boolean {
  return isLeavingOnPurpose;
}
