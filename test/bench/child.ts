import { measure } from 'mitata';
import { type BenchCase, bareClosureLoop, type Measurement } from './bench-case.ts';

// Measures one case: `child.ts FILE TABLE NAME ROUNDS`, prints a Measurement as JSON.
const [file, table, name, rounds] = process.argv.slice(2) as [string, string, string, string];
const { cases } = (await import(file)) as { cases: readonly BenchCase[] };
const chosen = cases.find((known) => known.table === table && known.name === name);
if (chosen === undefined) throw new Error(`no case '${name}' in ${file}`);
const subject = await chosen.prepare();
const run = () => subject.run();
const baseline = subject.baseline?.bind(subject) ?? bareClosureLoop(subject.operations, (index) => index & 1);

// No batches: on a busy machine the median of many short samples stays true, the mean of a long batch does not.
const quick = { min_cpu_time: 8e6, min_samples: 6, warmup_samples: 2, samples_threshold: 6, batch_threshold: 0 };
const once = async (body: () => unknown) => {
  const { min, p50 } = await measure(body, quick);
  return (chosen.least ? min : p50) / subject.operations;
};
await once(run);
await once(baseline);
const nanoseconds: number[] = [];
const baselineNanoseconds: number[] = [];
for (let round = 0; round < Number(rounds); round++) {
  // Side by side, so that a busy machine slows both.
  baselineNanoseconds.push(await once(baseline));
  nanoseconds.push(await once(run));
}
await subject.end?.();
const measurement: Measurement = { nanoseconds, baselineNanoseconds };
process.stdout.write(JSON.stringify(measurement));
