import { toHex } from '../base/bytes.ts';
import { runDevice } from '../clock/index.ts';
import { type Device, inDeviceEvent } from '../device/index.ts';
import { BackendPart } from '../device/part.ts';
import { type StateDifference, StateError } from '../state/restore-plan.ts';
import { state } from '../state/schema.ts';
import { shape } from '../state/shapes.ts';
import { ByteQueue, queueShape } from './byte-queue.ts';
import { type InboxEvent, MostWaiting, WindowToHost } from './events.ts';

/** What a device wants to be told. Each is an event of the device, between two instructions of the guest. */
export interface CharHandlers {
  /** Bytes have arrived: take what there is room for with `read()`. */
  onReceive?(): void;
  /** A write was refused, and there is room now. */
  onWritable?(): void;
  onOpen?(): void;
  onClose?(): void;
  onBreak?(): void;
}

/** The machine's end of a character back end, as its device uses it. */
export interface CharEnd {
  readonly isImmediate: boolean;
  /** Bytes that may be on their way at once. */
  readonly window: number;
  /** Takes a byte on its way to the host. */
  put(byte: number): void;
  /** The device has taken bytes: more may come. */
  taken(): void;
}

/**
 * A character back end as the device that has it sees it: `options({ chardev: option.backend(CharBackend, {...}) })`. The
 * constructor always gets one; without a back end behind it writes are dropped, and nothing arrives.
 */
export class CharBackend extends BackendPart {
  static readonly backendType = 'char';

  @state({ as: queueShape(MostWaiting) }) private readonly received = new ByteQueue(MostWaiting);
  @state({ as: shape.integer(0, WindowToHost) }) private unsent = 0;
  @state private wasRefused = false;
  @state private open = false;
  /** Whether it has a back end, for snapshots: without one nothing of it can go on. */
  @state private hasBackend = false;
  private end: CharEnd | undefined;
  private handlers: CharHandlers | undefined;

  /** A machine or a bench makes it. `id` is the name of its back end: 'serial0'; '' without one. */
  constructor(readonly id = '') {
    super();
  }

  /** There is a back end behind it. */
  get isChosen(): boolean {
    return this.end !== undefined;
  }

  /** The other side is there. False without a back end. */
  get isOpen(): boolean {
    return this.open;
  }

  /** Says what the device wants to be told: once, in the constructor or in `onRealize`. */
  connect(handlers: CharHandlers): void {
    this.handlers = handlers;
  }

  /** Sends a byte, 0 to 255. False: there is no room; keep the byte and send it again in `onWritable`. */
  write(byte: number): boolean {
    const { end } = this;
    if (end === undefined || !this.open) return true;
    if (!end.isImmediate) {
      if (this.unsent >= end.window) {
        this.wasRefused = true;
        return false;
      }
      this.unsent++;
    }
    end.put(byte);
    return true;
  }

  /** Bytes that `write` takes now. */
  get room(): number {
    const { end } = this;
    return end === undefined || !this.open ? WindowToHost : Math.max(0, end.window - this.unsent);
  }

  /** Bytes that have arrived and were not taken. */
  get waiting(): number {
    return this.received.length;
  }

  /** The next byte that has arrived, 0 to 255, or -1. */
  read(): number {
    const byte = this.received.take();
    if (byte >= 0) this.end?.taken();
    return byte;
  }

  /** A write was refused, and the device was not told of room since. @internal */
  get isBlocked(): boolean {
    return this.wasRefused;
  }

  /** What it holds, as comparable text. @internal */
  get contents(): string {
    const { open, unsent, wasRefused } = this;
    return `${toHex(this.received.bytes)} ${open} ${unsent} ${wasRefused}`;
  }

  /** Bytes on their way to the host. @internal */
  get inFlight(): number {
    return this.unsent;
  }

  /** @internal */
  attachTo(end: CharEnd | undefined, isOpen: boolean, inFlight = 0): void {
    this.end = end;
    this.unsent = inFlight;
    this.hasBackend = end !== undefined;
    this.open = end !== undefined && isOpen;
  }

  /** There is more room, or the device was reset while bytes waited: it is told again. @internal */
  remind(owner: Device): void {
    if (this.waiting > 0) this.notify(owner, 'onReceive');
    this.notifyRoom(owner);
  }

  /** Holds what another one holds. @internal */
  copyFrom(other: CharBackend): void {
    this.received.clear();
    this.received.putAll(other.received.bytes);
    ({ unsent: this.unsent, wasRefused: this.wasRefused, open: this.open } = other);
  }

  /** Drops what has arrived. @internal */
  drop(): void {
    this.received.clear();
  }

  /** How many of so many bytes it takes now: all, or what there is room for once half of what waited is taken. @internal */
  takes(count: number): number {
    const { room, length } = this.received;
    return count <= room || length <= MostWaiting / 2 ? Math.min(count, room) : 0;
  }

  /** An event of the inbox. @internal */
  deliver(event: InboxEvent, owner: Device): void {
    if (event.kind === 'receive') {
      this.received.putAll(event.bytes);
      this.notify(owner, 'onReceive');
    } else if (event.kind === 'sent') {
      this.unsent = Math.max(0, this.unsent - event.count);
      this.notifyRoom(owner);
    } else if (event.kind === 'open') {
      this.open = true;
      this.notify(owner, 'onOpen');
    } else if (event.kind === 'close') {
      this.open = false;
      this.unsent = 0;
      this.notify(owner, 'onClose');
      this.notifyRoom(owner);
    } else if (event.kind === 'break') this.notify(owner, 'onBreak');
  }

  /** Refuses a snapshot that contradicts itself. */
  onStateLoaded(): void {
    const problem = this.contradiction();
    if (problem !== undefined) throw contradiction(this.id, problem);
    this.hasBackend = this.isChosen;
  }

  private contradiction(): { readonly path: string; readonly problem: string } | undefined {
    if (this.hasBackend && !this.isChosen)
      return {
        path: 'hasBackend',
        problem: `is true, and no back end '${this.id}' is here. Give the machine one of that id`,
      };
    if (!this.hasBackend && (this.open || this.unsent > 0 || this.waiting > 0))
      return { path: 'hasBackend', problem: 'is false, and bytes wait or the line is open' };
    if (this.wasRefused && this.room > 0)
      return { path: 'wasRefused', problem: `is true, and only ${this.unsent} bytes are on their way to the host` };
    if (!this.open && this.unsent > 0)
      return { path: 'unsent', problem: `is ${this.unsent}, and the line is not open` };
    return undefined;
  }

  private notifyRoom(owner: Device): void {
    if (!this.wasRefused || this.room === 0) return;
    this.wasRefused = false;
    this.notify(owner, 'onWritable');
  }

  private notify(owner: Device, name: keyof CharHandlers): void {
    const { handlers } = this;
    if (handlers?.[name] === undefined) return;
    const named = { [name]: () => handlers[name]?.() };
    runDevice(() => inDeviceEvent(owner, named[name] as () => void));
  }
}

/** Refuses what a snapshot says of a back end. */
export function contradiction(id: string, { path, problem }: StateDifference): StateError {
  const place = { path: `backends.${id}.${path}`, problem };
  return new StateError('state-contradiction', `Back end '${id}' cannot take this state`, [place]);
}
