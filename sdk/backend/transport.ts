/** What a transport tells its machine. All of it waits in the inbox until the guest is between two instructions. */
export interface CharHost {
  /** Bytes from outside that the device has not got. */
  readonly waiting: number;
  /** Bytes arrived from outside. They are copied. */
  received(bytes: Uint8Array): void;
  /** So many bytes of the guest have left; not needed where the transport is immediate. */
  sent(count: number): void;
  /** The other side is there. */
  opened(): void;
  /** The other side has gone, and what was on its way to it is lost. */
  closed(): void;
  /** The other side held the line at break. */
  break(): void;
  /** Something failed that the user should know; it is told by the machine's `onBackendError`. */
  failed(message: string): void;
}

/** The host's side of a character back end: a socket, a terminal, a file. It lives in host time. */
export interface CharTransport {
  /** It takes everything at once, as a ring buffer does: no `sent` is awaited. */
  readonly isImmediate?: boolean;
  /** The other side may come and go. Closed until `opened()`; without this the line is open from the start. */
  readonly startsClosed?: boolean;
  /** Bytes may still arrive: a guest that sleeps is not at its end. Left out: nothing ever arrives by itself. */
  readonly mayReceive?: boolean;
  /** It repeats a recording: the machine adds no event of its own. */
  readonly isReplayed?: boolean;
  /** Called once. A promise is not awaited; its failure is reported. */
  start(host: CharHost): void | Promise<void>;
  /** Bytes of the guest, for it to keep. It calls nothing of the host before it returns, but `sent`. */
  write(bytes: Uint8Array): void;
  /** The device has no room (or room again): stop reading from outside, or go on. */
  setReceiving?(wanted: boolean): void;
  /** Ends it. What was written still leaves. */
  close(): void | Promise<void>;
  /** For `info chardev`: 'unix:line.sock,server, 2 clients so far'. */
  describe(): string;
}

/** The host's side of a block back end: bytes of a size that stays. Methods throw where the host fails. */
export interface BlockImage {
  /** Bytes. */
  readonly size: number;
  readonly isReadOnly: boolean;
  /** Fills `target`; the range is inside the image. */
  read(offset: number, target: Uint8Array): void;
  write(offset: number, source: Uint8Array): void;
  /** Returns when all that was written is on the disk. */
  flush(): void;
  close(): void;
  /** For `info block`: 'disk.img, raw, read-only'. */
  describe(): string;
}

/** What the machine and its back ends agree on: 'char' for characters, 'block' for disks. */
export type BackendType = 'char' | 'block';

/** A back end that is ready to be plugged in: a kind with its settings. */
export interface Backend {
  /** The name by which options of devices ask for it: 'serial0'. */
  readonly id: string;
  readonly type: BackendType;
  /** 'socket', 'ringbuf'. */
  readonly kind: string;
  /** Called by the machine that gets it. Await one that answers a promise with `openBackends` first. */
  open(): CharTransport | BlockImage | Promise<CharTransport | BlockImage>;
}

/** A back end for characters, by whose type the host's side is known. */
export interface OpenableChar extends Backend {
  readonly type: 'char';
  open(): CharTransport | Promise<CharTransport>;
}

/** A back end for a disk. */
export interface OpenableDisk extends Backend {
  readonly type: 'block';
  open(): BlockImage | Promise<BlockImage>;
}
