import { BackplaneError, describeThrown } from '../base/errors.ts';
import { printable } from '../base/text.ts';
import { afterHostTime } from '../clock/index.ts';
import { sources } from './plugins/bundle-lines.ts';
import { failurePlace, withPlace } from './plugins/failure-place.ts';
import { isLeaving, leave, reportFailure, type Terminal } from './terminal.ts';

/** How long what plugins and programs have left running may keep the process alive once the command is done. */
const Patience = 3000;

/** Whether the stacks of failures are wanted. */
export const isVerbose = (words: readonly string[]): boolean => words.some((word) => /^--?verbose$/.test(word));

/**
 * Runs a command as what the process is for. Programs and plugins share the process with it: what they throw where nobody
 * catches it, and an end that they make of it, are said in one message, with status 1.
 */
export async function runInProcess(
  work: () => Promise<number>,
  terminal: Terminal,
  words: readonly string[],
): Promise<void> {
  const verbose = isVerbose(words);
  let status: number | undefined;
  const fail = (failure: unknown) => {
    reportFailure(terminal, failure, verbose);
    leave(1);
  };
  const exit = watchExit();
  process.on('uncaughtException', (failure) => fail(escaped('a callback threw', failure)));
  process.on('unhandledRejection', (reason) => fail(escaped('a promise was rejected, and nobody caught it', reason)));
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

/** Whoever reads slowly, a pager for one, has what was written before anything is ended. */
async function allIsRead(): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) {
    await new Promise<void>((resolve) => {
      stream.write('', () => resolve());
    });
  }
}

/** What escaped from the command: from somebody's callback, or a mistake of ours. */
function escaped(what: string, failure: unknown): unknown {
  const place = failurePlace(failure);
  if (failure instanceof Error && place === undefined) return failure;
  const remedy =
    'What a device or an observer does must be done when its handler returns; for later there are timers: clock.timer(...).';
  const files = [...sources].slice(0, 3).map((file) => `'${file}'`);
  const nowhere =
    place === undefined ? ` It has no stack, so the line is not known; what runs is of ${files.join(', ')}.` : '';
  return new BackplaneError(`${withPlace(`${what}: ${describeThrown(failure)}`, failure)}. ${remedy}${nowhere}`, {
    cause: failure,
  });
}

interface WatchedExit {
  called: boolean;
  place: string | undefined;
}

/** Remembers who ended the process, and lets them. */
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

/** Without a call the process ends like this when nothing is left that could ever go on. */
function sayUnfinished({ called, place }: WatchedExit): string {
  if (!called) return 'the program awaits something that never happens. Let every await of it end.';
  const where = place === undefined ? '' : ` (${place})`;
  return (
    `a program or plugin ended the process with process.exit() before the command was done${where}. ` +
    'Return, or throw an Error that says why.'
  );
}

/** An interval that nobody stops would keep a command that is done from ending. */
function endWhatLingers(terminal: Terminal, status: number): void {
  afterHostTime(
    Patience,
    () => {
      terminal.note('backplane: something that a program or plugin has left running was ended, an interval perhaps.');
      leave(status);
    },
    'in the background',
  );
}
