import { describeThrown, type Problem } from '../base/errors.ts';
import { nearest } from '../base/text.ts';
import { type PciAddress, parsePciAddress, pciBars } from '../bus/index.ts';
import { type ClassMetadata, commandLineName, metadataOf, type Option, type RegionTemplate } from '../device/index.ts';
import { conflictingFunctions } from './checks.ts';
import type { PlannedDevice, PlannedRegion, PresentDevice } from './parts.ts';
import { codeOf, type DeviceOptionValues, type MachineOptionValues, type UsedDevice, type Wire } from './wiring.ts';

/** Resolves the devices of a machine definition, one by one, and collects their problems. checks.ts has the checks of several. */
export class MachinePlan {
  readonly devices: readonly PlannedDevice[];
  readonly problems: Problem[] = [];
  private readonly ids = new Map<UsedDevice, string>();

  /** `present` are the devices that the machine has already, for hotplug. */
  constructor(
    used: readonly UsedDevice[],
    options: MachineOptionValues,
    deviceOptions: DeviceOptionValues,
    private readonly present: readonly PresentDevice[] = [],
  ) {
    const wanted = used.filter(({ when }) => when === undefined || when(options));
    const known = wanted.flatMap((one) => {
      const metadata = this.attempt(() => metadataOf(one.device));
      return metadata === undefined ? [] : [{ used: one, metadata }];
    });
    this.nameAll(known);
    this.checkNames(known, deviceOptions);
    const planned = known.map(({ used: one, metadata }) => this.planOne(one, metadata, options, deviceOptions));
    this.devices = this.assignSlots(planned);
  }

  private report(code: string, message: string): void {
    this.problems.push({ code, message });
  }

  private attempt<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.report(codeOf(error, 'device-failure'), describeThrown(error));
      return undefined;
    }
  }

  /** A device without an id is called by its type, with a number if that is taken. */
  private nameAll(known: readonly { used: UsedDevice; metadata: ClassMetadata }[]): void {
    const taken = new Map(this.present.map(({ id, metadata }) => [id, metadata.type]));
    for (const { used, metadata } of known) {
      if (used.id === undefined) continue;
      if (!/^[^\p{C}]{1,256}$/u.test(used.id)) {
        this.report(
          'invalid-id',
          `A ${metadata.type} has the id ${JSON.stringify(used.id.slice(0, 40))}. Messages and snapshots name it: give it 1 to 256 ` +
            'printable characters.',
        );
      }
      const first = taken.get(used.id);
      if (first !== undefined) {
        this.report(
          'duplicate-id',
          `Two devices have the id '${used.id}': a ${first} and a ${metadata.type}. Give one of them another id.`,
        );
      }
      taken.set(used.id, metadata.type);
      this.ids.set(used, used.id);
    }
    for (const { used, metadata } of known) {
      if (used.id !== undefined) continue;
      let id = metadata.type;
      for (let number = 2; taken.has(id); number++) id = `${metadata.type}-${number}`;
      taken.set(id, metadata.type);
      this.ids.set(used, id);
    }
  }

  private idOf(used: UsedDevice): string {
    return this.ids.get(used) ?? used.device.name;
  }

  private checkNames(known: readonly { used: UsedDevice; metadata: ClassMetadata }[], given: DeviceOptionValues): void {
    const names = known.flatMap(({ used, metadata }) => [this.idOf(used), metadata.type]);
    for (const name of Object.keys(given)) {
      if (names.includes(name)) continue;
      const close = nearest(name, names);
      this.report(
        'no-such-device',
        `Options are given for '${name}', and no device has that id or type.` +
          (close === undefined ? '' : ` Did you mean '${close}'?`),
      );
    }
  }

  private planOne(
    used: UsedDevice,
    metadata: ClassMetadata,
    options: MachineOptionValues,
    deviceOptions: DeviceOptionValues,
  ): PlannedDevice {
    const id = this.idOf(used);
    const own = typeof used.options === 'function' ? used.options(options) : (used.options ?? {});
    const given = { ...own, ...deviceOptions[metadata.type], ...deviceOptions[id] };
    const problems = metadata.options.problems(given, `Device '${id}'`);
    this.problems.push(...problems);
    const optionOf = new OptionReader(metadata, given, problems.length > 0);
    return {
      used,
      id,
      metadata,
      given,
      faulty: problems.length > 0,
      regions: this.placeRegions(used, id, metadata, optionOf),
      wires: this.wiresOf(used, id, optionOf),
      address: metadata.bus === 'pci' ? this.addressOf(used, id) : this.refuseAddress(used, id, metadata),
    };
  }

  private placeRegions(used: UsedDevice, id: string, metadata: ClassMetadata, optionOf: OptionReader): PlannedRegion[] {
    const at = used.at ?? [];
    for (const { region } of at) {
      if (metadata.region(region) !== undefined) continue;
      const names = metadata.regions.map(({ template }) => `'${template.name}'`).join(', ');
      this.report(
        'no-such-region',
        `Device '${id}': at: places region '${region.name}', which ${metadata.type} does not have. It has ${names || 'none'}.`,
      );
    }
    return metadata.regions.flatMap(({ template }) => {
      const places = at.filter(({ region }) => region === template);
      const moved = optionOf.placing(template);
      if (places.length > 1)
        this.report('placed-twice', `Device '${id}': at: places region '${template.name}' twice. Keep one of them.`);
      if (places.length > 0 && moved?.given === true) {
        this.report(
          'placed-twice',
          `Device '${id}': option '${moved.name}' and at: both say where region '${template.name}' goes. Keep one of them.`,
        );
      }
      const bar = metadata.attribute(pciBars)?.find(({ region }) => region === template);
      if (bar !== undefined && (places.length > 0 || moved !== undefined)) {
        this.report(
          'bar-placed',
          `Device '${id}': region '${template.name}' is BAR ${bar.index}, which the guest places. Leave out its address.`,
        );
        return [];
      }
      const address = places[0]?.address ?? moved?.value ?? template.base;
      if (address === undefined) return [];
      if (!Number.isSafeInteger(address) || address < 0) {
        this.report(
          'address-out-of-range',
          `Device '${id}': region '${template.name}' cannot be placed at ${address}. Give an address from 0 to 2^53 - 1.`,
        );
        return [];
      }
      return [{ template, address, priority: places[0]?.priority ?? template.priority }];
    });
  }

  private wiresOf(used: UsedDevice, id: string, optionOf: OptionReader): ReadonlyMap<string, Wire> {
    const wires = new Map<string, Wire>();
    for (const [name, wire] of Object.entries(used.interrupts ?? {})) {
      if (wire === undefined) continue;
      wires.set(name, wire);
      if ('problem' in wire && wire.problem !== undefined)
        this.report('unknown-interrupt-line', `Device '${id}': pin '${name}': ${wire.problem}`);
    }
    for (const { name, pin, wire, given } of optionOf.wiring()) {
      if (!wires.has(pin)) wires.set(pin, wire);
      else if (given) {
        this.report(
          'wired-twice',
          `Device '${id}': option '${name}' and interrupts: both say where pin '${pin}' goes. Keep one of them.`,
        );
      }
    }
    return wires;
  }

  private addressOf({ addr }: UsedDevice, id: string): PciAddress | undefined {
    if (addr === undefined) return undefined;
    const address = parsePciAddress(addr);
    if (address === undefined) {
      this.report(
        'invalid-pci-address',
        `Device '${id}': addr '${addr}' is not a PCI address. Write slot and function, 00.0 to 1f.7.`,
      );
    }
    return address;
  }

  private refuseAddress({ addr }: UsedDevice, id: string, { type }: ClassMetadata): undefined {
    if (addr !== undefined)
      this.report('not-a-pci-device', `Device '${id}': ${type} is not a PCI device and has no addr. Leave it out.`);
  }

  /** Puts PCI functions without an address into the first empty slots. */
  private assignSlots(planned: readonly PlannedDevice[]): PlannedDevice[] {
    const all = [...this.present, ...planned];
    this.problems.push(...conflictingFunctions(all));
    const slots = new Set(all.flatMap(({ address }) => (address === undefined ? [] : [address.slot])));
    return planned.map((device) => {
      if (device.metadata.bus !== 'pci' || device.address !== undefined || device.used.addr !== undefined)
        return device;
      let slot = 0;
      while (slots.has(slot)) slot++;
      if (slot > 31)
        this.report('pci-bus-full', `PCI: no slot is left for '${device.id}': all 32 have a device. Remove one.`);
      slots.add(slot);
      return { ...device, address: { slot, function: 0 } };
    });
  }
}

/** Options that place a region or wire a pin: `iobase`, `irq`. */
class OptionReader {
  constructor(
    private readonly metadata: ClassMetadata,
    private readonly given: Readonly<Record<string, unknown>>,
    private readonly faulty: boolean,
  ) {}

  placing(template: RegionTemplate): { name: string; value: number | undefined; given: boolean } | undefined {
    const found = this.entries().find(([, option]) => option.places === template);
    if (found === undefined) return undefined;
    const value = this.value(found);
    return { name: found[0], value: typeof value === 'number' ? value : undefined, given: this.isGiven(found[0]) };
  }

  wiring(): { name: string; pin: string; wire: Wire; given: boolean }[] {
    return this.entries().flatMap(([name, option]) => {
      const value = this.value([name, option]);
      if (option.wires === undefined || typeof value !== 'number') return [];
      return [{ name, pin: option.wires.pin, wire: option.wires.to(value) as Wire, given: this.isGiven(name) }];
    });
  }

  private entries(): [string, Option<unknown>][] {
    return Object.entries(this.metadata.options.declarations);
  }

  private isGiven(name: string): boolean {
    return this.given[name] !== undefined;
  }

  /** The default in the place of a wrong value, which has been reported. */
  private value([name, option]: [string, Option<unknown>]): unknown {
    return this.faulty ? option.default : (this.given[name] ?? option.default);
  }
}

/** A machine's option as its command line writes it: `reset-control`. */
export function machineOptionName(name: string): string {
  return commandLineName(name).replaceAll('_', '-');
}
