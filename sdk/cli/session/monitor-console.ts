import { createInterface, type Interface } from 'node:readline';
import { PassThrough } from 'node:stream';
import type { Stdio } from '../../backend/node/stdio.ts';
import { describeThrown } from '../../base/errors.ts';
import { printableLines } from '../../base/text.ts';
import type { Monitor } from '../../monitor/index.ts';
import type { TerminalDisplay } from '../display/terminal-display.ts';

const Greeting = "Monitor of the run. 'help' lists its commands; Ctrl-A c goes back to the guest.\n";

/** The monitor at the terminal of a guest: it has the keys from Ctrl-A c to the next one. What the guest writes is still shown. */
export class MonitorConsole {
  private open: { readonly lines: Interface; readonly keys: PassThrough } | undefined;

  constructor(
    private readonly terminal: Pick<Stdio, 'keys' | 'output'>,
    private readonly monitor: Monitor,
    /** What has the terminal otherwise. */
    private readonly display?: Pick<TerminalDisplay, 'hide' | 'show'>,
  ) {}

  /** Opens it, or gives the keys back to the guest. */
  toggle(): void {
    if (this.open === undefined) this.begin();
    else this.close();
  }

  private begin(): void {
    this.display?.hide();
    const keys = new PassThrough();
    const completer = (line: string): [string[], string] => [
      [...this.monitor.complete(line)],
      line.split(/\s+/).at(-1) ?? '',
    ];
    const { output } = this.terminal;
    const lines = createInterface({ input: keys, output, terminal: true, prompt: '(backplane) ', completer });
    this.open = { lines, keys };
    this.terminal.keys = (typed) => void keys.write(typed);
    output.write(`\n${Greeting}`);
    lines.on('line', (line) => void this.execute(line, lines));
    // Ctrl-C gives the line up, Ctrl-D the monitor.
    lines.on('SIGINT', () => {
      lines.write(null, { ctrl: true, name: 'u' });
      lines.prompt();
    });
    lines.on('close', () => this.close());
    lines.prompt();
  }

  close(): void {
    const { open } = this;
    if (open === undefined) return;
    this.open = undefined;
    this.terminal.keys = undefined;
    open.lines.close();
    open.keys.destroy();
    this.terminal.output.write('\n');
    this.display?.show();
  }

  private async execute(line: string, lines: Interface): Promise<void> {
    let answer: string;
    try {
      answer = await this.monitor.execute(line);
    } catch (failure) {
      answer = `${describeThrown(failure)}\n`;
    }
    this.terminal.output.write(printableLines(answer));
    if (this.open?.lines === lines) lines.prompt();
  }
}
