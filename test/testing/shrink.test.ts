import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shrink } from '../../sdk/testing/shrink.ts';

describe('shrinking', () => {
  it('keeps exactly the elements that a failure needs, wherever they stand', async () => {
    const list = Array.from({ length: 1000 }, (_, index) => index);
    const needed = [3, 500, 999];
    const smallest = await shrink(list, async (part) => needed.every((one) => part.includes(one)));
    expect(smallest).toEqual(needed);
  });

  it('looks at the tail first: a failure caused just before its end is found in a few runs', async () => {
    let runs = 0;
    const list = Array.from({ length: 10_000 }, (_, index) => index);
    const smallest = await shrink(list, async (part) => {
      runs++;
      return part.includes(9_998) && part.includes(9_999);
    });
    expect(smallest).toEqual([9_998, 9_999]);
    expect(runs).toBeLessThan(6);
  });

  it('answers the list itself where nothing can be left out', async () => {
    const smallest = await shrink([1, 2, 3], async (part) => part.length === 3);
    expect(smallest).toEqual([1, 2, 3]);
  });

  it('always answers a part, in order, that still fails and of which no element can be left out', async () => {
    const failing = fc.uniqueArray(fc.nat(60), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(failing, async (needed) => {
        const fails = async (part: readonly number[]) => needed.every((one) => part.includes(one));
        const smallest = await shrink(
          Array.from({ length: 61 }, (_, index) => index),
          fails,
        );
        expect(smallest).toEqual([...needed].sort((a, b) => a - b));
      }),
      { numRuns: 50 },
    );
  });
});
