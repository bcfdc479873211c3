import { hex } from '../../base/text.ts';
import { SystemBus } from '../../bus/index.ts';
import {
  type ClassMetadata,
  choosingValue,
  type Device,
  devicesIn,
  HandledRegion,
  type HandlerRoute,
  type IndexedPlace,
  livesIn,
  RamRegion,
  type RegionMetadata,
  type RegionTemplate,
  type RegisterDeclaration,
  type Side,
  sideOf,
  subDevicesOf,
} from '../../device/index.ts';
import type { TestBench } from '../bench/test-bench.ts';
import { type BackendLayout, layoutOfBackends } from './backend-steps.ts';
import type { BusLayout } from './bus-steps.ts';
import type { AccessWidth, Space } from './script.ts';

/** A region that the guest accesses: handlers or memory. */
type GuestRegion = HandledRegion | RamRegion;

/** A place where the device answers by its declaration: a register, or the range of a handler. */
export interface Target {
  /** Of a device inside: `channels[1].load`. */
  readonly name: string;
  readonly region: GuestRegion;
  readonly space: Space;
  readonly address: number;
  /** Offset of `address` in its region, and how many bytes from there belong to the place. */
  readonly offset: number;
  readonly length: number;
  readonly register: RegisterDeclaration | undefined;
  /** Which register of an array; 0 otherwise. */
  readonly element: number;
  /** What must be written first, for a register behind an index. */
  readonly selectedBy: { readonly target: Target; readonly value: number } | undefined;
}

/** Registers of an array beyond so many are like the first ones. */
const ElementsTried = 8;

/** A region and where it is on the bench. */
interface PlacedRegion {
  readonly region: GuestRegion;
  readonly space: Space;
  readonly address: number;
}

/** Where everything of a device is on its bench, and of the devices inside it. */
export class Layout {
  /** The device itself first, then each device inside it by itself. */
  readonly parts: readonly Layout[];
  readonly targets: readonly Target[];
  readonly regions: readonly PlacedRegion[];
  /** Its input pins, which other devices drive. */
  readonly pins: readonly string[];
  /** What the guest reaches by the device's bus. */
  readonly bus: BusLayout;
  /** What comes from the host. */
  readonly backends: BackendLayout;

  private readonly ownRegions: readonly PlacedRegion[];
  private readonly ownTargets: readonly Target[];

  constructor(
    bench: TestBench<Device>,
    readonly metadata: ClassMetadata,
    device: Device = bench.device,
    /** Of a device inside: `channels[1]`. */
    readonly name = '',
  ) {
    const mapped = metadata.regions.filter(
      ({ template }) => isGuestRegion(template) && bench.placeOf(template, device) !== undefined,
    );
    this.ownRegions = mapped.map(({ template }) => ({
      region: template as GuestRegion,
      space: template.kind === 'ports' ? 'ports' : 'memory',
      address: bench.placeOf(template, device) as number,
    }));
    this.bus = {
      hasTransfers: bench.bus.transfer !== undefined,
      firstBytes: bench.bus.firstBytes(bench.device),
      busRegisters: bench.bus.registersOf(bench.device),
    };
    this.backends = layoutOfBackends(bench.backends);
    this.ownTargets = [...this.registerTargets(), ...mapped.flatMap((region) => this.handlerTargets(region))];
    this.pins = Object.keys(bench.pins);
    const outer = name === '' ? '' : `${name}.`;
    const inside = subDevicesOf(device).flatMap(
      (one) => new Layout(bench, one.device.metadata, one.device, `${outer}${one.name}`).parts,
    );
    this.parts = [this, ...inside];
    this.targets = this.parts.flatMap((part) => part.ownTargets);
    this.regions = this.parts.flatMap((part) => part.ownRegions);
  }

  /** What is at an address, for comments in printed scripts. */
  nameAt(space: Space, address: number): string | undefined {
    const inside = (target: Target) =>
      target.space === space && address >= target.address && address < target.address + target.length;
    const found = this.targets.find((target) => inside(target) && target.selectedBy === undefined);
    if (found !== undefined) return found.name;
    const around = this.regions.find(
      (one) => one.space === space && address >= one.address && address < one.address + one.region.size,
    );
    return around === undefined ? undefined : `${around.region.name} + ${hex(address - around.address)}`;
  }

  targetOf(register: RegisterDeclaration, element = 0): Target | undefined {
    return this.ownTargets.find((target) => target.register === register && target.element === element);
  }

  /** Which accesses a register takes. A register at the same address, or a handler, may take the others. */
  sideOf(register: RegisterDeclaration): Side {
    const side = sideOf(register, this.metadata.registers);
    if (side !== 'both') return side;
    const { offset } = register;
    const routes = this.metadata.regions.find(({ template }) => livesIn(register, template))?.handlers ?? [];
    const byHand = (isWrite: boolean): boolean =>
      routes.some(
        (route) =>
          route.register === undefined &&
          route.isWrite === isWrite &&
          route.offset <= offset &&
          offset < route.offset + route.length &&
          Number.isFinite(route.length),
      );
    if (byHand(true)) return 'reads';
    return byHand(false) ? 'writes' : 'both';
  }

  private named(name: string): string {
    return this.name === '' ? name : `${this.name}.${name}`;
  }

  private registerTargets(): Target[] {
    const targets: Target[] = [];
    const { registers } = this.metadata;
    const indexLast = [...registers].sort(
      (a, b) => Number(a.indexedBy !== undefined) - Number(b.indexedBy !== undefined),
    );
    for (const register of indexLast) {
      const place = this.ownRegions.find(({ region }) => region === register.bank);
      if (place === undefined) continue;
      const length = register.width / 8;
      for (let element = 0; element < Math.min(register.count ?? 1, ElementsTried); element++) {
        const step = element * (register.stride ?? (register.indexedBy === undefined ? length : 1));
        const { indexedBy } = register;
        const index = indexedBy && targets.find((target) => target.register?.member === indexedBy.indexMember);
        const offset = register.offset + (indexedBy === undefined ? step : 0);
        targets.push({
          name: this.named(register.count === undefined ? register.name : `${register.name}[${element}]`),
          region: place.region,
          space: place.space,
          address: place.address + offset,
          offset,
          length,
          register,
          element,
          selectedBy: index && indexedBy ? { target: index, value: choosing(index, indexedBy, step) } : undefined,
        });
      }
    }
    return targets;
  }

  private handlerTargets({ template, handlers }: RegionMetadata): Target[] {
    const place = this.ownRegions.find(({ region }) => region === template);
    if (place === undefined) return [];
    const seen = new Set<string>();
    const isRegister = (route: HandlerRoute): boolean =>
      this.metadata.registers.some(
        (register) => livesIn(register, template) && register.offset === route.offset && Number.isFinite(route.length),
      );
    const memory = template instanceof RamRegion ? [{ offset: 0, length: template.size }] : [];
    const own = [...handlers.filter((route) => !isRegister(route)).filter(isNew(seen)), ...memory];
    return own.map(({ offset, length }) => ({
      name: this.named(`${template.name}${offset === 0 ? '' : ` + ${hex(offset)}`}`),
      region: place.region,
      space: place.space,
      address: place.address + offset,
      offset,
      length: Math.min(length, template.size - offset),
      register: undefined,
      element: 0,
      selectedBy: undefined,
    }));
  }
}

const isGuestRegion = (template: RegionTemplate): boolean =>
  template instanceof HandledRegion || template instanceof RamRegion;

/** What a guest writes into the index register. Bits beside the index have their reset value. */
function choosing({ register }: Target, place: IndexedPlace, step: number): number {
  return choosingValue(place, Number(register?.reset ?? 0), place.index + step);
}

/** Reading and writing one range is one place. */
function isNew(seen: Set<string>): (route: HandlerRoute) => boolean {
  return ({ offset, length }) => {
    const key = `${offset} ${length}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  };
}

/** The widths with which a guest may access that offset of a region. */
export function legalWidths(region: GuestRegion, offset: number): readonly AccessWidth[] {
  const { accepts, kind } = region;
  const widths: readonly AccessWidth[] = kind === 'ports' ? [1, 2, 4] : [1, 2, 4, 8];
  return widths.filter(
    (width) => width >= accepts.min && width <= accepts.max && (accepts.unaligned || offset % width === 0),
  );
}

/** The bytes of one region, by its path: `buffer`, or `channels[1].buffer` of a device inside. */
interface NamedMemory {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The RAM of the device and of devices inside it, always in the same order. What a ROM holds does not change. */
export function memoryOf(device: Device): readonly NamedMemory[] {
  return devicesIn(device).flatMap((one) =>
    one.device.metadata.regions.flatMap(({ template }) => {
      if (!(template instanceof RamRegion) || template.kind !== 'ram') return [];
      const name = one.name === '' ? template.name : `${one.name}.${template.name}`;
      return [{ name, bytes: template.bytesOf(one.device) }];
    }),
  );
}

/** Another bench of the class gets the guest's RAM and the device's own, as a snapshot of a machine has both. */
export function copyMemory(from: TestBench<Device>, to: TestBench<Device>): void {
  ramOf(to).set(ramOf(from));
  const targets = memoryOf(to.device);
  for (const [index, { bytes }] of memoryOf(from.device).entries()) targets[index]?.bytes.set(bytes);
}

/** Guest RAM of the bench, which devices reach by DMA. */
export function ramOf(bench: TestBench<Device>): Uint8Array {
  return bench.service(SystemBus).ram.ram?.bytes ?? new Uint8Array(0);
}
