import { ListenerPriority, type MemoryListener, type MemoryTopology } from '../../memory/index.ts';
import type { AcceleratorHost } from '../accelerator.ts';
import { Capability } from './abi.ts';
import { CoalescedZoneListener, type Zone } from './coalesced-zone-listener.ts';
import { IoeventfdListener } from './ioeventfd-listener.ts';
import type { KvmVm } from './kvm-vm.ts';
import { MemorySlotListener } from './memory-slot-listener.ts';

export interface MapListenerOptions {
  readonly coalescedMmio?: boolean | undefined;
  readonly coalescedPio?: boolean | undefined;
  /** The kernel has a zone more. */
  readonly zonesChanged: () => void;
  /** Signals an ioeventfd where the kernel cannot. */
  readonly signal: (fd: number) => void;
}

type Zones = { readonly ports: readonly Zone[]; readonly memory: readonly Zone[] };

/** What the kernel is told of a machine's memory map: slots, zones and ioeventfds, as far as it has the capabilities. */
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

  /** The zones in force now. */
  get zones(): Zones {
    return this.zonesOf(({ zones }) => zones);
  }

  /** Zones that the kernel has no room for. */
  get refused(): Zones {
    return this.zonesOf(({ refused }) => refused);
  }

  /** The kernel is told that everything went away. */
  detach(): void {
    for (const listener of [...this.listeners].reverse()) this.topology.removeListener(listener);
    this.topology.signalIoeventfd = undefined;
  }

  private zonesOf(kind: (listener: CoalescedZoneListener) => readonly Zone[]): Zones {
    const ofBus = (isPort: boolean) =>
      this.listeners.flatMap((one) => (one instanceof CoalescedZoneListener && one.isPort === isPort ? kind(one) : []));
    return { ports: ofBus(true), memory: ofBus(false) };
  }
}
