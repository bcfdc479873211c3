// @module-tag qemu

import { describe, expect, it } from 'vitest';
import { pcI440fx } from '../../machines/index.ts';
import { MILLISECOND, MiB } from '../../sdk/index.ts';
import { Machine } from '../../sdk/runtime.ts';
import { QemuProcess, whyNoQemu } from '../../sdk/testing/qemu/process.ts';
import { needs } from '../needs.ts';
import { haltingFirmware } from './qemu-subject.ts';
import { RamMebibytes } from './script.ts';

/** A register of the clock is written, time passes, or bits of a register are read. */
type Step =
  | { readonly write: readonly [register: number, value: number] }
  | { readonly wait: number }
  | { readonly read: number; readonly bits: number };

const write = (register: number, value: number): Step => ({ write: [register, value] });
const wait = (milliseconds: number): Step => ({ wait: milliseconds });
const read = (register: number, bits = 0xff): Step => ({ read: register, bits });

/** Sunday, 28 April 2024, 1:59:59. */
const beforeDaylightSaving = [0x59, 0x59, 0x01, 0x01, 0x28, 0x04, 0x24].map((value, index) =>
  write([0, 2, 4, 6, 7, 8, 9][index] as number, value),
);

/** Differences on purpose that show only while time passes, so that no stand-in can be compared in full. */
const differences = [
  {
    name: 'the periodic flag rises whatever PIE says; in QEMU only with PIE',
    steps: [read(0x0c, 0), wait(20), read(0x0c, 0x40)],
    ours: [0x40],
    qemu: [0x00],
  },
  {
    name: 'a divider chain that is held has no edges; QEMU does not ask it',
    steps: [write(0x0a, 0x66), write(0x0b, 0x42), read(0x0c, 0), wait(20), read(0x0c, 0x40), write(0x0a, 0x26)],
    ours: [0x00],
    qemu: [0x40],
  },
  {
    name: 'the hour changes in daylight saving; QEMU does not look at DSE',
    steps: [write(0x0b, 0x83), ...beforeDaylightSaving, write(0x0b, 0x03), wait(1_200), read(0x04)],
    ours: [0x03],
    qemu: [0x02],
  },
  {
    name: 'there is no update under SET, and so no update flag; QEMU raises it',
    steps: [write(0x0b, 0x82), read(0x0c, 0), wait(1_200), read(0x0c, 0x10), write(0x0b, 0x02)],
    ours: [0x00],
    qemu: [0x10],
  },
] as const;

interface Clock {
  out8(port: number, value: number): Promise<void> | void;
  in8(port: number): Promise<number> | number;
  wait(milliseconds: number): Promise<void> | void;
}

async function answers(clock: Clock, steps: readonly Step[]): Promise<number[]> {
  const read: number[] = [];
  for (const step of steps) {
    if ('wait' in step) {
      await clock.wait(step.wait);
      continue;
    }
    await clock.out8(0x70, 'write' in step ? step.write[0] : step.read);
    if ('write' in step) await clock.out8(0x71, step.write[1]);
    else if (step.bits === 0) await clock.in8(0x71);
    else read.push((await clock.in8(0x71)) & step.bits);
  }
  return read;
}

function ourClock(): Clock {
  const { io, clock } = Machine.create(pcI440fx, { ram: RamMebibytes * MiB });
  return {
    out8: (port, value) => void io.write(port, value, 1),
    in8: (port) => io.read(port, 1),
    wait: (milliseconds) => clock.advance(milliseconds * MILLISECOND),
  };
}

const qemuClock = ({ qtest }: QemuProcess): Clock => ({
  out8: (port, value) => qtest.out8(port, value),
  in8: async (port) => Number(await qtest.command(`inb ${port}`)),
  wait: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
});

const missing = whyNoQemu();

describe('the clock while time passes', () => {
  it.each(differences)('$name: ours', async ({ steps, ours }) => {
    expect(await answers(ourClock(), steps)).toEqual(ours);
  });

  // Time passes in QEMU only while its processor runs, and as fast as the host's: two seconds here.
  it('differs from QEMU in just these points', needs('qemu', missing), async () => {
    const args = ['-m', `${RamMebibytes}M`, '-bios', haltingFirmware()];
    const theirs = await QemuProcess.with({ arguments: args }, async (qemu) => {
      await qemu.qmp.execute('cont');
      const clock = qemuClock(qemu);
      const seen: number[][] = [];
      for (const { steps } of differences) seen.push(await answers(clock, steps));
      return seen;
    });
    expect(theirs).toEqual(differences.map(({ qemu }) => qemu));
  });
});
