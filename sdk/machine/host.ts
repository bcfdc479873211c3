import type { InterruptController, ResetPort } from '../accelerator/index.ts';
import { BackplaneError, DeviceFailure, describeThrown } from '../base/errors.ts';
import { hex } from '../base/text.ts';
import { PciBus, PciDevice, ResetController } from '../bus/index.ts';
import { runDevice, type Timer } from '../clock/index.ts';
import { type Device, type GuestErrors, timersOf } from '../device/index.ts';
import type { MemoryRegion } from '../memory/index.ts';
import type { RunningMachine } from './definition.ts';
import type { StatefulServices } from './services.ts';
import type { PluggedDevice } from './wiring.ts';

/** Runs code of a device. An error comes out as a DeviceFailure with the device's name, and the original as its cause. */
export function inDevice<T>(id: string, device: Device, what: string, work: () => T): T {
  try {
    return runDevice(work);
  } catch (cause) {
    throw deviceFailure(id, device, what, cause);
  }
}

/** Cleans up after a failure, which is reported already: a second one must not hide it. */
export function quietly(takeDown: () => void): void {
  try {
    takeDown();
  } catch {}
}

/** Unrealizes devices, the last one first. A failure does not stop the others; answers all failures. */
export function unrealizeAll(devices: readonly PluggedDevice[]): unknown[] {
  return [...devices].reverse().flatMap(({ id, device }) => {
    try {
      inDevice(id, device, 'onUnrealize()', () => device.unrealize());
      return [];
    } catch (failure) {
      return [failure];
    }
  });
}

/** Resets the devices, each in turn, then their bus, then the services that have state. */
export function resetMachine(machine: RunningMachine, services: StatefulServices): void {
  for (const { id, device } of machine.devices) inDevice(id, device, 'reset()', () => device.reset());
  const pci = machine.service(PciBus);
  pci?.reset();
  services.reset([pci]);
}

export function prepareMachine(machine: RunningMachine): void {
  const { definition } = machine;
  try {
    definition.prepare?.(machine);
  } catch (cause) {
    throw new BackplaneError(
      'prepare-failure',
      `Machine '${definition.name}': prepare() threw: ${describeThrown(cause)}`,
      { cause },
    );
  }
}

/** Names the device whose timer failed; a timer of no device has only its own name. */
export function timerFailure(devices: readonly PluggedDevice[], timer: Timer, cause: unknown): Error {
  const owner = devices.find(({ device }) => [...timersOf(device).values()].includes(timer));
  const what = `timer '${timer.name}'`;
  if (owner !== undefined) return deviceFailure(owner.id, owner.device, what, cause);
  return new DeviceFailure(`${what} threw: ${describeThrown(cause)}`, undefined, cause);
}

function deviceFailure(id: string, device: Device, what: string, cause: unknown): DeviceFailure {
  const { type } = device.metadata;
  const name = type === id ? `'${id}'` : `'${id}' (${type})`;
  return new DeviceFailure(`Device ${name}: ${what} threw: ${describeThrown(cause)}`, device, cause);
}

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

/** Ports and memory addresses of the devices that may reset the machine, with their BARs where the guest has put them. */
export function resetPlacesOf(devices: readonly PluggedDevice[]): ResetPort[] {
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

/** Several interrupt controllers of one processor: the first one with a pending interrupt is served first. */
class InterruptSources implements InterruptController {
  constructor(private readonly sources: readonly InterruptController[]) {}

  get pending(): boolean {
    for (const source of this.sources) if (source.pending) return true;
    return false;
  }

  acknowledge(): number {
    const source = this.sources.find(({ pending }) => pending) ?? this.sources[0]!;
    return source.acknowledge();
  }
}

/** The interrupt controller of the processor, from the devices that the machine names as such. */
export function interruptSourceOf(devices: readonly Device[]): InterruptController | undefined {
  const sources = devices.filter(isInterruptController);
  return sources.length > 1 ? new InterruptSources(sources) : sources[0];
}

export function isInterruptController(device: object): device is InterruptController & Device {
  return 'pending' in device && hasAcknowledge(device);
}

export function hasAcknowledge(device: object): boolean {
  return 'acknowledge' in device && typeof device.acknowledge === 'function';
}
