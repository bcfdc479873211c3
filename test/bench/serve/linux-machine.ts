import { mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkedSettings } from '../../../sdk/testing/qemu/linux/guest-options.ts';
import { planGuest, whyNoPackages } from '../../../sdk/testing/qemu/linux/guest-plan.ts';
import { VirtualMachine } from '../../../sdk/testing/qemu/linux/virtual-machine.ts';
import type { QmpObject } from '../../../sdk/testing/qemu/qmp-client.ts';
import type { Processes } from './processes.ts';

const BootTimeout = 180_000;
const CommandTimeout = 120_000;
const FirstSlot = 0x10;
const LookEvery = 50;
const LooksAtMost = 400;

/** A Linux in QEMU's emulator of a processor (TCG), with place for several devices: what is compared is in one guest. */
export class LinuxMachine implements AsyncDisposable {
  private nextSlot = FirstSlot;

  private constructor(private readonly machine: VirtualMachine) {}

  static async boot(processes: Processes, modules: readonly string[]): Promise<LinuxMachine> {
    const settings = checkedSettings({ modules });
    const missing = whyNoPackages(settings);
    if (missing !== undefined) throw new Error(missing);
    const folder = processes.path('guest');
    mkdirSync(folder);
    return new LinuxMachine(await VirtualMachine.boot(planGuest(settings), folder, BootTimeout));
  }

  async ask(command: string, words: QmpObject): Promise<void> {
    await this.machine.orFailure(this.machine.qmp.execute(command, words));
  }

  /** Plugs in a device of QEMU's. Answers where Linux has it, once it has a driver. */
  async plug(device: QmpObject): Promise<string> {
    const slot = (this.nextSlot++).toString(16);
    await this.ask('device_add', { ...device, bus: 'pci.0', addr: `0x${slot}` });
    const address = `0000:00:${slot}.0`;
    for (let look = 0; look < LooksAtMost; look++) {
      const { status } = await this.try(`test -e /sys/bus/pci/devices/${address}/driver`);
      if (status === 0) return address;
      await sleep(LookEvery);
    }
    throw new Error(`Linux has no driver for ${JSON.stringify(device)} at ${address}. ${this.machine.console.tail()}`);
  }

  /** What a line of shell prints. */
  async run(line: string): Promise<string> {
    const { status, output } = await this.try(line);
    if (status === 0) return output;
    throw new Error(`The guest's '${line}' ended with status ${status}: ${output}`);
  }

  private try(line: string): Promise<{ status: number; output: string }> {
    return this.machine.orFailure(this.machine.shell.run(line, CommandTimeout));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.machine.stop();
  }
}

/** A device that `serve` serves, as QEMU's `device_add` has it. */
export const servedAt = (path: string): QmpObject => ({ driver: 'vfio-user-pci', socket: { type: 'unix', path } });
