import {
  CoalescedRingLayout,
  CoalescedZone,
  ExitReason,
  IoDirection,
  IoExit,
  KvmRun,
  MmioExit,
} from '../accelerator/kvm/abi.ts';
import type { KernelCounts } from '../accelerator/kvm/kernel-counts.ts';

const { slots: Slots, last: LastOffset, first: FirstOffset } = CoalescedRingLayout;
/** Old kernels call a ring full that has so many entries. */
const FewestWhenFull = 85;

interface Zone {
  readonly address: number;
  readonly size: number;
}

/**
 * What userspace sees of a host's kernel: the returns of KVM_RUN, the entries of the ring, and the zones that it has registered. A
 * write that exits although one zone holds all of it has found the ring full.
 */
export class HostCounts implements KernelCounts {
  userspaceExits = 0;
  portUserspaceExits = 0;
  memoryUserspaceExits = 0;
  haltExits = 0;
  interruptWindowExits = 0;
  ringFullExits = 0;
  injectedInterrupts = 0;

  /** The HLT behind the last access of a recording is no exit of the recorded guest. */
  forgetHalt(): void {
    this.userspaceExits--;
    this.haltExits--;
  }

  reset(): void {
    this.userspaceExits = this.portUserspaceExits = this.memoryUserspaceExits = this.haltExits = 0;
    this.interruptWindowExits = this.ringFullExits = this.injectedInterrupts = 0;
  }
}

/** The zones of one VM, as its userspace has registered them, and what its returns are counted as. */
export class ExitCounter {
  private readonly ports: Zone[] = [];
  private readonly memory: Zone[] = [];

  constructor(private readonly counts: HostCounts) {}

  /** The kernel has taken a zone. */
  added(argument: DataView): void {
    this.zonesOf(argument).push(zoneOf(argument));
  }

  /** The kernel has removed every zone that holds this range. @see virt/kvm/coalesced_mmio.c */
  removed(argument: DataView): void {
    const zones = this.zonesOf(argument);
    const { address, size } = zoneOf(argument);
    const kept = zones.filter((zone) => !holds(zone, address, size));
    zones.splice(0, zones.length, ...kept);
  }

  countExit(run: DataView, ring: DataView): void {
    const { counts } = this;
    const reason = run.getUint32(KvmRun.exitReason, true);
    counts.userspaceExits++;
    if (reason === ExitReason.Io) {
      counts.portUserspaceExits++;
      if (run.getUint8(IoExit.direction) !== IoDirection.Out || !isAlmostFull(ring)) return;
      const size = run.getUint8(IoExit.size);
      if (isInside(this.ports, run.getUint16(IoExit.port, true), size)) counts.ringFullExits++;
    } else if (reason === ExitReason.Mmio) {
      counts.memoryUserspaceExits++;
      if (run.getUint8(MmioExit.isWrite) === 0 || !isAlmostFull(ring)) return;
      const address = Number(run.getBigUint64(MmioExit.address, true));
      if (isInside(this.memory, address, run.getUint32(MmioExit.length, true))) counts.ringFullExits++;
    } else if (reason === ExitReason.Hlt) counts.haltExits++;
    else if (reason === ExitReason.IrqWindowOpen) counts.interruptWindowExits++;
  }

  private zonesOf(argument: DataView): Zone[] {
    return argument.getUint32(CoalescedZone.pio, true) === 1 ? this.ports : this.memory;
  }
}

/** Whether the ring may have had no room: a quick look, before the zones are looked at. */
function isAlmostFull(ring: DataView): boolean {
  const first = ring.getUint32(FirstOffset, true);
  const last = ring.getUint32(LastOffset, true);
  return last >= Slots || (last >= first ? last - first : last + Slots - first) >= FewestWhenFull;
}

function isInside(zones: readonly Zone[], address: number, size: number): boolean {
  for (const zone of zones) if (holds(zone, address, size)) return true;
  return false;
}

function holds(zone: Zone, address: number, size: number): boolean {
  return address >= zone.address && address + size <= zone.address + zone.size;
}

function zoneOf(argument: DataView): Zone {
  return {
    address: Number(argument.getBigUint64(CoalescedZone.address, true)),
    size: argument.getUint32(CoalescedZone.length, true),
  };
}
