import { describe, expect, it } from 'vitest';
import { mergedReplay } from './recordings.ts';

const counts = {
  ...{ userspaceExits: 10, portUserspaceExits: 6, memoryUserspaceExits: 4, coalescedWrites: 5 },
  ...{ ringFullExits: 1, drainsAtExits: 2, entriesAtEnd: 0, kicks: 0 },
};
const replay = (...changes: readonly object[]): string =>
  JSON.stringify({
    recording: 'boot',
    modes: ['off', 'overlay', 'ours'].map((name, index) => ({ name, exits: { ...counts, ...changes[index] } })),
  });

describe('the counts of a replay on both kernels', () => {
  it('are right when every one of three modes is equal', () => {
    const { text, isEqual } = mergedReplay(replay(), replay());
    expect(isEqual).toBe(true);
    expect(text.match(/userspaceExits 10, .*: as simulated$/gm)).toHaveLength(3);
  });

  it.each(Object.keys(counts))('are wrong when only %s differs, in the last mode alone', (key) => {
    const { text, isEqual } = mergedReplay(replay({}, {}, { [key]: 7 }), replay());
    expect(isEqual).toBe(false);
    expect(text.split('\n').filter((line) => line.includes('DIFFERENT'))).toEqual([
      expect.stringContaining(`${key} 7`),
    ]);
    expect(text).toMatch(
      new RegExp(`  ours: .*: DIFFERENT, simulated ${key} ${counts[key as keyof typeof counts]}$`, 'm'),
    );
  });

  it('are wrong when neither kernel knows a count, when a mode is missing, and without any', () => {
    expect(mergedReplay(replay({ kicks: null }), replay({ kicks: null })).isEqual).toBe(false);
    const two = JSON.stringify({ recording: 'boot', modes: JSON.parse(replay()).modes.slice(1) });
    expect(mergedReplay(two, two).isEqual).toBe(false);
    expect(mergedReplay('-accel kvm: there is no /dev/kvm.', replay())).toEqual({
      text: '-accel kvm: there is no /dev/kvm.',
      isEqual: false,
    });
  });
});
