import { parseArgs } from 'node:util';
import { collectedHeap } from '../collected-heap.ts';

interface Outcome {
  readonly cases: number;
  /** What was wrong, with the seed that shows it again. */
  readonly problem?: string | undefined;
}

/** A fuzzer with a command of its own. */
export interface Fuzzer<T extends Outcome> {
  /** `fuzz:serve`. */
  readonly name: string;
  /** What it does, as its help says it. */
  readonly description: string;
  /** Cases after which the heap is as large as it gets. */
  readonly warmUp: number;
  /** The most bytes by which the heap may grow from then on. */
  readonly mostGrowth: number;
  readonly run: (settings: {
    readonly seed: number;
    readonly until: (cases: number) => boolean;
    readonly onProgress: (cases: number) => void;
  }) => Promise<T>;
  /** What came of it, but for the number of cases. */
  readonly summary: (outcome: T) => string;
}

const helpOf = ({
  name,
  description,
}: Pick<Fuzzer<Outcome>, 'name' | 'description'>): string => `npm run ${name} -- [options]

${description}

  --seconds N    how long (default 60; ten minutes are 600)
  --seed N       the first case (default: another one at each run)
  --cases N      instead of a time: so many cases
  --help         this text

Exit status 1 when something is wrong; the message has the seed that shows it again: --seed N --cases 1.`;

const options = {
  seconds: { type: 'string', default: '60' },
  seed: { type: 'string', default: String(Date.now() % 1_000_000_007) },
  cases: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const;

const MiB = 2 ** 20;

/** Runs the fuzzer as its command says. The exit status is 1 when something was wrong, or the heap has grown. */
export async function fuzzCommand<T extends Outcome>(fuzzer: Fuzzer<T>): Promise<void> {
  const { values } = parseArgs({ options });
  if (values.help) return console.log(helpOf(fuzzer));
  const seed = wholeNumber('seed', values.seed);
  const most = values.cases === undefined ? undefined : wholeNumber('cases', values.cases);
  const length = 1000 * wholeNumber('seconds', values.seconds);
  const { warmUp, mostGrowth } = fuzzer;
  const onProgress = (cases: number): void => {
    if (process.stderr.isTTY && cases % 50 === 0) process.stderr.write(`\r\x1b[K${cases} cases`);
  };
  await fuzzer.run({ seed, until: (cases) => cases >= Math.min(warmUp, most ?? warmUp), onProgress });
  const before = await collectedHeap();
  const end = performance.now() + length;
  const until = (cases: number): boolean => (most === undefined ? performance.now() > end : cases >= most);
  const outcome = await fuzzer.run({ seed, until, onProgress });
  const grown = (await collectedHeap()) - before;
  const wrong = [
    ...(outcome.problem === undefined ? [] : [outcome.problem]),
    ...(grown > mostGrowth ? [`the heap has grown by more than ${mostGrowth / MiB} MiB`] : []),
  ];
  const heap = `the heap has grown by ${(grown / MiB).toFixed(1)} MiB`;
  console.log(`${outcome.cases} cases from seed ${seed}: ${fuzzer.summary(outcome)}, ${heap}`);
  for (const sentence of wrong) console.log(`WRONG: ${sentence}`);
  process.exitCode = wrong.length === 0 ? 0 : 1;
}

function wholeNumber(name: string, text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  throw new Error(`--${name} is '${text}', which is no whole number above 0.`);
}
