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
export const DefaultExitCosts: ExitCosts = { kernel: 660, userspace: 3410 };

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
