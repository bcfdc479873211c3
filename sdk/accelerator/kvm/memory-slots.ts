import { BackplaneError, type ListenedSection, ListenerPriority, type MemoryListener } from '../../memory/index.ts';
import { Capability, DirtyLog, MemoryRegionFlag, PageSize, UserspaceMemoryRegion, VmRequest } from './abi.ts';
import type { KvmVm } from './kvm-vm.ts';

interface Slot {
  readonly number: number;
  readonly guestAddress: number;
  readonly size: number;
  readonly hostAddress: number;
  readonly section: ListenedSection;
  readonly flags: number;
}

/**
 * Keeps the kernel's memory slots equal to the RAM, ROM and rom-device ranges of the memory space. Changes are queued
 * and applied at commit: all deletions, then all additions, because slots must never overlap.
 */
export class MemorySlots implements MemoryListener {
  readonly name = 'kvm-memory';
  readonly priority = ListenerPriority.Accelerator;
  private readonly slots = new Map<number, Slot>();
  private readonly freeNumbers: number[] = [];
  private readonly limit: number;
  private readonly canReadonly: boolean;
  private added: ListenedSection[] = [];
  private deleted: ListenedSection[] = [];
  private readonly argument = new DataView(new ArrayBuffer(UserspaceMemoryRegion.size));

  constructor(private readonly vm: KvmVm) {
    this.limit = vm.extension(Capability.MemorySlotCount) || 32;
    this.canReadonly = vm.extension(Capability.ReadonlyMemory) > 0;
  }

  get count(): number {
    return this.slots.size;
  }

  regionAdd(section: ListenedSection): void {
    this.added.push(section);
  }

  regionDel(section: ListenedSection): void {
    this.deleted.push(section);
  }

  logStart(section: ListenedSection, _oldMask: number, _newMask: number): void {
    this.setLogging(section, true);
  }

  logStop(section: ListenedSection, _oldMask: number, newMask: number): void {
    if (newMask === 0) this.setLogging(section, false);
  }

  /** Moves what the guest stored, as the kernel logged it page by page, into the region's dirty bitmap. */
  logSync(section: ListenedSection): void {
    const slot = this.slotOf(section);
    if (slot === undefined || (slot.flags & MemoryRegionFlag.LogDirtyPages) === 0) return;
    const pages = slot.size / PageSize;
    const bitmap = this.vm.kernel.allocateGuestMemory(Math.ceil(pages / 64) * 8, 'dirty log');
    const argument = new DataView(new ArrayBuffer(DirtyLog.size));
    argument.setUint32(DirtyLog.slot, slot.number, true);
    argument.setBigUint64(DirtyLog.bitmap, BigInt(bitmap.hostAddress), true);
    this.vm.call(this.vm.vmFd, VmRequest.GetDirtyLog, argument, 'read the dirty log');
    const offset = slot.section.offsetInRegion + (slot.guestAddress - slot.section.start);
    section.region.dirty.markBitmap(offset, bitmap.bytes);
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
    const end = Math.floor((section.start + section.size) / PageSize) * PageSize;
    if (end <= guestAddress) return;
    const logged = section.dirtyLogMask === 0 ? 0 : MemoryRegionFlag.LogDirtyPages;
    const slot: Slot = {
      number: this.takeNumber(section),
      guestAddress,
      size: end - guestAddress,
      hostAddress: memory.hostAddress + section.offsetInRegion + (guestAddress - section.start),
      section,
      flags: memory.flags | logged,
    };
    this.slots.set(section.start, slot);
    this.request(slot, slot.size);
  }

  private remove(section: ListenedSection): void {
    const slot = this.slotOf(section);
    if (slot === undefined) return;
    this.slots.delete(section.start);
    this.freeNumbers.push(slot.number);
    this.request(slot, 0);
  }

  private setLogging(section: ListenedSection, on: boolean): void {
    const slot = this.slotOf(section);
    if (slot === undefined) return;
    const flags = slot.flags & ~MemoryRegionFlag.LogDirtyPages;
    const changed = { ...slot, flags: on ? flags | MemoryRegionFlag.LogDirtyPages : flags };
    if (changed.flags === slot.flags) return;
    this.slots.set(section.start, changed);
    this.request(changed, changed.size);
  }

  private slotOf(section: ListenedSection): Slot | undefined {
    const slot = this.slots.get(section.start);
    return slot?.section.region === section.region ? slot : undefined;
  }

  private takeNumber(section: ListenedSection): number {
    const number = this.freeNumbers.pop() ?? this.slots.size;
    if (number < this.limit) return number;
    throw new BackplaneError(
      `KVM has ${this.limit} memory slots and '${section.region.name}' at 0x${section.start.toString(16)} needs one more. ` +
        'Map RAM in fewer pieces.',
    );
  }

  private request(slot: Slot, size: number): void {
    const region = this.argument;
    region.setUint32(UserspaceMemoryRegion.slot, slot.number, true);
    region.setUint32(UserspaceMemoryRegion.flags, slot.flags, true);
    region.setBigUint64(UserspaceMemoryRegion.guestAddress, BigInt(slot.guestAddress), true);
    region.setBigUint64(UserspaceMemoryRegion.memorySize, BigInt(size), true);
    region.setBigUint64(UserspaceMemoryRegion.userspaceAddress, BigInt(slot.hostAddress), true);
    const purpose = `${size === 0 ? 'remove' : 'map'} '${slot.section.region.name}' at 0x${slot.guestAddress.toString(16)}`;
    this.vm.call(this.vm.vmFd, VmRequest.SetUserMemoryRegion, region, purpose);
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
