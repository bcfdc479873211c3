import { once } from 'node:events';
import { ftruncateSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { loadKoffi } from '../../sdk/native/koffi.ts';
import { MessageStream } from '../../sdk/serve/message-stream.ts';
import { Reply } from './client.ts';

/** A client over a Unix socket of Node: it can send no descriptors. */
export class SocketClient {
  private readonly replies: Reply[] = [];
  private arrived = (): void => {};
  isClosed = false;

  private constructor(readonly socket: Socket) {
    const stream = new MessageStream((message) => {
      this.replies.push(
        new Reply(new DataView(new Uint8Array(message.buffer, message.byteOffset, message.byteLength).slice().buffer)),
      );
      this.arrived();
    });
    socket.on('data', (chunk) => void stream.push(chunk));
    socket.on('error', () => {});
    socket.on('close', () => {
      this.isClosed = true;
      this.arrived();
    });
  }

  static async connect(path: string): Promise<SocketClient> {
    const socket = connect(path);
    await once(socket, 'connect');
    return new SocketClient(socket);
  }

  send(message: DataView): void {
    this.socket.write(bytesOf(message));
  }

  /** The next message that comes. */
  async next(): Promise<Reply> {
    while (this.replies.length === 0) {
      if (this.isClosed) throw new Error('the connection was closed');
      await new Promise<void>((done) => {
        this.arrived = done;
      });
    }
    return this.replies.shift() as Reply;
  }

  async ask(message: DataView): Promise<Reply> {
    this.send(message);
    return this.next();
  }

  async closed(): Promise<void> {
    while (!this.isClosed) {
      await new Promise<void>((done) => {
        this.arrived = done;
      });
    }
  }

  close(): void {
    this.socket.destroy();
  }
}

export const bytesOf = (message: DataView): Uint8Array =>
  new Uint8Array(message.buffer, message.byteOffset, message.byteLength);

/** @see memfd_create(2), fcntl(2) */
const MemfdFlag = { CloseOnExec: 1, AllowSealing: 2 } as const;
const AddSeals = 1033;
const Seal = { Seal: 1, Shrink: 2, Grow: 4 } as const;

/** Where the parts of a message lie behind its struct msghdr. */
const Area = { Vector: 0x40, Control: 0x80, Data: 0x400, Size: 0x1_0400 } as const;
const ControlHeader = 16;
const NoSignal = 0x4000;

/** Calls of libc that only a client makes. */
export function clientLibc() {
  const koffi = loadKoffi('test');
  const library = koffi.load(null);
  const sendmsg = library.func('int64_t sendmsg(int fd, const void *header, int flags)');
  const memfd = library.func('int memfd_create(const char *name, unsigned int flags)');
  const eventfd = library.func('int eventfd(unsigned int initial, int flags)');
  const fcntl = library.func('int fcntl(int fd, int command, int64_t argument)');
  // Addresses keep nothing alive: what they name is here as long as the calls are.
  const area = Buffer.alloc(Area.Size);
  const start = koffi.address(area);
  return {
    /** Its owner may make it shorter at any time. */
    memfd: (name: string) => memfd(name, MemfdFlag.CloseOnExec) as number,
    /** As QEMU makes its memory: it keeps its size. */
    sealedMemfd(name: string, size: number): number {
      const fd = memfd(name, MemfdFlag.CloseOnExec | MemfdFlag.AllowSealing) as number;
      ftruncateSync(fd, size);
      if (fcntl(fd, AddSeals, Seal.Seal | Seal.Shrink | Seal.Grow) !== 0) throw new Error(`${name} cannot be sealed`);
      return fd;
    },
    /** Close on exec, not blocking. */
    eventfd: () => eventfd(0, 0x80800) as number,
    /** Sends bytes and descriptors in one message. @see bits/socket.h, struct msghdr and struct cmsghdr */
    send(fd: number, bytes: Uint8Array, descriptors: readonly number[]): number {
      const controlLength = ControlHeader + 4 * descriptors.length;
      area.fill(0, 0, Area.Data);
      area.set(bytes, Area.Data);
      area.writeBigUInt64LE(start + BigInt(Area.Data), Area.Vector);
      area.writeBigUInt64LE(BigInt(bytes.length), Area.Vector + 8);
      area.writeBigUInt64LE(BigInt(controlLength), Area.Control);
      area.writeInt32LE(1, Area.Control + 8);
      area.writeInt32LE(1, Area.Control + 12);
      for (const [index, one] of descriptors.entries())
        area.writeInt32LE(one, Area.Control + ControlHeader + 4 * index);
      area.writeBigUInt64LE(start + BigInt(Area.Vector), 16);
      area.writeBigUInt64LE(1n, 24);
      if (descriptors.length > 0) {
        area.writeBigUInt64LE(start + BigInt(Area.Control), 32);
        area.writeBigUInt64LE(BigInt(controlLength + ((4 * descriptors.length) % 8)), 40);
      }
      const sent = Number(sendmsg(fd, area, NoSignal));
      if (sent !== bytes.length)
        throw new Error(`sendmsg sent ${sent} of ${bytes.length} bytes: errno ${koffi.errno()}`);
      return sent;
    },
  };
}

/** The descriptor of a socket of Node. */
export const fdOf = (socket: Socket): number => (socket as unknown as { _handle: { fd: number } })._handle.fd;
