import { describeThrown, type Problem } from '../base/errors.ts';
import { didYouMean } from '../base/text.ts';
import { type ClassMetadata, metadataOf, type Option, placesByAttribute } from '../device/index.ts';
import { signalsOf, type WiringOption, wiresOf } from './wires/plan.ts';
import {
  codeOf,
  type DeviceOptionValues,
  type MachineOptionValues,
  type PlannedDevice,
  type PlannedRegion,
  type PresentDevice,
  type UsedDevice,
} from './wiring.ts';

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
    this.devices = known.map(({ used: one, metadata }) => this.planOne(one, metadata, options, deviceOptions));
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
    const names = [...new Set(known.flatMap(({ used, metadata }) => [this.idOf(used), metadata.type]))];
    for (const name of Object.keys(given)) {
      if (names.includes(name)) continue;
      this.report(
        'no-such-device',
        `Options are given for '${name}', and no device has that id or type. ${didYouMean(name, names)}`,
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
    const wrong = metadata.options.problems(given, `Device '${id}'`);
    this.problems.push(...wrong);
    const faulty = wrong.length > 0;
    const values = Object.entries(metadata.options.declarations).map(([name, { default: usual, places, wires }]) => {
      const value = faulty ? usual : (given[name] ?? usual);
      return {
        name,
        places,
        wires,
        isGiven: given[name] !== undefined,
        value: typeof value === 'number' ? value : undefined,
      };
    });
    const report = (code: string, what: string): void => this.report(code, `Device '${id}': ${what}`);
    return {
      ...{ used, id, metadata, given, faulty },
      regions: placeRegions(used, metadata, values, report),
      wires: wiresOf(used, values, report),
      inputs: signalsOf(used, report),
    };
  }
}

/** Options may place a region or wire a pin: `iobase`, `irq`. Wrong values are reported already, and the default is here. */
interface PlacingOption extends WiringOption {
  readonly places: Option<unknown>['places'] | undefined;
}

type Report = (code: string, what: string) => void;

function placeRegions(
  { at = [] }: UsedDevice,
  metadata: ClassMetadata,
  options: readonly PlacingOption[],
  report: Report,
): PlannedRegion[] {
  for (const { region } of at) {
    if (metadata.region(region) !== undefined) continue;
    const names = metadata.regions.map(({ template }) => `'${template.name}'`).join(', ') || 'none';
    report(
      'no-such-region',
      `at: places region '${region.name}', which ${metadata.type} does not have. It has ${names}.`,
    );
  }
  return metadata.regions.flatMap(({ template }) => {
    const { name } = template;
    const places = at.filter(({ region }) => region === template);
    const option = options.find((one) => one.places === template);
    if (places.length > 1) report('placed-twice', `at: places region '${name}' twice. Keep one of them.`);
    if (places.length > 0 && option?.isGiven === true)
      report('placed-twice', `option '${option.name}' and at: both say where region '${name}' goes. Keep one of them.`);
    const byBus = placesByAttribute(metadata).get(template);
    if (byBus !== undefined && (places.length > 0 || option !== undefined)) {
      report('bar-placed', `region '${name}' is ${byBus}, which the guest places. Leave out its address.`);
      return [];
    }
    const address = places[0]?.address ?? option?.value ?? template.base;
    if (address === undefined) return [];
    if (!Number.isSafeInteger(address) || address < 0) {
      report(
        'address-out-of-range',
        `region '${name}' cannot be placed at ${address}. Give an address from 0 to 2^53 - 1.`,
      );
      return [];
    }
    return [{ template, address, priority: places[0]?.priority ?? template.priority }];
  });
}
