import type { UsedDevice } from '../../sdk/index.ts';
import type { MachineRequest } from '../../sdk/machine/definition.ts';
import { Machine } from '../../sdk/machine/index.ts';
import { ClientAccelerator } from '../../sdk/serve/client-accelerator.ts';
import { noCounts } from '../../sdk/serve/counts.ts';
import type { ClientLink, SharedMemory } from '../../sdk/serve/link.ts';
import type { MapRequest } from '../../sdk/serve/requests.ts';
import { ServedFunction } from '../../sdk/serve/served-function.ts';
import { Session } from '../../sdk/serve/session.ts';
import { servedMachine } from '../../sdk/serve/surround.ts';
import { Reply, version } from './client.ts';

/** Files by their descriptors, and what was done with them. */
export class MemoryLink implements ClientLink {
  readonly sent: Reply[] = [];
  /** Eventfds that were signalled, in order. */
  readonly signals: number[] = [];
  readonly closed: number[] = [];
  readonly released: MapRequest[] = [];
  /** What is an eventfd; everything else is a file of so many bytes. */
  readonly files = new Map<number, Uint8Array>();
  /** Those that are read and written as files; each transfer of them, as offset and size. */
  readonly unmapped = new Set<number>();
  readonly transfers: [offset: number, size: number][] = [];
  /** Those of huge pages, which cannot be shared safely. */
  readonly refused = new Set<number>();
  readonly watched = new Map<number, () => void>();

  constructor(readonly passesDescriptors = true) {}

  send(message: DataView): void {
    // The bytes are the session's, and used again.
    this.sent.push(
      new Reply(new DataView(message.buffer.slice(message.byteOffset, message.byteOffset + message.byteLength))),
    );
  }

  map(request: MapRequest, descriptor: number | undefined): SharedMemory | number | undefined {
    const file = descriptor === undefined ? undefined : this.files.get(descriptor);
    if (this.refused.has(descriptor ?? -1)) return 95;
    if (file === undefined) return undefined;
    if (file.length < request.offset + request.size) return 22;
    const bytes = file.subarray(request.offset, request.offset + request.size);
    if (this.unmapped.has(descriptor as number)) return this.asFile(bytes, request);
    const view = new DataView(file.buffer, file.byteOffset + request.offset, request.size);
    return { blocks: [{ bytes, view, hostAddress: 0 }], release: () => this.released.push(request) };
  }

  private asFile(bytes: Uint8Array, request: MapRequest): SharedMemory {
    return {
      read: (at, target) => {
        this.transfers.push([request.offset + at, target.length]);
        target.set(bytes.subarray(at, at + target.length));
        return true;
      },
      write: (at, source) => {
        this.transfers.push([request.offset + at, source.length]);
        bytes.set(source, at);
        return true;
      },
      release: () => this.released.push(request),
    };
  }

  isEventfd(descriptor: number): boolean {
    return !this.files.has(descriptor);
  }

  signal(descriptor: number): void {
    this.signals.push(descriptor);
  }

  /** Whether the client leaves eventfds unread. */
  isSlow = false;
  readonly takenBack: number[] = [];

  takeBack(descriptor: number): boolean {
    if (this.isSlow) this.takenBack.push(descriptor);
    return this.isSlow;
  }

  watch(descriptor: number, callback: () => void): () => void {
    this.watched.set(descriptor, callback);
    return () => this.watched.delete(descriptor);
  }

  closeDescriptor(descriptor: number): void {
    this.closed.push(descriptor);
  }
}

/** A served function and a client of it, without sockets. The test moves the time. */
export class ScriptedClient {
  /** Nanoseconds of the host. */
  now = 0;
  readonly notes: string[] = [];
  readonly counts = noCounts();
  readonly served: ServedFunction;
  readonly machine: Machine;
  link: MemoryLink;
  session: Session;
  /** Why the session ended. */
  end: string | undefined;

  constructor(
    used: UsedDevice,
    { passesDescriptors = true, ...request }: MachineRequest & { passesDescriptors?: boolean } = {},
  ) {
    this.machine = Machine.create(servedMachine(used), { ...request, accelerator: new ClientAccelerator() });
    this.served = new ServedFunction(this.machine, () => this.now);
    this.link = new MemoryLink(passesDescriptors);
    this.session = this.connect();
  }

  /** Another client, with nothing agreed on. */
  connect(): Session {
    this.session?.close();
    this.end = undefined;
    this.link = new MemoryLink(this.link.passesDescriptors);
    this.session = new Session(this.served, this.link, {
      counts: this.counts,
      note: (sentence) => this.notes.push(sentence),
      agreed: () => {},
      end: (why) => {
        this.end = why;
        this.session.close();
      },
    });
    return this.session;
  }

  /** Agrees on a version. */
  attach(): this {
    this.ask(version());
    return this;
  }

  /** Sends a message; answers all that came back. */
  tell(message: DataView, descriptors: readonly number[] = []): Reply[] {
    const before = this.link.sent.length;
    this.session.receive(message, descriptors);
    return this.link.sent.slice(before);
  }

  /** Sends a message that has one reply. */
  ask(message: DataView, descriptors: readonly number[] = []): Reply {
    const replies = this.tell(message, descriptors);
    if (replies.length !== 1) throw new Error(`${replies.length} replies, and one was expected`);
    return replies[0] as Reply;
  }

  /** Guest time passes. */
  advance(nanoseconds: number): void {
    this.now += nanoseconds;
    this.served.catchUp();
  }
}
