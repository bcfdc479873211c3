import type { ResetPort } from '../accelerator/index.ts';
import { ResetController } from '../bus/index.ts';
import { inDeviceEvent } from '../device/index.ts';
import type { RunningMachine } from './definition.ts';
import { inDevice } from './device-failures.ts';
import type { StatefulServices } from './services.ts';
import type { PluggedDevice } from './wiring.ts';

/** Resets the devices, each in turn, then the buses, then the other services that have state. */
export function resetMachine({ devices, buses }: RunningMachine, services: StatefulServices): void {
  for (const { id, device } of devices) inDevice(id, device, 'reset()', () => inDeviceEvent(device, device.reset));
  for (const { bus } of buses) bus.reset();
  services.reset(buses.map(({ bus }) => bus));
}

/** Ports and memory addresses of the devices that may reset the machine, with what the guest has mapped of them. */
export function resetPortsOf(devices: readonly PluggedDevice[]): ResetPort[] {
  return devices
    .filter(({ metadata }) => metadata.injections.some(({ token }) => token === ResetController))
    .flatMap(({ device, mappings, place }) =>
      [...mappings, ...place.bus.mapped(device)].map(({ kind, start, size, name }) => {
        return { address: start, size, name, isMemory: kind === 'Memory' };
      }),
    );
}
