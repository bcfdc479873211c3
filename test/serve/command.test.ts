import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HotReload } from '../../sdk/cli/plugins/hot-reload.ts';
import { FunctionServer } from '../../sdk/serve/node/serve.ts';
import { builtCommand } from '../cli/built-command.ts';
import { backplane, expectRefused, type Spoken } from '../cli/fake-terminal.ts';
import { needs, whyNoKoffi } from '../needs.ts';
import * as client from './client.ts';
import { SocketClient } from './native-client.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'backplane-serve-'));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

const at = (name: string): string => join(folder, name);

/** A file that is the guest's memory: the tests need no koffi then. */
function ram(): string[] {
  writeFileSync(at('ram'), '');
  truncateSync(at('ram'), 0x1_0000);
  return ['-ram', at('ram')];
}

async function attached(path: string): Promise<SocketClient> {
  while (!existsSync(path)) await new Promise((done) => setTimeout(done, 5));
  const one = await SocketClient.connect(path);
  await one.ask(client.version());
  return one;
}

/** Runs the command with -once, and `body` as its client. */
async function serving(words: readonly string[], body: (guest: SocketClient) => Promise<void>): Promise<Spoken> {
  const said = backplane('serve', ...words, '-socket', at('a.sock'), '-once', ...ram());
  const guest = await Promise.race([
    attached(at('a.sock')),
    said.then(({ noted }) => Promise.reject(new Error(noted))),
  ]);
  try {
    await body(guest);
  } finally {
    guest.close();
  }
  return said;
}

describe('backplane serve', () => {
  it('says where the device is, what QEMU is to be given, and what came of it', async () => {
    const said = await serving(['-device', 'edu,dma_mask=0xffffffff'], async (guest) => {
      expect((await guest.ask(client.read(0, 0, 4))).value).toBe(0x0100_00edn);
      guest.send(client.write(0, 4, 7, 4, client.NoReply));
      guest.send(client.writeMany([{ region: 0, offset: 4, value: 8, count: 4 }]));
      expect((await guest.ask(client.read(0, 4, 4))).value).toBe(0xffff_fff7n);
    });
    expect(said).toMatchObject({ status: 0, noted: '' });
    const lines = said.printed.split('\n');
    expect(lines[0]).toBe(`edu is served at ${at('a.sock')}.`);
    expect(lines[1]).toBe('Attach with QEMU 10.1 or later:');
    expect(said.printed).toContain(`mem-path=${at('ram')}`);
    expect(said.printed).toContain(
      `-device '{"driver":"vfio-user-pci","socket":{"type":"unix","path":"${at('a.sock')}"}}'`,
    );
    expect(said.printed).toMatch(
      /clients +1\n +messages +5\n +register reads +2\n +register writes +2\n +of them posted +1\n +of them batched +1/,
    );
    expect(said.printed).toMatch(/errors answered +0\n +handlers that threw +0\n +slow answers +0$/);
  });

  it('says the same as two lines of JSON', async () => {
    const said = await serving(['-device', 'edu', '-json'], async () => {});
    const [ready, end] = said.printed.split('\n').map((line) => JSON.parse(line));
    expect(ready).toMatchObject({ ready: [{ device: 'edu', socket: at('a.sock') }] });
    expect(ready.qemu).toContain('vfio-user-pci');
    expect(end).toMatchObject({ counts: [{ socket: at('a.sock'), clients: 1, messages: 1 }] });
  });

  it('traces in the device’s words', async () => {
    const said = await serving(['-device', 'edu', '-trace'], async (guest) => {
      await guest.ask(client.write(7, 0x10, 0xe000_0000, 4));
      await guest.ask(client.write(7, 4, 6, 2));
      await guest.ask(client.write(0, 0x20, 0x80, 4));
      await guest.ask(client.read(0, 0x20, 4));
      await guest.ask(client.write(0, 0x60, 1, 4));
    });
    expect(said.printed).toMatch(/us {2}config 0x04 <- 0x0006 +edu: command .*memory=1/);
    expect(said.printed).toMatch(/us {2}memory 0xe0000020 <- 0x00000080 +edu: status .*interruptWhenDone=1/);
    expect(said.printed).toMatch(/us {2}memory 0xe0000020 -> 0x00000080 +edu: status/);
    expect(said.printed).toMatch(/us {2}interrupt up +edu: interrupt/);
  });

  it('gives a device the back ends that its options name', async () => {
    const plugin = at('talker.ts');
    writeFileSync(plugin, Talker);
    const out = at('out.txt');
    const words = ['-plugin', plugin, '-chardev', `file,id=c0,path=${out}`, '-device', 'talker,chardev=c0'];
    const said = await serving(words, async (guest) => {
      for (const letter of 'hello') await guest.ask(client.write(0, 0, letter.charCodeAt(0), 1));
    });
    expect(said).toMatchObject({ status: 0, noted: '' });
    expect(readFileSync(out, 'utf8')).toBe('hello');
  });

  it('writes the device down at the end, and begins with one that was written down', async () => {
    const file = at('edu.json');
    const first = await serving(['-device', 'edu', '-save', file], async (guest) => {
      await guest.ask(client.write(0, 4, 0x1234, 4));
    });
    expect(first.status).toBe(0);
    const second = await serving(['-device', 'edu', '-loadvm', file], async (guest) => {
      expect((await guest.ask(client.read(0, 4, 4))).value).toBe(0xffff_edcbn);
    });
    expect(second).toMatchObject({ status: 0, noted: '' });
  });

  it('records what the guest does, and replay says what it does not do', async () => {
    const file = at('edu.iotrace.gz');
    const memory = new Uint8Array(0x1_0000).fill(3);
    const said = await serving(['-device', 'edu,addr=05.0', '-record', file], async (guest) => {
      writeFileSync(at('ram'), memory);
      await guest.ask(client.map(0n, 0x1_0000n));
      await guest.ask(client.write(7, 0x10, 0xe000_0000, 4));
      await guest.ask(client.write(7, 4, 6, 2));
      await guest.ask(client.read(0, 0, 4));
      await guest.ask(client.write(0, 0x80, 0x1000n, 8));
      await guest.ask(client.write(0, 0x88, 0x4_0000n, 8));
      await guest.ask(client.write(0, 0x90, 4n, 8));
      await guest.ask(client.write(0, 0x98, 1n, 8));
      while (((await guest.ask(client.read(0, 0x98, 8))).value & 1n) === 1n)
        await new Promise((done) => setTimeout(done, 5));
    });
    expect(said).toMatchObject({ status: 0, noted: '' });
    const replayed = await backplane('replay', file, '-device', 'edu,addr=05.0', '-json');
    expect(replayed.status).toBe(0);
    expect(replayed.noted).toContain('not replayed: DMA. The device read guest memory once');
    expect(replayed.printed).toContain('"edu"');
    expect((await backplane('advise', file, '-device', 'edu,addr=05.0')).noted).toContain('not replayed: DMA');
  });

  it('ends at a signal, and writes the device down', async () => {
    const file = at('edu.json');
    const said = backplane('serve', '-device', 'edu', '-socket', at('a.sock'), '-save', file, ...ram());
    const guest = await attached(at('a.sock'));
    process.emit('SIGTERM', 'SIGTERM');
    expect(await said).toMatchObject({ status: 0, noted: 'SIGTERM: the service ends.' });
    expect(existsSync(at('a.sock'))).toBe(false);
    expect(readFileSync(file, 'utf8')).toContain('backplane-snapshot');
    await guest.closed();
  });

  it('ends at a signal also while a back end waits for its client', async () => {
    const chardev = `socket,id=c0,path=${at('line.sock')},server=on`;
    const words = ['serve', '-chardev', chardev, '-device', 'virtio-console-pci,chardev=c0', '-socket', at('a.sock')];
    const child = spawn(builtCommand(folder), [...words, ...ram()], { stdio: 'ignore' });
    try {
      while (!existsSync(at('line.sock')) && child.exitCode === null) await new Promise((done) => setTimeout(done, 10));
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      expect(await ended).toEqual([null, 'SIGTERM']);
      expect(existsSync(at('a.sock'))).toBe(false);
    } finally {
      child.kill('SIGKILL');
    }
  });

  it('takes over a class that was edited, with its state and its interrupts, while the client is attached', async () => {
    const plugin = at('talker.ts');
    writeFileSync(plugin, Talker);
    const words = ['-plugin', plugin, '-chardev', 'null,id=c0', '-device', 'talker,chardev=c0', '-watch'];
    const follow = vi.spyOn(FunctionServer.prototype, 'follow');
    const said = await serving(words, async (guest) => {
      await guest.ask(client.write(0, 0, 0x41, 1));
      expect((await guest.ask(client.read(0, 1, 1))).value).toBe(1n);
      writeFileSync(plugin, Talker.replace('return 1;', 'return 2 + this.last;'));
      while ((await guest.ask(client.read(0, 1, 1))).value === 1n) await new Promise((done) => setTimeout(done, 20));
      expect((await guest.ask(client.read(0, 1, 1))).value).toBe(0x43n);
    });
    expect(said.status).toBe(0);
    expect(follow).toHaveBeenCalledOnce();
    expect(said.noted).toMatch(/reloaded '.*talker.ts' in \d+ ms: talker/);
    expect(said.printed).toContain('"x-msg-timeout":60000');
  });

  it('looks at the files no more when it has ended, also if a look was under way', async () => {
    const plugin = at('talker.ts');
    writeFileSync(plugin, Talker);
    let found = (_isChanged: boolean): void => {};
    const underWay = new Promise<boolean>((resolve) => {
      found = resolve;
    });
    const look = vi.spyOn(HotReload.prototype, 'look').mockReturnValue(underWay);
    const follow = vi.spyOn(FunctionServer.prototype, 'follow');
    const words = ['-plugin', plugin, '-chardev', 'null,id=c0', '-device', 'talker,chardev=c0', '-watch'];
    await serving(words, async () => {
      while (look.mock.calls.length === 0) await new Promise((done) => setTimeout(done, 5));
    });
    found(true);
    await new Promise((done) => setTimeout(done, 150));
    expect([look.mock.calls.length, follow.mock.calls.length]).toEqual([1, 0]);
  });

  it('serves several devices, as functions of one card', needs('koffi', whyNoKoffi()), async () => {
    const words = [
      '-device',
      'edu,id=a,addr=05.0',
      '-socket',
      at('a.sock'),
      '-device',
      'edu,id=b,addr=05.1',
      '-socket',
      at('b.sock'),
    ];
    const said = backplane('serve', ...words, '-once');
    const ended = said.then(({ noted }) => Promise.reject(new Error(noted)));
    const [a, b] = await Promise.race([Promise.all([attached(at('a.sock')), attached(at('b.sock'))]), ended]);
    await a.ask(client.write(0, 4, 1, 4));
    expect((await b.ask(client.read(0, 4, 4))).value).toBe(0n);
    a.close();
    b.close();
    const { status, printed } = await said;
    expect(status).toBe(0);
    expect(printed).toContain('"addr":"05.0","multifunction":true}');
    expect(printed).toContain('"addr":"05.1"}');
  });

  it.each([
    ['nothing to serve', [], 'missing-operand', 'which device'],
    ['a device without a socket', ['-device', 'edu'], 'missing-operand', 'Give each device a socket'],
    [
      'one socket for two',
      ['-device', 'edu', '-device', 'edu', '-socket', 'x', '-socket', './x'],
      'repeated-argument',
      'given twice',
    ],
    ['a device of another bus', ['-device', 'mc146818rtc', '-socket', 'x'], 'not-a-pci-function', "'mc146818rtc'"],
    ['a host bridge', ['-device', 'i440fx-pci-host', '-socket', 'x'], undefined, 'i440fx'],
    ['a bridge to ISA', ['-device', 'piix3-isa', '-socket', 'x'], undefined, 'piix3'],
    ['a device that is not there', ['-device', 'eduu', '-socket', 'x'], undefined, 'edu'],
    [
      'a snapshot of two devices',
      ['-device', 'edu', '-device', 'edu', '-socket', 'x', '-socket', 'y', '-save', 'z'],
      'misplaced-argument',
      '-save',
    ],
  ])('refuses %s', async (_, words, code, named) => {
    expectRefused(await backplane('serve', ...words), code, named);
  });

  it('refuses a device with a pin alone where koffi is done without', async () => {
    const plugin = at('pin.ts');
    writeFileSync(plugin, Talker.replace('classCode: 0x0700', "classCode: 0x0700, interruptPin: 'A'"));
    const words = [
      '-plugin',
      plugin,
      '-chardev',
      'null,id=c0',
      '-device',
      'talker,chardev=c0',
      '-socket',
      at('a.sock'),
      ...ram(),
    ];
    expectRefused(await backplane('serve', ...words), 'intx-needs-descriptors', "'talker'", 'Install koffi');
  });
});

const Talker = `
import { CharBackend, defineOptions, device, option, options, portRegion, state, type OptionsOf } from 'backplane';
import { CharBackend as Char } from 'backplane/backend';
import { bar, PciDevice, pci } from 'backplane/pci';
const registers = portRegion({ name: 'talker', size: 4, accessSizes: [1] });
const talkerOptions = defineOptions({ chardev: option.backend(Char, { description: 'where it talks' }) });
@device({ type: 'talker', description: 'says what it is told' })
@pci({ vendorId: 0x1234, deviceId: 0x11e1, classCode: 0x0700 })
@bar(0, registers)
export class Talker extends PciDevice {
  @state last = 0;
  constructor(@options(talkerOptions) private readonly choices: OptionsOf<typeof talkerOptions>) { super(); }
  @registers.write(0) say(value: number): void { this.last = value; this.choices.chardev.write(Uint8Array.of(value)); }
  @registers.read(1) edition(): number { return 1; }
}`.replace('CharBackend, defineOptions', 'defineOptions');
