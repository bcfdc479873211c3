import { BackplaneError } from '../../base/errors.ts';
import type { BusContext } from '../../bus/bus.ts';
import { refuseNotifier } from '../../bus/event-notifiers.ts';
import {
  DmaPort,
  EventNotifiers,
  MemoryDmaPort,
  PowerController,
  ResetController,
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

/** Keeps what a device wanted. A bench stays switched on. */
class RecordedPowerOffs extends PowerController {
  readonly requests: { readonly reason: string; readonly status: number }[] = [];

  requestPowerOff(reason: string, status = 0): void {
    this.requests.push({ reason, status });
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
  private readonly resets = new RecordedResets();
  private readonly powerOffs = new RecordedPowerOffs();
  /** Services with `@state`. */
  readonly stateful = new StatefulServices();
  private readonly services: Map<Token, object>;

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
    memory.addSubregion(0, MemoryRegion.alias(topology, 'ram-behind', ram, 0, ramSize), BehindDevices);
    this.memory = new AddressSpace(topology, 'memory', memory);
    this.io = new AddressSpace(topology, 'I/O', io);
    this.services = new Map<Token, object>([
      [VirtualClock, this.clock],
      [ManualClock, this.clock],
      [SystemBus, new SystemBus({ topology, memory, io, ram })],
      [DmaPort, new MemoryDmaPort(this.memory)],
      [ResetController, this.resets],
      [PowerController, this.powerOffs],
      [EventNotifiers, new ImmediateNotifiers(topology)],
      ...more,
    ]);
    for (const [token, service] of this.services) this.stateful.note(token, service);
  }

  /** Why the device asked for a reset of the machine, each time it did. */
  get requestedResets(): readonly string[] {
    return this.resets.reasons;
  }

  /** What the device gave as reason and exit status, each time it wanted to switch the machine off. */
  get requestedPowerOffs(): readonly { readonly reason: string; readonly status: number }[] {
    return this.powerOffs.requests;
  }

  /** Those that have been made. */
  get all(): readonly object[] {
    return [...this.services.values()];
  }

  /** Notes what the bench has made itself. */
  note(token: Token, service: object): void {
    this.services.set(token, service);
    this.stateful.note(token, service);
  }

  provides(object: object): boolean {
    for (const service of this.services.values()) if (service === object) return true;
    return false;
  }

  /** For a constructor: undefined for an optional service that is missing. */
  give({ token, optional }: Injection, deviceClass: string): object | undefined {
    return optional ? this.known(token as Token) : this.find(token as Token, deviceClass);
  }

  /** A bus, and what belongs to one, says how it is made for a bench. It is made when it is asked for. */
  known(token: Token): object | undefined {
    const present = this.services.get(token);
    if (present !== undefined) return present;
    const { forBench } = token as { forBench?(around: BusContext): object };
    const made = forBench?.call(token, { topology: this.topology, io: this.io.root, memory: this.memory.root });
    if (made !== undefined) this.note(token, made);
    return made;
  }

  find(token: Token, deviceClass: string): object {
    const service = this.known(token);
    if (service !== undefined) return service;
    throw new BackplaneError(
      'missing-service',
      `Bench: ${deviceClass} asks for a ${token.name}, which the bench does not have. ` +
        `Give one: testBench(${deviceClass}, { services: [[${token.name}, ...]] }).`,
    );
  }
}

/** The device's own regions are in front of the RAM, and so is the memory of buses. */
const BehindDevices = -2;
