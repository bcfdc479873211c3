import type { AcceleratorHost, ResetPort } from '../accelerator/index.ts';
import { ResetController } from '../bus/index.ts';
import { inDeviceEvent } from '../device/index.ts';
import type { RunningMachine } from './definition.ts';
import { inDevice } from './device-failures.ts';
import type { StatefulServices } from './services.ts';
import type { SnapshotMachine } from './snapshot/save.ts';
import type { Connection } from './wires/connections.ts';
import { interruptControllerOf } from './wires/interrupt-controllers.ts';
import type { PluggedDevice } from './wiring.ts';

/** What the accelerator of a machine knows of it. `processor` are the wires that lead to the processor. */
export function acceleratorHost(machine: SnapshotMachine, processor: readonly Connection[]): AcceleratorHost {
  const { topology, memory, io, clock, inbox } = machine;
  const deviceOf = (id: string) => machine.deviceById(id)?.device;
  const interruptController = interruptControllerOf(machine.definition, deviceOf, processor);
  return {
    // Devices come and go.
    get resetPorts() {
      return resetPortsOf(machine.devices);
    },
    topology,
    memory,
    io,
    clock,
    inbox,
    /** All devices and services. */
    reset: () => {
      resetMachine(machine, machine.statefulServices);
      machine.backends.remind();
    },
    ...(interruptController === undefined ? {} : { interruptController }),
  };
}

/** Resets the devices, each in turn, then the buses, then the other services that have state. */
export function resetMachine({ devices, buses }: RunningMachine, services: StatefulServices): void {
  for (const { id, device } of devices) inDevice(id, device, 'reset()', () => inDeviceEvent(device, device.reset));
  for (const { bus } of buses) bus.reset();
  services.reset(buses.map(({ bus }) => bus));
}

/** Ports and memory addresses of the devices that may reset the machine, with what the guest has mapped of them. */
function resetPortsOf(devices: readonly PluggedDevice[]): ResetPort[] {
  return devices
    .filter(({ metadata }) => metadata.injections.some(({ token }) => token === ResetController))
    .flatMap(({ device, mappings, place }) =>
      [...mappings, ...place.bus.mapped(device)].map(({ kind, start, size, name }) => {
        return { address: start, size, name, isMemory: kind === 'Memory' };
      }),
    );
}
