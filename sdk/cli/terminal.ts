import { endingSignals } from '../backend/node/at-exit.ts';
import { openStdio } from '../backend/node/stdio.ts';
import { BackplaneError, describeThrown, type Problem } from '../base/errors.ts';
import { reasonOf } from '../base/system-errors.ts';
import { printable, printableLines } from '../base/text.ts';
import { explainFileFailure } from './files.ts';
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

export interface SafeTerminal extends Terminal {
  /** Whether results were printed. */
  readonly hasPrinted: boolean;
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
      if (holds(text)) return;
      openStdio()?.beginLine();
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
export function safeTerminal(terminal: Terminal): SafeTerminal {
  const safe = {
    hasPrinted: false,
    print(text: string) {
      safe.hasPrinted = true;
      terminal.print(printableLines(text).replace(boldPart, (_, part: string) => terminal.bold(part)));
    },
    note: (text: string) => terminal.note(indented(printableLines(text))),
    progress: (text: string) => terminal.progress(printable(text)),
    bold: (text: string) => `${BoldBegins}${text}${BoldEnds}`,
    width: terminal.width,
  };
  return safe;
}

/** Indents all lines but the first, if one of them begins in the first column. */
const indented = (text: string): string => (/\n(?! )/.test(text) ? text.replaceAll('\n', '\n  ') : text);

/** What `-verbose` and `-json` ask of the report of a failure. */
export interface FailureReport {
  readonly verbose: boolean;
  readonly json: boolean;
}

/**
 * Reports a failure in one message. With -verbose its codes and its stack follow. With -json it is also printed as JSON,
 * unless a result was printed: standard output holds one JSON value.
 */
export function reportFailure(terminal: SafeTerminal, failure: unknown, { verbose, json }: FailureReport): void {
  const ofFile = explainFileFailure(failure);
  const expected = failure instanceof BackplaneError || ofFile !== undefined;
  const message = withPlace(ofFile ?? describeThrown(failure), failure);
  terminal.note(`backplane: ${expected ? '' : 'unexpected failure: '}${message}`);
  const links = [...causesOf(failure)];
  if (!expected) for (const cause of links.slice(1)) terminal.note(`  because: ${describeThrown(cause)}`);
  const problems = problemsOf(failure);
  if (verbose && failure instanceof BackplaneError) {
    terminal.note(`  code: ${failure.code}`);
    if (problems !== undefined) terminal.note(`  codes of the list: ${problems.map(({ code }) => code).join(', ')}`);
  }
  if (verbose) terminal.note(links.map((link) => withOrigins(stackOf(link))).join('\ncaused by '));
  else if (!expected) terminal.note("Run again with '-verbose' to see where it happened.");
  if (json && !terminal.hasPrinted)
    terminal.print(JSON.stringify({ error: { code: codeOf(failure), message, problems } }, null, 2));
}

/** The code of the error, also that of an error of the system: `ENOSPC`. */
function codeOf(failure: unknown): string | undefined {
  return failure instanceof Error && 'code' in failure ? String(failure.code) : undefined;
}

/** The mistakes that a wiring error lists, in the order of its message. */
function problemsOf(failure: unknown): readonly Problem[] | undefined {
  if (!(failure instanceof BackplaneError && 'problems' in failure)) return undefined;
  return (failure.problems as readonly Problem[]).map(({ code, message }) => ({ code, message }));
}

function stackOf(error: Error): string {
  return typeof error.stack === 'string' ? error.stack : describeThrown(error);
}

/** A closed pipe (`backplane ... | head`) is not a failure. A full disk is. */
function watchStreams(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // The back end that has it ends the run in order.
    if (openStdio() !== undefined) return;
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

/** Of a process that a signal ends: 128 and its number. */
const statuses = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** Calls `end` for the first signal that asks for the end. While that is under way one ends the process. Answers how to stop that. */
export function onEndingSignals(end: (signal: NodeJS.Signals) => void, isEnding = () => false): () => void {
  let isFirst = true;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (!isFirst || isEnding()) leave(statuses[signal as keyof typeof statuses]);
    isFirst = false;
    end(signal);
  };
  for (const signal of endingSignals) process.on(signal, onSignal);
  return () => {
    for (const signal of endingSignals) process.off(signal, onSignal);
  };
}

export function isLeaving(): boolean {
  return isLeavingOnPurpose;
}

/** While notes are held back, the last ones are kept, and earlier ones are counted. */
const MostNotes = 200;

let held: string[] | undefined;
let dropped = 0;

/** Holds notes back until the answer is called, which writes them: a screen has the terminal meanwhile. */
export function holdNotes(): () => void {
  held = [];
  dropped = 0;
  return () => {
    const [notes, earlier] = [held ?? [], dropped];
    held = undefined;
    if (earlier > 0) process.stderr.write(`${earlier} earlier messages are not shown.\n`);
    for (const note of notes) process.stderr.write(`${note}\n`);
  };
}

/** Takes a note while they are held back; false while they are not. */
function holds(note: string): boolean {
  if (held === undefined) return false;
  held.push(note);
  if (held.length > MostNotes) {
    held.shift();
    dropped++;
  }
  return true;
}
