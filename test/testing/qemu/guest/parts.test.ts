import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { linuxGuest, whyNoLinuxGuest } from '../../../../sdk/testing/qemu/index.ts';
import { GuestConsole } from '../../../../sdk/testing/qemu/linux/console.ts';
import { GuestPciFunction, interruptLines } from '../../../../sdk/testing/qemu/linux/pci-function.ts';
import { SavedStates } from '../../../../sdk/testing/qemu/linux/saved-states.ts';
import { whatHappens } from '../../../../sdk/testing/qemu/linux/what-happened.ts';
import { expectRefusal } from '../../../refusal.ts';
import { SerialLines } from './serial-lines.ts';

let folder: string;
const serial = new SerialLines();
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'backplane-guest-parts-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe("the guest's shell", () => {
  it('answers with a status and exactly what was printed, whatever the pieces in which it comes', async () => {
    const { shell } = await serial.shell((id, _line, write) => {
      for (const byte of Buffer.from(`no line end \x1e but this ü\x1e${id} 3\n`)) write(Buffer.of(byte));
    });
    expect(await shell.run('anything', 5000)).toEqual({ status: 3, output: 'no line end \x1e but this ü' });
  });

  it('runs one command after the other, in their order, each as one line', async () => {
    const { shell, lines } = await serial.shell((id, line, write) => write(`${line.length}\x1e${id} 0\n`));
    const [first, second] = await Promise.all([shell.run('a\nb', 5000), shell.run('c\\d', 5000)]);
    expect([first.output, second.output]).toEqual(['4', '4']);
    expect(lines).toEqual(['a\\nb', 'c\\\\d']);
  });

  it('interrupts a command that takes too long, and takes the next one', async () => {
    const { shell } = await serial.shell((id, line, write) => {
      if (line === '\x03') write('interrupted\x1e1 130\n');
      else if (line !== 'sleep') write(`done\x1e${id} 0\n`);
    });
    await expectRefusal(() => shell.run('sleep', 20), 'guest-command-timeout', "'sleep'", '0.02 s', 'interrupted');
    expect(await shell.run('next', 5000)).toEqual({ status: 0, output: 'done' });
  });

  it('says what is known of a command that does not end at all, and refuses the next one at once', async () => {
    const ids: string[] = [];
    const { shell, guest } = await serial.shell((id, line, write) => {
      ids.push(id);
      if (line !== '\x03' && !line.startsWith('cat')) write(`\x1e${id} 0\n`);
    });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const asked = shell.run('cat /dev/stuck', 1000, async (isStuck) => ` Stuck: ${isStuck}.`);
    asked.catch(() => undefined);
    await vi.advanceTimersByTimeAsync(1000);
    await vi.advanceTimersByTimeAsync(5000);
    vi.useRealTimers();
    const { message } = await expectRefusal(() => asked, 'guest-command-timeout', '1 s', 'Stuck: true.');
    expect(message).not.toContain('more time');
    await expectRefusal(
      () => shell.run('next', 5000),
      'guest-command-timeout',
      "'next'",
      "'cat /dev/stuck'",
      'reset()',
    );
    guest.write(`\x1e${ids[0]} 130\n`);
    await vi.waitFor(async () => expect(await shell.run('next', 5000)).toEqual({ status: 0, output: '' }));
  });

  it('is ready when the guest says so, and says why where it cannot be', async () => {
    const { shell, guest } = await serial.shell(() => undefined);
    guest.write('\x1eready\n');
    await shell.ready();
    guest.write("insmod: can't insert 'x.ko': invalid module format\n\x1efailed\n");
    await expectRefusal(() => shell.ready(), 'guest-boot-failed', 'invalid module format');
  });

  it('says that the guest began again', async () => {
    const { shell } = await serial.shell((_id, _line, write) => write('\x1eready\n'));
    await expectRefusal(() => shell.run('reboot -f', 5000), 'guest-restarted', "'reboot -f'", 'reset()');
  });

  it('keeps no more than its share of what is printed without end', async () => {
    const { shell } = await serial.shell((_id, _line, write) => {
      for (let piece = 0; piece < 20; piece++) write(Buffer.alloc(1024 * 1024));
    });
    await expectRefusal(() => shell.run('cat /dev/zero', 60_000), 'guest-output-too-large', '16,777,216');
  });

  it.each([
    ['', 'missing'],
    ['echo \x03', 'control characters'],
    [`echo ${'x'.repeat(3000)}`, '3,000'],
  ])('refuses a line that the terminal would spoil: %#', async (line, why) => {
    const { shell } = await serial.shell(() => undefined);
    expectRefusal(() => shell.run(line, 1000), 'guest-command-line', why);
  });
});

describe("the guest's console", () => {
  it('sees a panic at the end of its report, and shows the last 40 lines', async () => {
    const { ours, guest } = await serial.line();
    const seen = new GuestConsole(ours);
    for (let line = 0; line < 3000; line++) guest.write(`[ 0.${line}] line ${line}\r\n`);
    guest.write(
      '[ 1.0] Kernel panic - not syncing: Fatal exception\r\n[ 1.1] ---[ end Kernel panic - not syncing: Fatal exception ]---\r\n',
    );
    const { message } = await expectRefusal(() => seen.panic, 'guest-panic', 'Fatal exception', 'line 2999');
    expect(message.split('\n')).toHaveLength(1 + 40);
  });

  it('names the instruction of an Oops in the first sentence', async () => {
    const { ours, guest } = await serial.line();
    const seen = new GuestConsole(ours);
    guest.write('[ 1.0] BUG: kernel NULL pointer dereference, address: 08\r\n');
    guest.write('[ 1.1] RIP: 0010:ring_write+0x63/0x90 [ring]\r\n[ 1.2] RIP: 0033:0x7f\r\n');
    guest.write('[ 1.3] ---[ end Kernel panic - not syncing: Fatal exception ]---\r\n');
    const { message } = await expectRefusal(() => seen.panic, 'guest-panic');
    expect(message.split('. ')[0]).toMatch(/'BUG: kernel NULL.*' at 'RIP: 0010:ring_write\+0x63\/0x90 \[ring\]'$/);
  });
});

describe('what has happened since a command began', () => {
  it('is the last lines of the kernel, and guest errors that are new or came again', async () => {
    const { ours, guest } = await serial.line();
    const console = new GuestConsole(ours);
    const card = { guestErrors: [{ device: 'ring', message: 'no doorbell at 0x30', count: 1 }] };
    guest.write('before\r\n');
    await vi.waitFor(() => expect(console.printed).toBe(1));
    const happened = whatHappens(console, card);
    expect(await happened()).toBe('');
    for (let line = 1; line <= 12; line++) guest.write(`[ 0.${line}] ring: line ${line}\r\n`);
    card.guestErrors = [
      { device: 'bus', message: 'old', count: 1 },
      { device: 'ring', message: 'no doorbell at 0x30', count: 3 },
    ];
    const text = await happened();
    expect(text).toContain(' The kernel printed:\n[ 0.3] ring: line 3\n');
    expect(text).toContain(' Guest errors of the device:\nbus: old.\nring: no doorbell at 0x30. (2 times)\n');
    expect(text.match(/ring: line/g)).toHaveLength(10);
    expect(await whatHappens(console, card)()).toBe('');
  });
});

describe("lines of the guest's /proc/interrupts", () => {
  const table = [
    '           CPU0       CPU1       ',
    '  4:          2          0   IO-APIC   4-edge      ttyS0',
    ' 24:          1          5   PCI-MSIX-0000:00:10.0   0-edge      virtio0-config',
    ' 25:         10          7   PCI-MSIX-0000:00:10.0   1-edge      virtio0-req.0',
    'NMI:          0          0   Non-maskable interrupts',
    'ERR:          3',
    '',
  ].join('\n');

  it('are found by any of their words, with the counts of all processors', () => {
    expect(interruptLines(table, 'virtio0')).toEqual([
      { irq: '24', count: 6, text: 'PCI-MSIX-0000:00:10.0 0-edge virtio0-config' },
      { irq: '25', count: 17, text: 'PCI-MSIX-0000:00:10.0 1-edge virtio0-req.0' },
    ]);
    expect(interruptLines(table, 'maskable')).toEqual([{ irq: 'NMI', count: 0, text: 'Non-maskable interrupts' }]);
    expect(interruptLines(table, 'nothing')).toEqual([]);
  });
});

describe('a BAR of the guest', () => {
  const resources = [
    '0x0000000010000000 0x0000000010000fff 0x0000000000040200',
    '0x000000000000c000 0x000000000000c01f 0x0000000000040101',
    '0x0000000000000000 0x0000000000000000 0x0000000000000000',
  ].join('\n');
  const bench = () => {
    const lines: string[] = [];
    const run = async (line: string) => {
      lines.push(line);
      return line.includes('enable') ? resources : '0x00000012\n';
    };
    return { lines, of: (index: number) => new GuestPciFunction('0000:00:10.0', run).bar(index) };
  };

  it('is memory, accessed through /dev/mem in its width', async () => {
    const { lines, of } = bench();
    const bar = of(0);
    expect(await bar.read32(8)).toBe(0x12);
    expect(await bar.read64(0xff8)).toBe(0x12n);
    await bar.write16(2, 0xabcd);
    expect(lines.slice(1)).toEqual(['devmem 0x10000008 32', 'devmem 0x10000ff8 64', 'devmem 0x10000002 16 0xabcd']);
  });

  it("is ports, accessed through the file of the resource, with one access of the processor's each", async () => {
    const { lines, of } = bench();
    const bar = of(1);
    expect(await bar.read16(4)).toBe(0x12);
    await bar.write32(8, 0x01020304);
    expect(lines[1]).toContain('resource1 bs=2 skip=2 count=1');
    expect(lines[2]).toBe(
      "printf '\\x04\\x03\\x02\\x01' | dd of=/sys/bus/pci/devices/0000:00:10.0/resource1 bs=4 seek=2 conv=notrunc 2>/dev/null",
    );
    await expectRefusal(() => bar.read64(0), 'guest-bar', 'at most 32 bits');
  });

  it.each<[string, (bar: ReturnType<ReturnType<typeof bench>['of']>) => Promise<unknown>, string]>([
    ['behind its end', (bar) => bar.read32(0x1000), '4,096 bytes'],
    ['across its width', (bar) => bar.read32(2), 'multiple of 4'],
    ['before its start', (bar) => bar.read8(-1), 'whole number'],
    ['with too large a value', (bar) => bar.write8(0, 256), '8 bits'],
  ])('is not accessed %s', async (_, access, why) => {
    await expectRefusal(() => access(bench().of(0)), 'guest-bar', 'BAR 0', why);
  });

  it('has to be there', async () => {
    await expectRefusal(() => bench().of(2).read8(0), 'guest-bar', 'no BAR 2', '0000:00:10.0');
  });
});

describe('saved states of guests', () => {
  const states = () => new SavedStates({ XDG_CACHE_HOME: folder });
  const write = (text: string) => async (file: string) => writeFileSync(file, text);

  it('are found by what shaped them, for their owner alone', async () => {
    expect(states().find('a')).toBeUndefined();
    await states().save('a', write('state'));
    expect(states().find('a')).toBe(join(states().folder, 'a.state'));
    states().forget('a');
    expect(states().find('a')).toBeUndefined();
  });

  it('are not kept where they could not be written to the end', async () => {
    await expect(
      states().save('a', async (file) => {
        writeFileSync(file, 'half');
        throw new Error('disk full');
      }),
    ).rejects.toThrow('disk full');
    expect(readdirSync(states().folder)).toEqual([]);
  });

  it('are written into a file each where two guests that are equal boot at once', async () => {
    const drafts: string[] = [];
    let bothWrite = (): void => undefined;
    const both = new Promise<void>((resolve) => {
      bothWrite = resolve;
    });
    const write = async (file: string): Promise<void> => {
      writeFileSync(file, 'state');
      if (drafts.push(file) === 2) bothWrite();
      await both;
    };
    await Promise.all([states().save('a', write), states().save('a', write)]);
    expect(new Set(drafts).size).toBe(2);
    expect(readdirSync(states().folder)).toEqual(['a.state']);
  });

  it('take with them what a killed process has left half written, and nothing that is being written', async () => {
    for (const name of ['.draft-old', '.draft-new']) {
      mkdirSync(join(states().folder, name), { recursive: true });
      writeFileSync(join(states().folder, name, 'state'), 'half');
    }
    const secondsOfOld = Date.now() / 1000 - 2 * 60 * 60;
    utimesSync(join(states().folder, '.draft-old'), secondsOfOld, secondsOfOld);
    await states().save('a', write('state'));
    expect(readdirSync(states().folder).sort()).toEqual(['.draft-new', 'a.state']);
  });

  it('are the eight that were used last', async () => {
    mkdirSync(states().folder, { recursive: true });
    for (let age = 1; age <= 9; age++) {
      const file = join(states().folder, `old${age}.state`);
      writeFileSync(file, '');
      utimesSync(file, 1000 - age, 1000 - age);
    }
    expect(states().find('old9')).toBeDefined();
    await states().save('new', write(''));
    const kept = readdirSync(states().folder).map((name) => name.replace('.state', ''));
    expect(kept.sort()).toEqual(['new', 'old1', 'old2', 'old3', 'old4', 'old5', 'old6', 'old9']);
    expect(existsSync(join(states().folder, 'old8.state'))).toBe(false);
  });
});

describe('options of a guest', () => {
  const unchecked = (value: object) => value as never;

  it.each<[object, string, ...named: string[]]>([
    [{ memry: '1G' }, 'unknown-word', "'memry'", "'memory'"],
    [{ memory: '12K' }, 'guest-option', "'12K'", '128M'],
    [{ machine: 'virt' }, 'guest-option', "'virt'", "'q35'"],
    [{ files: { 'bin/x': '/bin/true' } }, 'guest-option', "'bin/x'", "'/'"],
    [{ files: { '/bin/../init': '/bin/true' } }, 'guest-option', "'/bin/../init'"],
    [{ files: { '/init': '/bin/true' } }, 'guest-option', 'a file of its own'],
    [{ kernelArguments: 'a\nb' }, 'guest-option', 'ASCII'],
    [{ bootTimeout: 0 }, 'guest-option', 'milliseconds'],
  ])('are checked before anything is started: %j', async (options, code, ...named) => {
    await expectRefusal(() => linuxGuest(unchecked(options)), code, ...named);
  });

  it('cannot be met without what `backplane fetch` brings, and a test is skipped with that sentence', async () => {
    const names = ['PATH', 'XDG_CACHE_HOME', 'QTEST_QEMU_BINARY'];
    const usual = names.map((name) => [name, process.env[name]] as const);
    Object.assign(process.env, { PATH: '/nowhere', XDG_CACHE_HOME: folder, QTEST_QEMU_BINARY: '' });
    try {
      expect(whyNoLinuxGuest()).toContain("'npx backplane fetch qemu'");
      const reasons: string[] = [];
      const skip = (reason: string) => {
        reasons.push(reason);
        throw new Error('skipped');
      };
      const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
      for (let time = 0; time < 2; time++) await expect(linuxGuest({ skip })).rejects.toThrow('skipped');
      expect(reasons).toEqual([whyNoLinuxGuest(), whyNoLinuxGuest()]);
      expect(warn.mock.calls).toEqual([[`linuxGuest: a test is skipped. ${whyNoLinuxGuest()}`]]);
      warn.mockRestore();
      await expectRefusal(() => linuxGuest(), 'guest-packages-missing', 'npx backplane fetch');
    } finally {
      for (const [name, value] of usual) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    }
  });
});
