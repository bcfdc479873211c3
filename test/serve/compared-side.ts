import type { ManualClock } from '../../sdk/clock/index.ts';
import { saveDevice } from '../../sdk/device/index.ts';
import type { PciDevice } from '../../sdk/pci.ts';
import { ClientMemory } from '../../sdk/serve/client-memory.ts';
import type { Served } from '../../sdk/serve/node/served.ts';
import type { ServedSides } from './served-sides.ts';

/** The first piece that a PC without a display maps, up to the ROMs of cards: both sides have it, and the device reaches no more. */
export const Memory = 0xc_0000;
/** All of it, in words of qtest. */
export const lowMemory = `0x0 0x${Memory.toString(16)}`;

/** The device's memory is that piece, and nothing else. */
export function reachOnlyLowMemory(served: Served): void {
  const memory = served.machine.service(ClientMemory) as ClientMemory;
  const add = memory.add.bind(memory);
  memory.add = (request, shared) => add(request, request.address === 0 ? shared : undefined);
}

type PassingClock = Pick<ManualClock, 'advance' | 'nextDeadline' | 'now' | 'rebaseWhenNear'>;

/** As on a bench: after each piece of time, what the device has written reaches the other sides. */
export function clockWithSides(clock: PassingClock, sides: ServedSides): ManualClock {
  const followed: PassingClock = {
    get now() {
      return clock.now;
    },
    nextDeadline: () => clock.nextDeadline(),
    rebaseWhenNear: () => clock.rebaseWhenNear(),
    advance: (nanoseconds) => {
      clock.advance(nanoseconds);
      sides.settle();
    },
  };
  return followed as ManualClock;
}

/** What a device saves, without the entries of MSI-X: those of QEMU are in its own table. */
export function stateOf(device: PciDevice): unknown {
  const saved = saveDevice(device) as { readonly fields: { readonly msix?: { readonly vectors: object } } };
  const { msix, ...fields } = saved.fields;
  if (msix === undefined) return saved;
  return { ...saved, fields: { ...fields, msix: { ...msix, vectors: { ...msix.vectors, entries: [] } } } };
}

/** Where two values first differ, by path. */
export function firstDifference(path: string, here: unknown, there: unknown): string | undefined {
  const [a, b] = [JSON.stringify(here), JSON.stringify(there)];
  if (a === b) return undefined;
  if (isObject(here) && isObject(there)) {
    for (const name of Object.keys({ ...here, ...there })) {
      const inner = firstDifference(`${path}.${name}`, here[name], there[name]);
      if (inner !== undefined) return inner;
    }
  }
  return `${path}: here ${a}, through QEMU ${b}`;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;
