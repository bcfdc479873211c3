import { MemoryRegion, type MissingRoute, RegionOps, type Route } from '../memory/index.ts';
import type { RegionBlueprint } from './blueprint.ts';
import type { Device, DeviceSurroundings } from './device.ts';
import type { HandlerRoute } from './handlers.ts';
import { HandledRegion, type RegionTemplate } from './region-template.ts';

/**
 * Gives a device memory regions of its own from the templates of its class. What comes out is sealed: the memory core
 * calls the methods found here, with the device as receiver, and no decorator is looked at again.
 */
export function buildRegions(
  device: Device,
  surroundings: DeviceSurroundings,
): ReadonlyMap<RegionTemplate, MemoryRegion> {
  const regions = new Map<RegionTemplate, MemoryRegion>();
  for (const blueprint of device.blueprint.regions) {
    const region = buildRegion(device, blueprint, surroundings);
    for (const range of blueprint.coalesced) region.addCoalescedIo(range);
    if (blueprint.flushCoalescedIo) region.setFlushCoalescedIo();
    regions.set(blueprint.template, region);
  }
  return regions;
}

function buildRegion(device: Device, blueprint: RegionBlueprint, { topology, id, guestErrors }: DeviceSurroundings) {
  const { template } = blueprint;
  const { name, size } = template;
  if (!(template instanceof HandledRegion)) return MemoryRegion.container(topology, name, size, { owner: device });
  const ops = new RegionOps({
    device,
    routes: memoryRoutes(device, template, blueprint.handlers),
    valid: template.accepts,
    impl: template.implements,
    endianness: template.endianness,
    missing: missingOf(template, (message) => guestErrors.report(id, message)),
  });
  return MemoryRegion.io(topology, name, size, ops, { owner: device });
}

/** What an access answers that no handler takes: an empty port bus floats high, missing memory registers read zero. */
function missingOf(template: HandledRegion, report: (message: string) => void): MissingRoute {
  const read = template.missingReads;
  if (template.missing === 'silent') return { read };
  const onMissing = (offset: number, size: number, isWrite: boolean): void =>
    report(
      `${isWrite ? 'write to' : 'read of'} offset 0x${offset.toString(16)} (${size} bytes) of region '${template.name}': ` +
        'no register takes it',
    );
  return { read, onMissing };
}

/** How far an access can run over the end of the region in which it begins: seven of the eight bytes of the widest one. */
const FurthestOverrun = 7;

/** A mirrored region repeats its handlers where an access runs over its end; all others are what they say. */
function memoryRoutes(device: Device, { mirrored, size }: HandledRegion, handlers: readonly HandlerRoute[]): Route[] {
  const routes = handlers.map((handler) => memoryRoute(device, handler));
  if (!mirrored) return routes;
  return routes.flatMap((route) => {
    const copies = [route];
    if (route.size === Number.POSITIVE_INFINITY) return copies;
    for (let shift = size; route.offset + shift < size + FurthestOverrun; shift += size) {
      copies.push({ ...route, offset: route.offset + shift });
    }
    return copies;
  });
}

type Method = (...args: never[]) => never;

function memoryRoute(device: Device, { method, isWrite, form, offset, length, sizes }: HandlerRoute): Route {
  // Looked up on the instance's class, so that a subclass that overrides the method is heard.
  const handler = (device as unknown as Readonly<Record<string, Method>>)[method];
  const direction = `${isWrite ? 'write' : 'read'}${form === '64-bit' ? '64' : ''}`;
  return { offset, size: length, accessSize: sizes, withAttributes: form === 'attributes', [direction]: handler };
}
