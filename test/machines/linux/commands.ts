import { expect } from 'vitest';
import type { LinuxPc } from './linux-pc.ts';
import { commandLine } from './linux-pc.ts';

/** A line for the shell, and what is expected of its answer. */
export type Command = readonly [line: string, check: (answer: string, linux: LinuxPc) => void];

const says =
  (...lines: readonly string[]) =>
  (answer: string): void =>
    expect(answer).toBe(lines.map((line) => `${line}\n`).join(''));

const card = '/sys/bus/pci/devices/0000:00:05.0';
/** Of the card: where Linux puts it, since no firmware has. */
const base = 0x0500_0000;
const at = (offset: number): string => `0x0${(base + offset).toString(16)}`;

/** A shell line that prints the byte of a port. */
const portByte = (port: number): string =>
  `dd if=/dev/port bs=1 skip=${port} count=1 2>/dev/null | hexdump -v -e '/1 "%02x\\n"'`;

/** The RTC of this machine begins with 2026. */
const start = Date.UTC(2026, 0, 1) / 1000;

/** Twenty of them, in this order, on a machine that has just booted. */
export const commands: readonly Command[] = [
  ['uname -sm', says('Linux i686')],
  ['cat /proc/cmdline', says(commandLine)],
  [
    'cat /proc/cpuinfo',
    (answer) => {
      expect(answer).toMatch(/^model name\t: Pentium III \(Katmai\)$/m);
      expect(answer).toMatch(/^cpu MHz\t+: 1000\.000$/m);
      expect(answer.match(/^processor/gm)).toHaveLength(1);
      expect(/^flags\t+: (.*)$/m.exec(answer)?.[1]?.split(' ')).not.toContain('apic');
    },
  ],
  ["awk '/MemTotal/ { print ($2 > 32000), ($2 < 49152) }' /proc/meminfo", says('1 1')],
  [
    'cat /proc/ioports',
    (answer) => {
      for (const line of ['0040-0043 : timer0', '0060-0060 : keyboard', '0064-0064 : keyboard', '0070-0071 : rtc0'])
        expect(answer).toContain(`${line}\n`);
      expect(answer).toContain('03f8-03ff : serial\n');
    },
  ],
  ['cat /sys/devices/system/clocksource/clocksource0/current_clocksource', says('tsc')],
  [
    'hwclock -r -u',
    (answer, { machine }) => expect(secondsIn(answer) - start).toBe(Math.floor(machine.clock.now / 1e9)),
  ],
  ['sleep 3', says()],
  [
    'hwclock -r -u',
    (answer, { machine }) => {
      expect(secondsIn(answer) - start).toBe(Math.floor(machine.clock.now / 1e9));
      expect(secondsIn(answer) - start).toBeGreaterThanOrEqual(6);
    },
  ],
  // Register 9 of the RTC is the year, in BCD.
  [`printf '\\011' | dd of=/dev/port bs=1 seek=112 2>/dev/null; ${portByte(113)}`, says('26')],
  [`head -n 1 ${card}/resource`, says('0x0000000005000000 0x00000000050fffff 0x0000000000040200')],
  // No BIOS has set the line: Linux finds the routing in the ROM, chooses a line, and sets it in the PIIX3.
  [
    `echo 1 > ${card}/enable; cat ${card}/irq`,
    (answer) => {
      expect(answer).toContain('enabling device (0000 -> 0002)');
      expect(answer).toMatch(/assigned PCI INT A -> IRQ 10\n10\n$/);
    },
  ],
  [`devmem ${at(0)}`, says('0x010000ED')],
  [`devmem ${at(4)} 32 0x12345678; devmem ${at(4)}`, says('0xEDCBA987')],
  [`devmem ${at(8)} 32 10; usleep 2000; devmem ${at(8)}`, says(`0x00${(3_628_800).toString(16).toUpperCase()}`)],
  // The card asks for an interrupt, and IRQ 10 is the third input of the second 8259: bit 2 of its interrupt request register.
  [`devmem ${at(0x60)} 32 1; ${portByte(160)}`, says('04')],
  [`devmem ${at(0x64)} 32 1; ${portByte(160)}`, says('00')],
  ["dmesg | grep -c -E 'MSI|LAPIC|IO-APIC'", says('0')],
  [
    'cat /proc/interrupts',
    (answer) => {
      const lines = answer.split('\n').filter((line) => /^ *\d+:/.test(line));
      expect(lines.every((line) => line.includes(' XT-PIC '))).toBe(true);
      const names = lines.map((line) => line.trim().split(/ +/).at(-1));
      expect(names).toEqual(['timer', 'i8042', 'cascade', 'ttyS0', 'rtc0', 'i8042']);
      expect(answer).toMatch(/^LOC: +0 /m);
    },
  ],
  ['for i in 3 1 2; do echo $i; done | sort | tr "\\n" " "; echo $((0x10 * 3))', says('1 2 3 48')],
];

/** Seconds since 1970 of the time that hwclock prints. */
const secondsIn = (answer: string): number => Date.parse(`${answer.slice(0, 24)} UTC`) / 1000;
