import type { ChildProcess } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { BackplaneError, describeThrown } from '../../base/errors.ts';
import { printable, printableLines } from '../../base/text.ts';
import { end, launch } from './child.ts';
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
const DefaultEmulator = 'qemu-system-x86_64';
const LongestComplaint = 4096;
/** @see unix(7): `sun_path` has 108 bytes, the last of them 0. */
const LongestSocketPath = 107;

export interface QemuOptions {
  /** Default `pc`. */
  readonly machine?: string;
  /** The RTC's time when the machine is made; it stands still, as the virtual clock does. */
  readonly rtcBase?: string;
  /** More arguments of the command line, after ours. */
  readonly arguments?: readonly string[];
  /** Default: what `findQemu()` finds for `emulator`. */
  readonly binary?: string;
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

/** An installed QEMU with a stopped processor (`-S`): it acts only on `qtest` and `qmp`, and its time stands still. */
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
    const folder = socketFolder();
    const listeners: Server[] = [];
    let child: ChildProcess | undefined;
    try {
      const deadline = AbortSignal.timeout(startTimeout);
      const sockets = ['qtest', 'qmp'].map((name) => acceptOne(join(folder, name), listeners, deadline));
      child = launch(binary, commandLine(folder, options));
      const [qtest, qmp] = await Promise.race([Promise.all(sockets), deathOf(child, binary)]);
      if (!qtest || !qmp) throw new BackplaneError('emulator-silent', 'QEMU: it did not connect.');
      const greeted = QmpClient.over(qmp, { replyTimeout: answerTimeout });
      return new QemuProcess(new QtestClient(qtest, { answerTimeout }), await greeted, child);
    } catch (cause) {
      if (child) await end(child);
      throw cause;
    } finally {
      for (const listener of listeners) listener.close();
      rmSync(folder, { recursive: true, force: true });
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

/** The emulator connects to sockets in a folder of its own. */
function socketFolder(): string {
  const refuse = (why: string, cause?: unknown) =>
    new BackplaneError(
      'socket-folder',
      `QEMU: no folder for its sockets can be made in '${printable(tmpdir())}' (${printable(why)}). Set TMPDIR to another one.`,
      { cause },
    );
  // The kernel cuts a longer path without an error.
  const longest = join(tmpdir(), 'backplane-qemu-XXXXXX', 'qtest');
  if (Buffer.byteLength(longest) > LongestSocketPath)
    throw refuse(`a socket's path has at most ${LongestSocketPath} bytes`);
  try {
    return mkdtempSync(join(tmpdir(), 'backplane-qemu-'));
  } catch (cause) {
    throw refuse(describeThrown(cause), cause);
  }
}

function commandLine(folder: string, options: QemuOptions): string[] {
  const { machine = 'pc', rtcBase = '2024-02-28T21:43:50', arguments: more = [] } = options;
  const socket = (name: string) => `socket,path=${join(folder, name)},id=${name}`;
  return [
    ...['-machine', machine, '-accel', 'tcg', '-S', '-nodefaults', '-display', 'none', '-monitor', 'none'],
    ...['-rtc', `clock=vm,base=${rtcBase}`],
    ...['-chardev', socket('qtest'), '-qtest', 'chardev:qtest', '-qtest-log', 'none'],
    ...['-chardev', socket('qmp'), '-mon', 'chardev=qmp,mode=control'],
    ...more,
  ];
}

/** Listens at a path, and takes the first connection. */
function acceptOne(path: string, listeners: Server[], deadline: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => resolve(socket));
    listeners.push(server);
    server.on('error', reject);
    deadline.addEventListener('abort', () =>
      reject(new BackplaneError('emulator-silent', `QEMU: it did not connect to '${path}'.`)),
    );
    server.listen(path);
  });
}

/** Rejects when the process ends, with what it complained about. */
function deathOf(child: ChildProcess, binary: string): Promise<never> {
  let complaint = '';
  child.stderr?.setEncoding('utf8');
  child.stderr?.on('data', (text: string) => {
    complaint = (complaint + text).slice(-LongestComplaint);
  });
  const death = new Promise<never>((_, reject) => {
    child.on('error', (cause) =>
      reject(new BackplaneError('emulator-not-started', `QEMU: cannot start '${binary}'.`, { cause })),
    );
    child.on('exit', () => child.stdio[3]?.destroy());
    child.on('close', (status, signal) => {
      const how = signal ? `was ended by ${signal}` : `ended with status ${status}`;
      reject(
        new BackplaneError(
          'emulator-ended',
          `QEMU: '${binary}' ${how}: ${printableLines(complaint.trim()) || 'it did not say why'}`,
        ),
      );
    });
  });
  death.catch(() => undefined);
  return death;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
