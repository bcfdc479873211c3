import { describeThrown } from '../base/errors.ts';
import type { Device } from '../device/index.ts';
import type { CharBackend, CharEnd } from './char-backend.ts';
import { type InboxEvent, MostPending, MostWaiting, WindowToHost } from './events.ts';
import type { Inbox, InboxTarget } from './inbox.ts';
import type { CharHost, CharTransport } from './transport.ts';

/** Bytes of the guest that are collected before a transport gets them. */
const Chunk = 4096;

/** The device that has a back end, and what it has of it. */
interface Front {
  readonly device: Device;
  readonly part: CharBackend;
}

/** What a line holds beside its device. */
export interface SavedLine {
  readonly isOpen: boolean;
  readonly window: number;
  readonly left: number;
}

/** Between a transport, which lives in host time, and a device, which lives in guest time. */
export class CharLine implements CharEnd, CharHost, InboxTarget {
  readonly isImmediate: boolean;
  /** Less where a test makes it so. */
  window = WindowToHost;
  /** As the guest knows it. */
  isOpen: boolean;
  /** For `info chardev`. */
  bytesIn = 0;
  bytesOut = 0;
  private front: Front | undefined;
  private readonly out = new Uint8Array(Chunk);
  private collected = 0;
  private isReceiving = true;
  private isStarted = false;
  private isClosed = false;
  /** Bytes that have left, which the device was not told of. */
  private left = 0;
  /** What came last of the other side's coming and going, for which the inbox had no room: two events at the most. */
  private unposted: InboxEvent[] = [];
  /** Bytes of a device that is gone, which are on their way. */
  private leftBehind = 0;
  private readonly queue: { readonly bytes: number };

  constructor(
    readonly id: string,
    /** A recording puts itself in front of it. */
    public transport: CharTransport,
    private readonly inbox: Inbox,
    private readonly onError: (message: string) => void,
  ) {
    this.isImmediate = transport.isImmediate === true;
    this.isOpen = transport.startsClosed !== true;
    this.queue = inbox.route(id, this);
  }

  start(): void {
    if (this.isStarted) return;
    this.isStarted = true;
    this.attempt(() => this.transport.start(this));
  }

  /** A device gets it, or loses it. @internal */
  give(front: Front | undefined): void {
    this.leftBehind = front === undefined ? Math.max(0, this.inFlight - this.left) : 0;
    if (front === undefined) this.left = 0;
    this.front = front;
    this.inbox.update();
    this.control();
  }

  /** Bytes on their way. @internal */
  get inFlight(): number {
    return this.front?.part.inFlight ?? this.leftBehind;
  }

  /** Bytes that have arrived and that the device has not taken. */
  get waiting(): number {
    return (this.front?.part.waiting ?? 0) + this.queue.bytes;
  }

  /** Its device was reset. */
  remind(): void {
    this.front?.part.remind(this.front.device);
  }

  get owner(): Device | undefined {
    return this.front?.device;
  }

  put(byte: number): void {
    this.out[this.collected++] = byte;
    if (this.collected === Chunk) this.flush();
  }

  taken(): void {
    if (this.queue.bytes === 0) return;
    this.inbox.update();
    this.control();
  }

  /** Gives the transport what the guest has written. */
  flush(): void {
    if (this.collected === 0) return;
    const bytes = this.out.slice(0, this.collected);
    this.collected = 0;
    this.bytesOut += bytes.length;
    this.attempt(() => this.transport.write(bytes));
    this.reportSent();
  }

  /**
   * A snapshot was restored, and the transport is a new one. What that changes for the guest is posted: a client is gone, or there.
   * What was on its way when the machine was saved has arrived: the old transport has seen to it.
   */
  resume(pending: readonly InboxEvent[]): void {
    const { front } = this;
    if (front !== undefined) this.isOpen = front.part.isOpen;
    if (this.transport.isReplayed === true) return;
    const own = pending.filter((event) => event.kind !== 'option' && event.backend === this.id);
    const last = own.findLast(({ kind }) => kind === 'open' || kind === 'close')?.kind;
    const willBeOpen = last === undefined ? this.isOpen : last === 'open';
    const sent = own.reduce((sum, event) => sum + (event.kind === 'sent' ? event.count : 0), 0);
    const inFlight = (front?.part.inFlight ?? 0) - sent;
    if (inFlight > 0) this.post({ kind: 'sent', backend: this.id, count: inFlight });
    if (willBeOpen && this.transport.startsClosed === true) this.closed();
    if (!willBeOpen && this.transport.startsClosed !== true) this.opened();
  }

  takes(count: number): number {
    return this.front?.part.takes(count) ?? 0;
  }

  deliver(event: InboxEvent): void {
    if (event.kind === 'open') this.isOpen = true;
    if (event.kind === 'close') {
      this.isOpen = false;
      this.left = this.leftBehind = 0;
    }
    if (event.kind === 'sent') this.leftBehind = Math.max(0, this.leftBehind - event.count);
    if (event.kind === 'receive') this.bytesIn += event.bytes.length;
    this.front?.part.deliver(event, this.front.device);
    this.postAgain();
    this.control();
  }

  received(bytes: Uint8Array): void {
    const room = MostPending - this.queue.bytes;
    if (bytes.length > room) this.failed(`${bytes.length - room} bytes are lost: the device does not take them.`);
    this.post({ kind: 'receive', backend: this.id, bytes: bytes.subarray(0, Math.max(0, room)) });
    this.control();
  }

  sent(count: number): void {
    if (this.isImmediate) return;
    if (!Number.isSafeInteger(count) || count < 0) {
      this.failed(`it says that ${count} bytes have left, which is no count. That is a mistake of its kind.`);
      return;
    }
    if (this.front === undefined) this.leftBehind = Math.max(0, this.leftBehind - count);
    else this.left += count;
    this.reportSent();
  }

  /** A device that has room for half of the window and more needs no event, unless a write of its was refused. */
  private reportSent(): void {
    const { left } = this;
    const part = this.front?.part;
    const isFull = left > 0 && (part?.inFlight ?? 0) > WindowToHost / 2;
    if (!isFull && part?.isBlocked !== true) return;
    this.left = 0;
    this.post({ kind: 'sent', backend: this.id, count: left });
  }

  /** What another line of the same kind goes on from, on a bench. @internal */
  save(): SavedLine {
    const { isOpen, window, left } = this;
    return { isOpen, window, left };
  }

  /** @internal */
  load(saved: SavedLine): void {
    ({ isOpen: this.isOpen, window: this.window, left: this.left } = saved);
  }

  opened(): void {
    this.post({ kind: 'open', backend: this.id });
  }

  closed(): void {
    this.post({ kind: 'close', backend: this.id });
  }

  break(): void {
    this.post({ kind: 'break', backend: this.id });
  }

  failed(message: string): void {
    this.onError(message);
  }

  /** Ends it, once. A failure is reported, and not thrown. */
  async close(): Promise<void> {
    this.flush();
    if (this.isClosed) return;
    this.isClosed = true;
    try {
      await this.transport.close();
    } catch (failure) {
      this.failed(describeThrown(failure));
    }
  }

  private post(event: InboxEvent): void {
    if (this.unposted.length > 0 && isState(event)) {
      this.keep(event);
      return;
    }
    try {
      this.inbox.post(event);
    } catch (failure) {
      this.failed(describeThrown(failure));
      if (isState(event)) this.keep(event);
    }
  }

  /** Whether the line is open must not be lost for good, nor that a client has gone: its window has gone with it. */
  private keep(event: InboxEvent): void {
    const [first] = this.unposted;
    if (this.unposted.length < 2) this.unposted.push(event);
    else if (first?.kind === event.kind) this.unposted = [event];
  }

  private postAgain(): void {
    for (const event of this.unposted.splice(0)) this.post(event);
  }

  /** Stops the transport while more waits than a device has room for, and lets it go on. */
  private control(): void {
    const wanted = this.queue.bytes < MostWaiting;
    if (wanted === this.isReceiving) return;
    this.isReceiving = wanted;
    this.attempt(() => this.transport.setReceiving?.(wanted));
  }

  private attempt(work: () => void | Promise<void>): void {
    try {
      const done = work();
      if (done instanceof Promise) done.catch((failure) => this.failed(describeThrown(failure)));
    } catch (failure) {
      this.failed(describeThrown(failure));
    }
  }
}

const isState = ({ kind }: InboxEvent): boolean => kind === 'open' || kind === 'close';
