import type { CoalescedRange, MemoryTopology } from '../memory/index.ts';
import type { StateDeclaration } from '../state/schema.ts';
import type { GuestErrors } from './guest-errors.ts';
import type { OptionSet } from './options/set.ts';
import type { HandlerRoute, RegionTemplate } from './regions/region.ts';
import type { RegisterDeclaration } from './registers/model.ts';

/** A service by its class: what `@inject` asks for and what a machine binds. */
export type Token<S = unknown> = abstract new (...args: never) => S;

export interface CoalescedDeclaration extends CoalescedRange {
  /** Regions of the same class whose reads do not depend on the queued writes, so that they need not flush. */
  readonly independent?: readonly RegionTemplate[];
}

/** What the class says about one of its regions. */
export interface RegionMetadata {
  readonly template: RegionTemplate;
  readonly handlers: readonly HandlerRoute[];
  readonly coalesced: readonly CoalescedDeclaration[];
  /** Reached by an access, it first delivers what is queued anywhere. */
  readonly flushCoalescedIo: boolean;
}

export interface DeviceDescription {
  /** The name on the command line: `-device mc146818rtc`. */
  readonly type: string;
  readonly description: string;
  /** Of the device's state, counted up when a field is added (with `since`), removed, or gets another meaning. Default: 1. */
  readonly version?: number;
  /** The oldest version whose snapshots can still be restored. Default: 1. */
  readonly minimumVersion?: number;
  /** Names of fields that older versions had: in a snapshot they are passed over. */
  readonly retired?: readonly string[];
}

/** A constructor parameter that the machine fills. */
export interface Injection {
  readonly index: number;
  /** The service's class, or undefined where the parameter takes the device's options. */
  readonly token: Token | undefined;
  /** `@optional()`: the device can do without the service, and gets undefined then. */
  readonly optional: boolean;
}

/** A device as its registers, its regions and the decorators of its class know it. */
export interface DeviceInstance {
  readonly id: string;
  readonly bus: string;
  /** @internal */
  readonly metadata: ClassMetadata;
  guestError(message: string): undefined;
}

/** What a machine, or a test bench, gives a device when it is realized. */
export interface RealizeContext {
  /** Unique in the machine; it names the device in messages, warnings and the qtree. */
  readonly id: string;
  readonly topology: MemoryTopology;
  readonly guestErrors: GuestErrors;
  /** Whether all answers of read handlers are looked at, and not only the first ones of each: on a bench. */
  readonly watchesAnswers?: boolean;
  /** The device that it is inside of, if it is. */
  readonly outer?: DeviceInstance;
}

/** The class of a bus, as far as definitions of devices know it. Room `bus` has the rest. */
export interface BusOfClass {
  readonly kind: string;
  /** The name of the class. */
  readonly name?: string;
}

/** A class that may be a device: what the machinery of definition looks at. */
export type DeviceConstructor = abstract new (...args: never) => DeviceInstance;

/** Everything a class declares, base classes included, checked and frozen. Nothing is built from it before realize. */
export interface ClassMetadata extends DeviceDescription {
  readonly deviceClass: Token<DeviceInstance>;
  /** 'isa', 'pci', 'system' or another kind of bus that its base class plugs into. */
  readonly bus: string;
  /** The class of that bus. */
  readonly plugsInto: BusOfClass;
  readonly version: number;
  readonly minimumVersion: number;
  readonly retired: readonly string[];
  /** The fields that are state: those with `@state`, base classes included, and those that hold registers. */
  readonly state: readonly StateDeclaration[];
  readonly regions: readonly RegionMetadata[];
  /** By region and offset. Those of base classes included. */
  readonly registers: readonly RegisterDeclaration[];
  readonly options: OptionSet;
  /** What the constructor takes, by position. */
  readonly injections: readonly Injection[];
  /** What another room declared about the class, for instance its PCI identity. */
  attribute<T>(attribute: ClassAttribute<T>): T | undefined;
  /** All of them, base classes' included. */
  readonly attributes: ReadonlyMap<ClassAttribute<unknown>, unknown>;
  region(template: RegionTemplate): RegionMetadata | undefined;
}

/** A table with a heading of its own. A table without rows is left out. */
export interface DocumentTable {
  readonly heading: string;
  /** A sentence above the table. */
  readonly note?: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** What another room's declaration adds to the reference of a device. */
export interface AttributeDocument {
  readonly tables?: readonly DocumentTable[];
  /** Where regions are that have no base: 'BAR 0'. */
  readonly places?: ReadonlyMap<RegionTemplate, string>;
  /** What is to be said about pins that the base class has. */
  readonly pins?: Readonly<Record<string, string>>;
}

/** A kind of declaration that another room adds to the class, by its own decorator. */
export class ClassAttribute<T> {
  declare readonly declared: T;
  readonly isList: boolean = false;
  /** @internal */
  constructor(
    readonly decorator: string,
    private readonly explain: (declared: never) => AttributeDocument = () => ({}),
    private readonly complete: (declared: never, deviceClass: never) => void = () => {},
  ) {}

  /** Everything else of the class is declared: checks what belongs together, and declares what follows from it. @internal */
  completeClass(declared: T, deviceClass: DeviceConstructor): void {
    this.complete(declared as never, deviceClass as never);
  }

  /** @internal */
  document(declared: T): AttributeDocument {
    return this.explain(declared as never);
  }
}

/** A kind of declaration that a class may have several of; a subclass adds to its base's. */
export class ClassAttributeList<T> extends ClassAttribute<readonly T[]> {
  override readonly isList = true;
}

/** The places of regions that a guest maps, as their declarations say them: 'BAR 0'. */
export function placesByAttribute({ attributes }: ClassMetadata): ReadonlyMap<RegionTemplate, string> {
  const documents = [...attributes].map(([attribute, declared]) => attribute.document(declared as never));
  return new Map(documents.reverse().flatMap(({ places }) => [...(places ?? [])]));
}
