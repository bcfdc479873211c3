import { type BenchCase, yardstickTable } from '../bench-case.ts';

const operations = 8192;

/** How much the yardstick itself depends on inlining: every other ratio is against a call that is really made. */
export const cases: readonly BenchCase[] = [
  {
    table: yardstickTable,
    name: 'the same closure where V8 can inline it',
    prepare: () => {
      const offsets = Int32Array.from({ length: operations }, (_, index) => index & 3);
      const state = operations;
      const read = (offset: number): number => (state + offset) & 0xff;
      const run = () => {
        let sum = 0;
        for (let index = 0; index < operations; index++) sum += read(offsets[index]!);
        return sum;
      };
      return { operations, run };
    },
  },
];
