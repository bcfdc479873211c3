import { ContainerModule } from 'inversify';
import { defineMachine, MemoryRegion, SystemBus } from '../sdk/index.ts';
import { PciBus } from '../sdk/pci.ts';
import { MachineBoard } from '../sdk/runtime.ts';
import { commonServices, isaOnly } from './pc-services.ts';

/** RAM from address 0 on, in an otherwise empty address space. */
const plainMemory = new ContainerModule(({ bind }) => {
  bind(SystemBus).toResolvedValue(
    ({ topology, system, ports, ramSize }) => {
      const ram = MemoryRegion.ram(topology, 'ram', ramSize);
      system.addSubregion(0, MemoryRegion.alias(topology, 'ram-from-0', ram, 0, ramSize));
      return new SystemBus({ topology, memory: system, io: ports, ram });
    },
    [MachineBoard],
  );
  bind(PciBus).toResolvedValue(
    ({ ports, system }) => new PciBus({ io: ports, memory: system, busMasterMemory: system }),
    [MachineBoard],
  );
});

export const empty = defineMachine({
  name: 'empty',
  description: 'RAM and empty buses, to build a machine from',
  services: [commonServices, isaOnly, plainMemory],
  devices: [],
});
