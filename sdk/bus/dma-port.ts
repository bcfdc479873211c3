import { type AddressSpace, MemTxAttributes, MemTxResult } from '../memory/index.ts';

/**
 * Accesses of a device to guest memory. A transfer to an unmapped address answers a MemTxResult other than Ok and throws
 * nothing: addresses come from the guest.
 */
export abstract class DmaPort {
  /** Fills `target` from guest memory. */
  abstract read(address: number | bigint, target: Uint8Array): number;
  /** Copies `source` to guest memory. */
  abstract write(address: number | bigint, source: Uint8Array): number;
}

/** DMA through an address space: what the device sees of the machine, an IOMMU or a bus-master switch included. */
export class MemoryDmaPort extends DmaPort {
  constructor(
    private readonly space: AddressSpace,
    /** The requester of the transfers, and their flags. */
    private readonly attributes: number = MemTxAttributes.Unspecified,
  ) {
    super();
  }

  read(address: number | bigint, target: Uint8Array): number {
    if (isReachable(address)) return this.space.readBytes(Number(address), target, this.attributes);
    target.fill(0);
    return MemTxResult.DecodeError;
  }

  write(address: number | bigint, source: Uint8Array): number {
    return isReachable(address)
      ? this.space.writeBytes(Number(address), source, this.attributes)
      : MemTxResult.DecodeError;
  }
}

/** Nothing is above 2^53: no x86 has that many address lines. */
const isReachable = (address: number | bigint): boolean => address >= 0 && address <= Number.MAX_SAFE_INTEGER;
