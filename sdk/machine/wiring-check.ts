import type { Container } from 'inversify';
import { hex } from '../base/text.ts';
import { type BusContainers, IsaBus, PciBus, SystemBus } from '../bus/index.ts';
import { commandLineName, type DeviceBlueprint, type RegionTemplate, type Token } from '../device/index.ts';
import type { MemoryRegion } from '../memory/index.ts';
import type { PlannedDevice, PlannedRegion } from './machine-plan.ts';
import { describeMapped, describeOverlap, findOverlaps, type MappedRange } from './overlaps.ts';
import { constructionFailure, describeConstruction } from './services.ts';
import type { StatefulServices } from './stateful-services.ts';
import { DeviceWire } from './wiring.ts';

/** What each kind of device plugs into. */
const busTokens: Readonly<Record<string, Token<BusContainers>>> = { isa: IsaBus, pci: PciBus, system: SystemBus };

/** A region of a device on its way to its place. */
export interface Mapping extends MappedRange {
  readonly planned: PlannedRegion;
  readonly kind: 'Ports' | 'Memory';
  readonly container: MemoryRegion;
}

/** What takes the whole machine to see: services, buses, wires, and who lies over whom. Collects; throws nothing. */
export class WiringCheck {
  readonly mistakes: string[] = [];
  private readonly machine: string;
  private readonly services: Container;
  private readonly resolved = new Map<Token, unknown>();

  constructor(
    machine: string,
    services: Container,
    private readonly stateful: StatefulServices,
  ) {
    this.machine = machine;
    this.services = services;
  }

  /** The service, or undefined if nobody binds it or making it failed, which is reported once. */
  service<S>(token: Token<S>): S | undefined {
    if (!this.resolved.has(token)) this.resolved.set(token, this.resolve(token));
    return this.resolved.get(token) as S | undefined;
  }

  checkServices(device: PlannedDevice): boolean {
    const before = this.mistakes.length;
    for (const { token, optional } of device.blueprint.injections) {
      if (token === undefined || (optional && !this.services.isBound(token))) continue;
      if (!this.services.isBound(token)) {
        this.mistakes.push(
          `Device '${device.id}': ${device.blueprint.deviceClass.name} needs ${token.name}, which no service module of machine ` +
            `'${this.machine}' binds. Add a ContainerModule with bind(${token.name}) to its services.`,
        );
      } else if (this.service(token) === undefined) return false;
    }
    return this.mistakes.length === before;
  }

  /** The bus a device plugs into. */
  busOf({ id, blueprint }: PlannedDevice): BusContainers | undefined {
    const token = busTokens[blueprint.bus];
    if (token === undefined) {
      this.mistakes.push(
        `Device '${id}': ${blueprint.type} plugs into a bus of kind '${blueprint.bus}', which no machine has. ` +
          'Extend IsaDevice, PciDevice or SystemDevice.',
      );
      return undefined;
    }
    if (this.services.isBound(token)) return this.service(token);
    this.mistakes.push(
      `Device '${id}': ${blueprint.type} plugs into ${token.name}, and machine '${this.machine}' has none. ` +
        `Bind ${token.name} in one of its service modules, or leave the device out.`,
    );
    return undefined;
  }

  /** Where each region of the device goes; reports those that do not fit their container. */
  mappingsOf(device: PlannedDevice): Mapping[] {
    const bus = this.busOf(device);
    if (bus === undefined) return [];
    return device.regions.flatMap((planned) => {
      const { template, address, priority } = planned;
      const kind = template.kind === 'ports' ? 'Ports' : 'Memory';
      const container = kind === 'Ports' ? bus.io : bus.memory;
      const mapping: Mapping = {
        name: template.name,
        device: device.id,
        start: address,
        size: template.size,
        priority,
        option: placingOption(device.blueprint, template),
        planned,
        kind,
        container,
      };
      if (address + template.size <= container.size) return [mapping];
      this.mistakes.push(
        `${kind}: cannot map ${describeMapped(mapping)}: it ends beyond ${hex(container.size - 1)}, where '${container.name}' ends. ` +
          'Place it lower.',
      );
      return [];
    });
  }

  /** Equal priorities in one container, what the services have mapped there included. */
  checkOverlaps(mappings: readonly Mapping[]): void {
    for (const container of new Set(mappings.map((mapping) => mapping.container))) {
      const here = mappings.filter((mapping) => mapping.container === container);
      const present = container.children.filter((child) => child.enabled).map(presentRange);
      const kind = here[0]?.kind ?? 'Ports';
      const overlaps = findOverlaps<MappedRange>([...present, ...here]);
      const news = overlaps.filter((pair) => pair.some((range) => (here as readonly MappedRange[]).includes(range)));
      this.mistakes.push(...news.map((pair) => describeOverlap(kind, pair)));
    }
  }

  /** Wires whose other end does not exist. Pins are checked on the instances. */
  checkWires({ id, wires }: PlannedDevice, ids: readonly string[]): void {
    for (const [pin, wire] of wires) {
      if (wire instanceof DeviceWire) {
        if (ids.includes(wire.device)) continue;
        this.mistakes.push(
          `Device '${id}': pin '${pin}' is wired to ${wire.description}, and no device has that id. The ids are ${ids.join(', ')}.`,
        );
      } else if (!this.services.isBound(wire.service)) {
        this.mistakes.push(
          `Device '${id}': pin '${pin}' is wired to ${wire.description}, and machine '${this.machine}' has no ${wire.service.name}. ` +
            `Bind ${wire.service.name} in one of its service modules.`,
        );
      }
    }
  }

  private resolve(token: Token): unknown {
    try {
      return this.stateful.tryOut(() => this.services.get(token));
    } catch (error) {
      this.mistakes.push(
        `Service ${token.name} could not be made: ${describeConstruction(constructionFailure(error))}`,
      );
      return undefined;
    }
  }
}

/** As the command line writes it. */
function placingOption({ options }: DeviceBlueprint, template: RegionTemplate): string | undefined {
  const found = Object.entries(options.declarations).find(([, { places }]) => places === template);
  return found === undefined ? undefined : commandLineName(found[0]);
}

function presentRange(region: MemoryRegion): MappedRange {
  return {
    name: region.name,
    device: region.owner?.id,
    start: region.address,
    size: region.size,
    priority: region.priority,
  };
}
