import type { ListenedSection, MemoryListener } from '../../memory/index.ts';
import { CoalescedZone, VmRequest } from './abi.ts';
import type { KvmVm } from './kvm-vm.ts';

export interface Zone {
  readonly start: number;
  readonly size: number;
}

/** The zone's length has 32 bits. */
const LargestZone = 0xffff_ffff;

/**
 * Keeps the kernel's coalesced zones of one bus equal to the ranges that the address space announces.
 *
 * Each zone is taken back as it was given: a wider range would remove nothing, and the kernel would answer 0 all the
 * same. A narrower one would remove every zone around it; a flat view has no ranges inside one another.
 */
export class CoalescedZoneListener implements MemoryListener {
  readonly zones: Zone[] = [];
  /** Zones that the kernel had no room for, in the order of asking: their writes exit until others make room. */
  readonly refused: Zone[] = [];
  private readonly argument = new DataView(new ArrayBuffer(CoalescedZone.size));

  constructor(
    private readonly vm: KvmVm,
    readonly name: string,
    readonly priority: number,
    readonly isPort: boolean,
    private readonly changed: () => void,
  ) {}

  coalescedIoAdd(_section: ListenedSection, start: number, size: number): void {
    const zone = { start, size: Math.min(size, LargestZone) };
    if (!this.register(zone)) this.refused.push(zone);
  }

  coalescedIoDel(_section: ListenedSection, start: number, size: number): void {
    const zone = { start, size: Math.min(size, LargestZone) };
    if (!removeEqual(this.zones, zone)) {
      removeEqual(this.refused, zone);
      return;
    }
    this.request(VmRequest.UnregisterCoalescedMmio, zone);
    this.retry();
  }

  private register(zone: Zone): boolean {
    if (this.request(VmRequest.RegisterCoalescedMmio, zone) !== 0) return false;
    this.zones.push(zone);
    this.changed();
    return true;
  }

  /** There is room for one more now, so the first that was refused has its turn. */
  private retry(): void {
    for (let first = this.refused[0]; first !== undefined && this.register(first); first = this.refused[0]) {
      this.refused.shift();
    }
  }

  private request(code: number, zone: Zone): number {
    this.argument.setBigUint64(CoalescedZone.address, BigInt(zone.start), true);
    this.argument.setUint32(CoalescedZone.length, zone.size, true);
    this.argument.setUint32(CoalescedZone.pio, this.isPort ? 1 : 0, true);
    return this.vm.kernel.ioctl(this.vm.vmFd, code, this.argument);
  }
}

function removeEqual(zones: Zone[], zone: Zone): boolean {
  const index = zones.findIndex((other) => other.start === zone.start && other.size === zone.size);
  if (index >= 0) zones.splice(index, 1);
  return index >= 0;
}
