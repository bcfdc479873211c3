import { Body, HeaderSize, IrqIndex, LargestTransfer, RegionIndex, SetIrqsFlag } from './protocol.ts';

/** Guest memory that the client shares, or no longer shares. Addresses and sizes are exact below 2^53. */
export interface MapRequest {
  readonly address: number;
  readonly size: number;
  /** In the file. */
  readonly offset: number;
  readonly isWritable: boolean;
}

export interface UnmapRequest {
  readonly address: number;
  readonly size: number;
  readonly isAll: boolean;
}

/** What the client wants of the interrupts `start` to `start + count - 1` of one index. */
export interface IrqRequest {
  readonly index: number;
  readonly start: number;
  readonly count: number;
  readonly data: 'none' | 'bool' | 'eventfd';
  readonly action: 'mask' | 'unmask' | 'trigger';
  /** With 'bool': one byte for each. */
  readonly values: Uint8Array;
}

/** Where a register access goes. */
export interface RegionAccess {
  offset: number;
  region: number;
  /** Bytes. */
  count: number;
}

const PageSize = 4096;
const MapRead = 1;
const MapWrite = 2;
const UnmapAll = 2;

// Each reader gets a whole message, and answers undefined if it is none of its kind: the client gets EINVAL.

export function readMap(view: DataView): MapRequest | undefined {
  const at = HeaderSize;
  if (view.byteLength !== at + Body.Map || view.getUint32(at, true) < Body.Map) return undefined;
  const flags = view.getUint32(at + 4, true);
  const [offset, address, size] = [wide(view, at + 8), wide(view, at + 16), wide(view, at + 24)];
  if ((flags & ~(MapRead | MapWrite)) !== 0 || flags === 0) return undefined;
  if (!isPages(address) || !isPages(size) || size === 0 || !isPages(offset)) return undefined;
  if (!Number.isSafeInteger(address + size) || !Number.isSafeInteger(offset + size)) return undefined;
  return { address, size, offset, isWritable: (flags & MapWrite) !== 0 };
}

export function readUnmap(view: DataView): UnmapRequest | undefined {
  const at = HeaderSize;
  if (view.byteLength !== at + Body.Unmap || view.getUint32(at, true) < Body.Unmap) return undefined;
  const flags = view.getUint32(at + 4, true);
  const [address, size] = [wide(view, at + 8), wide(view, at + 16)];
  if (flags === UnmapAll) return address === 0 && size === 0 ? { address, size, isAll: true } : undefined;
  if (flags !== 0 || size === 0 || !Number.isSafeInteger(address + size)) return undefined;
  return { address, size, isAll: false };
}

export const isInfoRequest = (view: DataView): boolean =>
  view.byteLength === HeaderSize + Body.Info && view.getUint32(HeaderSize, true) >= Body.Info;

/** The index that GET_REGION_INFO asks for. */
export const readRegionIndex = (view: DataView): number | undefined =>
  indexOf(view, Body.RegionInfo, RegionIndex.Count);

/** The index that GET_IRQ_INFO asks for. */
export const readIrqIndex = (view: DataView): number | undefined => indexOf(view, Body.IrqInfo, IrqIndex.Count);

function indexOf(view: DataView, length: number, count: number): number | undefined {
  if (view.byteLength !== HeaderSize + length || view.getUint32(HeaderSize, true) < length) return undefined;
  const index = view.getUint32(HeaderSize + 8, true);
  return index < count ? index : undefined;
}

/** The count is checked against the interrupts that there are by who knows them: it may be 4 billion. */
export function readSetIrqs(view: DataView): IrqRequest | undefined {
  const at = HeaderSize;
  if (view.byteLength < at + Body.SetIrqs || view.getUint32(at, true) < Body.SetIrqs) return undefined;
  const flags = view.getUint32(at + 4, true);
  const data = DataKinds.get(flags & (SetIrqsFlag.Mask - 1));
  const action = Actions.get(flags & ~(SetIrqsFlag.Mask - 1));
  const [index, start, count] = [
    view.getUint32(at + 8, true),
    view.getUint32(at + 12, true),
    view.getUint32(at + 16, true),
  ];
  if (data === undefined || action === undefined || index >= IrqIndex.Count) return undefined;
  const behind = view.byteLength - at - Body.SetIrqs;
  if (behind !== (data === 'bool' ? count : 0)) return undefined;
  const values = new Uint8Array(view.buffer, view.byteOffset + at + Body.SetIrqs, behind);
  return { index, start, count, data, action, values };
}

const DataKinds = new Map<number, IrqRequest['data']>([
  [SetIrqsFlag.None, 'none'],
  [SetIrqsFlag.Bool, 'bool'],
  [SetIrqsFlag.EventFd, 'eventfd'],
]);

const Actions = new Map<number, IrqRequest['action']>([
  [SetIrqsFlag.Mask, 'mask'],
  [SetIrqsFlag.Unmask, 'unmask'],
  [SetIrqsFlag.Trigger, 'trigger'],
]);

/** Where the data of REGION_WRITE begin. */
export const AccessData = HeaderSize + Body.Access;

/** REGION_READ and REGION_WRITE; `into` is filled. False: it is none, or has another number of bytes than it says. */
export function readAccess(view: DataView, isWrite: boolean, into: RegionAccess): boolean {
  if (view.byteLength < AccessData) return false;
  into.offset = wide(view, HeaderSize);
  into.region = view.getUint32(HeaderSize + 8, true);
  into.count = view.getUint32(HeaderSize + 12, true);
  return view.byteLength === AccessData + (isWrite ? into.count : 0) && into.count <= LargestTransfer;
}

/** How many writes REGION_WRITE_MULTI has; undefined: it is none. */
export function multiWriteCount(view: DataView): number | undefined {
  const start = HeaderSize + 8;
  if (view.byteLength < start) return undefined;
  const count = wide(view, HeaderSize);
  return view.byteLength === start + count * Body.MultiEntry ? count : undefined;
}

/** One of its writes; answers where its data begin. */
export function readMultiWrite(view: DataView, index: number, into: RegionAccess): number {
  const at = HeaderSize + 8 + index * Body.MultiEntry;
  into.offset = wide(view, at);
  into.region = view.getUint32(at + 8, true);
  into.count = view.getUint32(at + 12, true);
  return at + 16;
}

/** Not exact from 2^53 on, and no address that is used is there. */
const wide = (view: DataView, at: number): number => view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);

const isPages = (value: number): boolean => value % PageSize === 0;
