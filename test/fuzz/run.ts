import { parseArgs } from 'node:util';
import { runHostileAccesses } from './hostile-run.ts';
import { fuzzRestoredMachines } from './restored-machines.ts';

const Help = `npm run fuzz:restore -- [options]

Builds machines with every device of the package, runs guests on them that keep no rule, saves and restores them at random points,
plugs cards in and out, and compares the saved machine with the restored one: answers, interrupts, timers, snapshots.

  --points N     snapshots, each restored (default 1000)
  --accesses N   instead: so many operations of hostile guests with restores in between; no throw, and the heap stays flat
  --seed N       which machines and guests (default 1)
  --help         this text

Exit status 1 when something differs; the message has the seed that shows it again.`;

const { values } = parseArgs({
  options: {
    points: { type: 'string', default: '1000' },
    accesses: { type: 'string' },
    seed: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
});

const whole = (name: string, text: string): number => {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new Error(`--${name} is '${text}', which is no whole number from 0.`);
};

const progressEvery = (every: number, total: number, what: string) => (done: number) => {
  if (process.stderr.isTTY && done % every === 0) process.stderr.write(`\r\x1b[K${done} of ${total} ${what}`);
};

async function main(): Promise<boolean> {
  const seed = whole('seed', values.seed);
  if (values.accesses !== undefined) {
    const accesses = whole('accesses', values.accesses);
    const result = await runHostileAccesses({ accesses, seed, onProgress: progressEvery(1, accesses, 'accesses') });
    console.log(result.summary);
    return result.problem === undefined;
  }
  const points = whole('points', values.points);
  const result = await fuzzRestoredMachines({ points, seed, onProgress: progressEvery(10, points, 'points') });
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  const refused = [...result.refusals].map(([why, times]) => `\n  refused to be saved ${times} times: ${why}`).join('');
  console.log(
    `${result.points} points, ${result.machines} machines, ${result.operations} operations, seed ${seed}${refused}`,
  );
  if (result.difference !== undefined) console.log(`DIFFERENT: ${result.difference}`);
  return result.difference === undefined;
}

if (values.help) console.log(Help);
else process.exitCode = (await main()) ? 0 : 1;
