import { readSync, writeSync } from 'node:fs';
import type { KoffiPoll, KoffiPollEvents } from '../../native/koffi.ts';
import {
  type ClientLink,
  type Connection,
  type ConnectionHost,
  DoesNotRead,
  MostUnsent,
  type SharedMemory,
} from '../link.ts';
import { MessageStream } from '../message-stream.ts';
import type { MapRequest } from '../requests.ts';
import { ClientFiles } from './client-files.ts';
import { claimEventfd, DescriptorReader, type SocketLibc, sendSome } from './socket-calls.ts';

/** Other sockets and timers have their turn after so many reads. */
const ReadsAtOnce = 64;

/** One client by a Unix socket, with descriptors: shared memory and eventfds. */
export class DescriptorLink implements ClientLink, Connection {
  readonly passesDescriptors = true;
  private readonly files: ClientFiles;
  private readonly reader: DescriptorReader;
  private readonly stream: MessageStream;
  private readonly poll: KoffiPoll;
  /** What the socket has not taken. While it is not empty nothing more is read. */
  private unsent: Uint8Array[] = [];
  private unsentBytes = 0;
  private readonly counter = Buffer.alloc(One.length);
  private isClosed = false;

  constructor(
    private readonly libc: SocketLibc,
    private readonly fd: number,
    private readonly host: ConnectionHost,
  ) {
    this.files = new ClientFiles(libc);
    this.reader = new DescriptorReader(libc);
    this.stream = new MessageStream((message, descriptors) => host.receive(message, descriptors));
    this.poll = libc.watch(fd, { readable: true }, this.onReady);
  }

  send(message: DataView): void {
    if (this.isClosed) return;
    if (this.unsent.length > 0) {
      this.unsent.push(copyOf(message));
      this.unsentBytes += message.byteLength;
      if (this.unsentBytes > MostUnsent) this.host.gone(DoesNotRead);
      return;
    }
    const sent = this.sendNow(message);
    if (sent === message.byteLength) return;
    this.unsent.push(copyOf(message, sent));
    this.watchFor({ writable: true });
  }

  map(request: MapRequest, descriptor: number | undefined): SharedMemory | number | undefined {
    return descriptor === undefined ? undefined : this.files.share(request, descriptor);
  }

  isEventfd(descriptor: number): boolean {
    return claimEventfd(this.libc, descriptor);
  }

  signal(descriptor: number): void {
    try {
      writeSync(descriptor, One);
    } catch {
      // Its counter is full: the client has not seen the interrupts before.
    }
  }

  takeBack(descriptor: number): boolean {
    try {
      return readSync(descriptor, this.counter) === One.length;
    } catch {
      return false; // EAGAIN: its counter is 0
    }
  }

  watch(descriptor: number, callback: () => void): () => void {
    const counter = Buffer.alloc(One.length);
    const poll = this.libc.watch(descriptor, { readable: true }, () => {
      try {
        readSync(descriptor, counter);
      } catch {
        return;
      }
      callback();
    });
    return () => poll.close();
  }

  closeDescriptor(descriptor: number): void {
    this.libc.close(descriptor);
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.poll.close();
    for (const descriptor of this.stream.heldDescriptors) this.libc.close(descriptor);
    this.libc.close(this.fd);
    this.unsent = [];
  }

  private readonly onReady = (): void => {
    if (this.isClosed) return;
    if (this.unsent.length > 0) this.sendRest();
    else this.readSome();
  };

  private readSome(): void {
    for (let reads = 0; reads < ReadsAtOnce && this.unsent.length === 0; reads++) {
      const bytes = this.reader.read(this.fd);
      if (bytes === 'again') break;
      if (bytes === 'closed') {
        this.host.gone();
        return;
      }
      const { descriptors, hasLost } = this.reader;
      const problem = this.stream.push(bytes, descriptors);
      if (this.isClosed) return;
      if (problem !== undefined) {
        this.host.gone(`it sent ${problem}`);
        return;
      }
      if (hasLost) {
        this.host.gone('it sent more descriptors with a message than were agreed on');
        return;
      }
    }
    this.host.turned();
  }

  /** How many bytes the socket has taken. */
  private sendNow(bytes: ArrayBufferView): number {
    const sent = sendSome(this.libc, this.fd, bytes);
    // A client that is gone is noticed by the next read.
    if (sent === 'closed') return bytes.byteLength;
    return sent === 'again' ? 0 : sent;
  }

  private sendRest(): void {
    for (;;) {
      const [first] = this.unsent;
      if (first === undefined) break;
      const sent = this.sendNow(first);
      if (sent < first.length) {
        this.unsent[0] = first.subarray(sent);
        return;
      }
      this.unsent.shift();
    }
    this.unsentBytes = 0;
    this.watchFor({ readable: true });
  }

  private watchFor(events: KoffiPollEvents): void {
    this.poll.start(events, this.onReady);
  }
}

const copyOf = ({ buffer, byteOffset, byteLength }: DataView, from = 0): Uint8Array =>
  new Uint8Array(buffer, byteOffset + from, byteLength - from).slice();

/** What adds 1 to an eventfd. */
const One = Buffer.from(BigUint64Array.of(1n).buffer);
