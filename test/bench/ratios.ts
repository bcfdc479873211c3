import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { benchArguments, failWithNothingToMeasure } from './arguments.ts';
import { type BenchCase, type Measurement, yardstickTable } from './bench-case.ts';
import { median } from './median.ts';

// Ratios to a bare closure call, each with its spread. Ratios travel between machines; absolute figures do not, and stand here
// only for orientation.

interface Row extends Measurement {
  readonly file: string;
  readonly case: BenchCase;
}

const values = benchArguments();
const here = fileURLToPath(new URL('.', import.meta.url));
const rows: Row[] = [];
const names: string[] = [];
for (const file of readdirSync(`${here}cases`).sort()) {
  const path = `${here}cases/${file}`;
  const { cases } = (await import(path)) as { cases: readonly BenchCase[] };
  for (const known of cases) {
    names.push(`${file} ${known.table}: ${known.name}`);
    if (!names.at(-1)?.includes(values.only)) continue;
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${known.table}: ${known.name}`);
    // Compiling in the background would leave the first rounds of a busy machine unoptimized.
    const args = [
      '--no-concurrent-recompilation',
      '--import',
      'tsx',
      `${here}child.ts`,
      path,
      known.table,
      known.name,
      String(values.rounds),
    ];
    const text = execFileSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
    rows.push({ file, case: known, ...(JSON.parse(text) as Measurement) });
  }
}
if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');

if (rows.length === 0) failWithNothingToMeasure(values.only, names);

const sorted = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b);
const ratios = (row: Row) => row.nanoseconds.map((time, round) => time / row.baselineNanoseconds[round]!);
const verdict = (holds: boolean) => (holds ? 'ok' : 'MISSED');
let missed = 0;

interface Line {
  readonly name: string;
  readonly value: string;
  readonly spread: string;
  readonly time: string;
  readonly target: string;
}

function judge(value: number, limit: number | undefined, unit: string, atLeast = false): string {
  if (limit === undefined) return '';
  const holds = atLeast ? value >= limit : value <= limit;
  if (!holds) missed++;
  return `${atLeast ? '>=' : '<='} ${limit}${unit} ${verdict(holds)}`;
}

function describeTime(nanoseconds: number): string {
  if (nanoseconds < 1e3) return `${nanoseconds.toFixed(1)} ns`;
  return nanoseconds < 1e6 ? `${(nanoseconds / 1e3).toFixed(2)} us` : `${(nanoseconds / 1e6).toFixed(2)} ms`;
}

function lineOf(row: Row): Line {
  const { name, targetMilliseconds, targetPerSecond, targetRatio } = row.case;
  const time = median(row.nanoseconds);
  const measured = targetMilliseconds !== undefined || targetPerSecond !== undefined ? row.nanoseconds : ratios(row);
  const [least, most] = [sorted(measured)[0]!, sorted(measured)[measured.length - 1]!];
  if (row.case.processorTime && targetMilliseconds === undefined && targetPerSecond === undefined) {
    const [fastest, slowest] = [Math.min(...row.nanoseconds), Math.max(...row.nanoseconds)];
    return {
      name,
      value: describeTime(time),
      spread: `${describeTime(fastest)} - ${describeTime(slowest)}`,
      time: '',
      target: '',
    };
  }
  if (targetMilliseconds !== undefined) {
    const spread = `${describeTime(least)} - ${describeTime(most)}`;
    const isShort = targetMilliseconds < 0.1;
    const target = isShort
      ? judge(time / 1e3, targetMilliseconds * 1e3, ' us')
      : judge(time / 1e6, targetMilliseconds, ' ms');
    return { name, value: describeTime(time), spread, time: '', target };
  }
  if (targetPerSecond !== undefined) {
    const spread = `${Math.round(1e9 / most)} - ${Math.round(1e9 / least)}`;
    const perSecond = Math.round(1e9 / time);
    return { name, value: `${perSecond}/s`, spread, time: '', target: judge(perSecond, targetPerSecond, '/s', true) };
  }
  const spread = `${least.toFixed(1)} - ${most.toFixed(1)}`;
  const ratio = row.case.least ? Math.min(...row.nanoseconds) / Math.min(...row.baselineNanoseconds) : median(measured);
  return {
    name,
    value: `${ratio.toFixed((targetRatio ?? 2) < 2 || ratio < 0.1 ? 3 : 1)}x`,
    spread,
    time: describeTime(time),
    target: judge(ratio, targetRatio, 'x'),
  };
}

const noteLines = ({ case: { name }, note }: Row): Line[] =>
  note === undefined ? [] : [{ name: `${name}: ${note}`, value: '', spread: '', time: '', target: '' }];

function throughputLines({ case: { name, throughput }, nanoseconds }: Row): Line[] {
  if (throughput === undefined) return [];
  const perSecond = nanoseconds.map((time) => 1e9 / time);
  const [least, most] = [Math.min(...perSecond), Math.max(...perSecond)].map((count) => (count / 1e6).toFixed(2));
  return [
    {
      name: `${name}: ${throughput} a second`,
      value: `${(median(perSecond) / 1e6).toFixed(2)} M`,
      spread: `${least} - ${most} M`,
      time: '',
      target: '',
    },
  ];
}

/** What the ratios are against, with the figures of this run where it has them. */
function yardstick(): string {
  const choice = 'Ratios are against a closure call that V8 makes and does not inline';
  const row = rows.find((one) => one.case.table === yardstickTable);
  if (row === undefined) return `${choice}.`;
  const [called, inlined] = [median(row.baselineNanoseconds), median(row.nanoseconds)];
  return (
    `${choice}, ${describeTime(called)} here;\ninlined into the loop the same closure takes ${describeTime(inlined)}, ` +
    `and against that every ratio would be ${(called / inlined).toFixed(1)} times as large.`
  );
}

function seriesLines(table: readonly Row[]): Line[] {
  const series = new Map<string, Row[]>();
  for (const row of table) {
    if (row.case.series !== undefined) series.set(row.case.series, [...(series.get(row.case.series) ?? []), row]);
  }
  return [...series].flatMap(([name, members]) => {
    const found = members.map((row) => median(ratios(row)));
    const spread = Math.max(...found) / Math.min(...found);
    const limit = members[0]!.case.targetSpread;
    if (members.length < 2) return [];
    return [
      {
        name: `${name}: slowest / fastest`,
        value: `${spread.toFixed(2)}x`,
        spread: '',
        time: '',
        target: judge(spread, limit, 'x'),
      },
    ];
  });
}

const tables = [...new Set(rows.map((row) => row.case.table))].map((title) => {
  const members = rows.filter((row) => row.case.table === title);
  return {
    title,
    lines: [
      ...members.flatMap((row) => [lineOf(row), ...throughputLines(row), ...noteLines(row)]),
      ...seriesLines(members),
    ],
  };
});

if (values.json) {
  const plain = rows.map((row) => ({ ...row.case, ratios: ratios(row), nanoseconds: row.nanoseconds }));
  process.stdout.write(
    `${JSON.stringify({ node: process.version, yardstick: yardstick(), cases: plain, tables, missed }, null, 2)}\n`,
  );
} else {
  process.stdout.write(`\n${yardstick()}\n`);
  for (const { title, lines } of tables) {
    const width = Math.max(...lines.map(({ name }) => name.length), 20);
    process.stdout.write(
      `\n${title}\n${''.padEnd(width)}  ${'median'.padStart(11)}  ${'spread'.padStart(19)}  ${'time'.padStart(9)}  target\n`,
    );
    for (const { name, value, spread, time, target } of lines) {
      process.stdout.write(
        `${name.padEnd(width)}  ${value.padStart(11)}  ${spread.padStart(19)}  ${time.padStart(9)}  ${target}\n`,
      );
    }
  }
  process.stdout.write(`\n${missed === 0 ? 'All targets hold.' : `${missed} targets missed.`}\n`);
}
process.exitCode = missed === 0 ? 0 : 1;
