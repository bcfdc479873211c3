import { readlinkSync } from 'node:fs';
import { BackplaneError } from '../../base/errors.ts';
import { type Koffi, loadKoffi } from '../../native/koffi.ts';
import { type BasicLibc, basicLibc } from '../../native/libc.ts';
import { MostDescriptors } from '../version.ts';

/** What libc can do with a socket and with descriptors, and Node cannot. */
export interface SocketLibc extends BasicLibc {
  recvmsg(fd: number, header: ArrayBufferView, flags: number): number;
  send(fd: number, bytes: ArrayBufferView, length: number, flags: number): number;
  fcntl(fd: number, command: number, argument: number): number;
  addressOf(bytes: ArrayBufferView): bigint;
  /** Puts a descriptor into the event loop of Node. */
  readonly watch: Koffi['node']['poll'];
}

/** @see sys/socket.h, fcntl.h, errno.h of Linux on 64-bit processors */
const MessageFlag = { Truncated: 0x8, DontWait: 0x40, NoSignal: 0x4000, CloseOnExec: 0x4000_0000 } as const;
const Fcntl = { GetFlags: 3, SetFlags: 4, DuplicateCloseOnExec: 1030, GetSeals: 1034 } as const;
const OpenFlag = { WriteOnly: 0x1, ReadWrite: 0x2, AccessMode: 0x3, NonBlocking: 0x800 } as const;
const SealShrink = 0x2;
const SystemErrno = { Interrupted: 4, Again: 11 } as const;
const ScmRights = 1;
const SolSocket = 1;
/** struct msghdr, struct iovec and struct cmsghdr. @see bits/socket.h */
const HeaderField = { Vector: 16, VectorCount: 24, Control: 32, ControlLength: 40, Flags: 48, Size: 56 } as const;
const ControlHeader = 16;
const ReadSize = 0x1_0000;

let loaded: SocketLibc | undefined;

/** libc through koffi, when a device is served first. */
export function socketLibc(): SocketLibc {
  if (loaded !== undefined) return loaded;
  if (process.platform !== 'linux') {
    throw new BackplaneError(
      'serve-needs-linux',
      `serve: this is ${process.platform}, and QEMU takes a device of another process on Linux only. Use Linux.`,
    );
  }
  loaded = bind(loadKoffi('serve'));
  return loaded;
}

function bind(koffi: Koffi): SocketLibc {
  const library = koffi.load(null);
  const call = <Call>(prototype: string) => library.func(prototype) as Call;
  return {
    ...basicLibc(koffi),
    recvmsg: call('int64_t recvmsg(int fd, void *header, int flags)'),
    send: call('int64_t send(int fd, const void *bytes, size_t length, int flags)'),
    fcntl: call('int fcntl(int fd, int command, int64_t argument)'),
    addressOf: (bytes) => koffi.address(bytes),
    watch: koffi.node.poll,
  };
}

/** How a read or a write of a socket ended without bytes. */
export type NoBytes = 'again' | 'closed';

/** Reads a stream socket, with the descriptors that its messages carry. */
export class DescriptorReader {
  private readonly buffer = Buffer.alloc(ReadSize);
  private readonly vector = Buffer.alloc(16);
  private readonly control = Buffer.alloc(ControlHeader + 4 * MostDescriptors);
  private readonly header = Buffer.alloc(HeaderField.Size);
  private readonly fields = new Uint32Array(this.header.buffer, this.header.byteOffset, HeaderField.Size / 4);
  /** Of the last read: most messages have the same length. */
  private bytes = this.buffer.subarray(0, 0);
  descriptors: readonly number[] = [];
  /** The last read had more of them than there is room for. */
  hasLost = false;

  constructor(private readonly libc: SocketLibc) {
    this.vector.writeBigUInt64LE(libc.addressOf(this.buffer), 0);
    this.vector.writeBigUInt64LE(BigInt(ReadSize), 8);
    this.header.writeBigUInt64LE(libc.addressOf(this.vector), HeaderField.Vector);
    this.header.writeBigUInt64LE(1n, HeaderField.VectorCount);
    this.header.writeBigUInt64LE(libc.addressOf(this.control), HeaderField.Control);
  }

  /** The bytes are good until the next read. */
  read(fd: number): Uint8Array | NoBytes {
    const { libc, fields } = this;
    for (;;) {
      fields[HeaderField.ControlLength / 4] = this.control.length;
      fields[HeaderField.Flags / 4] = 0;
      const count = Number(libc.recvmsg(fd, this.header, MessageFlag.DontWait | MessageFlag.CloseOnExec));
      this.descriptors = none;
      if (count > 0) {
        this.takeDescriptors();
        if (count !== this.bytes.length) this.bytes = this.buffer.subarray(0, count);
        return this.bytes;
      }
      const errno = count < 0 ? libc.errno() : 0;
      if (errno !== SystemErrno.Interrupted) return errno === SystemErrno.Again ? 'again' : 'closed';
    }
  }

  private takeDescriptors(): void {
    const { fields, control } = this;
    const length = fields[HeaderField.ControlLength / 4] as number;
    this.hasLost = ((fields[HeaderField.Flags / 4] as number) & MessageFlag.Truncated) !== 0;
    if (length < ControlHeader || control.readInt32LE(8) !== SolSocket || control.readInt32LE(12) !== ScmRights) return;
    const end = Math.min(Number(control.readBigUInt64LE(0)), length);
    const descriptors: number[] = [];
    for (let at = ControlHeader; at + 4 <= end; at += 4) descriptors.push(control.readInt32LE(at));
    this.descriptors = descriptors;
  }
}

const none: readonly number[] = [];

/** Sends what the socket takes at once: how many bytes that was. */
export function sendSome(libc: SocketLibc, fd: number, bytes: ArrayBufferView): number | NoBytes {
  for (;;) {
    const sent = Number(libc.send(fd, bytes, bytes.byteLength, MessageFlag.DontWait | MessageFlag.NoSignal));
    if (sent >= 0) return sent;
    const errno = libc.errno();
    if (errno !== SystemErrno.Interrupted) return errno === SystemErrno.Again ? 'again' : 'closed';
  }
}

/** Another descriptor of the same socket, which Node knows nothing of. */
export const duplicate = (libc: SocketLibc, fd: number): number => libc.fcntl(fd, Fcntl.DuplicateCloseOnExec, 0);

/** Whether it is an eventfd. From here on a write to it never waits: a hostile client's counter may be full. */
export function claimEventfd(libc: SocketLibc, fd: number): boolean {
  if (readlinkSync(`/proc/self/fd/${fd}`) !== 'anon_inode:[eventfd]') return false;
  return libc.fcntl(fd, Fcntl.SetFlags, OpenFlag.ReadWrite | OpenFlag.NonBlocking) === 0;
}

/** Whether the file can never become shorter. Only files of memory can be sealed. @see fcntl(2), F_GET_SEALS */
export function cannotShrink(libc: SocketLibc, fd: number): boolean {
  const seals = libc.fcntl(fd, Fcntl.GetSeals, 0);
  return seals >= 0 && (seals & SealShrink) !== 0;
}

/** Whether the descriptor was opened for reading, and for writing too where that is wanted. */
export function isOpenedFor(libc: SocketLibc, fd: number, isWritable: boolean): boolean {
  const mode = libc.fcntl(fd, Fcntl.GetFlags, 0) & OpenFlag.AccessMode;
  return isWritable ? mode === OpenFlag.ReadWrite : mode !== OpenFlag.WriteOnly;
}
