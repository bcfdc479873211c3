import type { Json } from '../base/json-reader.ts';
import { averageCost, DefaultExitCosts } from './exit-table.ts';
import type { KvmAccelerator } from './kvm/accelerator.ts';
import type { KvmAcceleratorOptions } from './kvm/options.ts';
import { scheduledAccelerator } from './kvm/scheduled/processors.ts';
import type { MachineCode } from './kvm/simulated-kernel/processor.ts';
import { SimulatedKernel } from './kvm/simulated-kernel/simulated-kernel.ts';

export interface SimulatedAcceleratorOptions extends Omit<KvmAcceleratorOptions, 'name'> {
  /** Whose virtualization is simulated. Default: 'intel'. SVM of 'amd' has no bus of its own for ioeventfds without a length. */
  readonly processor?: 'intel' | 'amd';
  /** Which Linux's arithmetic the ring has: before 6.12 it is sometimes full with 85 writes. Default: '6.12'. */
  readonly ring?: '6.12' | 'before-6.12';
  /** Nanoseconds of guest time of an operation that does not leave guest mode. Default: 10. */
  readonly plainCost?: number;
  /** Nanoseconds of guest time of a port access of machine code, queued or not. Default: 1000, as on an ISA bus. */
  readonly isaAccess?: number;
  /** Executes machine code on the first vCPU: `await loadX86(...)`. Default: none, and guests are programs and recordings. */
  readonly machineCode?: MachineCode;
  readonly capabilities?: Readonly<Record<number, number>>;
}

/** `-accel kvm-sim`: the accelerator on the simulated kernel, with one set of costs for time and tables. */
export function simulatedAccelerator(options: SimulatedAcceleratorOptions = {}): KvmAccelerator {
  const {
    plainCost,
    isaAccess,
    machineCode,
    capabilities,
    processor = 'intel',
    ring = '6.12',
    costs = DefaultExitCosts,
    ...rest
  } = options;
  const kernel = new SimulatedKernel({
    processor,
    ring,
    costs: {
      kernel: averageCost(costs.kernel),
      userspace: averageCost(costs.userspace),
      ...(plainCost === undefined ? {} : { plain: plainCost }),
      ...(isaAccess === undefined ? {} : { isa: isaAccess }),
    },
    ...(machineCode === undefined ? {} : { machineCode }),
    ...(capabilities === undefined ? {} : { capabilities }),
  });
  return scheduledAccelerator({ ...rest, kernel, costs, noticeable: noticeable({ ...options, costs }) });
}

/** What is left out has its default, and a time without end is no number in JSON. */
function noticeable(options: SimulatedAcceleratorOptions): Json {
  const {
    coalescedMmio,
    coalescedPio,
    drain,
    kickAfter,
    seed,
    plainCost,
    isaAccess,
    machineCode,
    capabilities,
    costs,
  } = options;
  const processor = options.processor === 'intel' ? undefined : options.processor;
  const ring = options.ring === '6.12' ? undefined : options.ring;
  const limit = kickAfter === Number.POSITIVE_INFINITY ? 'never' : kickAfter;
  const given = {
    ...{ coalescedMmio, coalescedPio, drain, kickAfter: limit, seed, plainCost, capabilities, costs },
    ...{ processor, ring },
    // Programs do not notice it.
    ...(machineCode === undefined ? {} : { isaAccess, machineCode: machineCode.name }),
  };
  return JSON.parse(JSON.stringify(given)) as Json;
}
