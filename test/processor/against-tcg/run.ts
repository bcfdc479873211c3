import { parseArgs } from 'node:util';
import { x86 } from '../bare-processor.ts';
import { type Comparison, compare } from './comparison.ts';
import { EndOfCase } from './layout.ts';
import { describeShrunk, shrink } from './shrink.ts';

const MostShown = 10;
const Exceptions: Readonly<Record<number, string>> = {
  0: '#DE',
  3: '#BP',
  4: '#OF',
  6: '#UD',
  11: '#NP',
  12: '#SS',
  13: '#GP',
  14: '#PF',
};

/** `npx tsx test/processor/against-tcg/run.ts --cases 2000000 --faults 130000 --seed 1` */
const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '2000000' },
    faults: { type: 'string', default: '130000' },
    seed: { type: 'string', default: '1' },
  },
});

const countOf = (name: 'cases' | 'faults' | 'seed'): number => {
  const count = Number(values[name]);
  if (Number.isInteger(count) && count >= 0 && count <= 100_000_000) return count;
  throw new Error(`--${name} ${values[name]} is no whole number from 0 to 100,000,000.`);
};

const seed = countOf('seed');
const machineCode = await x86();
let failed = false;

async function report(what: string, count: number, faults: boolean): Promise<void> {
  const begin = performance.now();
  const comparison = await compare(machineCode, { seed, first: 0, count, faults });
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  const { differences } = comparison;
  console.log(`${what}: ${count.toLocaleString('en')} cases, ${differences.length} differ, ${seconds} s`);
  console.log(`  exceptions: ${exceptionsOf(comparison)}`);
  for (const difference of differences.slice(0, MostShown)) {
    console.log(describeShrunk(await shrink(machineCode, difference)));
  }
  failed ||= differences.length > 0;
}

function exceptionsOf({ exceptions }: Comparison): string {
  const all = [...exceptions].filter(([vector]) => vector !== EndOfCase).sort(([a], [b]) => a - b);
  const sum = all.reduce((total, [, count]) => total + count, 0);
  const named = all.filter(([vector]) => Exceptions[vector] !== undefined);
  const texts = named.map(([vector, count]) => `${Exceptions[vector]} ${count.toLocaleString('en')}`);
  return `${sum.toLocaleString('en')} in all; ${texts.join(', ') || 'none'}`;
}

await report('instructions', countOf('cases'), false);
await report('instructions that fault', countOf('faults'), true);
process.exitCode = failed ? 1 : 0;
