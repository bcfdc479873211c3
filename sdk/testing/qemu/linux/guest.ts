import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BackplaneError } from '../../../base/errors.ts';
import { shellWord } from '../../../base/text.ts';
import type { Device } from '../../../device/index.ts';
import type { Served } from '../../../serve/node/served.ts';
import { refuseUnbound } from './driver-binding.ts';
import { GuestFailure } from './guest-failure.ts';
import { checkedSettings, type GuestSettings, type LinuxGuestOptions } from './guest-options.ts';
import { type GuestPlan, places, planGuest, whyNoPackages, withoutPackages } from './guest-plan.ts';
import { type GuestBar, GuestPciFunction, type InterruptLine, interruptLines } from './pci-function.ts';
import { type PluggedDevice, plugged } from './plugged-device.ts';
import { SavedStates } from './saved-states.ts';
import { type CommandResult, GuestCommandError } from './shell.ts';
import { removeFolder, VirtualMachine } from './virtual-machine.ts';
import { whatHappens } from './what-happened.ts';

/** Milliseconds that a command has by default. */
const CommandTimeout = 30_000;
const PlugTimeout = 60_000;
const LinesOfBlockedTasks = 40;

export interface RunOptions {
  /** Milliseconds in which the command has to end. Default: 30,000. */
  readonly timeout?: number;
  /** Whether a status that is not 0 is an error. Default: true. */
  readonly check?: boolean;
}

/** Why `linuxGuest()` cannot start such a guest here, in one sentence; undefined where it can. */
export function whyNoLinuxGuest(options: LinuxGuestOptions = {}): string | undefined {
  return whyNoPackages(checkedSettings(options));
}

/**
 * Starts Debian's Linux in QEMU, and plugs a device of this process into it: `await using guest = await linuxGuest({ device:
 * use(MyCard), modules: ['uio_pci_generic'] })`. QEMU, sockets and folders are gone when the variable is, whatever happens.
 *
 * The first guest of some options boots, and its state is kept; the next ones start with that. A panic, the end of QEMU,
 * or an error that the device throws fails each later call of the guest, or its end. The message says what went wrong first.
 */
export async function linuxGuest<D extends Device>(
  options: LinuxGuestOptions<D> = {},
): Promise<LinuxGuest<D extends Served['device'] ? D : Served['device']>> {
  const settings = checkedSettings(options);
  const missing = whyNoPackages(settings);
  if (missing !== undefined) withoutPackages('linuxGuest', missing, options.skip);
  const folder = mkdtempSync(join(tmpdir(), 'backplane-guest-'));
  const remove = (): void => removeFolder(folder);
  // Where a test is given up, its guest is ended with the process.
  process.once('exit', remove);
  let device: PluggedDevice | undefined;
  try {
    // A device that cannot be made is no reason to boot.
    if (settings.device !== undefined) device = await plugged(settings.device, folder, settings);
    const machine = await start(planGuest(settings), settings, folder);
    const guest = new LinuxGuest<D extends Served['device'] ? D : Served['device']>(machine, settings, folder, remove);
    if (device !== undefined) await guest.plugFirst(device);
    return guest;
  } catch (cause) {
    process.off('exit', remove);
    await device?.close();
    remove();
    throw cause;
  }
}

/** A state that cannot be restored is forgotten. */
async function start(plan: GuestPlan, settings: GuestSettings, folder: string): Promise<VirtualMachine> {
  if (!settings.warmStart) return VirtualMachine.boot(plan, folder, settings.bootTimeout);
  const states = new SavedStates();
  const state = states.find(plan.key);
  if (state !== undefined) {
    try {
      return await VirtualMachine.restore(plan, folder, state);
    } catch {
      states.forget(plan.key);
    }
  }
  const machine = await VirtualMachine.boot(plan, folder, settings.bootTimeout);
  try {
    await machine.orFailure(machine.save(states, plan.key));
    return machine;
  } catch (cause) {
    await machine.stop();
    throw cause;
  }
}

/** A Linux in QEMU, with a device of this process in it. `linuxGuest()` starts one. */
export class LinuxGuest<D extends Served['device'] = Served['device']> implements AsyncDisposable {
  readonly #machine: VirtualMachine;
  readonly #settings: GuestSettings;
  readonly #folder: string;
  readonly #remove: () => void;
  #device: PluggedDevice | undefined;
  #function: GuestPciFunction;
  readonly #failure = new GuestFailure();
  #isStopped = false;

  /** @internal */
  constructor(machine: VirtualMachine, settings: GuestSettings, folder: string, remove: () => void) {
    this.#machine = machine;
    this.#settings = settings;
    this.#folder = folder;
    this.#remove = remove;
    this.#function = this.#newFunction();
    this.#failure.watch(machine.failure);
  }

  /** Where Linux has the device: `0000:00:10.0`. Its folder is `/sys/bus/pci/devices/` with that name. */
  get address(): string {
    return this.#function.address;
  }

  /**
   * The device of this process: its object in its own class, what the guest did wrong, counts, and `observe` for everything that
   * happens. Another one after a replug.
   */
  get device(): Served<D> {
    const served = this.#device?.served;
    if (served !== undefined) return served as Served<D>;
    throw new BackplaneError(
      'guest-without-device',
      'Guest: no device of this process is plugged in. Give one: { device: use(MyCard) }.',
    );
  }

  /**
   * Sentences of the device's server: an error that the device threw, an answer that took too long. The first hundred since the device
   * was plugged in.
   */
  get notes(): readonly string[] {
    return this.#device?.notes ?? [];
  }

  /** The last lines that the kernel has printed on its console. */
  get console(): string {
    return this.#machine.console.tail();
  }

  /**
   * Runs a line of shell in the guest, in a shell of its own, with busybox's programs. Standard input is empty. A status that is not 0
   * is an error unless `check` is false. It has the output, and what the kernel and the device have said.
   */
  async run(line: string, options: RunOptions = {}): Promise<CommandResult> {
    const { timeout = CommandTimeout, check = true } = options;
    const happened = whatHappens(this.#machine.console, this.#device?.served);
    const onLate = async (isStuck: boolean): Promise<string> => {
      if (isStuck) await this.#machine.showBlockedTasks();
      return happened(isStuck ? LinesOfBlockedTasks : undefined);
    };
    const result = await this.#orFailure(this.#machine.shell.run(line, timeout, onLate));
    if (!check || result.status === 0) return result;
    throw new GuestCommandError(line, result.status, result.output, await this.#orFailure(happened()));
  }

  /** What the kernel has said since it booted. */
  async dmesg(): Promise<string> {
    return this.#output('dmesg');
  }

  /** The text of a file of the guest. */
  async read(path: string): Promise<string> {
    return this.#output(`cat ${shellWord(path)}`);
  }

  /** The lines of `/proc/interrupts` that have this name in them: of a driver, of a queue, or the address of a function. */
  async interrupts(name: string): Promise<readonly InterruptLine[]> {
    return interruptLines(await this.read('/proc/interrupts'), name);
  }

  /** A BAR of the device, by its index. A BAR of 64 bits has the lower index of its two. */
  bar(index: number): GuestBar {
    return this.#function.bar(index);
  }

  /** Presses the reset button, and waits until Linux has booted again, with the device in its slot. */
  async reset(): Promise<void> {
    await this.#orFailure(this.#machine.qmp.reset());
    await this.#orFailure(this.#machine.booted(this.#settings.bootTimeout));
    this.#function = this.#newFunction();
    if (this.#device !== undefined) await this.#function.appeared();
  }

  /** Takes the device out. Linux gives it up first, and has so many milliseconds for that. Default: 60,000. */
  async unplug(options: Pick<RunOptions, 'timeout'> = {}): Promise<void> {
    const { timeout = PlugTimeout } = options;
    const device = this.#device;
    if (device === undefined) return;
    if (!(await this.#orFailure(this.#machine.removeDevice(device.id, timeout))))
      throw new BackplaneError(
        'guest-unplug-timeout',
        `Guest: Linux did not give the device up within ${timeout / 1000} s. Look at remove() of its driver. ${this.console}`,
      );
    this.#device = undefined;
    await device.close();
  }

  /** Takes the device out and puts another one in, or the same one as new. */
  async replug(device: LinuxGuestOptions['device'] = this.#settings.device): Promise<void> {
    await this.unplug();
    if (device === undefined) return;
    const made = await plugged(device, this.#folder, this.#settings);
    try {
      await this.#plug(made);
    } catch (cause) {
      // What QEMU refuses is not there, and the next one can be plugged in.
      if (cause instanceof BackplaneError && cause.code === 'command-refused') {
        this.#device = undefined;
        await made.close();
      }
      throw cause;
    }
  }

  /** @internal */
  async plugFirst(device: PluggedDevice): Promise<void> {
    const happened = whatHappens(this.#machine.console, device.served);
    const modules = this.#settings.modules.filter((one) => typeof one !== 'string');
    try {
      await this.#plug(device);
      if (this.#settings.requireDriver) await refuseUnbound(this.#function, modules, happened);
    } catch (cause) {
      await this.#end();
      throw cause;
    }
  }

  /** Ends QEMU. If Linux panicked, QEMU ended or the device threw, and no call has failed with that yet, this does. */
  async stop(): Promise<void> {
    await this.#end();
    this.#failure.throwUnreported();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #plug(device: PluggedDevice): Promise<void> {
    const { bus, addr } = places[this.#settings.machine];
    this.#device = device;
    this.#failure.watch(device.failure);
    await this.#orFailure(this.#machine.qmp.execute('device_add', { ...device.properties, bus, addr }));
    this.#function = this.#newFunction();
    await this.#function.appeared();
  }

  async #end(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    process.off('exit', this.#remove);
    try {
      await this.#machine.stop();
      await this.#device?.close();
    } finally {
      this.#remove();
    }
  }

  async #output(line: string): Promise<string> {
    return (await this.run(line)).output;
  }

  #newFunction(): GuestPciFunction {
    const run = async (line: string): Promise<string> => (await this.run(line, { timeout: PlugTimeout })).output;
    return new GuestPciFunction(places[this.#settings.machine].linux, run);
  }

  async #orFailure<Value>(work: Promise<Value>): Promise<Value> {
    if (this.#isStopped)
      throw new BackplaneError('guest-stopped', 'Guest: it was stopped. Start another one: linuxGuest().');
    return this.#failure.orFailure(work);
  }
}
