import { MemoryRegion, type MissingRoute, RegionOps, type Route } from '../memory/index.ts';
import type { RegionBlueprint } from './blueprint.ts';
import type { Device, DeviceSurroundings } from './device.ts';
import { isFallback } from './handler-routes.ts';
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
    routes: memoryRoutes(device, blueprint.handlers),
    valid: template.accepts,
    impl: template.implements,
    endianness: template.endianness,
    missing: missingOf(template, (message) => guestErrors.report(id, message)),
  });
  return MemoryRegion.io(topology, name, size, ops, { owner: device });
}

/** What an access answers that no handler takes: an empty port bus floats high, missing memory registers read zero. */
function missingOf(template: HandledRegion, report: (message: string) => void): MissingRoute {
  const read = template.kind === 'ports' ? 'ones' : 'zeros';
  if (template.missing === 'silent') return { read };
  const onMissing = (offset: number, size: number, isWrite: boolean): void =>
    report(
      `${isWrite ? 'write to' : 'read of'} offset 0x${offset.toString(16)} (${size} bytes) of region '${template.name}': ` +
        'no register takes it',
    );
  return { read, onMissing };
}

/** Handlers as the memory core takes them: no two that meet, the fallback cut into what the others leave. */
function memoryRoutes(device: Device, handlers: readonly HandlerRoute[]): Route[] {
  const specific = handlers.filter((handler) => !isFallback(handler));
  const fallbacks = handlers.filter(isFallback);
  return [...specific, ...fallbacks.flatMap((fallback) => leftOver(fallback, specific))].map((handler) =>
    memoryRoute(device, handler),
  );
}

function leftOver(fallback: HandlerRoute, specific: readonly HandlerRoute[]): HandlerRoute[] {
  const others = specific.filter((handler) => handler.isWrite === fallback.isWrite);
  const edges = new Set([0, ...others.flatMap(({ offset, length }) => [offset, offset + length])]);
  const starts = [...edges].filter(Number.isFinite).sort((a, b) => a - b);
  return starts.flatMap((offset, index) => {
    const taken = others.filter((other) => other.offset <= offset && offset < other.offset + other.length);
    const sizes = fallback.sizes.filter((size) => !taken.some((other) => other.sizes.includes(size)));
    const length = (starts[index + 1] ?? Number.POSITIVE_INFINITY) - offset;
    return sizes.length === 0 ? [] : [{ ...fallback, offset, length, sizes }];
  });
}

type Method = (...args: never[]) => never;

function memoryRoute(device: Device, { method, isWrite, form, offset, length, sizes }: HandlerRoute): Route {
  // Looked up on the instance's class, so that a subclass that overrides the method is heard.
  const handler = (device as unknown as Readonly<Record<string, Method>>)[method];
  const direction = `${isWrite ? 'write' : 'read'}${form === '64-bit' ? '64' : ''}`;
  return { offset, size: length, accessSize: sizes, withAttributes: form === 'attributes', [direction]: handler };
}
