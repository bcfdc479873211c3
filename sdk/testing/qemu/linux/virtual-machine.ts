import type { ChildProcess } from 'node:child_process';
import { rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { BackplaneError } from '../../../base/errors.ts';
import { afterHostTime } from '../../../clock/host-time.ts';
import { end } from '../child.ts';
import { orDeath, type StartedEmulator, startEmulator, within } from '../emulator.ts';
import { QmpClient, type QmpObject } from '../qmp-client.ts';
import { GuestConsole } from './console.ts';
import type { GuestPlan } from './guest-plan.ts';
import { writePieces } from './newc-archive.ts';
import type { SavedStates } from './saved-states.ts';
import { GuestShell } from './shell.ts';
import { blockedTasks } from './what-happened.ts';

const StartTimeout = 60_000;
/** Of QEMU's monitor. A busy host is slow. */
const ReplyTimeout = 60_000;
const PollInterval = 20;
const channels = ['qmp', 'console', 'shell'] as const;

/** A virtual machine with Linux: QEMU's monitor, the kernel's console, and a shell. */
export class VirtualMachine {
  /** Rejects when Linux panics, or QEMU ends. */
  readonly failure: Promise<never>;
  /** Devices that Linux was asked to give up, and that are there still. */
  readonly #leaving = new Set<string>();
  #isStopped = false;

  private constructor(
    private readonly child: ChildProcess,
    death: Promise<never>,
    readonly qmp: QmpClient,
    readonly console: GuestConsole,
    readonly shell: GuestShell,
  ) {
    const died = death.catch((cause: BackplaneError) => {
      if (this.#isStopped) return new Promise<never>(() => undefined);
      throw new BackplaneError(cause.code, `${cause.message}. ${console.tail()}`, { cause });
    });
    this.failure = Promise.race([died, console.panic]);
    this.failure.catch(() => undefined);
  }

  /** Boots Linux, and waits for its shell. */
  static async boot(plan: GuestPlan, folder: string, timeout: number): Promise<VirtualMachine> {
    const machine = await VirtualMachine.#start(plan, folder, []);
    return machine.#orStop(() => machine.booted(timeout));
  }

  /** Goes on where a booted Linux was saved. */
  static async restore(plan: GuestPlan, folder: string, state: string): Promise<VirtualMachine> {
    const machine = await VirtualMachine.#start(plan, folder, ['-incoming', 'defer']);
    return machine.#orStop(async () => {
      await machine.qmp.execute('migrate-incoming', { uri: `file:${state}` });
      await machine.#until('query-status', ({ status }) => status !== 'inmigrate');
      await machine.qmp.execute('cont');
    });
  }

  static async #start(plan: GuestPlan, folder: string, more: readonly string[]): Promise<VirtualMachine> {
    const initramfs = join(folder, 'initramfs');
    writePieces(initramfs, plan.initramfs);
    const started = await startEmulator(plan.qemu, {
      sockets: channels,
      timeout: StartTimeout,
      commandLine: (path) => [
        ...plan.machineArguments,
        ...['-kernel', plan.image, '-initrd', initramfs],
        ...channels.flatMap((name) => ['-chardev', `socket,path=${path(name)},id=${name}`]),
        ...['-mon', 'chardev=qmp,mode=control', '-serial', 'chardev:console', '-serial', 'chardev:shell'],
        ...more,
      ],
    });
    return VirtualMachine.#over(started).catch(async (cause: unknown) => {
      await end(started.child);
      throw cause;
    });
  }

  static async #over({ child, sockets, death }: StartedEmulator): Promise<VirtualMachine> {
    const [monitor, console, shell] = sockets as [Socket, Socket, Socket];
    const seen = new GuestConsole(console);
    const qmp = await orDeath(QmpClient.over(monitor, { replyTimeout: ReplyTimeout }), death);
    return new VirtualMachine(child, death, qmp, seen, new GuestShell(shell));
  }

  /** Waits for the shell of a Linux that boots. */
  async booted(timeout: number): Promise<void> {
    const isReady = await this.orFailure(
      within(
        timeout,
        this.shell.ready().then(() => true),
      ),
    );
    if (isReady) return;
    throw new BackplaneError(
      'guest-linux-timeout',
      `Guest: Linux did not boot within ${timeout / 1000} s. Give it more time: bootTimeout, in milliseconds. ${this.console.tail()}`,
    );
  }

  /** Saves the state into a file, and goes on. */
  async save(states: SavedStates, key: string): Promise<void> {
    await this.qmp.execute('stop');
    await states.save(key, async (file) => {
      await this.qmp.execute('migrate', { uri: `file:${file}` });
      await this.#until('query-migrate', ({ status, 'error-desc': why }) => {
        if (status === 'failed') throw new BackplaneError('command-refused', `QMP: the state is not saved: ${why}.`);
        return status === 'completed';
      });
    });
    await this.qmp.execute('cont');
  }

  /** Has Linux print the stack of each task that waits in it. */
  async showBlockedTasks(): Promise<void> {
    const sendBreak = () => this.qmp.execute('chardev-send-break', { id: 'console' });
    await this.orFailure(blockedTasks(this.console, sendBreak));
  }

  /**
   * Takes a device out. Linux gives it up first; false: it did not, in so many milliseconds, and may still do so. It is asked once:
   * each request would eject what is in the slot when Linux comes to it, also the next device.
   */
  async removeDevice(id: string, timeout: number): Promise<boolean> {
    const isOver = AbortSignal.timeout(timeout);
    if (!this.#leaving.has(id)) await this.#askToRemove(id);
    while (await this.#hasDevice(id)) {
      if (isOver.aborted) return false;
      await pause();
    }
    this.#leaving.delete(id);
    return true;
  }

  /** What comes first: the value of a promise, or the end of the guest. */
  orFailure<Value>(promise: Promise<Value>): Promise<Value> {
    return orDeath(promise, this.failure);
  }

  /** Kills QEMU: it has no state to keep. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.qmp.close();
    this.shell.close();
    await end(this.child);
  }

  /** Linux may eject a device by itself. */
  async #askToRemove(id: string): Promise<void> {
    try {
      await this.qmp.execute('device_del', { id });
      this.#leaving.add(id);
    } catch (cause) {
      if (await this.#hasDevice(id)) throw cause;
    }
  }

  async #hasDevice(id: string): Promise<boolean> {
    return (await this.qmp.qomList('/machine/peripheral')).some(({ name }) => name === id);
  }

  async #orStop(work: () => Promise<void>): Promise<this> {
    try {
      await this.orFailure(work());
      return this;
    } catch (cause) {
      await this.stop();
      throw cause;
    }
  }

  async #until(command: string, isReached: (answer: QmpObject) => boolean): Promise<void> {
    while (!isReached((await this.qmp.execute(command)) as QmpObject)) {
      await pause();
    }
  }
}

const pause = (): Promise<void> => new Promise((resolve) => void afterHostTime(PollInterval, resolve));

/** Nothing is left of a guest's folder. */
export const removeFolder = (folder: string): void => rmSync(folder, { recursive: true, force: true });
