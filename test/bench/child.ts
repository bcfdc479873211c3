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
/** In nanoseconds. The clock of a busy machine would count what others do. */
const processorTime = (body: () => unknown) => {
  const before = process.cpuUsage();
  body();
  const { user, system } = process.cpuUsage(before);
  return (1000 * (user + system)) / subject.operations;
};
if (!chosen.processorTime) {
  await once(run);
  await once(baseline);
}
const nanoseconds: number[] = [];
const baselineNanoseconds: number[] = [];
for (let round = 0; round < Number(rounds); round++) {
  if (chosen.processorTime) {
    nanoseconds.push(processorTime(run));
    baselineNanoseconds.push(1);
    continue;
  }
  // Side by side, so that a busy machine slows both.
  baselineNanoseconds.push(await once(baseline));
  nanoseconds.push(await once(run));
}
const measurement: Measurement = { nanoseconds, baselineNanoseconds, note: subject.note?.() };
await subject.end?.();
process.stdout.write(JSON.stringify(measurement));
