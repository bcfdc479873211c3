import { describe, expect, it } from 'vitest';
import { isapc, pcI440fx, q35 } from '../../machines/index.ts';
import { processorId } from '../../machines/pc-chips.ts';
import { CpuidTable } from '../../sdk/processor/x86/cpuid.ts';
import { Machine } from '../../sdk/runtime.ts';

const common = ['pit', 'keyboard', 'port92', 'fw_cfg', 'post'];

describe('the chips of a PC', () => {
  it.each([
    [pcI440fx, [...common, 'pm']],
    [q35, common],
    [isapc, common],
  ])('are basic by default, and all of them where machine code boots: %s', (definition, more) => {
    const idsOf = (chips?: 'all') =>
      Machine.create(definition, chips === undefined ? {} : { options: { chips } }).devices.map(({ id }) => id);
    const basic = idsOf();
    expect(idsOf('all').filter((id) => !basic.includes(id))).toHaveLength(more.length);
    expect(idsOf('all')).toEqual(expect.arrayContaining([...basic, ...more]));
  });

  it.each([pcI440fx, q35, isapc])('of all are wired without a warning: $name', (definition) => {
    expect(Machine.create(definition, { options: { chips: 'all' } }).warnings).toEqual([]);
  });

  it('are told to firmware with the processor that CPUID shows', () => {
    const { eax, edx } = CpuidTable.find((entry) => entry.function === 1)!;
    expect(processorId).toEqual([eax, edx]);
  });
});
