import { parseArgs } from 'node:util';

const Usage = `npm run bench -- [serve] [--only TEXT] [--rounds N] [--json]
Measures side by side in one run. Without a word: the SDK itself, as ratios to a bare closure call, with their spread. Status 1 if a
target is missed.

serve: devices of 'backplane serve' in a stock QEMU, beside QEMU's own and a server in C, which is compiled first: accesses to a BAR,
a disk and interrupts in a Linux guest, and how long a guest takes. Goals are printed and decide nothing. It needs a C compiler, and
what 'npm run fetch -- qemu kernel' brings. It takes some minutes, and a busy machine shows in every figure.

  --only TEXT   the rows whose file, table or name contain TEXT; with serve the tables whose name does:
                registers, disk, interrupts, guest
  --rounds N    how often each row is measured, 3 to 99; the median counts (default 9, with serve 5)
  --json        for programs

  npm run bench -- --only registers
  npm run bench -- --only 'reload' --rounds 21
  npm run bench -- serve --only registers`;

const DefaultRounds = { ratios: '9', serve: '5' } as const;

export interface BenchArguments {
  readonly subject: 'ratios' | 'serve';
  readonly only: string;
  readonly rounds: number;
  readonly json: boolean;
}

/** What these words ask for; undefined: the usage. */
export function parseBenchArguments(words: readonly string[]): BenchArguments | undefined {
  const { values, positionals } = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      only: { type: 'string', default: '' },
      json: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const [word, ...more] = positionals;
  if (more.length > 0 || (word !== undefined && word !== 'serve'))
    throw new Error(
      `There is no bench '${positionals.join(' ')}'. Write 'serve', or --only TEXT for rows of the others.`,
    );
  const subject = word ?? 'ratios';
  const given = values.rounds ?? DefaultRounds[subject];
  const rounds = Number(given);
  if (!Number.isInteger(rounds) || rounds < 3 || rounds > 99)
    throw new Error(`--rounds takes a whole number from 3 to 99, not '${given}'.`);
  return { subject, only: values.only, rounds, json: values.json };
}

/** What was asked for; prints the usage, or what is wrong with the command line, and ends the process itself. */
export function benchArguments(): BenchArguments {
  try {
    const given = parseBenchArguments(process.argv.slice(2));
    if (given !== undefined) return given;
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  }
  console.log(Usage);
  process.exit(0);
}

/** `names`: what there is to be measured. */
export function failWithNothingToMeasure(only: string, names: readonly string[]): never {
  fail(`No row contains '${only}'. There are:\n${names.map((name) => `  ${name}`).join('\n')}`);
}

export function fail(why: string): never {
  console.error(`npm run bench: ${why}\nSee npm run bench -- --help.`);
  process.exit(1);
}
