import { MICROSECOND } from '../clock/index.ts';

/** What was measured of one kind of exit, in nanoseconds. The deviation is the standard deviation of one exit. */
export interface CostDistribution {
  readonly average: number;
  readonly minimum: number;
  readonly maximum: number;
  readonly deviation: number;
}

/** A plain number is an average and nothing else: tables then print `-` for the columns that it cannot fill. */
export type ExitCost = number | CostDistribution;

/** The modelled cost of a VM exit that stays in the kernel and of one that goes on to userspace. */
export interface ExitCosts {
  readonly kernel: ExitCost;
  readonly userspace: ExitCost;
}

/** Measured on port 0xcf8 when coalesced port I/O was introduced in 2018: 3.41 us without it, 0.66 us with it. */
export const DefaultExitCosts = { kernel: 660, userspace: 3410 } as const satisfies ExitCosts;

/** The time a row of exits is modelled to have taken, in nanoseconds; undefined where no distribution was given. */
export interface ModelledTime {
  readonly total: number;
  readonly average: number;
  readonly minimum: number | undefined;
  readonly maximum: number | undefined;
  /** Deviation of the average, in percent of it, as perf prints it. */
  readonly deviationPercent: number | undefined;
}

export function averageCost(cost: ExitCost): number {
  return typeof cost === 'number' ? cost : cost.average;
}

/** `kernel` exits that stayed in the kernel and `userspace` exits that did not, as one distribution. */
export function modelledTime(costs: ExitCosts, kernel: number, userspace: number): ModelledTime {
  const kinds = [
    { count: kernel, cost: costs.kernel },
    { count: userspace, cost: costs.userspace },
  ].filter((kind) => kind.count > 0);
  const count = kernel + userspace;
  const total = kinds.reduce((sum, kind) => sum + kind.count * averageCost(kind.cost), 0);
  const average = count === 0 ? 0 : total / count;
  const measured = kinds.flatMap(({ count, cost }) => (typeof cost === 'number' ? [] : [{ count, ...cost }]));
  if (measured.length < kinds.length || count === 0) {
    return { total, average, minimum: undefined, maximum: undefined, deviationPercent: undefined };
  }
  const squares = measured.reduce(
    (sum, kind) => sum + kind.count * (kind.deviation ** 2 + (kind.average - average) ** 2),
    0,
  );
  return {
    total,
    average,
    minimum: Math.min(...measured.map((kind) => kind.minimum)),
    maximum: Math.max(...measured.map((kind) => kind.maximum)),
    deviationPercent: average === 0 ? 0 : (100 * Math.sqrt(squares)) / count / average,
  };
}

/** `modelled: 0.66 us for a VM exit that stays in the kernel, 3.41 us for one that goes to userspace`. */
export function describeCosts(costs: ExitCosts): string {
  const text = (cost: ExitCost) => `${(averageCost(cost) / MICROSECOND).toFixed(2)} us`;
  return (
    `Times are modelled: ${text(costs.kernel)} for a VM exit that stays in the kernel, ` +
    `${text(costs.userspace)} for one that goes to userspace.`
  );
}

/** The exits of one port and direction, or of one memory page and direction. */
export interface ExitRow {
  /** As perf writes it: `0x70:POUT`, `0x71:PIN`, `0xa0000:W`, `0xa0000:R`. */
  readonly key: string;
  readonly address: number;
  readonly isWrite: boolean;
  /** VM exits, one for each element of a string: what perf counts. */
  readonly samples: number;
  /** How many of them went on to userspace. */
  readonly userspaceExits: number;
}

export interface ExitTableOptions {
  readonly event: 'ioport' | 'mmio';
  /** How many of the busiest rows to show. Default: all. */
  readonly busiest?: number;
  /** Addresses whose rows are shown however quiet they are. */
  readonly pinned?: readonly number[];
}

const Titles = { ioport: 'IO Port Access', mmio: 'MMIO Access' } as const;

/** The table of `perf kvm stat report --event=ioport`, or `--event=mmio`, and which costs its times were modelled with. */
export function formatExitTable(
  rows: readonly ExitRow[],
  costs: ExitCosts | undefined,
  options: ExitTableOptions,
): string {
  const sorted = [...rows].sort((a, b) => b.samples - a.samples || a.address - b.address || (a.isWrite ? -1 : 1));
  const pinned = new Set(options.pinned ?? []);
  const shown = sorted.filter((row, index) => index < (options.busiest ?? sorted.length) || pinned.has(row.address));
  const total = timeAndSamples(sorted, costs);
  const lines = shown.map((row) => formatRow(row, costs, total));
  const hidden = sorted.length - shown.length;
  return [
    formatHeader(Titles[options.event]),
    '',
    ...lines,
    ...(hidden > 0 ? [`${`(${hidden} more)`.padStart(20)} ${remainder(shown, total.samples)}`] : []),
    '',
    ...(costs === undefined
      ? [`Total Samples:${total.samples}. Times are not known: nothing is modelled.`]
      : [
          `Total Samples:${total.samples}, Total events handled time:${microseconds(total.time)}us (modelled).`,
          describeCosts(costs),
        ]),
  ].join('\n');
}

/** In the place of the table, where the kernel does not count its exits by address. */
export function unknownExitTable({ event }: ExitTableOptions): string {
  return `${Titles[event].padStart(20)} not known: the kernel does not count its exits by address.`;
}

function timeAndSamples(rows: readonly ExitRow[], costs: ExitCosts | undefined): { samples: number; time: number } {
  const samples = rows.reduce((sum, row) => sum + row.samples, 0);
  if (costs === undefined) return { samples, time: 0 };
  const userspace = rows.reduce((sum, row) => sum + row.userspaceExits, 0);
  return { samples, time: modelledTime(costs, samples - userspace, userspace).total };
}

function formatHeader(title: string): string {
  return [
    title.padStart(20),
    'Samples'.padStart(10),
    'Samples%'.padStart(9),
    'Time%'.padStart(9),
    'Min Time'.padStart(11),
    'Max Time'.padStart(11),
    'Avg time'.padStart(16),
  ].join(' ');
}

function formatRow(row: ExitRow, costs: ExitCosts | undefined, total: { samples: number; time: number }): string {
  const counted = [row.key.padStart(20), String(row.samples).padStart(10), percent(row.samples, total.samples)];
  if (costs === undefined) return [...counted, '-'.padStart(9), bound(undefined), bound(undefined)].join(' ');
  const time = modelledTime(costs, row.samples - row.userspaceExits, row.userspaceExits);
  const deviation = time.deviationPercent?.toFixed(2).concat('%') ?? '-';
  return [
    ...counted,
    percent(time.total, total.time),
    bound(time.minimum),
    bound(time.maximum),
    `${microseconds(time.average)}us`.padStart(11),
    `( +-${deviation.padStart(8)} )`,
  ].join(' ');
}

function remainder(shown: readonly ExitRow[], samples: number): string {
  const rest = samples - shown.reduce((sum, row) => sum + row.samples, 0);
  return `${String(rest).padStart(10)} ${percent(rest, samples)}`;
}

function percent(part: number, whole: number): string {
  return `${(whole === 0 ? 0 : (100 * part) / whole).toFixed(2)}%`.padStart(9);
}

function bound(nanoseconds: number | undefined): string {
  return (nanoseconds === undefined ? '-' : `${microseconds(nanoseconds)}us`).padStart(11);
}

function microseconds(nanoseconds: number): string {
  return (nanoseconds / MICROSECOND).toFixed(2);
}
