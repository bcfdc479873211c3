import { hex } from '../../base/text.ts';
import { Counting, Timer, VirtualClock } from '../../clock/index.ts';
import { isStateOfBase } from '../../device/class-checks.ts';
import {
  Device,
  devicesIn,
  GuestErrors,
  InterruptPin,
  OptionSet,
  RegionTemplate,
  stateOfDevice,
  subDevicesOf,
} from '../../device/index.ts';
import { BackendPart, DevicePart } from '../../device/part.ts';
import { AddressSpace, MemoryRegion, MemoryTopology } from '../../memory/index.ts';
import { type StateDeclaration, stateOf } from '../../state/schema.ts';
import type { TestBench } from '../bench/test-bench.ts';
import { memoryOf } from './layout.ts';

/** One field that is in snapshots, those of helper objects included. */
export interface DeclaredState extends Pick<StateDeclaration, 'shape'> {
  /** `time.base`: from the device. */
  readonly path: string;
  readonly value: unknown;
}

/** Every field of the device, of devices inside it and of helpers that is declared to be state, and is no helper itself. */
export function declaredState(bench: TestBench<Device>): readonly DeclaredState[] {
  return devicesIn(bench.device).flatMap((one) =>
    partsOf(one.device, stateDeclared(bench, one.device), prefixOf(one.name)),
  );
}

const prefixOf = (name: string): string => (name === '' ? '' : `${name}.`);

const stateDeclared = (bench: TestBench<Device>, device: Device): readonly StateDeclaration[] =>
  stateOfDevice(device).filter(({ member }) => !isFrameworks(bench, device, member));

function partsOf(owner: object, declarations: readonly StateDeclaration[], prefix: string): readonly DeclaredState[] {
  return declarations.flatMap(({ member, shape }) => {
    const value = valueAt(owner, member);
    const path = `${prefix}${member}`;
    const inner = innerOf(value);
    return inner.length === 0 ? [{ path, value, shape }] : partsOf(value as object, inner, `${path}.`);
  });
}

/** What the hardware keeps over a reset, by path: registers, state, and whole helpers with their timers. */
export function keptAtReset({ device, bus }: TestBench<Device>): readonly string[] {
  const kept = devicesIn(device).flatMap((one) => [
    ...keptOf(one.device, stateOfDevice(one.device), prefixOf(one.name)),
    ...keptCounters(one.device).map((name) => `${prefixOf(one.name)}${name}`),
  ]);
  return [...kept, ...bus.keptAtReset];
}

/** Fields that hold a counter, or a list of them, that a reset leaves alone. */
function keptCounters(device: Device): readonly string[] {
  const isKept = (one: unknown): boolean => one instanceof Counting && one.atReset === 'kept';
  return Object.entries(device).flatMap(([name, value]) => ([value].flat().some(isKept) ? [name] : []));
}

function keptOf(owner: object, declarations: readonly StateDeclaration[], prefix: string): readonly string[] {
  return declarations.flatMap(({ member, atReset }) => {
    const value = valueAt(owner, member);
    const path = `${prefix}${member}`;
    return atReset === 'kept' ? [path] : keptOf(value as object, innerOf(value), `${path}.`);
  });
}

const innerOf = (value: unknown): readonly StateDeclaration[] =>
  typeof value === 'object' && value !== null ? stateOf(value.constructor) : [];

/** Members that the framework's base classes and parts have, such as a bus: no author wrote them. */
function isFrameworks(bench: TestBench<Device>, device: Device, member: string): boolean {
  if (device === bench.device && bench.bus.ownMembers.includes(member)) return true;
  return isStateOfBase(device, member) || valueAt(device, member) instanceof DevicePart;
}

/** Whether a snapshot restores a path of `fieldsOf`: declared state, the framework's, a timer or a pin. */
export function restoredBySnapshot(bench: TestBench<Device>): (path: string) => boolean {
  const frameworks = devicesIn(bench.device).flatMap((one) =>
    stateOfDevice(one.device).flatMap(({ member }) =>
      isFrameworks(bench, one.device, member) ? [`${prefixOf(one.name)}${member}`] : [],
    ),
  );
  const ofFrameworks = [...frameworks, ...bench.bus.ownMembers];
  const known = within([...declaredState(bench).map(({ path }) => path), ...ofFrameworks]);
  return (path) =>
    known(path) ||
    path.endsWith('.deadline') ||
    path.endsWith('.level') ||
    [OfMemory, OfBackends].some((one) => path.startsWith(one));
}

/** The device inside which a path leads, which may be the device itself, and what is left of the path: `channels[1]`, `time.base`. */
export function ownerAt(device: object, path: string): { readonly owner: object; readonly rest: string } {
  if (!(device instanceof Device) || subDevicesOf(device).length === 0) return { owner: device, rest: path };
  const inner = devicesIn(device).findLast(({ name }) => name !== '' && path.startsWith(`${name}.`));
  return inner === undefined
    ? { owner: device, rest: path }
    : { owner: inner.device, rest: path.slice(inner.name.length + 1) };
}

/** What stands at a path, `time.base`, now. */
export function valueAt(device: object, path: string): unknown {
  const { owner, rest } = ownerAt(device, path);
  let value: unknown = owner;
  for (const name of rest.split('.')) value = (value as Readonly<Record<string, unknown>> | undefined)?.[name];
  return value;
}

type Leaf = string | number | bigint | boolean | null | undefined;

/** What the fields of a device hold, by path: `dma.source`, `ram[14]`. */
export type Fields = ReadonlyMap<string, Leaf>;

/** Objects that a device refers to and does not own. */
const SharedRegions = [MemoryTopology, MemoryRegion, AddressSpace, RegionTemplate];
const SharedKinds = [...SharedRegions, VirtualClock, OptionSet, GuestErrors, BackendPart];
/** Values that are compared. Bytes of an array that are values of their own; a larger one is compared as a whole. */
const [MostLeaves, LargestListed] = [20_000, 2048];
const DeepestOwned = 6;

/** Every value that is reachable from the device and belongs to it; deadlines of timers relative to now. */
export function fieldsOf(bench: TestBench<Device>, skipped: readonly string[] = []): Fields {
  const walk = new Walk(bench, skipped);
  walk.visit(bench.device, '', 0);
  for (const { name, bytes } of memoryOf(bench.device)) walk.visitBytes(bytes, `${OfMemory}${name}`);
  for (const [name, held] of bench.backends.contents) walk.leaves.set(`${OfBackends}${name}`, held);
  return walk.leaves;
}

/** Paths of elements, by the path of their array: to word them at each look takes longer than the look. */
const knownPaths = new Map<string, string[]>();

function elementPaths(path: string, count: number): readonly string[] {
  if (knownPaths.size > 500) knownPaths.clear();
  const known = knownPaths.get(path) ?? [];
  while (known.length < count) known.push(`${path}[${known.length}]`);
  knownPaths.set(path, known);
  return known;
}

class Walk {
  readonly leaves = new Map<string, Leaf>();
  private readonly seen = new Set<object>();

  constructor(
    private readonly bench: TestBench<Device>,
    private readonly skipped: readonly string[],
  ) {}

  visit(value: unknown, path: string, depth: number): void {
    if (typeof value === 'function' || typeof value === 'symbol' || this.leaves.size >= MostLeaves) return;
    if (typeof value !== 'object' || value === null) {
      this.leaves.set(path, value as Leaf);
      return;
    }
    if (this.seen.has(value)) return;
    this.seen.add(value);
    if (value instanceof InterruptPin) {
      // A derived one has nothing of its own: what it follows from is named.
      if (!value.isDerived) this.leaves.set(`${path}.level`, value.level);
    } else if (value instanceof Timer) this.leaves.set(`${path}.deadline`, value.deadline - this.bench.clock.now);
    else if (value instanceof Counting) this.visitCounting(value, path);
    else if (value instanceof Date) this.leaves.set(path, value.getTime());
    else if (!this.isForeign(value)) this.visitParts(value, path, depth);
  }

  /** What it counted up to now, whenever it was read last. */
  private visitCounting(value: Counting, path: string): void {
    for (const [name, part] of Object.entries(value.save()))
      if (name !== 'since') this.leaves.set(`${path}.counting.${name}`, part as Leaf);
    this.visit(value.timer, path, 0);
  }

  private visitParts(value: object, path: string, depth: number): void {
    if (ArrayBuffer.isView(value)) this.visitBytes(value, path);
    else if (Array.isArray(value) || value instanceof Set || value instanceof Map) {
      let index = 0;
      for (const one of value.values()) this.visit(one, `${path}[${index++}]`, depth + 1);
      this.leaves.set(`${path}.length`, index);
    } else {
      for (const [name, one] of Object.entries(value)) {
        if (depth === 0 && this.skipped.includes(name)) continue;
        this.visit(one, path === '' ? name : `${path}.${name}`, depth + 1);
      }
    }
  }

  /** A large memory is one value: its digest. */
  visitBytes(view: ArrayBufferView, path: string): void {
    if (view.byteLength > LargestListed) this.leaves.set(path, `digest ${digestOf(bytesOf(view))}`);
    else {
      const elements = view instanceof DataView ? bytesOf(view) : (view as unknown as ArrayLike<number>);
      const paths = elementPaths(path, elements.length);
      for (let index = 0; index < elements.length; index++) this.leaves.set(paths[index] as string, elements[index]);
    }
  }

  private isForeign(value: object): boolean {
    return SharedKinds.some((kind) => value instanceof kind) || this.bench.provides(value) || Object.isFrozen(value);
  }
}

/** How many elements the device's lists, maps and sets hold, by path. */
export function sizesOf(bench: TestBench<Device>): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>();
  const seen = new Set<object>();
  const visit = (value: unknown, path: string, depth: number): void => {
    if (typeof value === 'string' && path !== '') sizes.set(path, value.length);
    if (typeof value !== 'object' || value === null || seen.has(value) || depth > DeepestOwned) return;
    seen.add(value);
    if (isShared(value) || bench.provides(value) || ArrayBuffer.isView(value)) return;
    if (Array.isArray(value)) sizes.set(path, value.length);
    else if (value instanceof Map || value instanceof Set) sizes.set(path, value.size);
    else {
      for (const [name, part] of Object.entries(value)) {
        visit(part, path === '' ? name : `${path}.${name}`, depth + 1);
      }
    }
  };
  visit(bench.device, '', 0);
  return sizes;
}

/** One field that differs, or undefined. */
export interface FieldDifference {
  readonly path: string;
  readonly left: string;
  readonly right: string;
}

export function firstFieldDifference(
  left: Fields,
  right: Fields,
  ignored: (path: string) => boolean = () => false,
): FieldDifference | undefined {
  for (const [path, value] of left) {
    if (Object.is(value, right.get(path)) || ignored(path)) continue;
    return { path, left: text(value), right: text(right.get(path)) };
  }
  for (const [path, value] of right) {
    if (!left.has(path) && !ignored(path)) return { path, left: 'nothing', right: text(value) };
  }
  return undefined;
}

const text = (value: Leaf): string =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 ? hex(value) : String(value);

/** Whether a path belongs to one of these fields: `time` is `time.base` and `time` itself. */
export function within(names: readonly string[]): (path: string) => boolean {
  return (path) => names.some((name) => path === name || path.startsWith(`${name}.`) || path.startsWith(`${name}[`));
}

/** Whether a device only refers to it. */
export const isShared = (value: object): boolean =>
  value instanceof InterruptPin || SharedKinds.some((kind) => value instanceof kind);

export const bytesOf = (view: ArrayBufferView): Uint8Array =>
  new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

/** Words of zeros are passed over: most of a large memory is empty, and it is looked at often. */
function digestOf(bytes: Uint8Array): string {
  const { buffer, byteOffset, length } = bytes;
  const words = byteOffset % 4 === 0 ? new Uint32Array(buffer, byteOffset, Math.floor(length / 4)) : new Uint32Array(0);
  let hash = 0x811c_9dc5;
  for (let index = 0; index < words.length; index++) {
    const word = words[index] as number;
    if (word !== 0) hash = Math.imul(Math.imul(hash ^ word, 0x0100_0193) + index, 0x9e37_79b1);
  }
  for (let index = 4 * words.length; index < length; index++) {
    hash = Math.imul(hash ^ (bytes[index] as number), 0x0100_0193);
  }
  return (hash >>> 0).toString(16);
}

/** The path of the bytes of a region begins so. */
const OfMemory = 'memory of ';
/** And that of what a back end holds. */
const OfBackends = 'back end ';
export const isOfBackend = (path: string): boolean => path.startsWith(OfBackends);
