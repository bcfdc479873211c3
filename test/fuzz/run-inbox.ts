import { parseArgs } from 'node:util';
import { nodeHost } from '../../sdk/cli/node.ts';
import { fuzzInbox } from './inbox.ts';

const Help = `npm run fuzz:inbox -- [options]

Records runs, damages or forges their recordings and replays them, and lets transports of back ends say what they like. Each case ends in
a replay or in a refusal with a code: nothing else is thrown, nothing hangs, and the heap stays flat.

  --seconds N    how long (default 60; ten minutes are 600)
  --seed N       the first case (default: another one at each run)
  --cases N      instead of a time: so many cases
  --help         this text

Exit status 1 when something is wrong; the message has the seed that shows it again: --seed N --cases 1.`;

const MostGrowth = 64 * 2 ** 20;
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_007) },
    cases: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

async function main(): Promise<boolean> {
  const seed = Number(values.seed);
  const end = performance.now() + 1000 * Number(values.seconds);
  const most = values.cases === undefined ? undefined : Number(values.cases);
  await fuzzInbox({ until: (cases) => cases >= Math.min(200, most ?? 200), seed });
  const before = nodeHost.heapUsed();
  const result = await fuzzInbox({
    until: (cases) => (most === undefined ? performance.now() > end : cases >= most),
    seed,
    onProgress(cases) {
      if (process.stderr.isTTY && cases % 50 === 0) process.stderr.write(`\r\x1b[K${cases} cases`);
    },
  });
  const grown = nodeHost.heapUsed() - before;
  const { cases, replayed, refused, problem } = result;
  console.log(
    `${cases} cases from seed ${seed}: ${replayed} replayed, ${refused} refused, the heap has grown by ${(grown / 2 ** 20).toFixed(1)} MiB`,
  );
  if (problem !== undefined) console.log(`WRONG: ${problem}`);
  if (grown > MostGrowth) console.log(`WRONG: the heap has grown by more than ${MostGrowth / 2 ** 20} MiB`);
  return problem === undefined && grown <= MostGrowth;
}

if (values.help) console.log(Help);
else process.exitCode = (await main()) ? 0 : 1;
