import { describe, expect, it } from 'vitest';
import { DefaultExitCosts, type ExitRow, formatExitTable } from '../../sdk/accelerator/index.ts';

const row = (address: number, isWrite: boolean, samples: number, userspaceExits: number): ExitRow => ({
  key: `0x${address.toString(16)}:${isWrite ? 'POUT' : 'PIN'}`,
  address,
  isWrite,
  samples,
  userspaceExits,
});

const rows = [row(0x70, true, 100, 0), row(0x71, false, 300, 300), row(0x80, true, 1, 1), row(0xcf8, true, 2, 2)];

describe('the exit table', () => {
  it('prints the columns of perf, busiest row first, and says that its times are modelled and from what', () => {
    const text = formatExitTable(rows, DefaultExitCosts, { event: 'ioport' });
    expect(text.split('\n')).toEqual([
      '      IO Port Access    Samples  Samples%     Time%    Min Time    Max Time         Avg time',
      '',
      '            0x71:PIN        300    74.44%    93.07%           -           -      3.41us ( +-       - )',
      '           0x70:POUT        100    24.81%     6.00%           -           -      0.66us ( +-       - )',
      '          0xcf8:POUT          2     0.50%     0.62%           -           -      3.41us ( +-       - )',
      '           0x80:POUT          1     0.25%     0.31%           -           -      3.41us ( +-       - )',
      '',
      'Total Samples:403, Total events handled time:1099.23us (modelled).',
      'Times are modelled: 0.66 us for a VM exit that stays in the kernel, 3.41 us for one that goes to userspace.',
    ]);
  });

  it('shows the busiest rows, the pinned ones however quiet, and how much it leaves out', () => {
    const lines = formatExitTable(rows, DefaultExitCosts, { event: 'ioport', busiest: 1, pinned: [0xcf8] }).split('\n');
    expect(lines.slice(2, 5)).toEqual([
      '            0x71:PIN        300    74.44%    93.07%           -           -      3.41us ( +-       - )',
      '          0xcf8:POUT          2     0.50%     0.62%           -           -      3.41us ( +-       - )',
      '            (2 more)        101    25.06%',
    ]);
  });

  it('fills Min, Max and the deviation from a distribution, mixing the two kinds of exit by their counts', () => {
    const costs = {
      kernel: { average: 600, minimum: 500, maximum: 900, deviation: 0 },
      userspace: { average: 3000, minimum: 2500, maximum: 9000, deviation: 0 },
    };
    const text = formatExitTable([row(0x70, true, 100, 50), row(0x71, false, 1, 1)], costs, { event: 'ioport' });
    expect(text).toContain(
      '0x70:POUT        100    99.01%    98.36%      0.50us      9.00us      1.80us ( +-   6.67% )',
    );
    expect(text).toContain(
      '0x71:PIN          1     0.99%     1.64%      2.50us      9.00us      3.00us ( +-   0.00% )',
    );
  });

  it('prints an empty table without dividing by nothing', () => {
    expect(formatExitTable([], DefaultExitCosts, { event: 'mmio' })).toContain(
      'Total Samples:0, Total events handled time:0.00us (modelled).',
    );
  });
});
