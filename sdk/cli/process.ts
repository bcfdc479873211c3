import { BackplaneError, describeThrown } from '../base/errors.ts';
import { printable } from '../base/text.ts';
import { afterHostTime } from '../clock/index.ts';
import { failurePlace, sources, withPlace } from './plugins/failure-place.ts';
import { type FailureReport, isLeaving, leave, reportFailure, type SafeTerminal, type Terminal } from './terminal.ts';

/** How long timers and handles of plugins and programs may keep the process alive after the command. */
const Patience = 3000;

/** How the failures of a command line are reported. */
export const failureReport = (words: readonly string[]): FailureReport => ({
  verbose: words.some((word) => /^--?verbose$/.test(word)),
  json: words.some((word) => /^--?json$/.test(word)),
});

/**
 * Runs the command of this process. Programs and plugins run in the same process. An uncaught error of theirs, or their
 * call of process.exit(), is reported in one message, with status 1.
 */
export async function runInProcess(
  work: () => Promise<number>,
  terminal: SafeTerminal,
  words: readonly string[],
): Promise<void> {
  const how = failureReport(words);
  let status: number | undefined;
  const fail = (failure: unknown) => {
    reportFailure(terminal, failure, how);
    leave(1);
  };
  const exit = watchExit();
  process.on('uncaughtException', (failure) => fail(escaped('a callback threw', failure)));
  process.on('unhandledRejection', (reason) => fail(escaped('a promise was rejected without a handler', reason)));
  process.once('exit', () => {
    if (isLeaving()) return;
    if (status === undefined) process.stderr.write(`backplane: ${printable(sayUnfinished(exit))}\n`);
    process.exitCode = status ?? 1;
  });
  status = await work();
  process.exitCode = status;
  await allIsRead();
  endWhatLingers(terminal, status);
}

/** Waits until the output is written: a slow reader, such as a pager, gets all of it. */
async function allIsRead(): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) {
    await new Promise<void>((resolve) => {
      stream.write('', () => resolve());
    });
  }
}

/** An uncaught error: from a callback of a plugin or a program, or a mistake of this package. */
function escaped(what: string, failure: unknown): unknown {
  const place = failurePlace(failure);
  if (failure instanceof Error && place === undefined) return failure;
  const remedy =
    'A device or an observer must finish its work before its handler returns. For later work use clock.timer(...).';
  const files = [...sources].slice(0, 3).map((file) => `'${file}'`);
  const noStack =
    place === undefined ? ` It has no stack, so its line is not known. The running files are ${files.join(', ')}.` : '';
  return new BackplaneError(
    'uncaught-failure',
    `${withPlace(`${what}: ${describeThrown(failure)}`, failure)}. ${remedy}${noStack}`,
    {
      cause: failure,
    },
  );
}

interface WatchedExit {
  called: boolean;
  place: string | undefined;
}

/** Records the caller of process.exit(). */
function watchExit(): WatchedExit {
  const watched: WatchedExit = { called: false, place: undefined };
  const { exit } = process;
  process.exit = (code) => {
    if (!watched.called) watched.place = failurePlace(new Error('exit'));
    watched.called = true;
    return exit.call(process, code);
  };
  return watched;
}

/** Without a call of process.exit() the process ends when no work is left. */
function sayUnfinished({ called, place }: WatchedExit): string {
  if (!called) return 'the program awaits a promise that is never settled. Settle every promise that it awaits.';
  const where = place === undefined ? '' : ` (${place})`;
  return (
    `a program or plugin called process.exit() before the command was done${where}. ` +
    'Return, or throw an Error that says why.'
  );
}

/** Ends the process although an interval or a handle is left. */
function endWhatLingers(terminal: Terminal, status: number): void {
  afterHostTime(
    Patience,
    () => {
      terminal.note('backplane: a program or plugin left an interval or a handle open; the process was ended.');
      leave(status);
    },
    'in the background',
  );
}
