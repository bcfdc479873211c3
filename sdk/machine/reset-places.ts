import type { ResetPort } from '../accelerator/index.ts';
import { PciDevice, ResetController } from '../bus/index.ts';
import type { PluggedDevice } from './machine-parts.ts';

/**
 * Where the guest may ask for a reset: every port and every address of memory at which a device answers that may reset the
 * machine, its BARs where the guest has put them.
 */
export function resetPlacesOf(devices: readonly PluggedDevice[]): ResetPort[] {
  return devices
    .filter(({ blueprint }) => blueprint.injections.some(({ token }) => token === ResetController))
    .flatMap(({ id, device, mappings }) => [
      ...mappings.map(({ kind, start, size, name }) => ({ address: start, size, name, isMemory: kind === 'Memory' })),
      ...(device instanceof PciDevice ? barsOf(id, device) : []),
    ]);
}

function barsOf(id: string, { bars }: PciDevice): ResetPort[] {
  return bars.all.flatMap(({ index, kind, address, size }) =>
    address === undefined || index === undefined
      ? []
      : [{ address, size, name: `BAR ${index} of ${id}`, isMemory: kind === 'memory' }],
  );
}
