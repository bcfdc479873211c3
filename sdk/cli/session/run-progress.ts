import { openStdio } from '../../backend/node/stdio.ts';
import { count } from '../../base/text.ts';
import { hostNanoseconds, MILLISECOND, SECOND } from '../../clock/index.ts';
import type { Terminal } from '../terminal.ts';

/** Host time between two lines. */
const Pause = 250 * MILLISECOND;
/** Of a terminal that does not say how wide it is. */
const UsualWidth = 80;

/** What counts the instructions of a run. */
interface Counted {
  readonly operations: number;
}

/**
 * How far machine code is, for a user who does not see what the guest writes: instructions, guest time, and the guest's last line. The
 * line replaces itself on standard error, if that is a terminal.
 */
export class RunProgress {
  private shownAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly counted: Counted,
    private readonly terminal: Pick<Terminal, 'progress'>,
  ) {}

  /** Called between two instructions; `guestTime` is in nanoseconds. */
  show(guestTime: bigint): void {
    const stdio = openStdio();
    const now = hostNanoseconds();
    if (stdio?.isShown === true || now - this.shownAt < Pause) return;
    this.shownAt = now;
    const seconds = (Number(guestTime) / SECOND).toFixed(3);
    const line = stdio?.lastLine ?? '';
    const text = `${count(this.counted.operations)} instructions, ${seconds} s of guest time${line === '' ? '' : `: ${line}`}`;
    this.terminal.progress(text.slice(0, (process.stderr.columns || UsualWidth) - 1));
  }
}
