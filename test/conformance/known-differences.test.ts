import { describe, expect, it } from 'vitest';
import { pcI440fx } from '../../machines/index.ts';
import { needs } from '../needs.ts';
import { whyNotCompared } from './chip.ts';
import { chips } from './chips.ts';
import { knownDifferences } from './known-differences.ts';
import { MachineSubject } from './machine-subject.ts';
import { pciConfig } from './pci-config.ts';
import { QemuSubject } from './qemu-subject.ts';
import { type Operation, out, read, read8, type Subject } from './script.ts';

async function reads(subject: Subject, operations: readonly Operation[], date: string): Promise<readonly number[]> {
  const answers = await subject.run({ date, operations });
  return answers.map(({ value }) => value).filter((value) => value !== undefined);
}

const ways = chips.flatMap((chip) =>
  (knownDifferences[chip.name] ?? []).flatMap((difference) =>
    difference.there === undefined
      ? []
      : [{ chip, difference, there: difference.there, name: `${chip.name}, ${difference.register}` }],
  ),
);

describe.each(ways)('$name: $difference.condition', ({ chip, difference, there }) => {
  const { operations, ours, qemu } = there;
  const date = chip.dates[0] as string;

  it('is answered in our own way, and otherwise in QEMU', async () => {
    expect(ours).not.toEqual(qemu);
    expect(await reads(new MachineSubject(chip).without(difference), operations, date)).toEqual(ours);
  });

  if (difference.standIn !== undefined) {
    it("is answered in QEMU's way by the stand-in", async () => {
      expect(await reads(new MachineSubject(chip), operations, date)).toEqual(qemu);
    });
  }

  it("is answered in QEMU's way by QEMU", needs('qemu', whyNotCompared(chip)), async () => {
    expect(await reads(new QemuSubject(chip.qemu), operations, date)).toEqual(qemu);
  });
});

it('narrow accesses from 0xcf8 to 0xcfb show the address register and repeat the reset register with the overlay', async () => {
  const wide = [out(0xcf8, 4, 0x8000_003c), read8(0xcf8), out(0xcf9, 2, 0x0200), read8(0xcf9), read(0xcf9, 4)];
  const date = pciConfig.dates[0] as string;
  expect(await reads(new MachineSubject(pciConfig, pcI440fx), wide, date)).toEqual([0x3c, 0x02, 0x0202_0202]);
});
