import type { AddressSpace } from '../memory/index.ts';

/**
 * A device's way into guest memory. A transfer that reaches nothing answers a MemTxResult other than Ok and throws
 * nothing: addresses come from the guest.
 */
export abstract class DmaPort {
  /** Fills `target` from guest memory. */
  abstract read(address: number | bigint, target: Uint8Array): number;
  /** Copies `source` to guest memory. */
  abstract write(address: number | bigint, source: Uint8Array): number;
}

const AddressError = 2; // MemTxResult.DecodeError: nothing is at an address beyond 2^53

/** DMA through an address space: what the device sees of the machine, an IOMMU or a bus-master switch included. */
export class MemoryDmaPort extends DmaPort {
  constructor(private readonly space: AddressSpace) {
    super();
  }

  read(address: number | bigint, target: Uint8Array): number {
    const start = Number(address);
    if (!Number.isSafeInteger(start) || start < 0) {
      target.fill(0);
      return AddressError;
    }
    return this.space.readBytes(start, target);
  }

  write(address: number | bigint, source: Uint8Array): number {
    const start = Number(address);
    return Number.isSafeInteger(start) && start >= 0 ? this.space.writeBytes(start, source) : AddressError;
  }
}
