import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { Vga } from '../../devices/index.ts';
import { MiB } from '../../sdk/index.ts';
import { findQemu, QemuProcess, whyNoQemu } from '../../sdk/testing/qemu/process.ts';
import { needs, whyNoX86 } from '../needs.ts';
import { Boot, BootRam, whyNoSeaBios } from './boots.ts';
import { commonLines } from './common-lines.ts';

const folder = mkdtempSync(join(tmpdir(), 'backplane-seabios-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const missing = whyNoX86() ?? whyNoSeaBios();
const Last = 'No bootable device.';
/** Until it has printed that, with a keyboard that tests itself for 300 ms. */
const Instructions = 19_500_000;

/** Without serial and parallel ports, as QEMU with -nodefaults. */
const boot = async (): Promise<Boot> => (await Boot.create('seabios', { defaults: false })).run(Instructions);

const linesOf = (log: string): string[] => log.trimEnd().split('\n');

/** Lines of the log that differ, on our machine or on QEMU's. */
const reasons: readonly (readonly [line: RegExp, why: string])[] = [
  [/^Moving pm_base to 0x600$/, 'QEMU has ACPI tables, and SeaBIOS places power management where they say'],
  [/^Using pmtimer, ioport 0x(b0|6)08$/, 'the same: without tables SeaBIOS takes its own place'],
  [/^Copying MPTABLE from 0x00006cfc\/\w+ to 0x000f5ba0$/, 'ACPI tables move the heap that the table is built in'],
  [/^table\(50434146\)=0x\w+ \(via rsdt\)$/, 'the table FADT of the ACPI tables of QEMU'],
  [/^ACPI: parse DSDT at 0x\w+ \(len \d+\)$/, 'the table DSDT of QEMU'],
  [/^ACPI DSDT=0x\w+$/, "without QEMU's tables SeaBIOS builds its own"],
  [/^Copying ACPI RSDP from 0x\w+ to 0x\w+$/, "SeaBIOS's own tables"],
  [/^Space available for UMB: ca000-e8800, f5500-f5\w+$/, "SeaBIOS's own tables: their RSDP lies below 1 MiB"],
  [/^Returned \d+ bytes of ZoneHigh$/, 'the ACPI tables of QEMU take more memory'],
  [/^ {2}[34]: \w+ - \w+ = [12] (RAM|RESERVED)$/, 'the same, in the memory map'],
  [/^Found [45] PCI devices \(max PCI bus is 00\)$/, 'QEMU has an IDE controller'],
  [/^PCI: IO: c000 - (c00|bff)f$/, 'the ports of the IDE controller'],
  [/^PCI: map device bdf=00:01\.1 {2}bar 4, addr 0000c000, size 00000010 \[io\]$/, 'the IDE controller'],
  [/^PCI: init bdf=00:01\.1 id=8086:7010$/, 'the IDE controller'],
  [/^ATA controller [12] at \w+\/\w+\/0 \(irq 1[45] dev 9\)$/, 'the IDE controller'],
];
const MostReasons = 20;

describe("Debian's SeaBIOS on our pc", needs('host', missing), () => {
  it('comes to its end without an error of the guest', async () => {
    const { machine, log, guestErrors } = await boot();
    expect(linesOf(log).at(-1)).toBe(Last);
    expect(guestErrors).toEqual([]);
    const screen = machine.device(Vga).screenText();
    expect(screen).toHaveLength(25);
    expect(screen.filter((line) => line !== '')).toEqual([
      expect.stringMatching(/^SeaBIOS \(version 1\./),
      'Booting from Floppy...',
      'Boot failed: could not read the boot disk',
      'Booting from Hard Disk...',
      'Boot failed: could not read the boot disk',
      Last,
    ]);
  });

  it(
    'prints at least 80 % of the lines that it prints in QEMU, in order, and each other line has its reason',
    needs('qemu', missing ?? whyNoQemu()),
    async () => {
      const ours = await boot();
      const theirs = await inQemu();
      const ourLines = linesOf(ours.log);
      const { common, onlyOurs, onlyTheirs } = commonLines(ourLines, linesOf(theirs.log));
      const share = common.length / linesOf(theirs.log).length;
      console.log(`SeaBIOS: ${common.length} of ${linesOf(theirs.log).length} lines are those of QEMU.`);
      expect(share).toBeGreaterThanOrEqual(0.8);
      const others = [...onlyOurs, ...onlyTheirs];
      const whyNot = (line: string) => reasons.filter(([pattern]) => pattern.test(line)).length;
      expect(others.filter((line) => whyNot(line) !== 1)).toEqual([]);
      // No reason is there for nothing.
      expect(reasons.filter(([pattern]) => !others.some((line) => pattern.test(line)))).toEqual([]);
      expect(reasons.length).toBeLessThanOrEqual(MostReasons);
      expect(ours.machine.device(Vga).screenText()).toEqual(theirs.screen);
    },
  );
});

describe('lines in common', () => {
  it('are the longest sequence that both have', () => {
    expect(commonLines(['a', 'b', 'c', 'd'], ['b', 'x', 'a', 'c', 'd', 'y'])).toEqual({
      common: [expect.stringMatching(/^[ab]$/), 'c', 'd'],
      onlyOurs: [expect.stringMatching(/^[ab]$/)],
      onlyTheirs: expect.arrayContaining(['x', 'y']),
    });
    expect(commonLines([], ['a'])).toEqual({ common: [], onlyOurs: [], onlyTheirs: ['a'] });
  });
});

/** The same firmware in QEMU, until it has come to its end. */
async function inQemu(): Promise<{ readonly log: string; readonly screen: readonly string[] }> {
  const at = (name: string) => join(folder, name);
  const words = [
    ...['-vga', 'std', '-cpu', 'pentium3,-apic', '-m', String(BootRam / MiB)],
    ...['-chardev', `file,id=log,path=${at('log')}`, '-device', 'isa-debugcon,iobase=0x402,chardev=log'],
  ];
  const binary = findQemu()!;
  const i386 = join(dirname(binary), 'qemu-system-i386');
  const options = { machine: 'pc', arguments: words, binary: existsSync(i386) ? i386 : binary };
  return QemuProcess.with(options, async ({ qmp }) => {
    await qmp.execute('cont');
    const log = () => readFileSync(at('log'), 'latin1');
    const end = performance.now() + 60_000;
    while (!log().includes(Last)) {
      if (performance.now() > end) throw new Error(`SeaBIOS in QEMU did not come to its end:\n${log()}`);
      await pause(50);
    }
    await qmp.execute('pmemsave', { val: 0xb_8000, size: 2 * 80 * 25, filename: at('screen') });
    const cells = readFileSync(at('screen'));
    const line = (row: number) =>
      Array.from({ length: 80 }, (_, column) => String.fromCharCode(cells[2 * (80 * row + column)]!)).join('');
    return { log: log(), screen: Array.from({ length: 25 }, (_, row) => line(row).trimEnd()) };
  });
}
