import type { ConditionalModel } from '../../accelerator/index.ts';
import type { Machine } from '../../machine/index.ts';

const DataPort = { address: 0xcfc, size: 4 } as const;
const BusNumber = 0xff_0000;

/** The part of a host bridge that selects a function. */
interface HostBridge {
  readonly configuration: { readonly address: number };
}

/**
 * The data port of PCI configuration reaches the function that the address register selects. The machine may not have
 * every function of the recorded one. Calls `onAbsent` for each access to an absent function.
 */
export function selectedFunctions(machine: Machine, onAbsent: () => void): ConditionalModel[] {
  const bridge = machine.devices.map(({ device }) => device as object).find(isHostBridge);
  if (bridge === undefined) return [];
  const functions = new Map<number, string>();
  for (const { id, address } of machine.devices) {
    if (address !== undefined) functions.set(address.slot * 8 + address.function, id);
  }
  const device = () => {
    const { address } = bridge.configuration;
    const id = (address & BusNumber) === 0 ? functions.get((address >>> 8) & 0xff) : undefined;
    if (id === undefined) onAbsent();
    return id;
  };
  return [{ isPort: true, ...DataPort, device }];
}

function isHostBridge(device: object): device is HostBridge {
  if (!('configuration' in device)) return false;
  const { configuration } = device;
  return typeof configuration === 'object' && configuration !== null && 'address' in configuration;
}
