import type { Container } from 'inversify';
import { HostFailure, type Problem } from '../base/errors.ts';
import { hex } from '../base/text.ts';
import { coalescedWarnings, explainCoalescedIo } from '../coalescing/index.ts';
import { regionsBelow } from '../coalescing/region-placement.ts';
import {
  type ClassMetadata,
  commandLineName,
  devicesIn,
  placesByAttribute,
  type RegionTemplate,
  type Token,
} from '../device/index.ts';
import { describeRange, type MemoryRegion } from '../memory/index.ts';
import type { BusPlace } from './buses/places.ts';
import type { RunningMachine } from './definition.ts';
import { constructionFailure, describeConstruction, type StatefulServices } from './services.ts';
import { unwiredInterrupts } from './wires/warnings.ts';
import { codeOf, type MappedRange, type Mapping, type PlannedDevice } from './wiring.ts';

/** Checks that need the whole machine: services, buses, wires, overlaps. It collects problems and throws nothing. */
export class WiringCheck {
  readonly problems: Problem[] = [];
  private readonly machine: string;
  private readonly services: Container;
  private readonly resolved = new Map<Token, unknown>();
  private readonly failures = new Set<string>();

  constructor(
    machine: string,
    services: Container,
    private readonly stateful: StatefulServices,
  ) {
    this.machine = machine;
    this.services = services;
  }

  /** The service, or undefined if no module binds it or making it failed, which is reported once. */
  service<S>(token: Token<S>): S | undefined {
    if (!this.resolved.has(token)) this.resolved.set(token, this.resolve(token));
    return this.resolved.get(token) as S | undefined;
  }

  checkServices(device: PlannedDevice): boolean {
    const before = this.problems.length;
    for (const { token, optional } of device.metadata.injections) {
      if (token === undefined || (optional && !this.services.isBound(token))) continue;
      if (!this.services.isBound(token)) {
        this.report(
          'missing-service',
          `Device '${device.id}': ${device.metadata.deviceClass.name} needs ${token.name}, which no service module of machine ` +
            `'${this.machine}' binds. Add a ContainerModule with bind(${token.name}) to its services.`,
        );
      } else if (this.service(token) === undefined) return false;
    }
    return this.problems.length === before;
  }

  /** Where each region of the device goes; reports those that do not fit their container. */
  mappingsOf(device: PlannedDevice, { name, bus }: BusPlace): Mapping[] {
    const { containers } = bus;
    if (containers === undefined) return this.refuseRegions(device, name);
    return device.regions.flatMap((planned) => {
      const { template, address, priority } = planned;
      const kind = template.kind === 'ports' ? 'Ports' : 'Memory';
      const container = kind === 'Ports' ? containers.io : containers.memory;
      const mapping: Mapping = {
        name: template.name,
        device: device.id,
        start: address,
        size: template.size,
        priority,
        option: placingOption(device.metadata, template),
        planned,
        kind,
        container,
      };
      if (address + template.size <= container.size) return [mapping];
      this.report(
        'beyond-container',
        `${kind}: cannot map ${describeMapped(mapping)}: it ends beyond ${hex(container.size - 1)}, where '${container.name}' ends. ` +
          'Place it lower.',
      );
      return [];
    });
  }

  private refuseRegions({ id, regions }: PlannedDevice, bus: string): Mapping[] {
    for (const { template, address } of regions) {
      const what = `region '${template.name}' is at ${hex(address)}, and bus '${bus}' has no ports and no memory`;
      this.report(
        'region-without-container',
        `Device '${id}': ${what}. Leave out its base, or plug in another device.`,
      );
    }
    return [];
  }

  /** Overlaps of equal priority in one container, with the regions that services have mapped. */
  checkOverlaps(mappings: readonly Mapping[]): void {
    for (const container of new Set(mappings.map((mapping) => mapping.container))) {
      const here = mappings.filter((mapping) => mapping.container === container);
      const present = container.children.filter((child) => child.enabled).map(presentRange);
      const kind = here[0]?.kind ?? 'Ports';
      const overlaps = findOverlaps<MappedRange>([...present, ...here]);
      const news = overlaps.filter((pair) => pair.some((range) => (here as readonly MappedRange[]).includes(range)));
      for (const pair of news) this.report('region-overlap', describeOverlap(kind, pair));
    }
  }

  private report(code: string, message: string): void {
    this.problems.push({ code, message });
  }

  private resolve(token: Token): unknown {
    try {
      return this.stateful.tryOut(() => this.services.get(token));
    } catch (error) {
      const failure = constructionFailure(error);
      if (failure instanceof HostFailure) throw failure;
      const why = describeConstruction(failure);
      // A service that another one needs has failed in it too: one cause is told once.
      if (!this.failures.has(why))
        this.report(codeOf(failure, 'service-failure'), `Service ${token.name} could not be made: ${why}`);
      this.failures.add(why);
      return undefined;
    }
  }
}

/** The name on the command line of the option that places a region. */
function placingOption({ options }: ClassMetadata, template: RegionTemplate): string | undefined {
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

/**
 * Every pair of ranges of one container that overlap with equal priority, lower range first. Equal priorities would leave the
 * result to the order of mapping, which is never intended.
 */
export function findOverlaps<R extends MappedRange>(ranges: readonly R[]): [R, R][] {
  const overlaps: [R, R][] = [];
  let open: R[] = [];
  const inOrder = ranges.filter((range) => range.size > 0).sort((a, b) => a.start - b.start);
  for (const range of inOrder) {
    open = open.filter((earlier) => earlier.start + earlier.size > range.start);
    for (const earlier of open) {
      const ofDevice = earlier.device !== undefined || range.device !== undefined;
      if (ofDevice && earlier.priority === range.priority) overlaps.push([earlier, range]);
    }
    open.push(range);
  }
  return overlaps;
}

export function describeOverlap(
  kind: 'Ports' | 'Memory',
  [first, second]: readonly [MappedRange, MappedRange],
): string {
  const movable = [second, first].find(({ option }) => option !== undefined);
  const byOption = movable === undefined ? '' : `, or option '${movable.option}' of '${movable.device}'`;
  return (
    `${kind}: cannot map ${describeMapped(second)}: it overlaps ${describeMapped(first)} with the same priority ` +
    `${second.priority}. Move one of them with at: [place(region, address)]${byOption}, or give one a higher priority.`
  );
}

export function describeMapped({ name, device, start, size }: MappedRange): string {
  return `'${name}'${device === undefined ? '' : ` of device '${device}'`} at ${describeRange(start, size)}`;
}

/** Warnings of regions that no guest reaches: no address, no BAR, and not mapped by a device, directly or by an alias. */
function unmappedRegions({ devices, addressSpaces }: RunningMachine): string[] {
  const detached = devices.flatMap(({ id, device, metadata }) => {
    const byBus = placesByAttribute(metadata);
    return devicesIn(device).flatMap(({ name, device: one }) =>
      one.metadata.regions
        .filter(({ template }) => !byBus.has(template))
        .map(({ template }) => ({ id: name === '' ? id : `${id}.${name}`, region: one.region(template) }))
        .filter(({ region }) => region.container === undefined),
    );
  });
  if (detached.length === 0) return [];
  const reached = regionsBelow(addressSpaces.map(({ root }) => root));
  return detached
    .filter(({ region }) => !reached.has(region))
    .map(
      ({ id, region: { name } }) =>
        `Device '${id}': region '${name}' has no base, and nothing has mapped it: no guest reaches it. Give the region a base, ` +
        'place it in the machine with at: [place(region, address)], or map it in onRealize(), disabled if it is to appear later.',
    );
}

/** What is suspicious in a new machine, and legal. */
export function warningsOf(machine: RunningMachine): string[] {
  return [
    ...unmappedRegions(machine),
    ...unwiredInterrupts(machine),
    ...unusedBackends(machine),
    ...coalescedWarnings(explainCoalescedIo(machine)),
  ];
}

/** Back ends that no device has: what arrives for them is lost. */
function unusedBackends({ backends, definition }: RunningMachine): string[] {
  return backends.all
    .filter(({ line }) => line.owner === undefined)
    .map(({ backend: { id, type, kind } }) => {
      const option = type === 'block' ? 'drive' : 'chardev';
      const remedy = `Give a device of the machine the option ${option}=${id}, or leave the back end out.`;
      const [, port] = /^serial(\d+)$/.exec(id) ?? [];
      return port === undefined
        ? `Back end '${id}' (${kind}): no device uses it. ${remedy}`
        : `Back end '${id}' (${kind}): machine '${definition.name}' has no serial port ${port}, counted from 0. ${remedy}`;
    });
}
