import type { Accelerator, AcceleratorHost, ResetPort } from '../accelerator/index.ts';
import { orCloseBackends } from '../backend/index.ts';
import { ResetController } from '../bus/index.ts';
import { type GuestErrors, inDeviceEvent } from '../device/index.ts';
import type { MachineRequest, RunningMachine } from './definition.ts';
import { inDevice, quietly } from './device-failures.ts';
import type { StatefulServices } from './services.ts';
import type { SnapshotMachine } from './snapshot/save.ts';
import type { Connection } from './wires/connections.ts';
import { interruptControllerOf } from './wires/interrupt-controllers.ts';
import type { PluggedDevice } from './wiring.ts';

/** Makes the machine of a request. Its accelerator is for that one alone; if it cannot be made, nothing that was opened for it stays open. */
export function forOneMachine<T>(request: MachineRequest, make: () => T): T {
  return orCloseBackends(request, () => {
    const given = request?.accelerator as Partial<Accelerator> | undefined;
    given?.take?.();
    try {
      return make();
    } catch (failure) {
      quietly(() => given?.detach?.());
      throw failure;
    }
  });
}

/** What the accelerator of a machine knows of it. `processor` are the wires that lead to the processor. */
export function acceleratorHost(
  machine: SnapshotMachine,
  processor: readonly Connection[],
  guestErrors: GuestErrors,
): AcceleratorHost {
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
    guestError: (what) => guestErrors.report('processor', what),
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
