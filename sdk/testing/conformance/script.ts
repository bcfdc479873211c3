import { hex } from '../../base/text.ts';
import { hostNanoseconds, type ManualClock } from '../../clock/index.ts';
import type { Device } from '../../device/index.ts';
import type { TestBench } from '../bench/test-bench.ts';
import { type BackendStep, performOnBackend } from './backend-steps.ts';
import { type BusStep, performOnBus } from './bus-steps.ts';

export type AccessWidth = 1 | 2 | 4 | 8;
export type Space = 'ports' | 'memory';

/** A step done to a device on its bench: an access of the guest, or what only the bench can do. */
export type ScriptStep =
  | { readonly kind: 'read'; readonly space: Space; readonly address: number; readonly size: AccessWidth }
  | {
      readonly kind: 'write';
      readonly space: Space;
      readonly address: number;
      readonly size: AccessWidth;
      /** A bigint exactly where the access has 8 bytes. */
      readonly value: number | bigint;
    }
  | BusStep
  | BackendStep
  /** Guest time passes, up to a number of deadlines. */
  | { readonly kind: 'wait'; readonly nanoseconds: number }
  /** Another device drives an input pin. */
  | { readonly kind: 'pin'; readonly pin: string; readonly level: boolean }
  | { readonly kind: 'reset' }
  /** Here the device is saved, and a new one goes on from what was saved. */
  | { readonly kind: 'restore' }
  /** The clock's epoch moves to the last whole second. */
  | { readonly kind: 'rebase' };

/** A wait ends after so many deadlines: a timer of microseconds would make a second of guest time cost minutes. */
const MostDeadlines = 250;

/** What a step answered: the value of a read, every pin afterwards, and what the device has written, as comparable text. */
export type Answer = string;

/** The step that was begun last, until it is over, and the host time then. */
let current: { readonly step: ScriptStep; readonly since: number } | undefined;
/** Host time from which no step begins. */
let deadline = Number.POSITIVE_INFINITY;

/** The step that the device is doing now. */
export const stepUnderWay = (): typeof current => current;

/** The run's time is over. No check takes this for an answer of the device. */
export class OutOfTime extends Error {}

export function setStepDeadline(nanoseconds: number): void {
  deadline = nanoseconds;
  current = undefined;
}

/** Does one step to the device on the bench. A `restore` is for the caller, who made the bench. */
export function act(bench: TestBench<Device>, step: ScriptStep): number | bigint | string | undefined {
  const since = hostNanoseconds();
  if (since >= deadline) throw new OutOfTime();
  current = { step, since };
  try {
    return done(bench, step);
  } finally {
    current = undefined;
  }
}

function done(bench: TestBench<Device>, step: ScriptStep): number | bigint | string | undefined {
  switch (step.kind) {
    case 'read':
      return read(bench, step.space, step.address, step.size);
    case 'write':
      return write(bench, step);
    case 'transfer':
    case 'config-read':
    case 'config-write':
      return performOnBus(bench, step);
    case 'receive':
    case 'other-side':
    case 'fail':
      return void performOnBackend(bench, step);
    case 'wait':
      return letPass(bench.clock, step.nanoseconds);
    case 'pin':
      bench.setPin(step.pin as never, step.level);
      return undefined;
    case 'reset':
      // What waited for the device would reach it at once.
      bench.backends.drop();
      bench.reset();
      return undefined;
    case 'rebase':
      bench.clock.rebase();
      return undefined;
    case 'restore':
      return undefined;
  }
}

/** The same, with its answer as text. */
export function perform(bench: TestBench<Device>, step: ScriptStep): Answer {
  const value = act(bench, step);
  const after = `${pinsText(bench)}${bench.backends.takeOutput()}`;
  if (typeof value === 'string') return `${value}${after}`;
  return step.kind === 'read' ? `${formatValue(value as number | bigint, step.size)}${after}` : after;
}

function read(bench: TestBench<Device>, space: Space, address: number, size: AccessWidth): number | bigint {
  const where = space === 'ports' ? bench.io : bench.memory;
  return size === 8 ? where.read64(address) : where.read(address, size);
}

function write(
  bench: TestBench<Device>,
  { space, address, size, value }: ScriptStep & { readonly kind: 'write' },
): undefined {
  const where = space === 'ports' ? bench.io : bench.memory;
  if (size === 8) where.write64(address, BigInt(value));
  else where.write(address, Number(value), size);
  return undefined;
}

/** Levels of all pins and how often each went up, so that no edge is missed. */
export function pinsText(bench: TestBench<Device>): string {
  let text = '';
  const recorders = bench.interrupts as Readonly<Record<string, { level: boolean; rises: number }>>;
  for (const name in recorders) {
    const { level, rises } = recorders[name] as { level: boolean; rises: number };
    text += ` ${name} ${level ? 'high' : 'low'} (up ${rises} times)`;
  }
  return text;
}

export function formatValue(value: number | bigint, size: number): string {
  return hex(value, 2 * size);
}

/** Clocks at the same time have the same epoch afterwards, however many steps it took. */
export function passTime(clock: ManualClock, nanoseconds: number): void {
  clock.advance(nanoseconds);
  clock.rebaseWhenNear();
}

/** Time passes, up to a number of deadlines. */
export function letPass(clock: ManualClock, nanoseconds: number): undefined {
  const untilNext = () => Math.max(clock.nextDeadline() - clock.now, 0);
  let left = nanoseconds;
  for (let woken = 0; woken < MostDeadlines && untilNext() <= left; woken++) {
    const next = untilNext();
    clock.advance(next);
    left -= next;
  }
  passTime(clock, untilNext() > left ? left : 0);
  return undefined;
}
