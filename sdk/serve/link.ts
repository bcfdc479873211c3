import type { RamBlock } from '../memory/index.ts';
import type { MapRequest } from './requests.ts';

/** Guest memory that a client shares, as this process reaches it. */
export interface SharedMemory {
  /** One behind the other they are the whole. Absent where the memory cannot be mapped into this process, or the client may cut it. */
  readonly blocks?: readonly RamBlock[];
  /** In place of the blocks. False: the file ends before. */
  read?(offset: number, target: Uint8Array): boolean;
  write?(offset: number, source: Uint8Array): boolean;
  /** Nothing of it is reached any more, also by a view that a device has kept. */
  release(): void;
}

/** What carries the messages of one client. Descriptors are numbers that mean something to it alone. */
export interface ClientLink {
  /** Interrupts and memory come as descriptors. Otherwise interrupts go as writes of the client, and memory is a file. */
  readonly passesDescriptors: boolean;
  /** Sends a message, and keeps nothing of it: its bytes are used again. */
  send(message: DataView): void;
  /**
   * The memory of a request; undefined: the client shares none; or the errno for it: `Unsupported` for huge pages that cannot be
   * mapped safely. The descriptor stays the caller's.
   */
  map(request: MapRequest, descriptor: number | undefined): SharedMemory | number | undefined;
  /** Whether the descriptor is what interrupts go by. From here on a signal of it never waits. */
  isEventfd(descriptor: number): boolean;
  /** Adds 1 to the counter of an eventfd. */
  signal(descriptor: number): void;
  /** Makes a signal undone that its receiver has not seen; false where it has. */
  takeBack(descriptor: number): boolean;
  /** Calls back each time that the counter of an eventfd is not 0, and empties it. Answers how to stop that. */
  watch(descriptor: number, callback: () => void): () => void;
  closeDescriptor(descriptor: number): void;
}

/** A client's connection, which its server may close. */
export interface Connection {
  close(): void;
}

/** What a connection tells its server. */
export interface ConnectionHost {
  /** A whole message. The descriptors belong to who gets them. */
  receive(message: DataView, descriptors: readonly number[]): void;
  /** The client has closed; or a sentence's end that says what it did. */
  gone(why?: string): void;
  /** Some messages have been carried out. */
  turned(): void;
}

/** Bytes that may wait for a client. */
export const MostUnsent = 8 * 2 ** 20;
export const DoesNotRead = 'it does not read its answers';
