import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { formatTable } from '../../sdk/base/text.ts';
import type { CountedRow } from '../../sdk/cli/measure/coalescing.ts';
import { Refusal } from './refusal.ts';
import type { Machine } from './suite.ts';

/** What `measure.ts` prints: our table, and what the userspace in C came to. */
export interface Measurement {
  readonly rows: readonly CountedRow[];
  readonly yardsticks: readonly Pick<CountedRow, 'workload' | 'mode' | 'userspaceExits' | 'median'>[];
}

/** The whole of our loop executes at most so many times the instructions of the userspace in C. */
const MostOfYardstick = 2;
/** Of a PCI pair with our map, against QEMU's. A perfect userspace saves 28 % there. */
const LeastSaved = 0.25;

/** The machine whose clock counts instructions, with the yardstick compiled for it. */
export function measurement(args: readonly string[]): Machine {
  const { values } = parseArgs({
    args: [...args],
    options: { times: { type: 'string', default: '2000' }, runs: { type: 'string', default: '5' } },
  });
  const { times, runs } = values;
  const script = 'test/real-kvm/measure.ts';
  return {
    checks: [
      {
        name: 'coalescing, measured',
        job: { script, args: ['/yardstick', times, runs] },
        judge: async (output) => judgedMeasurement(JSON.parse(output) as Measurement, Number(times)),
      },
    ],
    files: { yardstick: compiledYardstick() },
    countInstructions: true,
  };
}

function compiledYardstick(): string {
  const program = join(mkdtempSync(join(tmpdir(), 'backplane-yardstick-')), 'yardstick');
  const source = fileURLToPath(new URL('./yardstick.c', import.meta.url));
  try {
    execFileSync('cc', ['-O2', '-static', '-o', program, source], { stdio: ['ignore', 'ignore', 'pipe'] });
  } catch (cause) {
    throw new Refusal(
      `The yardstick cannot be compiled: ${(cause as Error).message}. Install a C compiler (cc) with a static libc.`,
    );
  }
  return program;
}

/** The table with the yardstick beside it, and whether exits are exact and the goals are met. */
export function judgedMeasurement(
  { rows, yardsticks }: Measurement,
  times: number,
): { readonly text: string; readonly isEqual: boolean } {
  const wrong: string[] = [];
  const lines = rows.map((row) => {
    const yardstick = yardsticks.find(({ workload, mode }) => workload === row.workload && mode === row.mode)!;
    const off = rows.find(({ workload, mode }) => workload === row.workload && mode === 'off')!;
    const [ours, theirs] = [row.median * times, yardstick.median * times].map((one) => one / row.userspaceExits);
    const ratio = ours! / theirs!;
    const name = `${row.workload} ${row.mode}`;
    const exact = exitsOf(row, times);
    if (row.userspaceExits !== exact) wrong.push(`${name}: ${row.userspaceExits} userspace exits, and not ${exact}`);
    if (yardstick.userspaceExits !== exact) wrong.push(`${name}: the yardstick has ${yardstick.userspaceExits} exits`);
    if (ratio > MostOfYardstick) wrong.push(`${name}: ${ratio.toFixed(2)} times the instructions of the yardstick`);
    const cells = [row.userspaceExits, row.median, yardstick.median, ours!, theirs!].map((one) => one.toFixed(0));
    const share = `${((100 * row.median) / off.median).toFixed(1)}%`;
    return [name, ...cells, ratio.toFixed(2), share, `${row.deviationPercent.toFixed(2)}%`];
  });
  const [pci, overlay] = ['ours', 'overlay'].map(
    (one) => rows.find(({ workload, mode }) => workload === 'pci' && mode === one)!,
  );
  const saved = 1 - pci!.median / overlay!.median;
  if (saved < LeastSaved) wrong.push(`PCI pairs: ${(100 * saved).toFixed(1)} % saved against the overlay`);
  const head = ['', 'exits', 'instr. each', 'C', 'instr. per exit', 'C', 'ratio', 'Instr.%', '+-'];
  const text = [
    'Executed instructions of the whole host (-icount shift=0), of one pair or write, and per userspace exit; C is the yardstick.',
    formatTable([head, ...lines]),
    `PCI pairs: ${(100 * saved).toFixed(1)} % fewer instructions with our map than with QEMU's overlay.`,
    ...wrong.map((one) => `WRONG  ${one}`),
  ].join('\n');
  return { text, isEqual: wrong.length === 0 };
}

/** Exits are exact: a HLT at the end, and what no zone takes. A ring of 169 entries is drained when the 170th write exits. */
function exitsOf({ workload, mode }: CountedRow, times: number): number {
  if (workload === 'burst') return mode === 'off' ? times + 1 : Math.floor(times / 170) + 1;
  if (mode === 'off') return 2 * times + 1;
  return workload === 'pci' && mode === 'overlay' ? 2 * times + 1 : times + 1;
}
