import { type RegionOps, swapBytes64 } from './region-ops.ts';

/** What this file needs of a flat view. */
interface PeekedView {
  readonly ranges: readonly PeekedRange[];
  indexOf(address: number): number;
}

interface PeekedRange {
  readonly delta: number;
  readonly region: {
    readonly kind: string;
    readonly romdMode: boolean;
    readonly ram: { readonly bytes: Uint8Array } | undefined;
    readonly ops: RegionOps;
  };
}

/**
 * What a read of 1 to 4 bytes would answer, little endian. Bytes of memory are looked at. A device is asked by its peek handlers
 * and declared registers, and no read handler is called. Undefined where only a read would tell, and where nothing is mapped.
 */
export function peekAt(view: PeekedView, address: number, size: number): number | undefined {
  let value = 0n;
  for (let done = 0; done < size; ) {
    const range = view.ranges[view.indexOf(address + done)];
    if (range === undefined) return undefined;
    const { region, delta } = range;
    const offset = address + done + delta;
    const length = isMemory(region) ? 1 : region.ops.accessSize(size - done, offset);
    const part = isMemory(region) ? BigInt(region.ram?.bytes[offset] ?? 0) : peekDevice(region.ops, offset, length);
    if (part === undefined) return undefined;
    value |= part << BigInt(8 * done);
    done += length;
  }
  return Number(value);
}

const isMemory = ({ kind, romdMode }: PeekedRange['region']): boolean =>
  kind === 'ram' || kind === 'rom' || (kind === 'rom-device' && romdMode);

/** In parts, as the region implements them. */
function peekDevice(
  { peek, bigEndian, implementedMax }: RegionOps,
  offset: number,
  length: number,
): bigint | undefined {
  const most = Math.min(length, implementedMax);
  let value = 0n;
  for (let done = 0; done < length; done += most) {
    const part = peek?.(offset + done, most);
    if (part === undefined) return undefined;
    value |= part << BigInt(8 * (bigEndian ? length - done - most : done));
  }
  return bigEndian ? swapBytes64(value, length) : value;
}
