import type { ChildProcess } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import type { Socket } from 'node:net';
import { delimiter, join } from 'node:path';
import { BackplaneError } from '../../base/errors.ts';
import { end, type QemuProgram } from './child.ts';
import { orDeath, startEmulator } from './emulator.ts';
import { QmpClient } from './qmp-client.ts';
import { QtestClient } from './qtest-client.ts';

/** QEMU by the processor that it emulates: the name of its executable file. */
export type QemuEmulator = 'qemu-system-x86_64' | 'qemu-system-arm' | 'qemu-system-riscv64';
/** The package of Debian that has each. */
const packages: Readonly<Record<QemuEmulator, string>> = {
  'qemu-system-x86_64': 'qemu-system-x86',
  'qemu-system-arm': 'qemu-system-arm',
  'qemu-system-riscv64': 'qemu-system-misc',
};
export const DefaultEmulator = 'qemu-system-x86_64';

export interface QemuOptions {
  /** Default `pc`. */
  readonly machine?: string;
  /** The RTC's time when the machine is made; it stands still, as the virtual clock does. */
  readonly rtcBase?: string;
  /** `qtest`: time moves by the command `clock_step`. Not every QEMU is built with it. Default: `tcg`, which is stopped. */
  readonly accelerator?: 'tcg' | 'qtest';
  /** More arguments of the command line, after ours. */
  readonly arguments?: readonly string[];
  /** A path, or what `vfioUserQemu()` found. Default: what `findQemu()` finds for `emulator`. */
  readonly binary?: string | QemuProgram;
  /** Default: `qemu-system-x86_64`. */
  readonly emulator?: QemuEmulator;
  /** Milliseconds in which the emulator must have connected and greeted. */
  readonly startTimeout?: number;
  /** Milliseconds that each answer has; then it counts as hung. */
  readonly answerTimeout?: number;
}

/** The path of an installed QEMU: for a PC what `QTEST_QEMU_BINARY` names, else the first one on `PATH`. */
export function findQemu(
  environment: NodeJS.ProcessEnv = process.env,
  emulator: QemuEmulator = DefaultEmulator,
): string | undefined {
  const named = namedIn(environment, emulator);
  if (named) return isExecutable(named) ? named : undefined;
  const folders = (environment['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, emulator)).find(isExecutable);
}

/** The variable names the emulator of a PC, and no other. */
const namedIn = (environment: NodeJS.ProcessEnv, emulator: QemuEmulator): string | undefined =>
  emulator === DefaultEmulator ? environment['QTEST_QEMU_BINARY'] : undefined;

/** Why no QEMU can be started here, in one sentence; undefined where one can. */
export function whyNoQemu(
  environment: NodeJS.ProcessEnv = process.env,
  emulator: QemuEmulator = DefaultEmulator,
): string | undefined {
  if (findQemu(environment, emulator)) return undefined;
  const named = namedIn(environment, emulator);
  if (named) return `QTEST_QEMU_BINARY names '${named}', which is no executable file.`;
  return `'${emulator}' is not on PATH (Debian: apt-get install ${packages[emulator]}).`;
}

/** A QEMU whose processor executes nothing: it acts only on `qtest` and `qmp`, and its time stands still by itself. */
export class QemuProcess {
  private constructor(
    readonly qtest: QtestClient,
    readonly qmp: QmpClient,
    private readonly child: ChildProcess,
  ) {}

  /** Starts the emulator for the length of `body`. It is gone when this settles, whatever happens. */
  static async with<T>(options: QemuOptions, body: (qemu: QemuProcess) => Promise<T>): Promise<T> {
    const qemu = await QemuProcess.start(options);
    try {
      return await body(qemu);
    } finally {
      await qemu.stop();
    }
  }

  static async start(options: QemuOptions = {}): Promise<QemuProcess> {
    const { startTimeout = 30_000, answerTimeout = 20_000 } = options;
    const { emulator } = options;
    const binary = options.binary ?? findQemu(process.env, emulator);
    if (!binary) {
      throw new BackplaneError('emulator-not-found', `QEMU: cannot start it: ${whyNoQemu(process.env, emulator)}`);
    }
    const { child, sockets, death } = await startEmulator(binary, {
      sockets: ['qtest', 'qmp'],
      timeout: startTimeout,
      commandLine: (path) => commandLine(path, options),
    });
    try {
      const [qtest, qmp] = sockets as [Socket, Socket];
      const greeted = await orDeath(QmpClient.over(qmp, { replyTimeout: answerTimeout }), death);
      return new QemuProcess(new QtestClient(qtest, { answerTimeout }), greeted, child);
    } catch (cause) {
      await end(child);
      throw cause;
    }
  }

  get version(): string {
    return this.qmp.version;
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  /** Kills the emulator: it has no state to keep. */
  async stop(): Promise<void> {
    this.qtest.close();
    this.qmp.close();
    await end(this.child);
  }
}

function commandLine(path: (socket: string) => string, options: QemuOptions): string[] {
  const { machine = 'pc', rtcBase = '2024-02-28T21:43:50', accelerator = 'tcg', arguments: more = [] } = options;
  // Where nothing is executed nothing is to be stopped, and a stopped machine has no timers.
  const stopped = accelerator === 'tcg' ? ['-S'] : [];
  const socket = (name: string) => `socket,path=${path(name)},id=${name}`;
  return [
    ...['-machine', machine, '-accel', accelerator, ...stopped, '-nodefaults', '-display', 'none', '-monitor', 'none'],
    ...['-rtc', `clock=vm,base=${rtcBase}`],
    ...['-chardev', socket('qtest'), '-qtest', 'chardev:qtest', '-qtest-log', 'none'],
    ...['-chardev', socket('qmp'), '-mon', 'chardev=qmp,mode=control'],
    ...more,
  ];
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
