import { describe, expect, it } from 'vitest';
import { whyNotCompared } from './chip.ts';
import { chips } from './chips.ts';
import { conform, formatResult, passed } from './conformance.ts';
import type { StandIn } from './known-difference.ts';
import { MachineSubject, machineForComparison } from './machine-subject.ts';
import { planted } from './planted.ts';
import { QemuSubject } from './qemu-subject.ts';
import { formatOperation, type Subject } from './script.ts';

const missing = new Set(chips.map(whyNotCompared).filter((why) => why !== undefined));
for (const why of missing) console.log(`Some chips are not compared with QEMU: ${why}`);

/** The shortest scripts that show the planted bugs, as far as they do not depend on the seed. */
const shortest: Readonly<Record<string, RegExp>> = {
  rtc: /^out8 0x70, 0x[08]b; out8 0x71, 0x[9b-f].; in8 0x71$/,
  'pci-config': /^out32 0xcf8, 0x8000080[4-7]; out\d+ 0xcf[cd], 0x\w+; in\d+ 0xcf[cd]$/,
  pic: /^(master|slave) input \d high; (.*; )?out8 0x20, 0x[0-9a-f]+; (.*; )?in\d+ 0x21$/,
};

describe.each(chips.filter(({ name }) => name in planted))('$name', (chip) => {
  it.skipIf(whyNotCompared(chip))('answers as QEMU does, but for what is known', { tags: 'qemu' }, async () => {
    const plan = { operations: 5_000, seed: 20_241 };
    const result = await conform(chip, new MachineSubject(chip), new QemuSubject(chip.qemu), plan);
    expect(passed(result), formatResult(result)).toBe(true);
    expect(result.counts.operations).toBe(5_000);
  });

  async function findPlantedBug(theirs: Subject): Promise<void> {
    const ours = new MachineSubject(chip, machineForComparison(chip, undefined, [planted[chip.name] as StandIn]));
    const result = await conform(chip, ours, theirs, { operations: 20_000, seed: 1, scriptLength: 2_000 });
    expect(passed(result)).toBe(false);
    const script = result.divergence?.script.operations ?? [];
    const text = script.map(formatOperation).join('; ');
    expect(text).toMatch(shortest[chip.name] as RegExp);
    expect(script.length).toBeLessThanOrEqual(6);
    expect(formatResult(result)).toMatch(/ours: .* QEMU: /);
  }

  it('with a planted bug is told from the machine without it, by a script of a few operations', async () => {
    await findPlantedBug(new MachineSubject(chip));
  });

  it.skipIf(whyNotCompared(chip))(
    'with a planted bug is told from QEMU, by a script of a few operations',
    { tags: 'qemu' },
    async () => {
      await findPlantedBug(new QemuSubject(chip.qemu));
    },
  );
});
