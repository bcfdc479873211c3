import { describe, expect, it } from 'vitest';
import { formatGuestFigures } from '../../sdk/cli/measure/guest.ts';
import { whyNoLinuxGuest } from '../../sdk/testing/qemu/index.ts';
import { backplane } from '../cli/fake-terminal.ts';
import { needs } from '../needs.ts';

describe('figures of a guest', () => {
  it('are a table in milliseconds', () => {
    const figures = [
      { name: 'boot', median: 4812.4, shortest: 4700, longest: 5001.6, times: [] },
      { name: 'a command', median: 52, shortest: 41.2, longest: 60, times: [] },
    ];
    expect(formatGuestFigures(figures, 5).split('\n')).toEqual([
      '  5 runs each   median  shortest  longest',
      '  boot         4812 ms   4700 ms  5002 ms',
      '  a command      52 ms     41 ms    60 ms',
    ]);
  });

  it(
    'are measured by a boot, a start from the saved state, and a command',
    needs('qemu', whyNoLinuxGuest()),
    async () => {
      const { status, printed, progress } = await backplane('measure', 'guest', '-runs', '1', '-json');
      expect(status).toBe(0);
      const { runs, figures } = JSON.parse(printed) as { runs: number; figures: { name: string; median: number }[] };
      expect([runs, figures.map(({ name }) => name)]).toEqual([
        1,
        ['boot, to the first register read', 'saved state, to the first register read', 'command'],
      ]);
      expect(figures.every(({ median }) => median > 0)).toBe(true);
      expect(progress).toContain('measure: boot, 1 of 1');
    },
  );
});
