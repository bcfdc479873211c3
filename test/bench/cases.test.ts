import { readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { BenchCase } from './bench-case.ts';

const folder = new URL('./cases/', import.meta.url);

// How long they take is for npm run bench, on a quiet machine.
it.each(readdirSync(folder))('the rows of the bench in %s can be loaded', async (file) => {
  const { cases } = (await import(new URL(file, folder).href)) as { cases: readonly BenchCase[] };
  expect(cases.length).toBeGreaterThan(0);
});
