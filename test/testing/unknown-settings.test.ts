import { describe, it } from 'vitest';
import { option } from '../../sdk/index.ts';
import { checkDevice, deviceConformance, testBench } from '../../sdk/testing/index.ts';
import { Wide } from '../machine/toys.ts';
import { expectRefusal } from '../refusal.ts';

describe('a misspelt property is refused, with the one that is meant', () => {
  const unchecked = (value: object) => value as never;

  it.each<[string, () => unknown, ...named: string[]]>([
    ['testBench', () => testBench(Wide, unchecked({ option: {} })), 'Wide', "'option'", "'options'"],
    [
      'deviceConformance',
      () => deviceConformance(Wide, unchecked({ hostileAcceses: 5 })),
      'Wide',
      "'hostileAcceses'",
      "'hostileAccesses'",
    ],
    ['checkDevice', () => checkDevice(Wide, unchecked({ sead: 5 })), 'Wide', "'sead'", "'seed'"],
    ['option.integer', () => option.integer(unchecked({ descripton: '' })), 'integer', "'descripton'", "'description'"],
    ['option.choice', () => option.choice(['a', 'b'], unchecked({ defualt: 'a' })), 'a|b', "'defualt'", "'default'"],
  ])('%s', (_, mistake, ...named) => {
    expectRefusal(mistake, 'unknown-word', ...named);
  });
});
