import { BackplaneError } from '../../memory/errors.ts';
import type { AcceleratorHost, RunOptions } from '../accelerator.ts';
import type { AcceleratorSettings } from '../accelerator-options.ts';
import type { ExitCosts } from '../exit-cost.ts';
import type { GuestAccess } from '../guest-access.ts';
import type { ScheduledKernel } from './scheduled-kernel.ts';

export interface KvmAcceleratorOptions
  extends Partial<Omit<AcceleratorSettings, 'kernelExitCost' | 'userspaceExitCost'>> {
  readonly kernel: ScheduledKernel;
  /** How messages and help call it. Default: `kvm-sim`. */
  readonly name?: string;
  /** What the kernel's exits are modelled to cost; tables show it. */
  readonly costs?: ExitCosts;
  /** Default: 1. Loading more guests adds vCPUs. */
  readonly vcpus?: number;
  /** Decides how several vCPUs take turns. */
  readonly seed?: number;
  /** A queued write waits at most this long, in nanoseconds of guest time. Default: 10 ms. */
  readonly kickAfter?: number;
  /** Measure the host time of device handlers. */
  readonly profile?: boolean;
  /** Hears, in a sentence, of a guest program that has just done more than can be saved. */
  readonly onTooLongToSave?: (message: string) => void;
  /** Puts something between the guest's accesses and the machine: a recording that answers for absent devices. */
  readonly intercept?: (machine: GuestAccess, host: AcceleratorHost) => GuestAccess;
}

/** More than any machine here has: a snapshot with more is not one of ours. */
export const MostVcpus = 64;

export function checkAcceleratorOptions(options: KvmAcceleratorOptions): void {
  const { vcpus = 1, seed = 0, kickAfter = 0 } = options;
  const name = `Accelerator '${options.name ?? 'kvm-sim'}'`;
  if (!Number.isInteger(vcpus) || vcpus < 1 || vcpus > MostVcpus) {
    throw new BackplaneError(`${name}: 'vcpus' is ${vcpus}. Give a whole number from 1 to ${MostVcpus}.`);
  }
  if (!Number.isInteger(seed)) throw new BackplaneError(`${name}: 'seed' is ${seed}. Give a whole number.`);
  if (kickAfter >= 0) return;
  throw new BackplaneError(
    `${name}: 'kickAfter' is ${kickAfter}. Give 0 or more nanoseconds, or Infinity for writes that may wait for ever.`,
  );
}

export function checkRunOptions({ operationLimit = 0, timerLimit = 1, progressEvery = 1 }: RunOptions): void {
  refuseCount('operationLimit', operationLimit, 0);
  refuseCount('timerLimit', timerLimit, 1);
  refuseCount('progressEvery', progressEvery, 1);
}

function refuseCount(name: string, count: number, least: number): void {
  if ((Number.isInteger(count) && count >= least) || count === Number.POSITIVE_INFINITY) return;
  throw new BackplaneError(`run(): '${name}' is ${count}. Give a whole number, ${least} or more, or Infinity.`);
}
