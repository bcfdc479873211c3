import { BackplaneError } from '../../base/errors.ts';
import {
  type Device,
  type FieldNames,
  RegionTemplate,
  type Register,
  type RegisterBank,
  type RegisterSpec,
  type RegisterValue,
} from '../../device/index.ts';
import { type AddressSpace, type MemoryRegion, placeInTree } from '../../memory/index.ts';
import { bankWindow, RegionWindow } from './guest.ts';
import {
  declarationOf,
  type ProbedBench,
  type RegisterMembers,
  RegisterProbe,
  type ValueOfMember,
} from './register-probe.ts';

/** The bench around it. */
interface OuterBench extends Pick<ProbedBench, 'clock'> {
  readonly io: AddressSpace;
  readonly memory: AddressSpace;
  placeOf(region: RegionTemplate, device: Device): number | undefined;
}

/** The address of a region in an address space; undefined where it is mapped into neither. */
export function addressIn(region: MemoryRegion, spaces: readonly AddressSpace[]): number | undefined {
  const [outermost, address] = placeInTree(region);
  return spaces.some(({ root }) => root === outermost) ? address : undefined;
}

/** Regions that the device has mapped itself, into a BAR for instance, are where that is now. */
export function followRegions(
  device: Device,
  addresses: Map<RegionTemplate, number>,
  spaces: readonly AddressSpace[],
): void {
  for (const [template, address] of addresses) {
    addresses.set(template, addressIn(device.region(template), spaces) ?? address);
  }
}

/** A device inside the device of a bench, as the guest reaches it: `bench.of(bench.device.timers[1])`. */
export class SubDeviceBench<D extends Device> {
  /** @internal */
  constructor(
    private readonly bench: OuterBench,
    readonly device: D,
  ) {}

  /** One of its regions by offset instead of by address. */
  at(region: RegionTemplate | RegisterBank): RegionWindow {
    if (!(region instanceof RegionTemplate)) return bankWindow(this.device, region);
    const address = this.bench.placeOf(region, this.device);
    if (address !== undefined)
      return new RegionWindow(region.kind === 'ports' ? this.bench.io : this.bench.memory, address);
    throw new BackplaneError(
      'region-not-on-bench',
      `Bench: region '${region.name}' of '${this.device.id}' is not mapped. Give the sub-device a place, or map it in onRealize().`,
    );
  }

  /** One of its registers, by the class's field or by the value that declared it. */
  register<S extends RegisterSpec>(
    register: Register<S>,
    element?: number,
  ): RegisterProbe<RegisterValue<S>, FieldNames<S>>;
  register<K extends RegisterMembers<D>>(member: K, element?: number): RegisterProbe<ValueOfMember<D[K]>>;
  register(register: Register<RegisterSpec> | string, element = 0): RegisterProbe<never, never> {
    const { device, bench } = this;
    const probed: ProbedBench = { device, clock: bench.clock, at: (bank) => this.at(bank) };
    return new RegisterProbe(probed, declarationOf(device.metadata, register), element) as never;
  }
}
