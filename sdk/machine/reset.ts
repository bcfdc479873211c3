import type { ResetPort } from '../accelerator/index.ts';
import { PciBus, PciDevice, ResetController } from '../bus/index.ts';
import { inDeviceEvent } from '../device/index.ts';
import type { RunningMachine } from './definition.ts';
import { inDevice } from './device-failures.ts';
import type { StatefulServices } from './services.ts';
import type { PluggedDevice } from './wiring.ts';

/** Resets the devices, each in turn, then their bus, then the services that have state. */
export function resetMachine(machine: RunningMachine, services: StatefulServices): void {
  for (const { id, device } of machine.devices)
    inDevice(id, device, 'reset()', () => inDeviceEvent(device, device.reset));
  const pci = machine.service(PciBus);
  pci?.reset();
  services.reset([pci]);
}

/** Ports and memory addresses of the devices that may reset the machine, with their BARs where the guest has put them. */
export function resetPortsOf(devices: readonly PluggedDevice[]): ResetPort[] {
  return devices
    .filter(({ metadata }) => metadata.injections.some(({ token }) => token === ResetController))
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
