import type { GuestImage, RunOutcome } from '../../accelerator/index.ts';
import { escapeHelp } from '../../backend/node/escape-keys.ts';
import { openStdio } from '../../backend/node/stdio.ts';
import type { ShowsText } from '../../device/index.ts';
import type { Machine } from '../../machine/index.ts';
import { type PumpOptions, pump } from '../../machine/pump.ts';
import { Monitor, type MonitorHost } from '../../monitor/index.ts';
import { TerminalDisplay } from '../display/terminal-display.ts';
import { onEndingSignals, type Terminal } from '../terminal.ts';
import { MonitorConsole } from './monitor-console.ts';

/** A run that its user can end, stop and look into: by signals, by Ctrl-A and by the monitor. */
export class RunSession {
  private readonly ending = new AbortController();
  /** What has ended it. */
  private by = '';
  /** While the monitor has stopped it, or asks for that. */
  private stopped: { readonly until: Promise<void>; readonly goOn: () => void; standing: () => void } | undefined;
  private readonly console: MonitorConsole | undefined;
  private readonly display: TerminalDisplay | undefined;
  private readonly leaveSignals: () => void;

  constructor(machine: Machine, terminal: Pick<Terminal, 'note'>, host: Pick<MonitorHost, 'save'>, screen?: ShowsText) {
    const onSignal = (signal: NodeJS.Signals) => {
      terminal.note(`${signal}: the run ends between two instructions.`);
      this.end(signal);
    };
    this.leaveSignals = onEndingSignals(onSignal, () => this.ending.signal.aborted);
    const keys = openStdio();
    if (keys === undefined) return;
    keys.onAction = (action, by) => {
      if (action === 'end') this.end(by);
      else if (action === 'monitor') this.console?.toggle();
      else terminal.note(escapeHelp);
    };
    if (!keys.isTerminal) return;
    const monitor = new Monitor(machine, {
      ...host,
      stop: () => this.stop(),
      cont: () => this.cont(),
      quit: () => this.end("'quit' in the monitor"),
    });
    if (screen !== undefined) {
      this.display = new TerminalDisplay(keys.output, screen, !process.env['NO_COLOR']);
    }
    this.console = new MonitorConsole(keys, monitor, this.display);
    terminal.note(escapeHelp);
  }

  /** Runs the guests until they end, or until the user ends the run: its reason is then 'paused', and its message says how. */
  async run(machine: Machine, guests: readonly GuestImage[] | undefined, options: PumpOptions): Promise<RunOutcome> {
    const between = async () => {
      await options.between?.();
      this.display?.refresh();
      this.stopped?.standing();
      await this.stopped?.until;
    };
    this.display?.open();
    const outcome = await pump(machine, guests, { ...options, between, signal: this.ending.signal }).finally(() =>
      this.display?.close(),
    );
    if (outcome.reason !== 'paused' || this.by === '') return outcome;
    return { ...outcome, message: `The run was ended by ${this.by}.` };
  }

  /** Signals end the process again, and the terminal is the guest's no more. */
  close(): void {
    this.console?.close();
    this.leaveSignals();
  }

  private end(by: string): void {
    if (this.by === '') this.by = by;
    this.ending.abort();
    this.cont();
  }

  /** Waits until the guest stands still. */
  private stop(): Promise<void> {
    return new Promise((resolve) => {
      if (this.stopped !== undefined) return resolve();
      let goOn = () => {};
      const until = new Promise<void>((go) => {
        goOn = go;
      });
      this.stopped = { until, goOn, standing: resolve };
    });
  }

  private cont(): void {
    this.stopped?.goOn();
    this.stopped?.standing();
    this.stopped = undefined;
  }
}
