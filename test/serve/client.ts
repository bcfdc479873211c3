import { MessageHeader } from '../../sdk/serve/protocol.ts';

/** The client's side of the protocol: bytes of messages, made without the code under test wherever that could hide a mistake. */

const encoder = new TextEncoder();

export const qemuVersion = {
  capabilities: {
    max_msg_fds: 16,
    max_data_xfer_size: 1048576,
    max_dma_maps: 65535,
    pgsizes: 4096,
    write_multiple: true,
    migration: { pgsize: 4096, max_bitmap_size: 268435456 },
  },
};

let nextId = 1;

/** A message of u32 words behind the header; a bigint is 8 bytes. */
export function message(
  command: number,
  fields: readonly (number | bigint)[],
  data: Uint8Array = new Uint8Array(0),
  flags = 0,
): DataView {
  const length = fields.reduce<number>((sum, field) => sum + (typeof field === 'bigint' ? 8 : 4), 0);
  const view = new DataView(new ArrayBuffer(16 + length + data.length));
  view.setUint16(0, nextId, true);
  nextId = (nextId + 1) & 0xffff;
  view.setUint16(2, command, true);
  view.setUint32(4, view.byteLength, true);
  view.setUint32(8, flags, true);
  let at = 16;
  for (const field of fields) {
    if (typeof field === 'bigint') view.setBigUint64(at, field, true);
    else view.setUint32(at, field, true);
    at += typeof field === 'bigint' ? 8 : 4;
  }
  new Uint8Array(view.buffer, at).set(data);
  return view;
}

export const NoReply = 0x10;

export const version = (offer: unknown = qemuVersion, major = 0, minor = 0): DataView =>
  message(1, [major | (minor << 16)], encoder.encode(`${JSON.stringify(offer)}\0`));
export const map = (address: bigint, size: bigint, offset = 0n, flags = 3): DataView =>
  message(2, [32, flags, offset, address, size]);
export const unmap = (address: bigint, size: bigint, flags = 0): DataView => message(3, [24, flags, address, size]);
export const info = (): DataView => message(4, [16, 0, 0, 0]);
export const regionInfo = (index: number): DataView => message(5, [32, 0, index, 0, 0n, 0n]);
export const irqInfo = (index: number): DataView => message(7, [16, 0, index, 0]);
export const setIrqs = (
  flags: number,
  index: number,
  start = 0,
  count = 0,
  data: Uint8Array = new Uint8Array(0),
): DataView => message(8, [20 + data.length, flags, index, start, count], data);
export const read = (region: number, offset: number, count: number): DataView =>
  message(9, [BigInt(offset), region, count]);
export const write = (region: number, offset: number, value: number | bigint, count: number, flags = 0): DataView =>
  message(10, [BigInt(offset), region, count], littleEndian(value, count), flags);
export const reset = (): DataView => message(13, []);

/** REGION_WRITE_MULTI, as QEMU makes it of posted writes that it could not send. */
export function writeMany(
  writes: readonly { region: number; offset: number; value: number; count: number }[],
): DataView {
  const data = new Uint8Array(24 * writes.length);
  const view = new DataView(data.buffer);
  for (const [index, { region, offset, value, count }] of writes.entries()) {
    view.setBigUint64(24 * index, BigInt(offset), true);
    view.setUint32(24 * index + 8, region, true);
    view.setUint32(24 * index + 12, count, true);
    view.setUint32(24 * index + 16, value, true);
  }
  return message(15, [BigInt(writes.length)], data, NoReply);
}

export function littleEndian(value: number | bigint, count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, byte) => Number((BigInt(value) >> BigInt(8 * byte)) & 0xffn));
}

/** A reply, read by a test. */
export class Reply {
  readonly header: MessageHeader;

  constructor(readonly view: DataView) {
    this.header = new MessageHeader().read(view);
  }

  /** 0: it went well. */
  get errno(): number {
    return this.header.isError ? this.header.error : 0;
  }

  u32(at: number): number {
    return this.view.getUint32(16 + at, true);
  }

  u64(at: number): bigint {
    return this.view.getBigUint64(16 + at, true);
  }

  /** The data of a REGION_READ, as a number. */
  get value(): bigint {
    let value = 0n;
    for (let at = this.view.byteLength - 1; at >= 32; at--) value = (value << 8n) | BigInt(this.view.getUint8(at));
    return value;
  }

  get text(): string {
    return new TextDecoder().decode(
      new Uint8Array(this.view.buffer, this.view.byteOffset + 20, this.view.byteLength - 20),
    );
  }
}
