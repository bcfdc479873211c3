import { hex } from '../base/text.ts';
import type { GuestErrors } from '../device/index.ts';
import type { MemoryRegion } from '../memory/index.ts';

/** Accesses that a region refused as a whole are guest errors of its device. */
export function refusedAccesses(errors: GuestErrors) {
  const refuse =
    (why: (region: MemoryRegion, isWrite: boolean) => string) =>
    (region: MemoryRegion, offset: number, size: number, isWrite: boolean) =>
      errors.report(
        region.owner?.id ?? region.name,
        `${isWrite ? 'write to' : 'read of'} offset ${hex(offset)} (${size} bytes) of region '${region.name}': ${why(region, isWrite)}`,
      );
  return {
    accessRefused: refuse((region, isWrite) =>
      isWrite && region.readOnly ? 'it is read-only' : 'the region does not accept this width or alignment',
    ),
    reentryRefused: refuse(() => 'the device is inside one of its own handlers'),
  };
}
