import type { InterruptController } from '../accelerator/index.ts';
import type { Device } from '../device/index.ts';

/** Several interrupt controllers of one processor: the first one that wants something is served first. */
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

/** What interrupts the processor, of the devices that the machine names as its interrupt controllers. */
export function interruptSourceOf(devices: readonly Device[]): InterruptController | undefined {
  const sources = devices.filter(isInterruptController);
  return sources.length > 1 ? new InterruptSources(sources) : sources[0];
}

/** Sentences about interrupt controllers that are not there, or can interrupt no processor; `ids` are those of all devices. */
export function controllerMistakes(
  controllers: readonly string[],
  ids: readonly string[],
  devices: readonly { readonly id: string; readonly device: Device }[],
): string[] {
  const missing = controllers
    .filter((id) => !ids.includes(id))
    .map((id) => `The machine's interruptController is '${id}', and no device has that id. Give one that id.`);
  const unable = devices
    .filter(({ id, device }) => controllers.includes(id) && !isInterruptController(device))
    .map(({ id, device }) => {
      const lacks = 'pending' in device ? 'no acknowledge()' : hasAcknowledge(device) ? "no 'pending'" : undefined;
      return (
        `The machine's interruptController is '${id}', and ${device.constructor.name} has ` +
        `${lacks ?? "neither 'pending' nor acknowledge()"}: the processor would never be interrupted. ` +
        'Name a device that has both, or leave interruptController out.'
      );
    });
  return [...missing, ...unable];
}

function isInterruptController(device: object): device is InterruptController & Device {
  return 'pending' in device && hasAcknowledge(device);
}

function hasAcknowledge(device: object): boolean {
  return 'acknowledge' in device && typeof device.acknowledge === 'function';
}
