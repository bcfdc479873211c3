import { hex } from '../../base/text.ts';
import {
  type AddressRange,
  type CoalescedZones,
  describeRange,
  type Ioeventfd,
  type ListenedSection,
  ListenerPriority,
  type MemoryListener,
  type MemoryTopology,
} from '../../memory/index.ts';
import type { AcceleratorHost, ResetPort } from '../accelerator.ts';
import { Capability, CoalescedZone, IoeventfdFlag, IoeventfdLayout, VmRequest } from './abi.ts';
import { MemorySlotListener } from './memory-slot-listener.ts';
import type { KvmVm } from './vm.ts';

/** The zone's length has 32 bits. */
const LargestZone = 0xffff_ffff;

/**
 * Keeps the kernel's coalesced zones of one bus equal to the ranges that the address space announces. Each zone is removed
 * as it was registered. A wider range would remove nothing, and the kernel would answer 0 all the same. A narrower one
 * would remove every zone around it.
 *
 * @see virt/kvm/coalesced_mmio.c, kvm_vm_ioctl_unregister_coalesced_mmio()
 */
class CoalescedZoneListener implements MemoryListener {
  readonly zones: AddressRange[] = [];
  /** Zones that the kernel had no room for, in the order of asking: their writes exit until others make room. */
  readonly refused: AddressRange[] = [];
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

  private register(zone: AddressRange): boolean {
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

  private request(code: number, zone: AddressRange): number {
    this.argument.setBigUint64(CoalescedZone.address, BigInt(zone.start), true);
    this.argument.setUint32(CoalescedZone.length, zone.size, true);
    this.argument.setUint32(CoalescedZone.pio, this.isPort ? 1 : 0, true);
    return this.vm.kernel.ioctl(this.vm.vmFd, code, this.argument);
  }
}

function removeEqual(zones: AddressRange[], zone: AddressRange): boolean {
  const index = zones.findIndex((other) => other.start === zone.start && other.size === zone.size);
  if (index >= 0) zones.splice(index, 1);
  return index >= 0;
}

/** Hands the ioeventfds of one address space to the kernel, which signals them without leaving for userspace. */
class IoeventfdListener implements MemoryListener {
  private readonly argument = new DataView(new ArrayBuffer(IoeventfdLayout.size));

  constructor(
    private readonly vm: KvmVm,
    readonly name: string,
    readonly priority: number,
    readonly isPort: boolean,
  ) {}

  eventfdAdd(_section: ListenedSection, eventfd: Ioeventfd): void {
    this.request(eventfd, 0, 'register');
  }

  eventfdDel(_section: ListenedSection, eventfd: Ioeventfd): void {
    this.request(eventfd, IoeventfdFlag.Deassign, 'remove');
  }

  private request(eventfd: Ioeventfd, extraFlags: number, verb: string): void {
    const match = eventfd.match === undefined ? 0 : IoeventfdFlag.Datamatch;
    this.argument.setBigUint64(IoeventfdLayout.datamatch, eventfd.match ?? 0n, true);
    this.argument.setBigUint64(IoeventfdLayout.address, BigInt(eventfd.address), true);
    this.argument.setUint32(IoeventfdLayout.length, eventfd.size, true);
    this.argument.setInt32(IoeventfdLayout.fd, eventfd.fd, true);
    this.argument.setUint32(IoeventfdLayout.flags, match | extraFlags | (this.isPort ? IoeventfdFlag.Pio : 0), true);
    const what = `${verb} an ioeventfd at ${this.isPort ? 'port' : 'address'} ${hex(eventfd.address)}`;
    this.vm.call(this.vm.vmFd, VmRequest.Ioeventfd, this.argument, what);
  }
}

interface MapListenerOptions {
  readonly coalescedMmio?: boolean | undefined;
  readonly coalescedPio?: boolean | undefined;
  /** The kernel has a zone more. */
  readonly zonesChanged: () => void;
  /** Signals an ioeventfd where the kernel cannot. */
  readonly signal: (fd: number) => void;
}

/** Registers a machine's memory map with the kernel: slots, zones and ioeventfds, as far as it has the capabilities. */
export class MapListeners {
  private readonly listeners: MemoryListener[] = [];
  private readonly topology: MemoryTopology;

  /** Zones only where the kernel has the capability: an old one takes a port zone for a memory zone. */
  constructor({ topology, memory, io }: AcceleratorHost, vm: KvmVm, options: MapListenerOptions) {
    this.topology = topology;
    const add = (listener: MemoryListener, space: typeof memory) => {
      this.listeners.push(listener);
      topology.addListener(listener, space);
    };
    const { Accelerator: first, DeviceBackend, Min } = ListenerPriority;
    add(new MemorySlotListener(vm), memory);
    if (options.coalescedMmio !== false && vm.canCoalesceMemory) {
      add(new CoalescedZoneListener(vm, 'kvm-coalesced-mmio', first, false, options.zonesChanged), memory);
    }
    if (options.coalescedPio !== false && vm.canCoalescePorts) {
      add(new CoalescedZoneListener(vm, 'kvm-coalesced-pio', Min, true, options.zonesChanged), io);
    }
    if (vm.extension(Capability.Ioeventfd) > 0) {
      add(new IoeventfdListener(vm, 'kvm-memory-ioeventfd', DeviceBackend, false), memory);
      add(new IoeventfdListener(vm, 'kvm-io', DeviceBackend, true), io);
    } else {
      topology.signalIoeventfd = options.signal;
    }
  }

  get zones(): CoalescedZones {
    return this.zonesOf(({ zones }) => zones);
  }

  /** Zones that the kernel has no room for. */
  get refused(): CoalescedZones {
    return this.zonesOf(({ refused }) => refused);
  }

  /** Removes all of it from the kernel. */
  detach(): void {
    for (const listener of [...this.listeners].reverse()) this.topology.removeListener(listener);
    this.topology.signalIoeventfd = undefined;
  }

  private zonesOf(kind: (listener: CoalescedZoneListener) => readonly AddressRange[]): CoalescedZones {
    const ofBus = (isPort: boolean) =>
      this.listeners.flatMap((one) => (one instanceof CoalescedZoneListener && one.isPort === isPort ? kind(one) : []));
    return { ports: ofBus(true), memory: ofBus(false) };
  }
}

/** The message about a map where a reset waits in the ring: without a timer, nothing bounds the wait. */
export function hiddenReset(zones: CoalescedZones, registers: readonly ResetPort[]): string | undefined {
  for (const { address, size, name, isMemory = false } of registers) {
    const own = isMemory ? zones.memory : zones.ports;
    const zone = own.find((z) => address < z.start + z.size && z.start < address + size);
    if (zone === undefined) continue;
    return (
      `drain=on-access: the coalesced ${isMemory ? 'memory' : 'ports'} ${describeRange(zone.start, zone.size)} ` +
      `${isMemory ? 'swallows' : 'swallow'} '${name}' at ${hex(address)}, and this policy has no timer that bounds how ` +
      `long a reset waits there. Use drain=every-exit, turn coalesced-${isMemory ? 'mmio' : 'pio'} off, or map the ` +
      'reset register so that it splits the range.'
    );
  }
  return undefined;
}
