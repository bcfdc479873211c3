import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BackplaneError, describeThrown } from '../../base/errors.ts';
import { printable, printableLines } from '../../base/text.ts';
import { afterHostTime, hostTurn } from '../../clock/host-time.ts';
import { end, launch, pathOf, type QemuProgram } from './child.ts';

/** Milliseconds between the end of a connection and that of its process, which may have to write its memory into a file. */
const DyingTime = 20_000;
const LongestComplaint = 4096;
/** @see unix(7): `sun_path` has 108 bytes, the last of them 0. */
const LongestSocketPath = 107;

export interface EmulatorStart {
  /** Names of sockets to which the emulator connects. */
  readonly sockets: readonly string[];
  /** Milliseconds in which it must have connected to all of them. */
  readonly timeout: number;
  /** Its arguments; it gets the path of a socket by its name. */
  commandLine(path: (socket: string) => string): readonly string[];
}

export interface StartedEmulator {
  readonly child: ChildProcess;
  /** In the order of their names. */
  readonly sockets: readonly Socket[];
  /** Rejects when the process ends, with what it complained about. */
  readonly death: Promise<never>;
}

/** Starts an emulator that connects to sockets in a folder, which is gone when it has. */
export async function startEmulator(binary: string | QemuProgram, start: EmulatorStart): Promise<StartedEmulator> {
  const folder = socketFolder();
  const listeners: Server[] = [];
  let child: ChildProcess | undefined;
  try {
    const deadline = AbortSignal.timeout(start.timeout);
    const path = (name: string): string => join(folder, name);
    const sockets = start.sockets.map((name) => acceptOne(path(name), listeners, deadline));
    child = launch(binary, start.commandLine(path));
    const death = deathOf(child, pathOf(binary));
    return { child, sockets: await Promise.race([Promise.all(sockets), death]), death };
  } catch (cause) {
    if (child) await end(child);
    throw cause;
  } finally {
    for (const listener of listeners) listener.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The first of both. A connection that breaks is often the end of the process, which says more. */
export async function orDeath<Value>(work: Promise<Value>, death: Promise<never>): Promise<Value> {
  try {
    return await Promise.race([work, death]);
  } catch (cause) {
    if (cause instanceof BackplaneError && cause.code === 'connection-broken') await within(DyingTime, death);
    throw cause;
  }
}

/**
 * The value of a promise that settles in so many milliseconds; undefined where it does not. What had come by then counts, also
 * where this process was too busy to read it.
 */
export async function within<Value>(milliseconds: number, promise: Promise<Value>): Promise<Value | undefined> {
  let cancel = (): void => undefined;
  const end = new Promise<undefined>((resolve) => {
    cancel = afterHostTime(milliseconds, () => void hostTurn().then(() => resolve(undefined)));
  });
  return Promise.race([promise, end]).finally(cancel);
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

/** Rejects when the process ends, with what it complained about, or cannot be started. */
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
      const said = printableLines(complaint.trim()) || 'it did not say why';
      reject(new BackplaneError('emulator-ended', `QEMU: '${binary}' ${how}: ${said}`));
    });
  });
  death.catch(() => undefined);
  return death;
}
