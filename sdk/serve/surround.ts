import { ContainerModule } from 'inversify';
import { PciBus } from '../bus/pci/bus.ts';
import { ManualClock, VirtualClock } from '../clock/index.ts';
import { MachineBoard } from '../machine/board.ts';
import { defineMachine, type MachineDefinition } from '../machine/definition.ts';
import type { UsedDevice } from '../machine/index.ts';
import { ClientMemory } from './client-memory.ts';
import { refuseUnservable } from './servable.ts';

/** The bus of a served function: its masters reach the memory of the client. */
class ServedBus extends PciBus {
  constructor({ ports, system }: MachineBoard, memory: ClientMemory) {
    super({ io: ports, memory: system, busMasterMemory: memory.region });
    const { masterSpace } = this;
    this.masterSpace = (...of) => memory.master(masterSpace(...of));
  }
}

const services = new ContainerModule(({ bind }) => {
  bind(VirtualClock).toDynamicValue(() => new ManualClock());
  bind(ClientMemory).toResolvedValue(({ topology }) => new ClientMemory(topology), [MachineBoard]);
  bind(PciBus).toResolvedValue((board, memory) => new ServedBus(board, memory), [MachineBoard, ClientMemory]);
});

/** Recordings have it: the slot is free on the machines of the package. */
const UsualAddress = '05.0';

/**
 * The machine around a served function: a PCI bus and a clock, and what is on the function's own buses. Processor and memory are the
 * client's.
 */
export function servedMachine(used: UsedDevice, behind: readonly UsedDevice[] = []): MachineDefinition {
  refuseUnservable(used);
  return defineMachine({
    name: 'vfio-user',
    description: 'one PCI function of a virtual machine in another process',
    services: [services],
    devices: [{ addr: UsualAddress, ...used }, ...behind],
    defaultRam: 0,
  });
}
