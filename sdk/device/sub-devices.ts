import { BackplaneError, definitionError, type Fail } from '../base/errors.ts';
import { hex } from '../base/text.ts';
import type { MemoryRegion } from '../memory/index.ts';
import type { DeviceInstance } from './class-metadata.ts';
import { ContainerRegion, type RegionTemplate } from './regions/region.ts';

/** Where the regions of a sub-device are mapped. */
export interface SubDevicePlace {
  /** A container region of the class around it. */
  readonly inside: ContainerRegion;
  /** Bytes from its start. A region with a `base` of its own begins so many bytes further. Default: 0. */
  readonly offset?: number;
}

/** A device that is a part of another one: of a `Device`, a `Device`. */
export interface SubDevice<D extends DeviceInstance = DeviceInstance> {
  /** The field that holds it, `channel`, or the element of a list, `channels[1]`. */
  readonly name: string;
  readonly device: D;
  readonly place: SubDevicePlace | undefined;
}

const none: readonly SubDevice[] = Object.freeze([]);
const inside = new WeakMap<DeviceInstance, readonly SubDevice[]>();
/** Those that the device under construction has made so far; undefined while none is under construction. */
let made: Omit<SubDevice, 'name'>[] | undefined;

/** The devices inside a device, in the order in which its constructor made them. Theirs are not among them. */
export function subDevicesOf<D extends DeviceInstance>(device: D): readonly SubDevice<D>[] {
  return (inside.get(device) ?? none) as readonly SubDevice<D>[];
}

/** The device itself, with an empty name, and all devices inside it, with their names from it: `channels[1].fifo`. */
export function devicesIn<D extends DeviceInstance>(
  device: D,
  name = '',
): { readonly name: string; readonly device: D }[] {
  const deeper = subDevicesOf(device).flatMap((one) => devicesIn(one.device, joined(name, one.name)));
  return [{ name, device }, ...deeper];
}

/** What a device has by name, and what the devices inside it have, with their names in front: `channels[1].irq`. */
export function withSubDevices<T>(
  device: DeviceInstance,
  own: (device: DeviceInstance) => ReadonlyMap<string, T>,
): ReadonlyMap<string, T> {
  const parts = subDevicesOf(device);
  if (parts.length === 0) return own(device);
  const all = new Map(own(device));
  for (const part of parts) {
    for (const [name, value] of withSubDevices(part.device, own)) all.set(joined(part.name, name), value);
  }
  return all;
}

export const joined = (outer: string, inner: string): string => (outer === '' ? inner : `${outer}.${inner}`);

/** Runs a constructor. The sub-devices that it makes are inside the device, by the names of its fields. */
export function collectSubDevices<D extends DeviceInstance>(make: () => D): D {
  const outer = made;
  const own: Omit<SubDevice, 'name'>[] = [];
  made = own;
  try {
    const device = make();
    if (own.length === 0) return device;
    const fail = definitionError(device.constructor.name);
    const parts = own.map((one) => Object.freeze({ name: nameIn(device, one.device, fail), ...one }));
    checkPlaces(device, parts, fail);
    inside.set(device, Object.freeze(parts));
    return device;
  } finally {
    made = outer;
  }
}

/** Whether a constructor that `collectSubDevices` runs is under way. */
export const isUnderConstruction = (): boolean => made !== undefined;

/** Refuses a sub-device that no device under construction would have. */
export function refuseStraySubDevice(): void {
  if (made !== undefined) return;
  throw new BackplaneError(
    'stray-sub-device',
    'subDevice() is called outside the constructor of a device, so no device would have it. Write it where a field gets its value, ' +
      'and make the outer device with a machine, a bench or constructDevice().',
  );
}

export function noteSubDevice(device: DeviceInstance, place: SubDevicePlace | undefined): void {
  made?.push({ device, place });
}

function nameIn(outer: DeviceInstance, part: DeviceInstance, fail: Fail): string {
  for (const [field, value] of Object.entries(outer) as [string, unknown][]) {
    if (value === part) return field;
    const index = Array.isArray(value) ? value.indexOf(part) : -1;
    if (index >= 0) return `${field}[${index}]`;
  }
  throw fail(
    'sub-device-without-name',
    `a ${part.metadata.type} is made with subDevice() and kept in no field, so nothing could name it. ` +
      'Keep it in a field, or in a list in a field. A #private field is not seen.',
  );
}

interface PlacedRegion {
  readonly what: string;
  readonly template: RegionTemplate;
  readonly start: number;
  readonly container: ContainerRegion;
}

function placedRegions(parts: readonly SubDevice[]): PlacedRegion[] {
  return parts.flatMap(({ name, device, place }) => {
    if (place === undefined) return [];
    const { inside: container, offset = 0 } = place;
    return device.metadata.regions.map(({ template }) => {
      const start = offset + (template.base ?? 0);
      return { what: `region '${template.name}' of '${name}'`, template, start, container };
    });
  });
}

/** Refuses regions that do not fit into their container, or lie over each other. */
function checkPlaces(device: DeviceInstance, parts: readonly SubDevice[], fail: Fail): void {
  const placed = placedRegions(parts);
  for (const { name, place } of parts) {
    if (place === undefined) continue;
    if (place.inside instanceof ContainerRegion && device.metadata.region(place.inside) !== undefined) continue;
    throw fail(
      'sub-device-misplaced',
      `sub-device '${name}' goes into '${place.inside?.name}', which is no container region of the class. ` +
        'Name one with @contains(region) above the class.',
    );
  }
  for (const [index, { what, template, start, container }] of placed.entries()) {
    const refuse = (why: string) => fail('sub-device-misplaced', `${what} cannot be in '${container.name}': ${why}`);
    if (template.kind === 'ports') throw refuse('it has ports, and that holds memory. Map it in onRealize().');
    if (!Number.isSafeInteger(start) || start < 0) throw refuse(`its offset is ${start}. Give a whole number from 0.`);
    if (start + template.size > container.size)
      throw refuse(
        `it would end at ${hex(start + template.size)}, and that has ${hex(container.size)} bytes. Enlarge that, or lower its offset.`,
      );
    const other = placed
      .slice(0, index)
      .find(
        (one) =>
          one.container === container &&
          one.template.priority === template.priority &&
          one.start < start + template.size &&
          start < one.start + one.template.size,
      );
    if (other !== undefined) throw refuse(`it lies over ${other.what}. Give one of them another offset.`);
  }
}

/** Maps the regions of sub-devices into the containers of the device around them. Both are realized, or nearly. */
export function mapSubDevices<D extends DeviceInstance & { region(template: RegionTemplate): MemoryRegion }>(
  device: D,
  regions: ReadonlyMap<RegionTemplate, MemoryRegion>,
): void {
  for (const { device: part, place } of subDevicesOf(device)) {
    if (place === undefined) continue;
    const container = regions.get(place.inside) as MemoryRegion;
    for (const { template } of part.metadata.regions) {
      container.addSubregion((place.offset ?? 0) + (template.base ?? 0), part.region(template), template.priority);
    }
  }
}

/** Unrealizes the devices inside, the last one first. A failure does not stop the others; the first one is thrown. */
export function unrealizeSubDevices<D extends DeviceInstance & { unrealize(): void }>(device: D): void {
  const failures: unknown[] = [];
  for (const part of [...subDevicesOf(device)].reverse()) {
    try {
      part.device.unrealize();
    } catch (failure) {
      failures.push(failure);
    }
  }
  if (failures.length > 0) throw failures[0];
}
