import { parseArgs } from 'node:util';

const Usage = `npm run bench -- [--only TEXT] [--rounds N] [--json]
Measures side by side in one run, and prints ratios with their spread. Status 1 if a target is missed.

  --only TEXT   the rows whose file, table or name contain TEXT
  --rounds N    how often each row is measured, 3 to 99; the median counts (default 9)
  --json        for programs

  npm run bench -- --only registers
  npm run bench -- --only 'reload' --rounds 21`;

export interface BenchArguments {
  readonly only: string;
  readonly rounds: number;
  readonly json: boolean;
}

/** What was asked for; prints the usage, or what is wrong with the command line, and ends the process itself. */
export function benchArguments(): BenchArguments {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string', default: '' },
        json: { type: 'boolean', default: false },
        rounds: { type: 'string', default: '9' },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) {
      console.log(Usage);
      process.exit(0);
    }
    const rounds = Number(values.rounds);
    if (!Number.isInteger(rounds) || rounds < 3 || rounds > 99) {
      throw new Error(`--rounds takes a whole number from 3 to 99, not '${values.rounds}'.`);
    }
    return { only: values.only, json: values.json, rounds };
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  }
}

/** `names`: what there is to be measured. */
export function failWithNothingToMeasure(only: string, names: readonly string[]): never {
  fail(`No row contains '${only}'. There are:\n${names.map((name) => `  ${name}`).join('\n')}`);
}

function fail(why: string): never {
  console.error(`npm run bench: ${why}\nSee npm run bench -- --help.`);
  process.exit(1);
}
