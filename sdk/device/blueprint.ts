import { BackplaneError } from '../memory/index.ts';
import { completeBlueprint } from './blueprint-completion.ts';
import { checkDialect } from './decorated-member.ts';
import type { Device } from './device.ts';
import type { DocumentTable } from './document-text.ts';
import type { HandlerDeclaration, HandlerRoute } from './handlers.ts';
import type { OptionSet } from './options.ts';
import type { HandledRegion, RegionTemplate } from './region-template.ts';
import type { RegisterDeclaration } from './registers/declaration.ts';
import type { HookDeclaration, RegisterDefinition, RegisterRecorder } from './registers/register.ts';
import type { StateDeclaration } from './state.ts';
import { claimClass, refuseOtherCopies } from './two-copies.ts';

/** A device class, as decorators and machines name it. */
export type DeviceClass<D extends Device = Device> = abstract new (...args: never) => D;
/** A device class that a machine can make instances of. */
export type ConcreteDeviceClass<D extends Device = Device> = new (...args: never) => D;
/** A service by its class: what `@inject` asks for and what a machine binds. */
export type Token<S = unknown> = abstract new (...args: never) => S;

/** Bytes of a region, from `offset`. */
export interface OffsetRange {
  readonly offset: number;
  readonly size: number;
}

export interface CoalescedDeclaration extends OffsetRange {
  /** Regions of the same class whose reads do not depend on the queued writes, so that they need not flush. */
  readonly independent?: readonly RegionTemplate[];
}

/** What the class says about one of its regions. */
export interface RegionBlueprint {
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

/** Everything a class declares, base classes included, checked and frozen. Nothing is built from it before realize. */
export interface DeviceBlueprint extends DeviceDescription {
  readonly deviceClass: DeviceClass;
  /** 'isa', 'pci' or 'system': the bus its base class belongs to. */
  readonly bus: string;
  readonly version: number;
  readonly minimumVersion: number;
  readonly retired: readonly string[];
  /** The fields that are state: those with `@state`, base classes included, and those that hold registers. */
  readonly state: readonly StateDeclaration[];
  readonly regions: readonly RegionBlueprint[];
  /** By region and offset. Those of base classes included. */
  readonly registers: readonly RegisterDeclaration[];
  readonly options: OptionSet;
  /** What the constructor takes, by position. */
  readonly injections: readonly Injection[];
  /** What another room declared about the class, for instance its PCI identity. */
  facet<T>(facet: Facet<T>): T | undefined;
  /** All of them, base classes' included. */
  readonly facets: ReadonlyMap<Facet<unknown>, unknown>;
  region(template: RegionTemplate): RegionBlueprint | undefined;
}

/** What another room's declaration adds to the reference of a device. */
export interface FacetDocument {
  readonly tables?: readonly DocumentTable[];
  /** Where regions are that have no base: 'BAR 0'. */
  readonly places?: ReadonlyMap<RegionTemplate, string>;
  /** What is to be said about pins that the base class has. */
  readonly pins?: Readonly<Record<string, string>>;
}

/** A kind of declaration that another room adds to the class, by its own decorator. */
export class Facet<T> {
  declare readonly declared: T;
  readonly isList: boolean = false;
  constructor(
    readonly decorator: string,
    private readonly explain: (declared: never) => FacetDocument = () => ({}),
  ) {}

  document(declared: T): FacetDocument {
    return this.explain(declared as never);
  }
}

/** A kind of declaration that a class may have several of; a subclass adds to its base's. */
export class ListFacet<T> extends Facet<readonly T[]> {
  override readonly isList = true;
}

/** What the decorators of one class have said so far. Decorators write here and do nothing else. */
export class DeviceRecord implements RegisterRecorder {
  readonly handlers: { readonly region: HandledRegion; readonly declaration: HandlerDeclaration }[] = [];
  readonly registers: { readonly definition: RegisterDefinition; readonly member: string }[] = [];
  readonly registerHooks: HookDeclaration[] = [];
  readonly coalesced: { readonly region: RegionTemplate; readonly declaration: CoalescedDeclaration }[] = [];
  readonly flushing: RegionTemplate[] = [];
  readonly otherRegions: RegionTemplate[] = [];
  readonly facets = new Map<Facet<unknown>, unknown>();
  readonly injections = new Map<number, Token | undefined>();
  options: OptionSet | undefined;
  blueprint: DeviceBlueprint | undefined;

  // biome-ignore lint/complexity/noBannedTypes: any class may be decorated by mistake, and is named in the message
  constructor(readonly deviceClass: Function) {}

  addHandler(region: HandledRegion, declaration: HandlerDeclaration): void {
    this.refuseAfterDevice(`@${region.name} handler '${declaration.method}'`);
    this.handlers.push({ region, declaration });
  }

  addRegister(definition: RegisterDefinition, member: string): void {
    this.refuseAfterDevice(`register '${member}'`);
    this.registers.push({ definition, member });
  }

  addRegisterHook(hook: HookDeclaration): void {
    this.refuseAfterDevice(`register hook '${hook.method}'`);
    this.registerHooks.push(hook);
  }

  addCoalescedIo(region: RegionTemplate, declaration: CoalescedDeclaration): void {
    this.refuseAfterDevice('@addCoalescedIo');
    this.coalesced.push({ region, declaration });
  }

  flushCoalescedIo(region: RegionTemplate): void {
    this.refuseAfterDevice('@flushCoalescedIo');
    this.flushing.push(region);
  }

  /** Names a region without handlers: a container, or one that a bus attaches. */
  addRegion(region: RegionTemplate): void {
    this.refuseAfterDevice(`region '${region.name}'`);
    this.otherRegions.push(region);
  }

  inject(index: number, token: Token): void {
    this.injections.set(index, token);
  }

  injectOptions(index: number, options: OptionSet): void {
    this.injections.set(index, undefined);
    this.options = options;
  }

  set<T>(facet: Facet<T>, value: T): void {
    this.refuseAfterDevice(`@${facet.decorator}`);
    if (this.facets.has(facet)) {
      throw new BackplaneError(`Class ${this.deviceClass.name} has @${facet.decorator} twice. Keep one of them.`);
    }
    this.facets.set(facet, value);
  }

  /** In the order of the source: class decorators run from the bottom up. */
  prepend<T>(facet: ListFacet<T>, value: T): void {
    this.refuseAfterDevice(`@${facet.decorator}`);
    this.facets.set(facet, Object.freeze([value, ...this.list(facet)]));
  }

  /** What this class itself has said so far. */
  list<T>(facet: ListFacet<T>): readonly T[] {
    return (this.facets.get(facet) ?? []) as readonly T[];
  }

  /** `context` is what a compiler adds that knows another dialect of decorators. */
  complete(description: DeviceDescription, base: DeviceBlueprint | undefined, context?: unknown): DeviceBlueprint {
    checkDialect(context, '@device');
    this.refuseAfterDevice('@device');
    refuseOtherCopies(this.deviceClass);
    this.blueprint = completeBlueprint(lineageOf(this), description, base);
    return this.blueprint;
  }

  /** Class decorators run from the bottom up, so @device, which checks the whole class, must be on top. */
  private refuseAfterDevice(decorator: string): void {
    if (this.blueprint === undefined) return;
    throw new BackplaneError(
      `Class ${this.deviceClass.name}: ${decorator} stands above @device, which is already done. Move @device to the top.`,
    );
  }
}

export { checkBrackets } from './decorated-member.ts';

// biome-ignore lint/complexity/noBannedTypes: a decorator's target is typed as a constructor function
const records = new WeakMap<Function, DeviceRecord>();

/** Where the decorators of exactly this class write; a base class has a record of its own, which is never changed. */
// biome-ignore lint/complexity/noBannedTypes: see above
export function recordOf(deviceClass: Function): DeviceRecord {
  let record = records.get(deviceClass);
  if (record === undefined) {
    record = new DeviceRecord(deviceClass);
    claimClass(deviceClass);
    records.set(deviceClass, record);
  }
  return record;
}

/** The class's record after those of bases that have no @device of their own, base first. */
function lineageOf(record: DeviceRecord): DeviceRecord[] {
  const base: unknown = Object.getPrototypeOf(record.deviceClass);
  if (typeof base !== 'function' || records.get(base)?.blueprint !== undefined) return [record];
  return [...lineageOf(recordOf(base)), record];
}

/** The blueprint of the nearest base class that is a device of its own. */
// biome-ignore lint/complexity/noBannedTypes: see above
export function baseBlueprintOf(deviceClass: Function): DeviceBlueprint | undefined {
  const base: unknown = Object.getPrototypeOf(deviceClass);
  if (typeof base !== 'function') return undefined;
  return records.get(base)?.blueprint ?? baseBlueprintOf(base);
}

/** Everything the class declares. A class without @device has no blueprint, and is refused here, when it is used. */
export function blueprintOf(deviceClass: DeviceClass): DeviceBlueprint {
  const blueprint = records.get(deviceClass)?.blueprint;
  if (blueprint !== undefined) return blueprint;
  refuseOtherCopies(deviceClass);
  throw new BackplaneError(
    `Class ${deviceClass.name} has no @device, so what it declares was never checked. ` +
      `Put @device({ type: '...', description: '...' }) on top of it.`,
  );
}
