import { BackplaneError, describeThrown, type Problem } from '../base/errors.ts';
import type { Json, JsonReader } from '../base/json-reader.ts';
import { didYouMean } from '../base/text.ts';
import { type Device, devicesIn, type OptionSet } from '../device/index.ts';
import { type BackendPart, backendsOf, isBackendId } from '../device/part.ts';
import { BlockBackend } from './block-backend.ts';
import { BlockLine } from './block-line.ts';
import { CharBackend } from './char-backend.ts';
import { CharLine } from './char-line.ts';
import { Inbox } from './inbox.ts';
import { inboxAsData, inboxFromData } from './saved-inbox.ts';
import type { Backend, BlockImage, CharTransport } from './transport.ts';

/** Called when a back end failed: its id, and what the user should know. */
export type BackendErrorSink = (id: string, message: string) => void;

/** A back end of a machine. */
export interface PresentBackend {
  readonly backend: Backend;
  readonly line: CharLine | BlockLine;
}

/** A device, as far as the check of its back ends is concerned. */
export interface AskingDevice {
  readonly id: string;
  readonly metadata: { readonly options: OptionSet };
  /** The values of its options; a back end is an id. */
  readonly values: Readonly<Record<string, unknown>>;
}

/** Names that machines have by default: nothing is wrong if no back end has them. */
const usualName = /^((serial|parallel)\d+|vgabios|keyboard)$/;

/** The back ends of one machine, and the inbox through which they reach its devices. */
export class MachineBackends {
  readonly inbox = new Inbox();
  private readonly present = new Map<string, PresentBackend>();

  constructor(backends: readonly Backend[] = [], onError: BackendErrorSink = () => {}) {
    this.orClose(() => {
      for (const backend of backends) this.open(backend, (message) => onError(backend.id, message));
    });
  }

  get all(): readonly PresentBackend[] {
    return [...this.present.values()];
  }

  find(id: string): PresentBackend | undefined {
    return this.present.get(id);
  }

  /** What is wrong with the back ends that `devices` ask for; `others` have theirs already. @internal */
  problems(devices: readonly AskingDevice[], others: readonly AskingDevice[] = []): Problem[] {
    const takenBy = new Map<string, string>();
    for (const { id, name } of others.flatMap(wishesOf)) takenBy.set(name, id);
    return devices.flatMap(wishesOf).flatMap(({ id, option, name, type }): Problem[] => {
      const where = `Device '${id}': option '${option}'`;
      const found = this.present.get(name)?.backend;
      if (found === undefined) return this.isUsual(name) ? [] : [this.unknown(where, name, type)];
      if (found.type !== type) {
        const message = `${where} takes a ${type} back end, and '${name}' is a ${found.type} one (${found.kind}). Name another.`;
        return [{ code: 'wrong-backend-type', message }];
      }
      const other = takenBy.get(name);
      takenBy.set(name, id);
      if (other === undefined) return [];
      const message = `${where} names back end '${name}', which '${other}' has already. Give one of them another back end.`;
      return [{ code: 'backend-in-use', message }];
    });
  }

  /** Makes what a constructor gets for an option: `part` knows its back end, and takes nothing out of the inbox yet. */
  connect<P extends BackendPart>(part: P): P {
    const line = this.present.get(part.id)?.line;
    if (part instanceof CharBackend && line instanceof CharLine)
      part.attachTo(line, line.isOpen, line.owner === undefined ? line.inFlight : 0);
    if (part instanceof BlockBackend && line instanceof BlockLine) part.attachTo(line);
    return part;
  }

  /** The device is in its place: events go to it from here on. */
  give(device: Device): void {
    for (const part of backendsOf(device).values()) {
      const line = this.present.get(part.id)?.line;
      const owner = ownerOfPart(device, part);
      if (line instanceof CharLine && part instanceof CharBackend) line.give({ device: owner, part });
      if (line instanceof BlockLine) line.owner = owner;
    }
  }

  /** The device has gone, and its back ends are free. */
  takeBack(device: Device): void {
    for (const part of backendsOf(device).values()) {
      const line = this.present.get(part.id)?.line;
      if (line?.owner !== ownerOfPart(device, part)) continue;
      if (line instanceof CharLine) line.give(undefined);
      else line.owner = undefined;
    }
  }

  /** The devices were reset: what waited for them waits for them again. */
  remind(): void {
    for (const { line } of this.present.values()) if (line instanceof CharLine) line.remind();
  }

  /** From here on the transports receive. */
  start(): void {
    for (const { line } of this.all) line.start();
  }

  /** What waits in the inbox; undefined where nothing does. */
  save(): readonly Json[] | undefined {
    this.flush();
    const events = inboxAsData(this.inbox.pending);
    return events.length === 0 ? undefined : events;
  }

  /** Reads what was saved, and answers how to put it into force, once devices have their state. Then transports receive. @internal */
  read(saved: JsonReader): () => void {
    const entries = inboxFromData(saved, (event) => this.inbox.knows(event));
    const events = entries.map(({ event }) => event);
    return () => {
      for (const { event, before, at } of entries) this.inbox.post(event, before, at);
      for (const { line } of this.all) if (line instanceof CharLine) line.resume(events);
      this.start();
    };
  }

  /** Gives the transports what the guest has written. */
  flush(): void {
    for (const { line } of this.present.values()) if (line instanceof CharLine) line.flush();
  }

  /** What `make` answers. If it throws, they are closed. @internal */
  orClose<T>(make: () => T): T {
    try {
      return make();
    } catch (failure) {
      void this.close();
      throw failure;
    }
  }

  /** Ends all of them: what the guest has written leaves before. */
  async close(): Promise<void> {
    await Promise.all(this.all.map(({ line }) => line.close()));
  }

  private open(backend: Backend, onError: (message: string) => void): void {
    const { id, type, kind } = backend;
    if (!isBackendId(id))
      throw new BackplaneError(
        'invalid-backend-id',
        `A back end (${kind}) has the id '${id}'. Write a letter, then at most 63 letters, digits, '-', '.' or '_'.`,
      );
    if (this.present.has(id))
      throw new BackplaneError('duplicate-backend', `Two back ends have the id '${id}'. Give one of them another id.`);
    const opened = openOne(backend);
    const line =
      type === 'char'
        ? new CharLine(id, opened as CharTransport, this.inbox, onError)
        : new BlockLine(id, opened as BlockImage, onError);
    this.present.set(id, { backend, line });
  }

  private isUsual(name: string): boolean {
    return usualName.test(name);
  }

  private unknown(where: string, name: string, type: string): Problem {
    const known = this.all.filter(({ backend }) => backend.type === type).map(({ backend }) => backend.id);
    const hint = didYouMean(name, known, `The ${type} back ends are ${known.join(', ') || 'none'}.`);
    return { code: 'no-such-backend', message: `${where} names the back end '${name}', and there is none. ${hint}` };
  }
}

function openOne(backend: Backend): CharTransport | BlockImage {
  const { id, kind } = backend;
  let opened: ReturnType<Backend['open']>;
  try {
    opened = backend.open();
  } catch (cause) {
    if (cause instanceof BackplaneError) throw cause;
    const message = `Back end '${id}' (${kind}) could not be opened: ${describeThrown(cause)}`;
    throw new BackplaneError('backend-not-opened', message, { cause });
  }
  if (!(opened instanceof Promise)) return opened;
  opened.catch(() => {});
  const message = `Back end '${id}' (${kind}) opens asynchronously, and a machine is built synchronously. Write await openBackends([...]) first.`;
  throw new BackplaneError('asynchronous-backend', message);
}

/**
 * Opens those that take a while, and answers back ends that are ready for `Machine.create`. If no machine can be made with them, they
 * are closed.
 */
export async function openBackends(backends: readonly Backend[]): Promise<readonly Backend[]> {
  const opened = await Promise.allSettled(backends.map(async (backend) => backend.open()));
  const failed = opened.find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') {
    // The others would keep their sockets and locks.
    for (const one of opened) if (one.status === 'fulfilled') await one.value.close();
    throw failed.reason;
  }
  return backends.map(({ id, type, kind }, index) => {
    const one = opened[index] as PromiseFulfilledResult<CharTransport | BlockImage>;
    const ready: Backend = {
      ...{ id, type, kind },
      open() {
        waiting.delete(ready);
        return one.value;
      },
    };
    waiting.set(ready, one.value);
    return ready;
  });
}

/** What `openBackends` has opened, and no machine has taken. */
const waiting = new WeakMap<Backend, CharTransport | BlockImage>();

/** Ends those that were opened for a machine that does not come. */
export async function closeBackends(backends: readonly Backend[]): Promise<void> {
  const left = backends.flatMap((backend) => {
    const one = waiting.get(backend);
    waiting.delete(backend);
    return one ?? [];
  });
  await Promise.allSettled(left.map(async (one) => one.close()));
}

/** Makes the machine of a request. If that fails, none of the back ends for it stays open. */
export function orCloseBackends<T>(request: { readonly backends?: readonly Backend[] }, make: () => T): T {
  try {
    return make();
  } catch (failure) {
    const given: unknown = request?.backends;
    if (Array.isArray(given)) void closeBackends(given.filter((one) => typeof one === 'object' && one !== null));
    throw failure;
  }
}

/** The device whose field holds the part, which may be inside the one that got it. */
function ownerOfPart(device: Device, part: BackendPart): Device {
  const inside = devicesIn(device).map((one) => one.device);
  return inside.reverse().find((one) => Object.values(one).includes(part)) ?? device;
}

interface Wish {
  /** Of the device. */
  readonly id: string;
  readonly option: string;
  /** Of the back end. */
  readonly name: string;
  readonly type: string;
}

function wishesOf({ id, metadata, values }: AskingDevice): Wish[] {
  return Object.entries(metadata.options.declarations).flatMap(([option, { backend }]) => {
    const name = values[option];
    if (backend === undefined || typeof name !== 'string' || name === '') return [];
    return [{ id, option, name, type: backend.backendType }];
  });
}
