import type { InterruptController } from '../../accelerator/index.ts';
import type { Problem } from '../../base/errors.ts';
import type { Device } from '../../device/index.ts';

/** Interrupt controllers that do not exist, or cannot interrupt a processor; `ids` are those of all devices. */
export function controllerMistakes(
  controllers: readonly string[],
  ids: readonly string[],
  devices: readonly { readonly id: string; readonly device: Device }[],
): Problem[] {
  const missing = controllers
    .filter((id) => !ids.includes(id))
    .map((id) => ({
      code: 'no-such-device',
      message: `The machine's interruptController is '${id}', and no device has that id. Give one that id.`,
    }));
  const unable = devices
    .filter(({ id, device }) => controllers.includes(id) && !isInterruptController(device))
    .map(({ id, device }) => {
      const lacks = 'pending' in device ? 'no acknowledge()' : hasAcknowledge(device) ? "no 'pending'" : undefined;
      return {
        code: 'not-an-interrupt-controller',
        message:
          `The machine's interruptController is '${id}', and ${device.constructor.name} has ` +
          `${lacks ?? "neither 'pending' nor acknowledge()"}: the processor would never be interrupted. ` +
          'Name a device that has both, or leave interruptController out.',
      };
    });
  return [...missing, ...unable];
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
export function interruptControllerOf(devices: readonly Device[]): InterruptController | undefined {
  const sources = devices.filter(isInterruptController);
  return sources.length > 1 ? new InterruptSources(sources) : sources[0];
}

function isInterruptController(device: object): device is InterruptController & Device {
  return 'pending' in device && hasAcknowledge(device);
}

function hasAcknowledge(device: object): boolean {
  return 'acknowledge' in device && typeof device.acknowledge === 'function';
}
