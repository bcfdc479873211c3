import type { RamBlock } from '../../../memory/ram-block.ts';
import { checkRamSize } from '../../../memory/region-checks.ts';
import { DirtyLog, Errno, MaximumMemorySlots, MemoryRegionFlag, PageSize, UserspaceMemoryRegion } from '../abi.ts';

const FirstHostAddress = 0x7f00_0000_0000;

/** Userspace memory as the simulated kernel sees it: what was allocated here has an address that structs can name. */
export class HostMemory {
  readonly #blocks: { readonly block: RamBlock; readonly size: number }[] = [];
  #nextAddress = FirstHostAddress;

  /** Zeroed and page aligned; an unmapped page follows each block. The host commits a page when it is first touched. */
  allocate(size: number, name: string): RamBlock {
    checkRamSize(name, size);
    const mapped = Math.ceil(size / PageSize) * PageSize;
    const buffer = new ArrayBuffer(mapped);
    const block = {
      bytes: new Uint8Array(buffer, 0, size),
      view: new DataView(buffer, 0, size),
      hostAddress: this.#nextAddress,
    };
    this.#blocks.push({ block, size: mapped });
    this.#nextAddress += mapped + PageSize;
    return block;
  }

  /** Memory that a processor has made: it gets an address. `written` is called for what the host writes there. */
  adopt(memory: Pick<RamBlock, 'bytes' | 'view'>, written: NonNullable<RamBlock['written']>): RamBlock {
    const size = Math.ceil(memory.bytes.length / PageSize) * PageSize;
    const block = { ...memory, hostAddress: this.#nextAddress, written };
    this.#blocks.push({ block, size: memory.bytes.length });
    this.#nextAddress += size + PageSize;
    return block;
  }

  /** Nothing is mapped there any more; what the kernel looked up before still reaches the bytes. */
  release(block: RamBlock): void {
    const index = this.#indexOf(block.hostAddress);
    if (this.#blocks[index]?.block === block) this.#blocks.splice(index, 1);
  }

  /** The bytes at a userspace address; undefined where nothing, or not all of it, is mapped. */
  resolve(address: number, size: number): DataView | undefined {
    const found = this.#blocks[this.#indexOf(address)];
    if (found === undefined) return undefined;
    const offset = address - found.block.hostAddress;
    if (offset + size > found.size) return undefined;
    const { buffer, byteOffset } = found.block.bytes;
    return new DataView(buffer, byteOffset + offset, size);
  }

  /** The last block that begins at or before the address; addresses only grow, so the blocks are in order. */
  #indexOf(address: number): number {
    let low = 0;
    let high = this.#blocks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#blocks[middle]!.block.hostAddress <= address) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

const MostPages = 2n ** 31n - 1n;
const EndOfUserspace = 2n ** 47n;
const EndOfPhysicalMemory = 2n ** 52n;
const Page = BigInt(PageSize);

/** A range of guest physical memory backed by userspace memory. */
export interface KernelMemorySlot {
  readonly id: number;
  readonly flags: number;
  readonly guestAddress: number;
  readonly size: number;
  readonly userspaceAddress: number;
  /** Undefined if userspace named memory that is not there: a guest that touches it faults. */
  readonly view: DataView | undefined;
  /** One bit a page; only while dirty pages are logged. */
  readonly dirty: Uint8Array | undefined;
}

/** What wants to know of the slots. */
export interface SlotWatcher {
  /** One of them is about to change. */
  beforeChange(): void;
  /** All of them, after a change. */
  changed(slots: readonly KernelMemorySlot[]): void;
  /** Stores into this slot are not logged: any page of it may be dirty. */
  logsNothing(slot: KernelMemorySlot): boolean;
}

/** The memory slots of a VM. @see virt/kvm/kvm_main.c, kvm_set_memory_region */
export class KernelMemorySlots {
  #slots: readonly KernelMemorySlot[] = [];
  #last: KernelMemorySlot | undefined;
  /** No slot holds these addresses: where the last search ended that found none. */
  #holeStart = NaN;
  #holeEnd = NaN;

  constructor(
    private readonly host: HostMemory,
    private readonly watcher: SlotWatcher | undefined,
  ) {}

  /** The slot that holds this guest physical address. */
  find(address: number): KernelMemorySlot | undefined {
    const last = this.#last;
    if (last !== undefined && address >= last.guestAddress && address - last.guestAddress < last.size) return last;
    return address >= this.#holeStart && address < this.#holeEnd ? undefined : this.#search(address);
  }

  #search(address: number): KernelMemorySlot | undefined {
    let start = 0;
    let end = Infinity;
    for (const slot of this.#slots) {
      const slotEnd = slot.guestAddress + slot.size;
      if (address >= slotEnd) start = Math.max(start, slotEnd);
      else if (address < slot.guestAddress) end = Math.min(end, slot.guestAddress);
      else {
        this.#last = slot;
        return slot;
      }
    }
    this.#holeStart = start;
    this.#holeEnd = end;
    return undefined;
  }

  /** The guest stored into this slot. A store never runs over a page: the processor splits it. */
  markDirty(slot: KernelMemorySlot, offset: number): void {
    if (slot.dirty === undefined) return;
    const page = Math.floor(offset / PageSize);
    slot.dirty[page >> 3]! |= 1 << (page & 7);
  }

  /** KVM_SET_USER_MEMORY_REGION; answers 0 or an errno. */
  set(region: DataView): number {
    const word = region.getUint32(UserspaceMemoryRegion.slot, true);
    const id = word & 0xffff;
    const flags = region.getUint32(UserspaceMemoryRegion.flags, true);
    const guestAddress = region.getBigUint64(UserspaceMemoryRegion.guestAddress, true);
    const size = region.getBigUint64(UserspaceMemoryRegion.memorySize, true);
    const userspaceAddress = region.getBigUint64(UserspaceMemoryRegion.userspaceAddress, true);
    if ((flags & ~(MemoryRegionFlag.LogDirtyPages | MemoryRegionFlag.Readonly)) !== 0) return Errno.EINVAL;
    if (size % Page !== 0n || guestAddress % Page !== 0n || userspaceAddress % Page !== 0n) return Errno.EINVAL;
    if (userspaceAddress + size > EndOfUserspace || size / Page > MostPages) return Errno.EINVAL;
    if (word > 0xffff || id >= MaximumMemorySlots) return Errno.EINVAL;
    const old = this.#byId(id);
    if (size === 0n) {
      if (old === undefined) return Errno.EINVAL;
      return this.#replace(old, undefined);
    }
    if (guestAddress + size > EndOfPhysicalMemory) return Errno.EINVAL;
    return this.#define(old, {
      id,
      flags,
      guestAddress: Number(guestAddress),
      size: Number(size),
      userspaceAddress: Number(userspaceAddress),
    });
  }

  /** KVM_GET_DIRTY_LOG: copies the bitmap to userspace and clears it; answers 0 or an errno. */
  takeDirtyLog(log: DataView): number {
    const word = log.getUint32(DirtyLog.slot, true);
    if (word >= MaximumMemorySlots) return Errno.EINVAL;
    const slot = this.#byId(word);
    const dirty = slot?.dirty;
    if (slot === undefined || dirty === undefined) return Errno.ENOENT;
    if (this.watcher?.logsNothing(slot) === true) markAll(slot.size, dirty);
    const bitmap = this.host.resolve(Number(log.getBigUint64(DirtyLog.bitmap, true)), dirty.length);
    if (bitmap === undefined) return Errno.EFAULT;
    new Uint8Array(bitmap.buffer, bitmap.byteOffset, bitmap.byteLength).set(dirty);
    dirty.fill(0);
    return 0;
  }

  #define(old: KernelMemorySlot | undefined, wanted: Omit<KernelMemorySlot, 'view' | 'dirty'>): number {
    if (old !== undefined) {
      if (wanted.userspaceAddress !== old.userspaceAddress || wanted.size !== old.size) return Errno.EINVAL;
      if (((wanted.flags ^ old.flags) & MemoryRegionFlag.Readonly) !== 0) return Errno.EINVAL;
      if (wanted.guestAddress === old.guestAddress && wanted.flags === old.flags) return 0;
    }
    if (this.#overlaps(wanted)) return Errno.EEXIST;
    const logged = (wanted.flags & MemoryRegionFlag.LogDirtyPages) !== 0;
    return this.#replace(old, {
      ...wanted,
      view: old?.view ?? this.host.resolve(wanted.userspaceAddress, wanted.size),
      dirty: logged ? (old?.dirty ?? new Uint8Array(dirtyBitmapSize(wanted.size))) : undefined,
    });
  }

  #overlaps(wanted: { readonly id: number; readonly guestAddress: number; readonly size: number }): boolean {
    const end = wanted.guestAddress + wanted.size;
    return this.#slots.some(
      (slot) => slot.id !== wanted.id && wanted.guestAddress < slot.guestAddress + slot.size && slot.guestAddress < end,
    );
  }

  #replace(old: KernelMemorySlot | undefined, slot: KernelMemorySlot | undefined): 0 {
    this.watcher?.beforeChange();
    const others = this.#slots.filter((other) => other !== old);
    this.#slots = slot === undefined ? others : [...others, slot];
    this.#last = undefined;
    this.#holeStart = this.#holeEnd = NaN;
    this.watcher?.changed(this.#slots);
    return 0;
  }

  #byId(id: number): KernelMemorySlot | undefined {
    return this.#slots.find((slot) => slot.id === id);
  }
}

/** Bytes of a dirty bitmap: one bit a page, rounded up to 64 pages. */
export function dirtyBitmapSize(slotSize: number): number {
  return Math.ceil(slotSize / PageSize / 64) * 8;
}

/** All pages are dirty. */
function markAll(size: number, bitmap: Uint8Array): void {
  const pages = size / PageSize;
  bitmap.fill(0xff, 0, pages >> 3);
  if (pages % 8 !== 0) bitmap[pages >> 3] = (1 << (pages % 8)) - 1;
}
