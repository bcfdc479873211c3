import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { backplane } from './fake-terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'backplane-lists-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** What a command line that succeeds prints. */
async function printed(...words: string[]): Promise<string> {
  const { status, printed, noted } = await backplane(...words);
  expect({ status, noted }).toEqual({ status: 0, noted: '' });
  return printed;
}

describe('help', () => {
  it.each(['replay', 'run', 'info'])('%s --help says how it is used, with examples', async (command) => {
    const text = await printed(command, '--help');
    expect(text).toMatch(new RegExp(`^Usage: backplane ${command} `));
    expect(text).toMatch(/\nExamples:\n {2}backplane /);
    expect(await printed(command, '-h')).toBe(text);
  });

  it('is there without a command too', async () => {
    expect(await printed('--help')).toContain('backplane replay linux61-boot-rtc -compare');
  });

  it('shows examples that work', async () => {
    const examples = [...(await printed('info', '--help')).matchAll(/^ {2}backplane (.+)$/gm)].map(
      ([, line]) => line ?? '',
    );
    expect(examples.length).toBeGreaterThan(2);
    for (const line of examples) expect((await printed(...line.split(' '))).length).toBeGreaterThan(100);
  });
});

describe('lists', () => {
  it('names every machine with its aliases, and the options of one', async () => {
    expect(await printed('-machine', 'help')).toMatch(/empty .*\n.*isapc .*\n.*pc-i440fx .*\(alias pc\)\n.*q35 .*$/);
    expect(await printed('-machine', 'pc,help')).toMatch(/reset-control=<behind\|overlay> .*\(default: behind\)/);
    expect(await printed('-machine', 'board,help')).toContain('none');
  });

  it('names every device, and the options of one as the command line writes them', async () => {
    expect(await printed('-device', 'help')).toMatch(/mc146818rtc +MC146818 .*\[isa\]/);
    const options = await printed('-device', 'mc146818rtc,help');
    for (const name of ['base_year', 'iobase', 'irq', 'lost_tick_policy', 'date'])
      expect(options).toContain(`${name}=<`);
  });

  it('names the accelerator and its options', async () => {
    expect(await printed('-accel', 'help')).toMatch(
      /kvm-sim[\s\S]*coalesced-mmio=<on\|off>[\s\S]*drain=<every-exit\|on-access>/,
    );
  });

  it('prints the same as JSON', async () => {
    const devices = JSON.parse(await printed('-device', 'help', '--json')) as { name: string }[];
    expect(devices.map(({ name }) => name)).toContain('mc146818rtc');
    const options = JSON.parse(await printed('--json', '-device', 'mc146818rtc,help')) as {
      name: string;
      default: string;
    }[];
    expect(options).toContainEqual(expect.objectContaining({ name: 'base_year', type: 'integer', default: '1980' }));
  });
});

describe('info', () => {
  it('prints trees and flat views of any machine', async () => {
    expect(await printed('info', 'mtree')).toMatch(/^address-space: memory\n/);
    expect(await printed('info', 'mtree', '-f', '-machine', 'isapc')).toMatch(/^FlatView #0\n AS "memory"/);
    expect(await printed('info', 'mtree', '-m', '64')).toMatch(/0000000003ffffff \(prio 0, ram\): alias ram-below-4g/);
    expect(await printed('info', 'qtree')).toContain('dev: mc146818rtc, id "rtc"');
  });

  it('looks into a machine that was saved', async () => {
    const [guest, saved] = [join(folder, 'guest.ts'), join(folder, 'saved.json')];
    writeFileSync(
      guest,
      "import { guestProgram } from 'backplane/runtime';\nexport default guestProgram('g', function* (guest) {\n" +
        '  yield* guest.out32(0xcf8, 0x80002810);\n  yield* guest.out32(0xcfc, 0xfe000000);\n' +
        '  yield* guest.out32(0xcf8, 0x80002804);\n  yield* guest.out16(0xcfc, 2);\n});\n',
    );
    const words = ['-m', '1', '-device', 'edu,addr=05.0'];
    await backplane('run', guest, ...words, '-save', saved);
    expect(await printed('info', 'mtree', '-f', ...words)).not.toContain('fe000000');
    expect(await printed('info', 'mtree', '-f', ...words, '-loadvm', saved)).toContain('fe000000');
    const { status, noted } = await backplane('info', 'qtree', '-machine', 'isapc', '-loadvm', saved);
    expect({ status, noted }).toEqual({ status: 1, noted: expect.stringContaining('Write: -machine pc-i440fx') });
  });

  it('finds the dead port of the overlay, and nothing wrong with the machines as they are', async () => {
    const verdicts = async (machine: string) => {
      const found = JSON.parse(await printed('info', 'coalesced', '-machine', machine, '--json')) as Record<
        string,
        string
      >[];
      return found.map(({ region, verdict }) => `${region} ${verdict}`);
    };
    expect(await verdicts('pc,reset-control=overlay')).toEqual(['pci-conf-idx dead', 'rtc alive', 'vga-lowmem alive']);
    expect(await verdicts('pc')).toEqual(['pci-conf-idx alive', 'rtc alive', 'vga-lowmem alive']);
    expect(await verdicts('isapc')).toEqual(['rtc alive', 'vga-lowmem alive']);
    expect(await verdicts('empty')).toEqual([]);
    expect(await printed('info', 'coalesced', '-machine', 'pc,reset-control=overlay')).toContain(
      "32-bit writes never coalesce: 'piix3-reset-control'",
    );
  });
});
