import { MICROSECOND, MILLISECOND, SECOND } from '../../clock/index.ts';
import type { Random } from '../random.ts';
import { randomBackendStep } from './backend-steps.ts';
import { randomTransfer, registerAccess } from './bus-steps.ts';
import { type Layout, legalWidths, type Target } from './layout.ts';
import type { AccessWidth, ScriptStep } from './script.ts';

export interface RandomScriptOptions {
  readonly length: number;
  /** Values that this device's drivers write, mixed into the random ones. */
  readonly values?: readonly (number | bigint)[];
  /** What drivers do, as a few steps that belong together. */
  readonly idioms?: ((random: Random) => readonly ScriptStep[]) | undefined;
  /** What drivers do comes three times in four, and otherwise once in three. */
  readonly driven?: boolean;
  /** Accesses of every width and offset, in and around the regions; otherwise those that are legal. */
  readonly hostile?: boolean;
  /** A hostile guest leaves the BARs as they are: only a reset would place them again. */
  readonly settled?: boolean;
  /** Resets now and then. */
  readonly resets?: boolean;
}

const Waits = [1, 1 * MICROSECOND, 50 * MICROSECOND, 1 * MILLISECOND, 20 * MILLISECOND, 200 * MILLISECOND, 1 * SECOND];
const Widths = [1, 2, 4, 8] as const;
/** One step is repeated at most so often in a row. */
const LongestBurst = 40;

/** What a guest could do to the device, at random: mostly what its declaration says, values that tend to matter. */
export function randomScript(layout: Layout, random: Random, options: RandomScriptOptions): ScriptStep[] {
  const steps: ScriptStep[] = [];
  const favourites = Array.from({ length: Favourites }, () => favourite(random, options.values));
  const values = [...(options.values ?? []), ...favourites, ...favourites];
  const { idioms, driven = false } = options;
  const places = random.oneIn(2) ? layout.targets : someOf(layout.targets, random);
  const pins = someOf(layout.pins, random);
  while (steps.length < options.length) {
    if (idioms !== undefined && (driven ? !random.oneIn(4) : random.oneIn(3))) steps.push(...idioms(random));
    else addSteps(steps, layout, { places, pins }, random, { ...options, values });
  }
  return steps.slice(0, options.length);
}

/** A program that uses a few places only gets further with them, and one that moves a few pins moves them up and down. */
function someOf<T>(all: readonly T[], random: Random): readonly T[] {
  if (all.length <= FewPlaces) return all;
  return Array.from({ length: 2 + random.below(FewPlaces - 1) }, () => random.pick(all));
}

const FewPlaces = 6;

/** A program uses the same few values again, so that one index selects the same register twice. */
const Favourites = 4;

function favourite(random: Random, values: readonly (number | bigint)[] = []): number | bigint {
  if (values.length > 0 && random.oneIn(2)) return random.pick(values);
  return random.pick([random.below(16), random.below(16), random.below(0x100), random.bits()]);
}

function addSteps(
  steps: ScriptStep[],
  layout: Layout,
  { places, pins }: { readonly places: readonly Target[]; readonly pins: readonly string[] },
  random: Random,
  options: RandomScriptOptions,
): void {
  const { resets = false, hostile = false, settled = false } = options;
  if (steps.length > 0 && random.oneIn(25)) {
    // Repeats a step, with time in between: counters overflow, and buffers fill.
    const again = random.pick(steps);
    const pause = { kind: 'wait', nanoseconds: random.pick(Waits) } as const;
    const between = random.oneIn(2) ? [pause] : [];
    for (let times = random.below(LongestBurst); times > 0; times--) steps.push(...between, again);
  } else if (random.oneIn(10)) {
    steps.push({ kind: 'wait', nanoseconds: random.pick(Waits) + random.below(1000) });
  } else if (pins.length > 0 && random.oneIn(layout.targets.length > 0 ? 8 : 2)) {
    steps.push({ kind: 'pin', pin: random.pick(pins), level: random.oneIn(2) });
  } else if (hasBackends(layout) && random.oneIn(layout.targets.length > 0 ? 6 : 2)) {
    const step = randomBackendStep(layout.backends, random, options.values ?? [], hostile);
    if (step !== undefined) steps.push(step);
  } else if (layout.bus.hasTransfers && (layout.targets.length === 0 || random.oneIn(2)) && !random.oneIn(8)) {
    steps.push(randomTransfer(layout.bus, random, options.values ?? [], hostile));
  } else if (layout.bus.busRegisters !== undefined && (layout.targets.length === 0 || random.oneIn(8))) {
    const draw = (size: 1 | 2 | 4) => Number(randomValue(random, size, undefined));
    steps.push(registerAccess(layout.bus.busRegisters, random, draw, hostile && !settled));
  } else if (resets && random.oneIn(60)) {
    steps.push({ kind: 'reset' });
  } else if (hostile && random.oneIn(3) && layout.regions.length > 0) {
    steps.push(strayAccess(layout, random, options));
  } else if (steps.length > 0 && random.oneIn(6)) {
    addReturn(steps, random, options);
  } else if (places.length > 0) {
    addAccess(steps, random.pick(places), random, options);
  } else {
    steps.push({ kind: 'wait', nanoseconds: random.pick(Waits) });
  }
}

const hasBackends = ({ backends: { characters, blocks } }: Layout): boolean => characters.length + blocks.length > 0;

/** An earlier step again, with another value, or as a read. */
function addReturn(steps: ScriptStep[], random: Random, options: RandomScriptOptions): void {
  const step = random.pick(steps);
  if (step.kind === 'write' && random.oneIn(2)) {
    steps.push({ ...step, value: randomValue(random, step.size, undefined, options.values) });
  } else {
    const { kind } = step;
    steps.push(kind === 'write' ? { kind: 'read', space: step.space, address: step.address, size: step.size } : step);
  }
}

function addAccess(steps: ScriptStep[], target: Target, random: Random, options: RandomScriptOptions): void {
  // Now and then without a new index: the last one still selects.
  if (target.selectedBy !== undefined && !random.oneIn(6)) steps.push(...selectionOf(target));
  const wanted = placeWithin(target, random);
  // At the place's own offset, where no width is legal at a random one.
  const at = legalWidths(target.region, target.offset + wanted).length > 0 ? wanted : 0;
  const legal = legalWidths(target.region, target.offset + at);
  const fitting = at === wanted ? legal.filter((width) => at + width <= target.length) : [];
  const widths = fitting.length > 0 && !random.oneIn(8) ? fitting : legal;
  const size = widths.length > 0 ? random.pick(widths) : 1;
  const isRead = random.oneIn(5) ? random.oneIn(2) : random.below(100) < 45;
  steps.push(
    isRead
      ? { kind: 'read', space: target.space, address: target.address + at, size }
      : writeStep(target, at, size, randomValue(random, size, target, options.values)),
  );
}

/** Writes to one place in a row, without time in between: a place of the program, or any other. */
export function writesInARow(
  layout: Layout,
  random: Random,
  script: readonly ScriptStep[],
  length: number,
  values: readonly (number | bigint)[],
): ScriptStep[] {
  const written = script.filter((step) => step.kind === 'write');
  const { targets } = layout;
  const anywhere = targets.length > 0 && random.oneIn(2) ? [startOf(random.pick(targets))] : written;
  if (anywhere.length === 0) return [];
  const step = random.pick(anywhere);
  const isSame = random.oneIn(2);
  const next = () => ({ ...step, value: randomValue(random, step.size, undefined, values) });
  return isSame ? new Array(length).fill(next()) : Array.from({ length }, next);
}

/** A write of a whole register, or as much of a place as one access takes. */
function startOf(target: Target): ScriptStep & { readonly kind: 'write' } {
  const legal = legalWidths(target.region, target.offset);
  const size = legal.findLast((width) => width <= target.length) ?? legal[0] ?? 1;
  return { kind: 'write', space: target.space, address: target.address, size, value: 0 };
}

/** A register at its start, mostly; the range of a handler anywhere, its two ends more often than the rest. */
function placeWithin({ length, register }: Target, random: Random): number {
  if (register !== undefined) return random.oneIn(3) ? random.below(length) : 0;
  return random.oneIn(8) ? random.pick([0, length - 1, Math.max(length - 4, 0)]) : random.below(length);
}

/** Any width, any offset, a little beyond both ends too. */
function strayAccess(layout: Layout, random: Random, options: RandomScriptOptions): ScriptStep {
  const { region, space, address } = random.pick(layout.regions);
  const size = random.pick(space === 'ports' ? ([1, 2, 4] as const) : Widths);
  const lowest = Math.max(address - 8, 0);
  const at = lowest + random.below(address - lowest + region.size + 8);
  const highest = space === 'ports' ? 0x1_0000 - size : Number.MAX_SAFE_INTEGER;
  const place = { space, address: Math.min(at, highest), size };
  if (random.oneIn(2)) return { kind: 'read', ...place };
  return { kind: 'write', ...place, value: randomValue(random, size, undefined, options.values) };
}

export function writeStep(target: Target, at: number, size: AccessWidth, value: number | bigint): ScriptStep {
  const cut = BigInt.asUintN(8 * size, BigInt(value));
  const { space, address } = target;
  return { kind: 'write', space, address: address + at, size, value: size === 8 ? cut : Number(cut) };
}

/** The write of an index register that selects the target; none for a target with an address of its own. */
export const selectionOf = ({ selectedBy }: Target): readonly ScriptStep[] =>
  selectedBy === undefined
    ? []
    : [writeStep(selectedBy.target, 0, selectedBy.target.length as AccessWidth, selectedBy.value)];

/** Values that tend to matter: zero, ones, single bits, named values of fields, RAM addresses, small counts. */
export function randomValue(
  random: Random,
  size: AccessWidth,
  target: Target | undefined,
  values: readonly (number | bigint)[] = [],
): number | bigint {
  const value = pickValue(random, size, target, values, random.bits64());
  const cut = BigInt.asUintN(8 * size, BigInt(value));
  return size === 8 ? cut : Number(cut);
}

function pickValue(
  random: Random,
  size: AccessWidth,
  target: Target | undefined,
  values: readonly (number | bigint)[],
  any: bigint,
): number | bigint {
  switch (random.below(values.length > 0 ? 12 : 8)) {
    case 0:
      return 0;
    case 1:
      return -1n;
    case 2:
      return 1n << BigInt(random.below(8 * size));
    case 3:
      return ~(1n << BigInt(random.below(8 * size)));
    case 4:
      return random.below(16);
    case 5:
      return namedValue(random, target) ?? random.below(0x1000) * 16;
    case 6:
    case 7:
      return any;
    default:
      return random.pick(values);
  }
}

function namedValue(random: Random, target: Target | undefined): bigint | undefined {
  const named = (target?.register?.fields ?? []).filter(({ values }) => Object.keys(values ?? {}).length > 0);
  if (named.length === 0) return undefined;
  const { low, values } = random.pick(named);
  return BigInt(random.pick(Object.values(values ?? {}))) << BigInt(low);
}
