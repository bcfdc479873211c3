// @module-tag slow
import { describe, expect, it } from 'vitest';
import { needs } from '../needs.ts';
import { whyNotCompared } from './chip.ts';
import { chips } from './chips.ts';
import { conform, formatResult, passed } from './conformance.ts';
import type { StandIn } from './known-difference.ts';
import { MachineSubject, machineForComparison } from './machine-subject.ts';
import { planted } from './planted.ts';
import { QemuSubject } from './qemu-subject.ts';
import { formatOperation, type Subject } from './script.ts';

/** The shortest scripts that show the planted bugs, as far as they do not depend on the seed. */
const shortest: Readonly<Record<string, RegExp>> = {
  rtc: /^out8 0x70, 0x[08]b; out8 0x71, 0x[9b-f].; in8 0x71$/,
  'pci-config': /^out32 0xcf8, 0x8000080[4-7]; out\d+ 0xcf[cd], 0x\w+; in\d+ 0xcf[cd]$/,
  'fw-cfg': /^in\d+ 0x5(0[def]|10)$/,
  pic: /^(master|slave) input \d high; (.*; )?out8 0x20, 0x[0-9a-f]+; (.*; )?in\d+ 0x21$/,
  i8042: /^out8 0x64, 0xdd; out8 0x64, 0xd0; (.*; )?in\d+ 0x60$/,
  pit: /^out\d+ 0x43, 0x\w+; (.*; )?in\d+ 0x4[0-2]$/,
  'pit-over-time': /^(.*; )?step \d+ ns; (.*; )?in8 0x4[0-2]$/,
  'pm-timer': /^(.*; )?step \d+ ns; (.*; )?in(16|32) 0x608$/,
  vga: /^(.*; )?out\d+ 0x3c0, 0x\w+; (.*; )?in\d+ 0x3[bd]a; (.*; )?in\d+ 0x3c[01]$/,
};

describe.each(chips.filter(({ name }) => name in planted))('$name', (chip) => {
  it('answers as QEMU does, but for what is known', needs('qemu', whyNotCompared(chip)), async () => {
    const operations = chip.qemu.steps ? 2_000 : 5_000;
    const plan = { operations, seed: 20_241 };
    const result = await conform(chip, new MachineSubject(chip), new QemuSubject(chip.qemu), plan);
    expect(passed(result), formatResult(result)).toBe(true);
    expect(result.counts.operations).toBe(operations);
  });

  async function findPlantedBug(theirs: Subject): Promise<void> {
    const ours = new MachineSubject(chip, machineForComparison(chip, undefined, [planted[chip.name] as StandIn]));
    const result = await conform(chip, ours, theirs, { operations: 20_000, seed: 1, scriptLength: 2_000 });
    expect(passed(result)).toBe(false);
    const script = result.divergence?.script.operations ?? [];
    const text = script.map(formatOperation).join('; ');
    expect(text).toMatch(shortest[chip.name] as RegExp);
    expect(script.length).toBeLessThanOrEqual(8);
    expect(formatResult(result)).toMatch(/ours: .* QEMU: /);
  }

  it('with a planted bug is told from the machine without it, by a script of a few operations', async () => {
    await findPlantedBug(new MachineSubject(chip));
  });

  it(
    'with a planted bug is told from QEMU, by a script of a few operations',
    needs('qemu', whyNotCompared(chip)),
    async () => {
      await findPlantedBug(new QemuSubject(chip.qemu));
    },
  );
});
