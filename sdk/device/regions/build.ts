import { counted, hex } from '../../base/text.ts';
import { MemoryRegion, type MissingRoute, RegionOps, type Route } from '../../memory/index.ts';
import type { DeviceInstance, RealizeContext, RegionMetadata } from '../class-metadata.ts';
import { type Device, eventsOf } from '../device.ts';
import { checkRegisterFields } from '../registers/class-checks.ts';
import { registersOf } from '../registers/engine.ts';
import { describeMissing, registerAt } from '../registers/names.ts';
import { mapSubDevices, subDevicesOf, unrealizeSubDevices } from '../sub-devices.ts';
import { watchAnswers, watchReadHooks } from './answers.ts';
import { asEvent } from './event-handlers.ts';
import { HandledRegion } from './handlers.ts';
import { laneHandler, narrowestOf, withNarrowWidths } from './narrow-handlers.ts';
import { peekOf } from './peek.ts';
import { buildRam, RamRegion } from './ram.ts';
import type { HandlerRoute, RegionTemplate } from './region.ts';

/**
 * Builds and seals the regions of a device and, before it, those of the devices inside it. Called once by the machine, before
 * the first reset.
 */
export function realizeDevice(device: Device, context: RealizeContext): void {
  device.realize(context, () => {
    try {
      for (const { name, device: part } of subDevicesOf(device))
        realizeDevice(part, { ...context, id: `${context.id}.${name}`, outer: device });
      const regions = buildRegions(device, context);
      mapSubDevices(device, regions);
      return regions;
    } catch (failure) {
      try {
        unrealizeSubDevices(device);
      } catch {
        // The first failure is the cause.
      }
      throw failure;
    }
  });
}

/**
 * Gives a device memory regions of its own from the templates of its class. What comes out is sealed: the memory core
 * calls the methods found here, with the device as receiver, and no decorator is looked at again.
 */
function buildRegions(device: DeviceInstance, context: RealizeContext): ReadonlyMap<RegionTemplate, MemoryRegion> {
  checkRegisterFields(device);
  if (context.watchesAnswers) watchReadHooks(device);
  const regions = new Map<RegionTemplate, MemoryRegion>();
  for (const metadata of device.metadata.regions) {
    const region = buildRegion(device, metadata, context);
    for (const range of metadata.coalesced) region.addCoalescedIo(range);
    if (metadata.flushCoalescedIo) region.setFlushCoalescedIo();
    regions.set(metadata.template, region);
  }
  return regions;
}

function buildRegion(device: DeviceInstance, metadata: RegionMetadata, context: RealizeContext) {
  const { topology, id, guestErrors } = context;
  const { template } = metadata;
  const { name, size } = template;
  if (template instanceof RamRegion) return buildRam(template, topology, device);
  if (!(template instanceof HandledRegion)) return MemoryRegion.container(topology, name, size, { owner: device });
  const ops = new RegionOps({
    device,
    routes: memoryRoutes(device, template, metadata.handlers, context),
    valid: template.accepts,
    impl: { ...template.implements, min: narrowestOf(template) },
    endianness: template.endianness,
    missing: missingOf(device, template, (message) => guestErrors.report(id, message)),
    peek: peekOf(device, metadata),
  });
  return MemoryRegion.io(topology, name, size, ops, { owner: device });
}

/** What an access answers that no handler takes: an empty port bus floats high, missing memory registers read zero. */
function missingOf(device: DeviceInstance, template: HandledRegion, report: (message: string) => void): MissingRoute {
  const read = template.kind === 'ports' ? 'ones' : 'zeros';
  if (template.missing === 'silent') return { read };
  const { registers } = device.metadata;
  const onMissing = (offset: number, size: number, isWrite: boolean): void => {
    const where = `offset ${hex(offset)} (${counted(size, 'byte')}) of region '${template.name}'`;
    report(describeMissing(registerAt(registers, template, offset), where, isWrite));
  };
  return { read, onMissing };
}

/** How far an access can run over the end of the region in which it begins: seven of the eight bytes of the widest one. */
const FurthestOverrun = 7;

/** A mirrored region repeats its handlers where an access runs over its end; all others are what they say. */
function memoryRoutes(
  device: DeviceInstance,
  region: HandledRegion,
  handlers: readonly HandlerRoute[],
  context: RealizeContext,
): Route[] {
  const { mirrored, size } = region;
  const plain = handlers.map((handler) => memoryRoute(device, region, handler, context));
  const routes = eventsOf(device as Device) === undefined ? plain : plain.map(eventRoute);
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

const eventRoute = (route: Route): Route => ({
  ...route,
  read: asEvent(route.read),
  write: asEvent(route.write),
  read64: asEvent(route.read64),
  write64: asEvent(route.write64),
});

type Method = (...args: never[]) => never;

function memoryRoute(
  device: DeviceInstance,
  region: HandledRegion,
  handler: HandlerRoute,
  context: RealizeContext,
): Route {
  const { method, isWrite, form, offset, length, register } = handler;
  const accessSize = withNarrowWidths(handler, region);
  const common = { offset, size: length, accessSize, withAttributes: form === 'attributes' };
  if (register !== undefined) {
    const { read, write, readWide, writeWide } = registersOf(device.metadata).at(region, register);
    return isWrite ? { ...common, write, write64: writeWide } : { ...common, read, read64: readWide };
  }
  // Looked up on the instance's class, so that a subclass may override the method.
  const found = (device as unknown as Readonly<Record<string, Method>>)[method] as Method;
  const watch =
    isWrite || form === '64-bit'
      ? undefined
      : watchAnswers(context.topology, method, found, region, context.watchesAnswers === true);
  return {
    ...common,
    watch,
    [`${isWrite ? 'write' : 'read'}${form === '64-bit' ? '64' : ''}`]: laneHandler(found as never, handler, region),
  };
}
