import { BackplaneError, type Fail } from '../base/errors.ts';
import type {
  ClassAttribute,
  ClassAttributeList,
  ClassMetadata,
  CoalescedDeclaration,
  DeviceInstance,
  Token,
} from './class-metadata.ts';
import type { OptionSet } from './options/set.ts';
import type { HandlerDeclaration, HandlerRoute, IoRegionTemplate, RegionTemplate } from './regions/region.ts';
import type { RegisterDeclaration } from './registers/model.ts';
import type { DecoratedRegister, HookDeclaration } from './registers/spec.ts';

// Two copies of this package in one process are strangers: each has classes and records of its own. What one of them declared is
// missing in the other, without a mistake of the author that could be named. So all copies note in one place which classes are theirs.

// biome-ignore lint/complexity/noBannedTypes: any class
type AnyClass = Function;

/** One copy of the package, by its place. */
interface Copy {
  readonly place: string;
}

const here = import.meta.url;
const thisCopy: Copy = {
  place: URL.canParse('../../', here) ? decodeURIComponent(new URL('../../', here).pathname) : 'a bundle',
};
const key = Symbol.for('backplane.copies');
const shared = globalThis as { [key]?: WeakMap<AnyClass, Copy> };
shared[key] ??= new WeakMap();
const copies = shared[key];

/** The class is declared with this copy; the first one that says so is right. */
export function claimClass(deviceClass: AnyClass): void {
  if (!copies.has(deviceClass)) copies.set(deviceClass, thisCopy);
}

/** Refuses a class that another copy knows, itself or one of its bases. */
export function refuseOtherCopies(deviceClass: AnyClass): void {
  for (let at: unknown = deviceClass; typeof at === 'function'; at = Object.getPrototypeOf(at)) {
    const copy = copies.get(at);
    if (copy === undefined || copy === thisCopy || at === Function.prototype) continue;
    const places =
      copy.place === thisCopy.place ? `twice from '${copy.place}'` : `from '${copy.place}' and '${thisCopy.place}'`;
    throw new BackplaneError(
      'two-copies',
      `Class ${deviceClass.name}: two copies of 'backplane' are in this process, loaded ${places}, and one knows nothing of what the other ` +
        'declared. Let everything import the same copy: install the package once, for all that is part of the program (npm dedupe).',
    );
  }
}

/** A decorator of a method that takes what an access brings. */
export type MethodDecoratorFor<H> = <M extends H>(
  target: DeviceInstance,
  method: string,
  descriptor: TypedPropertyDescriptor<M>,
) => void;

type Declarations = 'handlers' | 'registers' | 'registerHooks' | 'coalesced' | 'flushing' | 'otherRegions';

/** What completes and checks the registers of a class. Registers bring it along: a class without any does without it. */
export interface RegisterAssembly {
  completeRegisters(
    recorders: readonly ClassRecorder[],
    inherited: readonly RegisterDeclaration[],
    fail: Fail,
  ): readonly RegisterDeclaration[];
  registerHandlers(recorder: ClassRecorder, region: IoRegionTemplate): HandlerDeclaration[];
  checkReach(region: RegionTemplate, routes: readonly HandlerRoute[], fail: Fail): void;
}

/** What the decorators of one class have said so far. Decorators write here and do nothing else. */
export class ClassRecorder {
  readonly handlers: { readonly region: IoRegionTemplate; readonly declaration: HandlerDeclaration }[] = [];
  readonly registers: DecoratedRegister[] = [];
  readonly registerHooks: HookDeclaration[] = [];
  readonly coalesced: { readonly region: RegionTemplate; readonly declaration: CoalescedDeclaration }[] = [];
  readonly flushing: RegionTemplate[] = [];
  /** Regions without handlers: containers, and those that a bus attaches. */
  readonly otherRegions: RegionTemplate[] = [];
  readonly attributes = new Map<ClassAttribute<unknown>, unknown>();
  readonly injections = new Map<number, Token | undefined>();
  options: OptionSet | undefined;
  assembly: RegisterAssembly | undefined;
  metadata: ClassMetadata | undefined;

  // biome-ignore lint/complexity/noBannedTypes: any class may be decorated by mistake, and is named in the message
  constructor(readonly deviceClass: Function) {}

  /** Notes what a decorator declares. `what` names the decorator, which must not stand above @device. */
  add<K extends Declarations>(list: K, declared: ClassRecorder[K][number], what: string): void {
    this.refuseAfterDevice(what);
    (this[list] as (typeof declared)[]).push(declared);
  }

  inject(index: number, token: Token): void {
    this.injections.set(index, token);
  }

  injectOptions(index: number, options: OptionSet): void {
    this.injections.set(index, undefined);
    this.options = options;
  }

  set<T>(attribute: ClassAttribute<T>, value: T): void {
    this.refuseAfterDevice(`@${attribute.decorator}`);
    if (this.attributes.has(attribute)) {
      throw new BackplaneError(
        'decorator-twice',
        `Class ${this.deviceClass.name} has @${attribute.decorator} twice. Keep one of them.`,
      );
    }
    this.attributes.set(attribute, value);
  }

  /** In the order of the source: class decorators run from the bottom up. */
  prepend<T>(attribute: ClassAttributeList<T>, value: T): void {
    this.refuseAfterDevice(`@${attribute.decorator}`);
    this.attributes.set(attribute, Object.freeze([value, ...this.list(attribute)]));
  }

  /** In the order of the source: decorators of members run from the top down. */
  append<T>(attribute: ClassAttributeList<T>, value: T): void {
    this.refuseAfterDevice(`@${attribute.decorator}`);
    this.attributes.set(attribute, Object.freeze([...this.list(attribute), value]));
  }

  /** What this class itself has said so far. */
  list<T>(attribute: ClassAttributeList<T>): readonly T[] {
    return (this.attributes.get(attribute) ?? []) as readonly T[];
  }

  /** Class decorators run from the bottom up, so @device, which checks the whole class, must be on top. */
  refuseAfterDevice(decorator: string): void {
    if (this.metadata === undefined) return;
    throw new BackplaneError(
      'decorator-above-device',
      `Class ${this.deviceClass.name}: ${decorator} stands above @device, which is already done. Move @device to the top.`,
    );
  }
}

// biome-ignore lint/complexity/noBannedTypes: a decorator's target is typed as a constructor function
const records = new WeakMap<Function, ClassRecorder>();

/** Where the decorators of exactly this class write; a base class has a record of its own, which is never changed. */
// biome-ignore lint/complexity/noBannedTypes: see above
export function recorderOf(deviceClass: Function): ClassRecorder {
  let record = records.get(deviceClass);
  if (record === undefined) {
    record = new ClassRecorder(deviceClass);
    claimClass(deviceClass);
    records.set(deviceClass, record);
  }
  return record;
}

/** The class's record after those of bases that have no @device of their own, base first. */
export function baseRecorders(record: ClassRecorder): ClassRecorder[] {
  const base: unknown = Object.getPrototypeOf(record.deviceClass);
  if (typeof base !== 'function' || records.get(base)?.metadata !== undefined) return [record];
  return [...baseRecorders(recorderOf(base)), record];
}

/** What completes the registers of the class; undefined where neither it nor a base has any. */
// biome-ignore lint/complexity/noBannedTypes: see above
export function assemblyOf(deviceClass: Function): RegisterAssembly | undefined {
  const base: unknown = Object.getPrototypeOf(deviceClass);
  return records.get(deviceClass)?.assembly ?? (typeof base === 'function' ? assemblyOf(base) : undefined);
}

/** The metadata of the nearest base class that is a device of its own. */
// biome-ignore lint/complexity/noBannedTypes: see above
export function baseMetadataOf(deviceClass: Function): ClassMetadata | undefined {
  const base: unknown = Object.getPrototypeOf(deviceClass);
  if (typeof base !== 'function') return undefined;
  return records.get(base)?.metadata ?? baseMetadataOf(base);
}

/** Everything the class declares. A class without @device has no metadata, and is refused here, when it is used. */
export function metadataOf(deviceClass: Token<DeviceInstance>): ClassMetadata {
  const metadata = records.get(deviceClass)?.metadata;
  if (metadata !== undefined) return metadata;
  refuseOtherCopies(deviceClass);
  throw new BackplaneError(
    'missing-device-decorator',
    `Class ${deviceClass.name} has no @device, so what it declares was never checked. ` +
      `Put @device({ type: '...', description: '...' }) on top of it.`,
  );
}
