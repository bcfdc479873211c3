import type { Accelerator, CoalescedZones } from './accelerator.ts';
import { averageCost, DefaultExitCosts } from './exit-table.ts';
import { KvmAccelerator } from './kvm/kvm-accelerator.ts';
import type { SimulatedAcceleratorOptions } from './kvm/options.ts';
import { SimulatedKernel } from './kvm/simulated-kernel/simulated-kernel.ts';

/** The accelerator of `-accel kvm-sim`, as far as programs see more of it than of any other. */
export interface SimulatedAccelerator extends Accelerator {
  /** The zones in force now. */
  readonly zones: CoalescedZones;
  /** Ranges that are declared coalesced and for which the kernel has no room: their writes exit until there is. */
  readonly refused: CoalescedZones;
  /** Guest time as the kernel knows it; a machine's clock follows at the next return to userspace. */
  readonly guestTime: number;
  /** Writes that wait in the ring now. */
  readonly queuedWrites: number;
}

/** `-accel kvm-sim`: the accelerator on the simulated kernel, with one set of costs for time and tables. */
export function simulatedAccelerator(options: SimulatedAcceleratorOptions = {}): SimulatedAccelerator {
  const { plainCost, capabilities, costs = DefaultExitCosts, ...rest } = options;
  const kernel = new SimulatedKernel({
    costs: {
      kernel: averageCost(costs.kernel),
      userspace: averageCost(costs.userspace),
      ...(plainCost === undefined ? {} : { plain: plainCost }),
    },
    ...(capabilities === undefined ? {} : { capabilities }),
  });
  return new KvmAccelerator({ ...rest, kernel, costs });
}
