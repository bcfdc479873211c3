import { BackplaneError } from '../../base/errors.ts';
import { hex } from '../../base/text.ts';
import { type ListenedSection, ListenerPriority, type MemoryListener, type RamBlock } from '../../memory/index.ts';
import { Capability, DirtyLog, Errno, MemoryRegionFlag, PageSize, VmRequest } from './abi.ts';
import type { KvmVm, MemorySlot } from './vm.ts';

/** A guest may put a BAR with RAM there: no processor reaches it, and the kernel has no slot for it. */
const EndOfPhysicalMemory = 2 ** 52;
/** Every processor reaches so far, and many not much farther. @see Intel SDM volume 3, 4.1.4 (MAXPHYADDR) */
const ReachedByAll = 2 ** 36;

interface Slot extends MemorySlot {
  readonly size: number;
  readonly section: ListenedSection;
  flags: number;
  /** Where the kernel copies its dirty log to; made when it is first read, and given back with the slot. */
  bitmap: RamBlock | undefined;
}

/**
 * Keeps the kernel's memory slots equal to the RAM, ROM and rom-device ranges of the memory space. Changes are queued
 * and applied at commit: all deletions, then all additions, because slots must never overlap.
 */
export class MemorySlotListener implements MemoryListener {
  readonly name = 'kvm-memory';
  readonly priority = ListenerPriority.Accelerator;
  private readonly slots = new Map<number, Slot>();
  private readonly freeNumbers: number[] = [];
  private readonly limit: number;
  private readonly canReadonly: boolean;
  private added: ListenedSection[] = [];
  private deleted: ListenedSection[] = [];
  private readonly logArgument = new DataView(new ArrayBuffer(DirtyLog.size));

  constructor(private readonly vm: KvmVm) {
    this.limit = vm.memorySlotLimit;
    this.canReadonly = vm.extension(Capability.ReadonlyMemory) > 0;
  }

  regionAdd(section: ListenedSection): void {
    this.added.push(section);
  }

  regionDel(section: ListenedSection): void {
    this.deleted.push(section);
  }

  /** Earlier stores count for the clients that logged already, later ones for the new client too. */
  logStart(section: ListenedSection, oldMask: number, _newMask: number): void {
    this.takeLog(section, oldMask);
    this.setLogging(section, true);
  }

  logStop(section: ListenedSection, oldMask: number, newMask: number): void {
    this.takeLog(section, oldMask);
    if (newMask === 0) this.setLogging(section, false);
  }

  logSync(section: ListenedSection): void {
    this.takeLog(section, section.dirtyLogMask);
  }

  commit(): void {
    const [deleted, added] = [this.deleted, this.added];
    this.deleted = [];
    this.added = [];
    for (const section of deleted) this.remove(section);
    for (const section of added) this.add(section);
  }

  private add(section: ListenedSection): void {
    const memory = backingMemory(section, this.canReadonly);
    if (memory === undefined) return;
    const guestAddress = Math.ceil(section.start / PageSize) * PageSize;
    const end = Math.min(Math.floor((section.start + section.size) / PageSize) * PageSize, EndOfPhysicalMemory);
    if (end <= guestAddress) return;
    const logged = section.dirtyLogMask === 0 ? 0 : MemoryRegionFlag.LogDirtyPages;
    const hostAddress = memory.hostAddress + section.offsetInRegion + (guestAddress - section.start);
    // Pages of the host that lie across those of the guest cannot be mapped: every access there exits.
    if (hostAddress % PageSize !== 0) return;
    const slot: Slot = {
      number: this.takeNumber(section),
      guestAddress,
      size: end - guestAddress,
      hostAddress,
      section,
      flags: memory.flags | logged,
      bitmap: undefined,
    };
    if (this.map(slot)) this.slots.set(section.start, slot);
    else this.freeNumbers.push(slot.number);
  }

  /** The kernel forgets a slot's dirty log with the slot. */
  private remove(section: ListenedSection): void {
    const slot = this.slotOf(section);
    if (slot === undefined) return;
    this.takeLog(section, section.dirtyLogMask);
    this.slots.delete(section.start);
    this.freeNumbers.push(slot.number);
    this.request(slot, 0);
    if (slot.bitmap !== undefined) this.vm.kernel.releaseGuestMemory(slot.bitmap);
  }

  private setLogging(section: ListenedSection, on: boolean): void {
    const slot = this.slotOf(section);
    if (slot === undefined) return;
    const others = slot.flags & ~MemoryRegionFlag.LogDirtyPages;
    const flags = on ? others | MemoryRegionFlag.LogDirtyPages : others;
    if (flags === slot.flags) return;
    slot.flags = flags;
    this.request(slot, slot.size);
  }

  /** Moves what the guest stored, as the kernel logged it page by page, into the region's dirty log, for these clients. */
  private takeLog(section: ListenedSection, mask: number): void {
    const slot = this.slotOf(section);
    if (slot === undefined || (slot.flags & MemoryRegionFlag.LogDirtyPages) === 0 || mask === 0) return;
    slot.bitmap ??= this.vm.kernel.allocateGuestMemory(Math.ceil(slot.size / PageSize / 64) * 8, 'dirty log');
    this.logArgument.setUint32(DirtyLog.slot, slot.number, true);
    this.logArgument.setBigUint64(DirtyLog.bitmap, BigInt(slot.bitmap.hostAddress), true);
    this.vm.call(this.vm.vmFd, VmRequest.GetDirtyLog, this.logArgument, 'read the dirty log');
    const offset = slot.section.offsetInRegion + (slot.guestAddress - slot.section.start);
    section.region.dirty.markBitmap(offset, slot.bitmap.bytes, mask);
  }

  private slotOf(section: ListenedSection): Slot | undefined {
    const slot = this.slots.get(section.start);
    return slot?.section.region === section.region ? slot : undefined;
  }

  private takeNumber(section: ListenedSection): number {
    const number = this.freeNumbers.pop() ?? this.slots.size;
    if (number < this.limit) return number;
    throw new BackplaneError(
      'too-many-memory-slots',
      `KVM has ${this.limit} memory slots and '${section.region.name}' at ${hex(section.start)} needs one more. ` +
        'Map RAM in fewer pieces.',
    );
  }

  /** False where a guest has put RAM out of the processor's reach, or over the code of a recording: every access there exits. */
  private map(slot: Slot): boolean {
    try {
      this.request(slot, slot.size);
      return true;
    } catch (failure) {
      const { errno } = this.vm.kernel;
      const isFar = slot.guestAddress + slot.size > ReachedByAll;
      if (errno === Errno.EEXIST || (errno === Errno.EINVAL && isFar)) return false;
      throw failure;
    }
  }

  private request(slot: Slot, size: number): void {
    const purpose = `${size === 0 ? 'remove' : 'map'} '${slot.section.region.name}' at ${hex(slot.guestAddress)}`;
    this.vm.setMemorySlot(slot, size, purpose);
  }
}

/**
 * The host memory that the guest may reach without an exit; undefined where every access, or every read, must exit.
 * Whether it is read-only comes from the region itself: an alias that only looks read-only stays writable for the
 * guest, as under QEMU.
 */
function backingMemory(
  section: ListenedSection,
  canReadonly: boolean,
): { hostAddress: number; flags: number } | undefined {
  const { region } = section;
  if (region.ram === undefined) return undefined;
  const isRomDevice = region.kind === 'rom-device';
  if (isRomDevice && !section.romdMode) return undefined;
  const isReadonly = isRomDevice || region.readOnly;
  if (isReadonly && !canReadonly) return undefined;
  return { hostAddress: region.ram.hostAddress, flags: isReadonly ? MemoryRegionFlag.Readonly : 0 };
}
