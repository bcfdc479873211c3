import type { Backend } from '../../backend/index.ts';
import type { PciDevice } from '../../bus/pci/device.ts';
import type { GuestError } from '../../device/index.ts';
import type { Machine, MachineObserver, UsedDevice } from '../../machine/index.ts';
import type { ServeCounts } from '../counts.ts';

export interface ServeOptions {
  /** The path of the Unix socket. Its file is the owner's alone, and goes when the service ends. */
  readonly socket: string;
  /** Devices on the buses of a controller: `behind: [use(Ds1307, { bus: 'ICH9-SMB.smbus', addr: '0x68' })]`. */
  readonly behind?: readonly UsedDevice[];
  /** What options of the device name: `backends: [ringBuffer({ id: 'serial0' })]`. */
  readonly backends?: readonly Backend[];
  /**
   * Through koffi: interrupts by eventfd, memory by mapping. 'never' does without: messages only, and memory by `ram`.
   * Default: 'always'.
   */
  readonly native?: 'always' | 'never';
  /** Without koffi: the file that is the guest's memory. */
  readonly ram?: string;
  /** A sentence for the user: what the client did, and what the device threw. */
  readonly onNote?: (sentence: string) => void;
  /** Called with the first guest error of each kind. */
  readonly onGuestError?: (device: string, message: string) => void;
  /** Guest time follows this; nanoseconds. Default: the host's. A test gives one that it moves. */
  readonly hostTime?: () => number;
}

/** A PCI function that waits for clients, one after the other. */
export interface Served<D extends PciDevice = PciDevice> {
  readonly socket: string;
  /** A client is attached now: a version was agreed on. */
  readonly attached: boolean;
  readonly counts: Readonly<ServeCounts>;
  /** Another object after its class was edited. */
  readonly device: D;
  readonly machine: Machine;
  /** Mistakes of the guest, each kind once, with its count. */
  readonly guestErrors: readonly GuestError[];
  /** Everything that the client does with the device, and that the device does. Answers how to end that. */
  observe(observer: MachineObserver): () => void;
  /** Prints a line for each access, with the register and its fields, and for what the device does. Answers how to end that. */
  trace(print: (line: string) => void): () => void;
  /** What a read of a BAR would answer, without side effects; undefined where only a read would tell, or no BAR is. */
  peek(bar: number, offset: number, size: 1 | 2 | 4): number | undefined;
  /** Resets the device as the client does. */
  reset(): void;
  /** Timers that are due expire, and what has come from the host is delivered. It happens by itself; for a `hostTime` of a test. */
  catchUp(): void;
  /** Settles when the next client attaches, or at once; also when the service is closed. */
  whenAttached(): Promise<void>;
  /** Settles when there is no client. */
  whenDetached(): Promise<void>;
  /** Closes the socket and the client's connection. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
