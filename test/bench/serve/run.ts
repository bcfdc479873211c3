import { execFileSync } from 'node:child_process';
import { availableParallelism, loadavg } from 'node:os';
import { vfioUserQemu } from '../../../sdk/testing/qemu/index.ts';
import { builtCommand } from '../../cli/built-command.ts';
import { benchArguments, fail, failWithNothingToMeasure } from '../arguments.ts';
import { measureDisk } from './disk.ts';
import { type FigureTable, formatFigures, judge } from './figures.ts';
import { measureGuestTimes } from './guest-times.ts';
import { measureInterrupts } from './interrupts.ts';
import { Processes } from './processes.ts';
import { measureRegisters } from './registers.ts';
import type { ServeBench } from './serve-bench.ts';

const tables: Readonly<Record<string, (bench: ServeBench) => Promise<FigureTable>>> = {
  registers: measureRegisters,
  disk: measureDisk,
  interrupts: measureInterrupts,
  guest: measureGuestTimes,
};

const { only, rounds, json } = benchArguments();
const chosen = Object.entries(tables).filter(([name]) => name.includes(only));
if (chosen.length === 0) failWithNothingToMeasure(only, Object.keys(tables));
const program = vfioUserQemu();
if (typeof program === 'string') fail(program);

const answer = execFileSync(program.program, [...program.args, '--version'], {
  env: { ...process.env, ...program.env },
  encoding: 'utf8',
});
const qemu = { program, version: /version (\S+)/.exec(answer)?.[1] ?? 'of unknown version' };
const progress = (what: string): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${what}`);
};

const loadBefore = loadavg()[0] as number;
const done: FigureTable[] = [];
try {
  for (const [, measure] of chosen) {
    await using processes = new Processes();
    const command = builtCommand(processes.folder);
    const table = await measure({ processes, rounds, qemu, command, progress });
    progress('');
    done.push(table);
    if (!json) console.log(`\n${formatFigures(table)}`);
  }
} catch (error) {
  progress('');
  fail(error instanceof Error ? error.message : String(error));
}
const load = [loadBefore, loadavg()[0] as number];
const goals = (table: FigureTable) => ({ ...table, goals: judge(table) });
if (json)
  console.log(
    JSON.stringify({ node: process.version, qemu: qemu.version, rounds, load, tables: done.map(goals) }, null, 2),
  );
else
  console.log(
    `\n${rounds} rounds, in which the sides take turns: the median of them, the least and the largest. Node ${process.version}, QEMU ` +
      `${qemu.version}.\nThe load of this host was ${load.map((one) => one.toFixed(1)).join(' before and ')} after, on ${availableParallelism()} processors.`,
  );
