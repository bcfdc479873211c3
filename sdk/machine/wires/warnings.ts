import { pinsOf } from '../../device/index.ts';
import type { RunningMachine } from '../definition.ts';
import { connectionsOf } from './connections.ts';
import { controllerIds } from './interrupt-controllers.ts';
import { DeviceWire, type ServiceWire } from './wire.ts';

/** What most devices call the output that interrupts the processor. */
const InterruptNames: readonly string[] = ['irq', 'interrupt', 'intr', 'int'];

/**
 * Warnings of interrupts that reach nothing: an output that no wire leaves, and a line that nothing follows. Only where something
 * interrupts the processor, and only of a device whose single output is for interrupts.
 */
export function unwiredInterrupts(machine: RunningMachine): string[] {
  const { devices, definition } = machine;
  const controllers = controllerIds(definition.interruptController);
  if (controllers.length === 0) return [];
  const silent = devices.flatMap(({ id, device }) => {
    const [first, ...others] = [...pinsOf(device)];
    if (first === undefined || others.length > 0 || controllers.includes(id)) return [];
    const [name, pin] = first;
    if (pin.connected || !InterruptNames.includes(name)) return [];
    return [
      `Device '${id}': pin '${name}' is not wired, so it never interrupts. Say where it goes: ` +
        `interrupts: { ${name}: pin(device, name) }, or a line of a bus.`,
    ];
  });
  return [...silent, ...deadLines(machine)];
}

function deadLines(machine: RunningMachine): string[] {
  return machine.devices.flatMap(connectionsOf).flatMap(({ owner, at, to }) => {
    if (to instanceof DeviceWire || !('service' in to)) return [];
    if (isFollowed(to, machine)) return [];
    return [
      `Device '${owner}': pin '${at}' leads to ${to.description}, which nothing follows. Wire an input of the interrupt controller ` +
        `to it, inputs: { line: ... }, or choose another line.`,
    ];
  });
}

/** Whether something follows a line; of one that cannot tell, yes. */
const isFollowed = (wire: ServiceWire, machine: RunningMachine): boolean =>
  wire.sourceIn?.(machine.service(wire.service) as never)?.connected !== false;
