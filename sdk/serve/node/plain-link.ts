import type { Socket } from 'node:net';
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
import type { RamFile } from './memory-file.ts';

/** One client by a socket of Node, which drops descriptors: memory is a file, and messages are writes that the client carries out. */
export class PlainLink implements ClientLink, Connection {
  readonly passesDescriptors = false;
  private readonly stream: MessageStream;
  private isClosed = false;

  constructor(
    private readonly socket: Socket,
    private readonly ram: RamFile | undefined,
    private readonly host: ConnectionHost,
  ) {
    this.stream = new MessageStream((message) => host.receive(message, none));
    socket.on('data', (chunk) => this.take(chunk));
    socket.on('drain', () => socket.resume());
    socket.on('error', () => {});
    socket.on('close', () => {
      if (!this.isClosed) host.gone();
    });
    socket.resume();
  }

  send(message: DataView): void {
    const { socket } = this;
    if (this.isClosed) return;
    // A socket of Node may keep what it is given until it is sent.
    const bytes = new Uint8Array(message.buffer, message.byteOffset, message.byteLength).slice();
    if (!socket.write(bytes)) socket.pause();
    if (socket.writableLength > MostUnsent) this.host.gone(DoesNotRead);
  }

  map(request: MapRequest): SharedMemory | number | undefined {
    return this.ram?.share(request);
  }

  isEventfd(): boolean {
    return false;
  }

  signal(): void {}

  takeBack(): boolean {
    return false;
  }

  watch(): () => void {
    return () => {};
  }

  closeDescriptor(): void {}

  close(): void {
    this.isClosed = true;
    this.socket.destroy();
  }

  private take(chunk: Uint8Array): void {
    if (this.isClosed) return;
    const problem = this.stream.push(chunk);
    if (this.isClosed) return;
    if (problem === undefined) this.host.turned();
    else this.host.gone(`it sent ${problem}`);
  }
}

const none: readonly number[] = [];
