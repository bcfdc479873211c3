import { BackplaneError } from '../../base/errors.ts';
import { refuseNotifier } from '../../bus/event-notifiers.ts';
import {
  DmaPort,
  EventNotifiers,
  IsaBus,
  MemoryDmaPort,
  PciBus,
  ResetController,
  SubtractivePorts,
  SystemBus,
} from '../../bus/index.ts';
import { ManualClock, VirtualClock } from '../../clock/index.ts';
import type { Injection, Token } from '../../device/index.ts';
import { StatefulServices } from '../../machine/services.ts';
import { AddressSpace, MemoryRegion, MemoryTopology } from '../../memory/index.ts';

/** A service for the device's constructor: the class it asks for, and the object it gets. */
export type BenchService = readonly [token: Token, service: object];

/** Counts the resets that a device asks for. A bench performs none. */
class RecordedResets extends ResetController {
  readonly reasons: string[] = [];

  requestReset(reason: string): void {
    this.reasons.push(reason);
  }
}

/** Signals reach their consumers at once: there is no kernel on a bench. */
class ImmediateNotifiers extends EventNotifiers {
  private readonly consumers: (() => void)[] = [];
  private readonly names = new Set<string>();

  constructor(topology: MemoryTopology) {
    super();
    topology.signalIoeventfd = (fd) => this.consumers[fd]?.();
  }

  add(consumer: () => void, name = String(this.names.size)): number {
    refuseNotifier(name, this.names, 'device');
    this.names.add(name);
    return this.consumers.push(consumer) - 1;
  }
}

/** The services of a bench: memory with RAM, unassigned ports, a clock that the test moves, and every bus. */
export class BenchServices {
  readonly topology = new MemoryTopology();
  readonly clock: ManualClock;
  readonly memory: AddressSpace;
  readonly io: AddressSpace;
  readonly pci: PciBus;
  private readonly resets = new RecordedResets();
  /** Services with `@state`. */
  readonly stateful = new StatefulServices();
  private readonly services: ReadonlyMap<Token, object>;

  constructor(
    ramSize: number,
    more: readonly BenchService[],
    allocateRam?: MemoryTopology['allocateRam'],
    startAt?: number | bigint,
  ) {
    const { topology } = this;
    this.clock = new ManualClock(startAt);
    this.clock.insideHandler = () => topology.handlerDepth > 0;
    if (allocateRam !== undefined) topology.allocateRam = allocateRam;
    const memory = MemoryRegion.container(topology, 'memory', 2 ** 64);
    const io = MemoryRegion.unassignedPorts(topology, 'io');
    const ram = MemoryRegion.ram(topology, 'ram', ramSize);
    const pciMemory = MemoryRegion.container(topology, 'pci', 2 ** 64);
    memory.addSubregion(0, pciMemory, Priority.Pci);
    memory.addSubregion(0, MemoryRegion.alias(topology, 'ram-behind', ram, 0, ramSize), Priority.Ram);
    this.memory = new AddressSpace(topology, 'memory', memory);
    this.io = new AddressSpace(topology, 'I/O', io);
    this.pci = new PciBus({ io, memory: pciMemory, busMasterMemory: memory });
    this.services = new Map<Token, object>([
      [VirtualClock, this.clock],
      [ManualClock, this.clock],
      [IsaBus, new IsaBus({ io, memory })],
      [PciBus, this.pci],
      [SystemBus, new SystemBus({ topology, memory, io, ram })],
      [DmaPort, new MemoryDmaPort(this.memory)],
      [SubtractivePorts, new SubtractivePorts(emptyPorts(topology))],
      [ResetController, this.resets],
      [EventNotifiers, new ImmediateNotifiers(topology)],
      ...more,
    ]);
    for (const [token, service] of this.services) this.stateful.note(token, service);
  }

  /** Why the device asked for a reset of the machine, each time it did. */
  get requestedResets(): readonly string[] {
    return this.resets.reasons;
  }

  provides(object: object): boolean {
    for (const service of this.services.values()) if (service === object) return true;
    return false;
  }

  /** For a constructor: undefined for an optional service that is missing. */
  give({ token, optional }: Injection, deviceClass: string): object | undefined {
    return optional ? this.services.get(token as Token) : this.find(token as Token, deviceClass);
  }

  find(token: Token, deviceClass: string): object {
    const service = this.services.get(token);
    if (service) return service;
    throw new BackplaneError(
      'missing-service',
      `Bench: ${deviceClass} asks for a ${token.name}, which the bench does not have. ` +
        `Give one: testBench(${deviceClass}, { services: [[${token.name}, ...]] }).`,
    );
  }
}

/** The device's own regions are in front of both. */
const Priority = { Pci: -1, Ram: -2 } as const;

function emptyPorts(topology: MemoryTopology): AddressSpace {
  return new AddressSpace(topology, 'ports behind the bridge', MemoryRegion.unassignedPorts(topology, 'nothing'));
}
