import type { ReadStream } from 'node:tty';
import { atExit } from './at-exit.ts';

/** The keys of a terminal as they are typed, until it is given back. */
export interface RawTerminal {
  /** The terminal is as it was. More calls do nothing. */
  restore(): void;
}

/**
 * Sets the terminal raw: no echo, each key at once, Ctrl-C as a byte. It is restored at every end of the process that a process can
 * notice, and while the process is stopped (SIGTSTP).
 */
export function makeRaw(input: Pick<ReadStream, 'setRawMode'>): RawTerminal {
  const set = (raw: boolean) => {
    try {
      input.setRawMode(raw);
    } catch {
      // The terminal is gone, such as the window that was closed.
    }
  };
  const stop = () => {
    set(false);
    process.kill(process.pid, 'SIGSTOP');
  };
  const goOn = () => {
    // A shell has set it meanwhile: the mode that was set last is set again only after another one.
    set(false);
    set(true);
  };
  const restore = atExit(() => {
    process.off('SIGTSTP', stop);
    process.off('SIGCONT', goOn);
    set(false);
  });
  process.on('SIGTSTP', stop);
  process.on('SIGCONT', goOn);
  set(true);
  return { restore };
}
