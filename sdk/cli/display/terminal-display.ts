import { atExit } from '../../backend/node/at-exit.ts';
import type { ShowsText, TextScreen } from '../../device/index.ts';
import { holdNotes } from '../terminal.ts';
import { ScreenPainter } from './painter.ts';

/** Its own screen, without wrapping at the end of a line; and back. */
const Enter = '\x1b[?1049h\x1b[?7l';
const Leave = '\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l';
const Graphics: TextScreen = {
  rows: ['The guest shows graphics, and this terminal shows text.'],
  colours: new Uint8Array(80).fill(0x07),
};
const Usual = { columns: 80, rows: 25 } as const;

/** What it needs of the terminal: a `WriteStream` of Node. */
export interface DisplayOutput {
  readonly columns?: number;
  readonly rows?: number;
  /** Bytes that it has not taken yet. */
  readonly writableLength?: number;
  write(text: string): unknown;
  on(event: 'resize', listener: () => void): unknown;
  off(event: 'resize', listener: () => void): unknown;
}

/** The screen of a machine at a terminal. What is told meanwhile is held back until the terminal is its user's again. */
export class TerminalDisplay {
  private readonly painter: ScreenPainter;
  private isShown = false;
  private restore: (() => void) | undefined;
  private release: (() => void) | undefined;
  private readonly onResize = () => {
    this.painter.forget();
    this.refresh();
  };
  private readonly onStop = () => this.hide();
  private readonly onContinue = () => this.show();

  constructor(
    private readonly output: DisplayOutput,
    private readonly source: ShowsText,
    hasColours: boolean,
  ) {
    this.painter = new ScreenPainter(hasColours);
  }

  open(): void {
    this.restore = atExit(() => this.end());
    this.output.on('resize', this.onResize);
    // Before the terminal is given back and the process stops.
    process.prependListener('SIGTSTP', this.onStop);
    process.on('SIGCONT', this.onContinue);
    this.show();
  }

  /** Draws what has changed. A terminal that has not taken the last frame yet gets none. */
  refresh(): void {
    if (!this.isShown || (this.output.writableLength ?? 0) > 0) return;
    // A terminal that does not know its size says 0.
    const size = { columns: this.output.columns || Usual.columns, rows: this.output.rows || Usual.rows };
    const text = this.painter.paint(this.source.textScreen() ?? Graphics, size);
    if (text !== '') this.output.write(text);
  }

  /** Gives the terminal to something else for a while: a monitor. */
  hide(): void {
    if (!this.isShown) return;
    this.isShown = false;
    this.output.write(Leave);
    this.release?.();
  }

  show(): void {
    if (this.isShown || this.restore === undefined) return;
    this.isShown = true;
    this.release = holdNotes();
    this.output.write(Enter);
    this.painter.forget();
    this.refresh();
  }

  /** The terminal is as it was. More calls do nothing. */
  close(): void {
    this.restore?.();
  }

  private end(): void {
    this.restore = undefined;
    this.output.off('resize', this.onResize);
    process.off('SIGTSTP', this.onStop);
    process.off('SIGCONT', this.onContinue);
    this.hide();
  }
}
