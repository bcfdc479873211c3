import { ContainerModule } from 'inversify';
import {
  AddressSpace,
  DmaPort,
  IsaBus,
  MachineBoard,
  ManualClock,
  MemoryDmaPort,
  MemoryRegion,
  PciBus,
  type PciPinWiring,
  PortsBehindBridge,
  pcPinWiring,
  VirtualClock,
} from '../sdk/index.ts';
import { PciMemory } from './pc-memory.ts';

const BehindTheBridge = -1;

/** The container of every port that is not the host bridge's own. */
abstract class BusPorts {
  abstract readonly region: MemoryRegion;
}

/** Time, and a way into memory for bus masters: what every machine here has. */
export const commonServices = new ContainerModule(({ bind }) => {
  bind(VirtualClock).toDynamicValue(() => new ManualClock());
  bind(DmaPort).toResolvedValue(({ memory }) => new MemoryDmaPort(memory), [MachineBoard]);
});

/** One ISA bus over all ports and all memory. */
export const isaOnly = new ContainerModule(({ bind }) => {
  bind(IsaBus).toResolvedValue(({ ports, system }) => new IsaBus({ io: ports, memory: system }), [MachineBoard]);
});

/**
 * PCI and ISA as one bus behind the host bridge, whose own ports outrank it: no device there can split them. With
 * `resetControl: 'overlay'` everything lies side by side instead, as QEMU has it.
 */
export const pciBehindBridge = (wiring: PciPinWiring) =>
  new ContainerModule(({ bind }) => {
    bind(BusPorts).toResolvedValue((board) => ({ region: portsOf(board) }), [MachineBoard]);
    bind(PortsBehindBridge).toResolvedValue(
      ({ topology }, { region }) =>
        new PortsBehindBridge(new AddressSpace(topology, 'ports behind the host bridge', region)),
      [MachineBoard, BusPorts],
    );
    bind(PciBus).toResolvedValue(
      (ports, memory, board) =>
        new PciBus({ io: ports.region, memory: memory.region, masterMemory: memoryForMasters(board) }, wiring),
      [BusPorts, PciMemory, MachineBoard],
    );
    bind(IsaBus).toResolvedValue(
      (ports, memory) => new IsaBus({ io: ports.region, memory: memory.region }),
      [BusPorts, PciMemory],
    );
  });

export const busBehindBridge = pciBehindBridge(pcPinWiring);

/** What a processor sees, in a container of its own: what only bus masters see goes in front of it. */
function memoryForMasters({ topology, system }: MachineBoard): MemoryRegion {
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
