import type { InterruptController } from '../../accelerator/index.ts';
import type { Problem } from '../../base/errors.ts';
import {
  type Device,
  type InterruptControllerDevice,
  inDeviceEvent,
  interruptControllerRole,
} from '../../device/index.ts';
import { type Connection, ProcessorInput } from './connections.ts';
import { DeviceWire, endsOf, type Signal } from './wire.ts';

/** An interrupt of the processor by level, with a fixed vector: what a PLIC's output is, or the output of a single device. */
export interface ProcessorInterrupt {
  /** An output of a device, a line of a bus, or a gate of them. */
  readonly from: Signal;
  /** What the guest's handler is registered for, 0 to 255. */
  readonly vector: number;
}

/** What a machine gives as its interruptController: ids of devices with that role, and outputs that lead to the processor. */
export type GivenControllers = string | ProcessorInterrupt | readonly (string | ProcessorInterrupt)[] | undefined;

const listOf = (given: GivenControllers): readonly (string | ProcessorInterrupt)[] =>
  [given ?? []].flat() as readonly (string | ProcessorInterrupt)[];

/** The ids of the devices that interrupt the processor, by a vector or by a wire. */
export function controllerIds(given: GivenControllers): readonly string[] {
  return listOf(given).flatMap((one) => {
    if (typeof one === 'string') return [one];
    return endsOf(one.from).flatMap((end) => (end instanceof DeviceWire ? [end.device] : []));
  });
}

/** The connections that lead to the processor. */
export function processorConnections(given: GivenControllers): readonly Connection[] {
  return listOf(given).flatMap((one) =>
    typeof one === 'string'
      ? []
      : [{ owner: undefined, at: 'interrupt', signal: one.from, to: new ProcessorInput(one.vector) }],
  );
}

/** Interrupt controllers that do not exist, or have not that role; `ids` are those of all devices. */
export function controllerMistakes(
  given: GivenControllers,
  ids: readonly string[],
  devices: readonly { readonly id: string; readonly device: Device }[],
): Problem[] {
  const controllers = listOf(given).filter((one) => typeof one === 'string');
  const missing = controllers
    .filter((id) => !ids.includes(id))
    .map((id) => ({
      code: 'no-such-device',
      message: `The machine's interruptController is '${id}', and no device has that id. Give one that id.`,
    }));
  const unable = devices
    .filter(({ id, device }) => controllers.includes(id) && !isInterruptController(device))
    .map(({ id, device }) => ({
      code: 'not-an-interrupt-controller',
      message:
        `The machine's interruptController is '${id}', and ${device.constructor.name} is not declared as one: the processor would ` +
        `never be interrupted. Put @interruptController() above a class with 'pending' and acknowledge(), or lead an output of it to ` +
        `the processor: interruptController: { from: pin('${id}', name), vector: 0x20 }.`,
    }));
  return [...missing, ...unable];
}

/** A device as the accelerator asks it. */
class ControllerOfDevice implements InterruptController {
  constructor(private readonly device: Device & InterruptControllerDevice) {}

  get pending(): boolean {
    return this.device.pending;
  }

  acknowledge(): number {
    return inDeviceEvent(this.device, this.device.acknowledge);
  }
}

/** Several interrupt controllers of one processor: the first one with a pending interrupt is served first. */
class InterruptSources implements InterruptController {
  constructor(private readonly sources: readonly InterruptController[]) {}

  get pending(): boolean {
    const { sources } = this;
    for (let index = 0; index < sources.length; index++)
      if ((sources[index] as InterruptController).pending) return true;
    return false;
  }

  acknowledge(): number {
    const source = this.sources.find(({ pending }) => pending) ?? this.sources[0]!;
    return source.acknowledge();
  }
}

/** What interrupts the processor, in the order of the definition; `inputs` are those of `processorConnections`. */
export function interruptControllerOf(
  { interruptController: given }: { readonly interruptController?: GivenControllers },
  deviceOf: (id: string) => Device | undefined,
  inputs: readonly Connection[],
): InterruptController | undefined {
  const ofWires = inputs.flatMap(({ to }) => (to instanceof ProcessorInput ? [to] : []));
  const sources = listOf(given).flatMap((one): readonly InterruptController[] => {
    if (typeof one !== 'string') return ofWires.splice(0, 1);
    const device = deviceOf(one);
    return device !== undefined && isInterruptController(device) ? [new ControllerOfDevice(device)] : [];
  });
  return sources.length > 1 ? new InterruptSources(sources) : sources[0];
}

function isInterruptController(device: Device): device is Device & InterruptControllerDevice {
  return device.metadata.attribute(interruptControllerRole) === true;
}
