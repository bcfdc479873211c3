import {
  AddressSpace,
  atomicLoad16,
  atomicStore16,
  type DmaObserver,
  MemoryRegion,
  MemTxAttributes,
  MemTxResult,
  withRequester,
} from '../memory/index.ts';

/**
 * Accesses of a device to guest memory. A transfer to an unmapped address answers a MemTxResult other than Ok and throws
 * nothing: addresses come from the guest.
 */
export abstract class DmaPort {
  /** Fills `target` from guest memory. */
  abstract read(address: number | bigint, target: Uint8Array): number;
  /** Copies `source` to guest memory. */
  abstract write(address: number | bigint, source: Uint8Array): number;

  readonly #word = new Uint8Array(2);

  /**
   * Reads 16 bits that a processor or another process changes meanwhile: the index of a ring. Where the port sees RAM it is an
   * atomic access, in order with all others; elsewhere an ordinary one. -1: nothing answered.
   */
  loadIndex(address: number): number {
    const word = this.#word;
    return this.read(address, word) === MemTxResult.Ok ? (word[0] as number) | ((word[1] as number) << 8) : -1;
  }

  /** Writes 16 bits that a processor or another process waits for, after all that was written before. */
  storeIndex(address: number, value: number): number {
    const word = this.#word;
    word[0] = value;
    word[1] = value >>> 8;
    return this.write(address, word);
  }
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
    const { space } = this;
    if (!isReachable(address)) {
      target.fill(0);
      return MemTxResult.DecodeError;
    }
    const result = space.readBytes(Number(address), target, this.attributes);
    const { dmaObserver } = space.topology;
    if (dmaObserver !== undefined && result === MemTxResult.Ok) dmaObserver.read(Number(address), target);
    return result;
  }

  write(address: number | bigint, source: Uint8Array): number {
    const { space } = this;
    if (!isReachable(address)) return MemTxResult.DecodeError;
    const result = space.writeBytes(Number(address), source, this.attributes);
    const { dmaObserver } = space.topology;
    if (dmaObserver !== undefined && result === MemTxResult.Ok) dmaObserver.wrote(Number(address), source);
    return result;
  }

  override loadIndex(address: number): number {
    const { space } = this;
    const value = isReachable(address) ? atomicLoad16(space, address) : undefined;
    return value === undefined ? super.loadIndex(address) : observedIndex(space.topology.dmaObserver, address, value);
  }

  override storeIndex(address: number, value: number): number {
    const { space } = this;
    if (!isReachable(address) || !atomicStore16(space, address, value)) return super.storeIndex(address, value);
    if (space.topology.dmaObserver !== undefined) space.topology.dmaObserver.wrote(address, bytesOfIndex(value));
    return MemTxResult.Ok;
  }
}

const indexBytes = new Uint8Array(2);

function bytesOfIndex(value: number): Uint8Array {
  indexBytes[0] = value;
  indexBytes[1] = value >>> 8;
  return indexBytes;
}

/** An index that was read in one piece is a transfer as any other. Answers what the observer makes of it. */
export function observedIndex(observer: DmaObserver | undefined, address: number, value: number): number {
  if (observer === undefined) return value;
  const bytes = bytesOfIndex(value);
  observer.read(address, bytes);
  return (bytes[0] as number) | ((bytes[1] as number) << 8);
}

/** Nothing is above 2^53: no x86 has that many address lines. */
const isReachable = (address: number | bigint): boolean => address >= 0 && address <= Number.MAX_SAFE_INTEGER;

/** What a bus makes for one of its masters. */
export interface BusMasterSpace {
  readonly space: AddressSpace;
  /** Shows the memory of bus masters while it is enabled. */
  readonly window: MemoryRegion;
  readonly port: DmaPort;
}

/** `memory` is what masters on the bus reach; `requester` is bus, slot and function in 16 bits. Closed at first. */
export function busMasterSpace(name: string, memory: MemoryRegion, requester: number): BusMasterSpace {
  const { topology, size } = memory;
  const container = MemoryRegion.container(topology, 'bus master container', size);
  const window = MemoryRegion.alias(topology, 'bus master', memory, 0, size);
  window.setEnabled(false);
  container.addSubregion(0, window);
  const space = new AddressSpace(topology, name, container);
  return { space, window, port: new MemoryDmaPort(space, withRequester(0, requester)) };
}
