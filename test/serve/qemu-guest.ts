import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { UsedDevice } from '../../sdk/index.ts';
import { serve } from '../../sdk/serve/node/serve.ts';
import type { Served, ServeOptions } from '../../sdk/serve/node/served.ts';
import { QemuProcess } from '../../sdk/testing/qemu/index.ts';
import { vfioUserQemu } from '../../sdk/testing/qemu/vfio-user-qemu.ts';
import { whyNoKoffi } from '../needs.ts';
import { configCommands, memoryCommand, Slot } from './qtest-words.ts';

const found = vfioUserQemu();

/** Why no QEMU can attach a device here; undefined: it can. */
export const whyNoAttach: string | undefined = typeof found === 'string' ? found : whyNoKoffi();

/** The guest's processor, which a test is: ports, memory and configuration space by qtest. */
export class QtestGuest {
  constructor(
    readonly qemu: QemuProcess,
    readonly served: Served,
  ) {}

  async readConfig(offset: number, size: 1 | 2 | 4 = 4, slot = Slot): Promise<number> {
    return Number(await this.ask(configCommands(offset, size, undefined, slot)));
  }

  async writeConfig(offset: number, value: number, size: 1 | 2 | 4 = 4, slot = Slot): Promise<void> {
    await this.ask(configCommands(offset, size, value, slot));
  }

  async read(address: number, size: 1 | 2 | 4 | 8 = 4): Promise<bigint> {
    return BigInt(await this.ask([memoryCommand(address, size)]));
  }

  async write(address: number, value: number | bigint, size: 1 | 2 | 4 | 8 = 4): Promise<void> {
    await this.ask([memoryCommand(address, size, value)]);
  }

  /** Answers what the last of the commands does. */
  private async ask(commands: readonly string[]): Promise<string> {
    let last = '';
    await this.qemu.qtest.commands(commands, (_, answer) => {
      last = answer;
    });
    return last;
  }

  /** The offset of a capability. */
  async capability(id: number): Promise<number> {
    let at = await this.readConfig(0x34, 1);
    while (at !== 0 && (await this.readConfig(at, 1)) !== id) at = await this.readConfig(at + 1, 1);
    return at;
  }

  /** Asks again until the answer is the one that is waited for; a test fails by its time if it never is. */
  async until(ask: () => Promise<boolean> | boolean): Promise<void> {
    while (!(await ask())) await new Promise((done) => setTimeout(done, 2));
  }
}

export interface GuestOptions extends Partial<ServeOptions> {
  readonly machine?: 'q35' | 'pc';
  /** Memory that the device reaches. Default: 'shared'. */
  readonly memory?: 'shared' | 'private' | 'file';
  /** Before QEMU starts. */
  readonly beforeAttach?: (served: Served) => void;
  /** More of `-device vfio-user-pci`. */
  readonly device?: object;
  readonly arguments?: readonly string[];
}

/** QEMU with a device of ours in slot 5, for the length of `body`. */
export async function withGuest<T>(
  used: UsedDevice,
  options: GuestOptions,
  body: (guest: QtestGuest) => Promise<T>,
): Promise<T> {
  const { machine, memory, device, arguments: more, beforeAttach, ...rest } = options;
  const folder = mkdtempSync(join(tmpdir(), 'backplane-serve-'));
  try {
    await using served = await serve(used, { socket: join(folder, 'device.sock'), ...rest });
    beforeAttach?.(served);
    return await attachGuest(served, options, body);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The same with a device that is served already, and goes on after it. */
export function attachGuest<T>(
  served: Served,
  { machine = 'q35', memory = 'shared', device = {}, arguments: more = [], ram = '' }: GuestOptions,
  body: (guest: QtestGuest) => Promise<T>,
): Promise<T> {
  const backend = {
    shared: 'memory-backend-memfd,id=ram,size=256M,share=on',
    private: 'memory-backend-ram,id=ram,size=256M',
    file: `memory-backend-file,id=ram,size=256M,share=on,mem-path=${ram}`,
  }[memory];
  const plugged = {
    driver: 'vfio-user-pci',
    id: 'card',
    addr: `${Slot}.0`,
    socket: { type: 'unix', path: served.socket },
    ...device,
  };
  const args = ['-m', '256M', '-object', backend, '-device', JSON.stringify(plugged), ...more];
  const binary = found as Exclude<typeof found, string>;
  const options = { binary, machine: `${machine},memory-backend=ram`, arguments: args };
  return QemuProcess.with(options, (qemu) => body(new QtestGuest(qemu, served)));
}
