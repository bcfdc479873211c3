import { type BusMasterSpace, DmaPort, observedIndex } from '../bus/dma-port.ts';
import { type DmaObserver, MemoryRegion, type MemoryTopology, MemTxResult, WholeSpace } from '../memory/index.ts';
import type { SharedMemory } from './link.ts';
import { Errno } from './protocol.ts';
import type { MapRequest, UnmapRequest } from './requests.ts';
import { MostMaps } from './version.ts';

interface Mapped extends MapRequest {
  /** Undefined: the client shares nothing of it, and transfers do not reach it. */
  readonly shared: SharedMemory | undefined;
  readonly regions: readonly MemoryRegion[];
}

/** Guest memory as the client has mapped it: what bus masters reach. */
export class ClientMemory {
  readonly region: MemoryRegion;
  /** By their addresses; no two overlap. */
  private readonly maps: Mapped[] = [];

  constructor(readonly topology: MemoryTopology) {
    this.region = MemoryRegion.container(topology, 'guest-memory', WholeSpace);
  }

  get count(): number {
    return this.maps.length;
  }

  /** The guest has memory, and none of it is shared. */
  get isUnshared(): boolean {
    return this.maps.some(({ isWritable }) => isWritable) && !this.maps.some(({ shared }) => shared !== undefined);
  }

  /** Why the request cannot be met, as an errno; 0: `add` may follow. */
  problemOf(request: MapRequest): number {
    if (this.maps.length >= MostMaps) return Errno.NoSpace;
    const at = this.indexFrom(request.address);
    const [before, after] = [this.maps[at - 1], this.maps[at]];
    const isFree =
      (before === undefined || endOf(before) <= request.address) &&
      (after === undefined || endOf(request) <= after.address);
    return isFree ? 0 : Errno.Exists;
  }

  add(request: MapRequest, shared: SharedMemory | undefined): void {
    const regions = (shared?.blocks ?? []).map((block, index) => {
      const make = request.isWritable ? MemoryRegion.ram : MemoryRegion.rom;
      const allocate = this.topology.allocateRam;
      this.topology.allocateRam = () => block;
      try {
        return make(this.topology, `guest-memory-${index}`, block.bytes.length);
      } finally {
        this.topology.allocateRam = allocate;
      }
    });
    this.topology.transaction(() => {
      let { address } = request;
      for (const region of regions) {
        this.region.addSubregion(address, region);
        address += region.size;
      }
    });
    this.maps.splice(this.indexFrom(request.address), 0, { ...request, shared, regions });
  }

  /** Takes out what lies in a range, which may cut no map. Answers an errno, or 0. */
  remove(request: UnmapRequest): number {
    const { address, size, isAll } = request;
    const first = isAll ? 0 : this.indexFrom(address);
    const last = isAll ? this.maps.length : this.indexFrom(address + size);
    const chosen = this.maps.slice(first, last);
    const before = this.maps[first - 1];
    if (!isAll && before !== undefined && endOf(before) > address) return Errno.Invalid;
    if (!isAll && chosen.some((one) => endOf(one) > address + size)) return Errno.Invalid;
    if (!isAll && chosen.length === 0) return Errno.NoEntry;
    this.topology.transaction(() => {
      for (const { regions } of chosen) for (const region of regions) this.region.removeSubregion(region);
    });
    this.maps.splice(first, last - first);
    for (const { shared } of chosen) shared?.release();
    return 0;
  }

  clear(): void {
    this.remove({ address: 0, size: 0, isAll: true });
  }

  /** The way of a bus master into it. What cannot be mapped into this process is read and written as a file. */
  master(made: BusMasterSpace): BusMasterSpace {
    return { ...made, port: new ClientDmaPort(this, made) };
  }

  /** The map that has this address and is reached as a file only. @internal */
  fileAt(address: number): Mapped | undefined {
    const one = this.maps[this.indexFrom(address + 1) - 1];
    return one !== undefined && address < endOf(one) && one.shared?.read !== undefined ? one : undefined;
  }

  /** The first map that begins at the address or behind it. */
  private indexFrom(address: number): number {
    let [low, high] = [0, this.maps.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.maps[middle] as Mapped).address < address) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The kernel copies an aligned word of a file in one piece, and fewer bytes one by one. */
const WordSize = 8;
/** Where the index of a used ring is in its first word, which the device alone writes. @see virtio 1.2, 2.7.8 "The Virtqueue Used Ring" */
const UsedIndex = 2;

class ClientDmaPort extends DmaPort {
  readonly #word = new Uint8Array(WordSize);

  constructor(
    private readonly memory: ClientMemory,
    private readonly made: BusMasterSpace,
  ) {
    super();
  }

  read(address: number | bigint, target: Uint8Array): number {
    const file = this.fileAt(address);
    if (file === undefined) return this.made.port.read(address, target);
    const at = Number(address) - file.address;
    const part = target.subarray(0, Math.min(target.length, file.size - at));
    if (!file.shared?.read?.(at, part)) {
      target.fill(0);
      return MemTxResult.DecodeError;
    }
    this.observer?.read(Number(address), part);
    return part.length === target.length ? MemTxResult.Ok : this.read(endOf(file), target.subarray(part.length));
  }

  write(address: number | bigint, source: Uint8Array): number {
    const file = this.fileAt(address);
    if (file === undefined) return this.made.port.write(address, source);
    const at = Number(address) - file.address;
    const here = Math.min(source.length, file.size - at);
    if (!file.isWritable || !file.shared?.write?.(at, source.subarray(0, here))) return MemTxResult.DecodeError;
    this.observer?.wrote(Number(address), source.subarray(0, here));
    return here === source.length ? MemTxResult.Ok : this.write(endOf(file), source.subarray(here));
  }

  override loadIndex(address: number): number {
    const file = this.fileAt(address);
    if (file === undefined) return this.made.port.loadIndex(address);
    if (address % 2 !== 0) return super.loadIndex(address);
    const value = this.loadWord(file, address);
    return value < 0 ? value : observedIndex(this.observer, address, value);
  }

  override storeIndex(address: number, value: number): number {
    const file = this.fileAt(address);
    if (file === undefined) return this.made.port.storeIndex(address, value);
    if (address % WordSize !== UsedIndex || this.loadWord(file, address) < 0) return super.storeIndex(address, value);
    this.#word[UsedIndex] = value;
    this.#word[UsedIndex + 1] = value >>> 8;
    return this.write(address - UsedIndex, this.#word);
  }

  /** 16 bits at an even address, and the word that they are in. -1: nothing answered. */
  private loadWord(file: Mapped, address: number): number {
    const at = address % WordSize;
    if (!file.shared?.read?.(address - at - file.address, this.#word)) return -1;
    return (this.#word[at] as number) | ((this.#word[at + 1] as number) << 8);
  }

  private get observer(): DmaObserver | undefined {
    return this.memory.topology.dmaObserver;
  }

  private fileAt(address: number | bigint): Mapped | undefined {
    return this.made.window.enabled ? this.memory.fileAt(Number(address)) : undefined;
  }
}

const endOf = ({ address, size }: MapRequest): number => address + size;
