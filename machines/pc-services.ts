import { ContainerModule } from 'inversify';
import { DmaPort, IsaBus, MemoryRegion, VirtualClock } from '../sdk/index.ts';
import { PciBus, type PciPinWiring, pcPinWiring, SubtractivePorts } from '../sdk/pci.ts';
import { AddressSpace, MachineBoard, ManualClock, MemoryDmaPort } from '../sdk/runtime.ts';
import { PciMemory } from './pc-memory.ts';

const BehindTheBridge = -1;

/** The container of the ports behind the host bridge. */
abstract class BusPorts {
  abstract readonly region: MemoryRegion;
}

/** The clock, and DMA of bus masters into memory. Every machine here has them. */
export const commonServices = new ContainerModule(({ bind }) => {
  bind(VirtualClock).toDynamicValue(() => new ManualClock());
  bind(DmaPort).toResolvedValue(({ memory }) => new MemoryDmaPort(memory), [MachineBoard]);
});

/** One ISA bus over all ports and all memory. */
export const isaOnly = new ContainerModule(({ bind }) => {
  bind(IsaBus).toResolvedValue(({ ports, system }) => new IsaBus({ io: ports, memory: system }), [MachineBoard]);
});

/**
 * PCI and ISA in one container of ports behind the host bridge (subtractive decode). The bridge's own ports have a higher priority, so
 * that no device can split them. With `resetControl: 'overlay'` all ports are in one container instead, as in QEMU.
 */
export const pciBehindBridge = (wiring: PciPinWiring) =>
  new ContainerModule(({ bind }) => {
    bind(BusPorts).toResolvedValue((board) => ({ region: portsOf(board) }), [MachineBoard]);
    bind(SubtractivePorts).toResolvedValue(
      ({ topology }, { region }) =>
        new SubtractivePorts(new AddressSpace(topology, 'ports behind the host bridge', region)),
      [MachineBoard, BusPorts],
    );
    bind(PciBus).toResolvedValue(
      (ports, memory, board) =>
        new PciBus({ io: ports.region, memory: memory.region, busMasterMemory: busMasterMemory(board) }, wiring),
      [BusPorts, PciMemory, MachineBoard],
    );
    bind(IsaBus).toResolvedValue(
      (ports, memory) => new IsaBus({ io: ports.region, memory: memory.region }),
      [BusPorts, PciMemory],
    );
  });

export const busBehindBridge = pciBehindBridge(pcPinWiring);

/** The address space of bus masters: an alias of the processor's, and regions for bus masters only in front of it. */
function busMasterMemory({ topology, system }: MachineBoard): MemoryRegion {
  const memory = MemoryRegion.container(topology, 'bus-master-memory', system.size);
  memory.addSubregion(0, MemoryRegion.alias(topology, 'memory-for-masters', system, 0, system.size));
  return memory;
}

function portsOf({ topology, ports, options }: MachineBoard): MemoryRegion {
  if (options['resetControl'] === 'overlay') return ports;
  const behind = MemoryRegion.unassignedPorts(topology, 'isa-pci-ports');
  ports.addSubregion(0, behind, BehindTheBridge);
  return behind;
}
