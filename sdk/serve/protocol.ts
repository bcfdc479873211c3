/**
 * The messages of vfio-user 0.0, as bytes and as values: no state, no sockets. Little endian.
 *
 * @see QEMU 11.1, docs/interop/vfio-user.rst, "vfio-user Device Protocol"
 */

export const HeaderSize = 16;

/** Bytes that a register access or a transfer has at most, as the answer to VERSION says. */
export const LargestTransfer = 0x10_0000;

/** Bytes of the widest register. */
const WidestRegister = 8;

/** Header, two fields of 16 bytes at most before the data. */
export const LargestMessage = HeaderSize + 32 + LargestTransfer;

export const Command = {
  Version: 1,
  DmaMap: 2,
  DmaUnmap: 3,
  GetInfo: 4,
  GetRegionInfo: 5,
  GetRegionIoFds: 6,
  GetIrqInfo: 7,
  SetIrqs: 8,
  RegionRead: 9,
  RegionWrite: 10,
  DmaRead: 11,
  DmaWrite: 12,
  Reset: 13,
  DirtyPages: 14,
  RegionWriteMulti: 15,
  DeviceFeature: 16,
  MigrationRead: 17,
  MigrationWrite: 18,
} as const;

export const commandName = (command: number): string =>
  Object.entries(Command).find(([, value]) => value === command)?.[0] ?? `command ${command}`;

const Flag = { TypeMask: 0xf, Reply: 0x1, NoReply: 0x10, Error: 0x20 } as const;

/** @see errno(3), Linux */
export const Errno = { NoEntry: 2, InputOutput: 5, Exists: 17, Invalid: 22, NoSpace: 28, Unsupported: 95 } as const;

/** Regions of a PCI function. 0 to 5 are the BARs. @see linux/vfio.h, VFIO_PCI_BAR0_REGION_INDEX */
export const RegionIndex = { Rom: 6, Config: 7, Vga: 8, Count: 9 } as const;

/** @see linux/vfio.h, VFIO_PCI_INTX_IRQ_INDEX */
export const IrqIndex = { IntX: 0, Msi: 1, MsiX: 2, Error: 3, Request: 4, Count: 5 } as const;

/** @see linux/vfio.h, struct vfio_irq_info */
export const IrqFlag = { EventFd: 1, Maskable: 2, AutoMasked: 4, NoResize: 8 } as const;

/** @see linux/vfio.h, struct vfio_irq_set */
export const SetIrqsFlag = { None: 1, Bool: 2, EventFd: 4, Mask: 8, Unmask: 0x10, Trigger: 0x20 } as const;

const RegionFlag = { Read: 1, Write: 2 } as const;
const DeviceFlag = { Reset: 1, Pci: 2 } as const;

/** The header of a message, whose bytes follow it in `bytes`. One object serves all messages of a client. */
export class MessageHeader {
  id = 0;
  command = 0;
  /** Of the whole message. */
  size = 0;
  flags = 0;
  error = 0;

  read(view: DataView, at = 0): this {
    this.id = view.getUint16(at, true);
    this.command = view.getUint16(at + 2, true);
    this.size = view.getUint32(at + 4, true);
    this.flags = view.getUint32(at + 8, true);
    this.error = view.getUint32(at + 12, true);
    return this;
  }

  get isReply(): boolean {
    return (this.flags & Flag.TypeMask) === Flag.Reply;
  }

  /** Neither a command nor a reply. */
  get isUnknown(): boolean {
    return (this.flags & Flag.TypeMask) > Flag.Reply;
  }

  get wantsNoReply(): boolean {
    return (this.flags & Flag.NoReply) !== 0;
  }

  get isError(): boolean {
    return (this.flags & Flag.Error) !== 0;
  }
}

/** The size that the header at this place tells. @see `MessageHeader.size` */
export const sizeOfMessage = (bytes: Uint8Array, at: number): number =>
  ((bytes[at + 4] as number) |
    ((bytes[at + 5] as number) << 8) |
    ((bytes[at + 6] as number) << 16) |
    ((bytes[at + 7] as number) << 24)) >>>
  0;

/** A reply with so many bytes behind its header, all 0. */
export function replyTo({ id, command }: Pick<MessageHeader, 'id' | 'command'>, length: number): DataView {
  const view = new DataView(new ArrayBuffer(HeaderSize + length));
  writeHeader(view, { id, command, size: HeaderSize + length, flags: Flag.Reply });
  return view;
}

/** A reply that says what went wrong: its header alone. */
export function errorReply({ id, command }: Pick<MessageHeader, 'id' | 'command'>, errno: number): DataView {
  const view = new DataView(new ArrayBuffer(HeaderSize));
  writeHeader(view, { id, command, size: HeaderSize, flags: Flag.Reply | Flag.Error });
  view.setUint32(12, errno, true);
  return view;
}

/** A command with so many bytes behind its header, all 0. */
export function commandOf(command: number, id: number, length: number, wantsReply = true): DataView {
  const view = new DataView(new ArrayBuffer(HeaderSize + length));
  writeHeader(view, { id, command, size: HeaderSize + length, flags: wantsReply ? 0 : Flag.NoReply });
  return view;
}

function writeHeader(view: DataView, header: Pick<MessageHeader, 'id' | 'command' | 'size' | 'flags'>): void {
  view.setUint16(0, header.id, true);
  view.setUint16(2, header.command, true);
  view.setUint32(4, header.size, true);
  view.setUint32(8, header.flags, true);
}

/** Bytes behind the header. */
export const Body = {
  Map: 32,
  Unmap: 24,
  Info: 16,
  RegionInfo: 32,
  IrqInfo: 16,
  SetIrqs: 20,
  Access: 16,
  MultiEntry: 24,
};

export function infoReply(header: MessageHeader): DataView {
  const view = replyTo(header, Body.Info);
  view.setUint32(HeaderSize, Body.Info, true);
  view.setUint32(HeaderSize + 4, DeviceFlag.Reset | DeviceFlag.Pci, true);
  view.setUint32(HeaderSize + 8, RegionIndex.Count, true);
  view.setUint32(HeaderSize + 12, IrqIndex.Count, true);
  return view;
}

/** A region of size 0 is not there. */
export function regionInfoReply(header: MessageHeader, index: number, size: number, isWritable: boolean): DataView {
  const view = replyTo(header, Body.RegionInfo);
  const flags = RegionFlag.Read | (isWritable ? RegionFlag.Write : 0);
  view.setUint32(HeaderSize, Body.RegionInfo, true);
  view.setUint32(HeaderSize + 4, size === 0 ? 0 : flags, true);
  view.setUint32(HeaderSize + 8, index, true);
  view.setBigUint64(HeaderSize + 16, BigInt(size), true);
  return view;
}

export function irqInfoReply(header: MessageHeader, index: number, count: number, flags: number): DataView {
  const view = replyTo(header, Body.IrqInfo);
  view.setUint32(HeaderSize, Body.IrqInfo, true);
  view.setUint32(HeaderSize + 4, flags, true);
  view.setUint32(HeaderSize + 8, index, true);
  view.setUint32(HeaderSize + 12, count, true);
  return view;
}

/** The request's first bytes again. */
export function echoReply(header: MessageHeader, request: DataView, echoed: number): DataView {
  const view = replyTo(header, echoed);
  echo(request, view, echoed);
  return view;
}

function echo(request: DataView, reply: DataView, length: number): void {
  for (let at = HeaderSize; at < HeaderSize + length; at += 4) reply.setUint32(at, request.getUint32(at, true), true);
}

/** The answers to register accesses. They share their bytes: one is sent before the next is made. */
export class AccessReplies {
  private readonly bytes = new ArrayBuffer(HeaderSize + Body.Access + WidestRegister);
  private readonly views = Array.from(
    { length: WidestRegister + 1 },
    (_, length) => new DataView(this.bytes, 0, HeaderSize + Body.Access + length),
  );

  /** The access again, with room for so many bytes of data, which the caller fills. */
  to(header: MessageHeader, request: DataView, length: number): DataView {
    const view = this.views[length] ?? replyTo(header, Body.Access + length);
    writeHeader(view, { id: header.id, command: header.command, size: view.byteLength, flags: Flag.Reply });
    echo(request, view, Body.Access);
    return view;
  }
}

/** A write of 32 bits into guest memory, carried out by the client: a message. It wants no reply, so its number says nothing. */
export function messageWrite(address: bigint, data: number): DataView {
  const view = commandOf(Command.DmaWrite, 0, Body.Access + 4, false);
  view.setBigUint64(HeaderSize, address, true);
  view.setBigUint64(HeaderSize + 8, 4n, true);
  view.setUint32(HeaderSize + 16, data, true);
  return view;
}

/** A read of guest memory by the client. Its reply is not waited for: the client may be waiting for ours. */
export function memoryRead(id: number, address: bigint, count: number): DataView {
  const view = commandOf(Command.DmaRead, id, Body.Access);
  view.setBigUint64(HeaderSize, address, true);
  view.setBigUint64(HeaderSize + 8, BigInt(count), true);
  return view;
}

/** What a reply to `memoryRead` has read; undefined: it is none, or an error. */
export function readMemory(header: MessageHeader, reply: DataView, count: number): DataView | undefined {
  const start = HeaderSize + Body.Access;
  const isWhole = header.command === Command.DmaRead && !header.isError && reply.byteLength === start + count;
  return isWhole ? new DataView(reply.buffer, reply.byteOffset + start, count) : undefined;
}
