import { join } from 'node:path';
import type { Backend } from '../../../backend/index.ts';
import type { UsedDevice } from '../../../machine/index.ts';
import { serve } from '../../../serve/node/serve.ts';
import type { Served } from '../../../serve/node/served.ts';
import { within } from '../emulator.ts';
import type { QmpObject } from '../qmp-client.ts';
import { deviceThrew } from './guest-failure.ts';
import type { QemuDevice } from './guest-options.ts';

const DeviceId = 'device';
const SocketName = 'device.sock';
/** Milliseconds that QEMU has to end its connection, when it was ended itself or has taken the device out. */
const LeaveTimeout = 60_000;
/** A device that says something at each access does not fill the memory. */
const MostNotes = 100;

/** A device that QEMU can plug in. */
export interface PluggedDevice {
  readonly id: string;
  /** Arguments of `device_add`, without its place. */
  readonly properties: QmpObject;
  /** Ours; QEMU's own is undefined. */
  readonly served: Served | undefined;
  /** Rejects when the device of this process throws. */
  readonly failure: Promise<never>;
  /** What the server said: the first sentences. */
  readonly notes: readonly string[];
  /** Ends its server, when QEMU has left it. */
  close(): Promise<void>;
}

/** Makes a device ready for QEMU: one of ours is served on a socket in this folder. */
export async function plugged(
  device: UsedDevice | QemuDevice,
  folder: string,
  { behind, backends }: { readonly behind: readonly UsedDevice[]; readonly backends: readonly Backend[] },
): Promise<PluggedDevice> {
  if ('driver' in device)
    return {
      id: DeviceId,
      properties: { ...device, id: DeviceId },
      served: undefined,
      failure: new Promise(() => undefined),
      notes: [],
      close: async () => undefined,
    };
  const path = join(folder, SocketName);
  const notes: string[] = [];
  let fail = (_cause: Error): void => undefined;
  const failure = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failure.catch(() => undefined);
  let failures = 0;
  const onNote = (sentence: string): void => {
    if (notes.length < MostNotes) notes.push(sentence);
    // The server counts what the device throws, and then says it.
    if (served === undefined || served.counts.failures === failures) return;
    failures = served.counts.failures;
    fail(deviceThrew(sentence));
  };
  let served: Served | undefined;
  const made = await serve(device, { socket: path, behind, backends, onNote });
  served = made;
  return {
    id: DeviceId,
    properties: { driver: 'vfio-user-pci', id: DeviceId, socket: { type: 'unix', path } },
    served: made,
    failure,
    notes,
    close: async () => {
      // QEMU unmaps the guest's memory from a device that is no longer in its tree. It aborts if the server leaves meanwhile.
      await within(LeaveTimeout, made.whenDetached());
      await made.close();
    },
  };
}
