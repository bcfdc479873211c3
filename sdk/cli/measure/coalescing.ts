import type { FlatBinary } from '../../accelerator/guest/flat-binary.ts';
import type { Accelerator } from '../../accelerator/index.ts';
import { formatTable } from '../../base/text.ts';
import { hostNanoseconds, MICROSECOND } from '../../clock/index.ts';
import type { HostKvmOptions } from '../../host-kvm/accelerator.ts';
import type { Workload } from '../../host-kvm/workloads.ts';
import { Machine } from '../../machine/index.ts';
import { Unfinished } from '../command.ts';
import type { MachineChoice } from '../options/machine.ts';
import type { ReplayMode } from '../replay/modes.ts';

/** What is counted of a run: the host's time, or instructions where its clock counts those. */
export type MeasuredUnit = 'microseconds' | 'instructions';

export interface MeasureSetup {
  readonly machine: MachineChoice;
  readonly modes: readonly ReplayMode[];
  readonly workloads: readonly Workload[];
  /** How often a guest does a workload in one run, and how many runs are measured. */
  readonly times: number;
  readonly runs: number;
  readonly unit: MeasuredUnit;
  readonly accelerator: (options: HostKvmOptions) => Accelerator;
  readonly binaryOf: (workload: Workload, times: number) => FlatBinary;
  readonly onProgress: (what: string) => void;
}

/** One row: a workload with one kind of coalescing. */
export interface MeasuredRow {
  readonly workload: string;
  readonly mode: string;
  /** Of one run: the guest's accesses, and the returns of KVM_RUN for them and for the HLT at the end. */
  readonly samples: number;
  /** undefined: they are not counted. */
  readonly userspaceExits: number | undefined;
  /** Of one pair or write, over the runs; undefined where it is not measured. */
  readonly median: number;
  readonly minimum: number;
  readonly maximum: number;
  readonly average: number;
  /** Standard deviation of a run from the average, in percent of it. */
  readonly deviationPercent: number;
}

const StockQemu = 'QEMU itself';

/** A row of a run of ours. */
export interface CountedRow extends MeasuredRow {
  readonly userspaceExits: number;
}

/** The first runs compile the code of this process: they are not measured. */
const UnmeasuredRuns = 20;

/** Runs each workload with each kind of coalescing. */
export function measureCoalescing(setup: MeasureSetup): CountedRow[] {
  return setup.workloads.flatMap((workload) =>
    setup.modes.map((mode) => {
      setup.onProgress(`${workload.name}, ${mode.column}`);
      return measureOne(setup, workload, mode);
    }),
  );
}

function measureOne(setup: MeasureSetup, workload: Workload, mode: ReplayMode): CountedRow {
  const { machine: choice, times, runs } = setup;
  const { coalescedMmio = true, coalescedPio = true } = mode.accelerator;
  const machine = Machine.create(choice.definition, {
    ...choice.request,
    options: mode.machineOptions,
    accelerator: setup.accelerator({ coalescedMmio, coalescedPio }),
  });
  try {
    const taken: number[] = [];
    const { statistics } = machine.accelerator;
    for (let run = -UnmeasuredRuns; run < runs; run++) {
      machine.load(setup.binaryOf(workload, times), {});
      statistics.reset();
      const begin = hostNanoseconds();
      const { reason, message } = machine.resume();
      const end = hostNanoseconds();
      if (reason !== 'halted') throw new Unfinished(`workload '${workload.name}': ${message}`);
      if (run >= 0) taken.push((end - begin) / times);
    }
    const samples = workload.accesses * times;
    return {
      workload: workload.name,
      mode: mode.name,
      samples,
      userspaceExits: statistics.userspaceExits,
      ...spread(taken),
    };
  } finally {
    machine.dispose();
  }
}

/** The row of an installed QEMU, whose runs took so many nanoseconds for each pair or write. */
export const rowOfQemu = (workload: Workload, times: number, taken: readonly number[]): MeasuredRow => ({
  workload: workload.name,
  mode: StockQemu,
  samples: workload.accesses * times,
  userspaceExits: undefined,
  ...spread(taken),
});

/** Median, least and largest, average and deviation of one figure or more. */
export function spread(taken: readonly number[]) {
  const sorted = [...taken].sort((a, b) => a - b);
  const average = taken.reduce((sum, one) => sum + one, 0) / taken.length;
  const variance = taken.reduce((sum, one) => sum + (one - average) ** 2, 0) / taken.length;
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return {
    median,
    minimum: sorted[0]!,
    maximum: sorted.at(-1)!,
    average,
    deviationPercent: average === 0 ? 0 : (100 * Math.sqrt(variance)) / average,
  };
}

/** A table for each workload, in the columns of `perf kvm stat`. Where time is not the host's, no time is printed. */
export function formatMeasurement(
  rows: readonly MeasuredRow[],
  setup: Pick<MeasureSetup, 'modes' | 'workloads' | 'times' | 'runs' | 'unit'>,
): string {
  const { unit, workloads, modes, times, runs } = setup;
  const isTime = unit === 'microseconds';
  const value = (nanoseconds: number) =>
    isTime ? `${(nanoseconds / MICROSECOND).toFixed(2)}us` : nanoseconds.toFixed(0);
  const what = isTime ? 'time' : 'instructions';
  const tables = workloads.map(({ name, title, unit: one }) => {
    const own = rows.filter((row) => row.workload === name);
    const [off] = own;
    const cells = own.map((row) => [
      modes.find((mode) => mode.name === row.mode)?.column ?? row.mode,
      row.samples.toLocaleString('en-US'),
      row.userspaceExits?.toLocaleString('en-US') ?? 'not known',
      off === undefined ? '-' : `${((100 * row.median) / off.median).toFixed(1)}%`,
      value(row.minimum),
      value(row.maximum),
      value(row.median),
      `${value(row.average)} (+-${row.deviationPercent.toFixed(2)}%)`,
    ]);
    const share = isTime ? 'Time%' : 'Instr.%';
    const head = [
      '',
      'Samples',
      'Userspace exits',
      share,
      `Min ${what}`,
      `Max ${what}`,
      `Median ${what}`,
      `Avg ${what}`,
    ];
    return `${title}, each ${one}\n\n${formatTable([head, ...cells])}`;
  });
  const counted = isTime
    ? "The host's time."
    : "Executed instructions of the whole host, kernel included, by QEMU's -icount: no time is meant.";
  const notes = `${times.toLocaleString('en-US')} in a run, ${runs} runs measured. The HLT at the end of a run is one userspace exit. ${counted}`;
  return [...tables, notes].join('\n\n');
}
