import { hex } from '../../../base/text.ts';
import { type Device, HandledRegion, type HandlerRoute } from '../../../device/index.ts';
import type { TestBench } from '../../bench/test-bench.ts';
import type { Random } from '../../random.ts';
import { fieldsOf, firstFieldDifference } from '../device-fields.ts';
import { answerOf, threw } from '../differential.ts';
import { legalWidths } from '../layout.ts';
import { randomValue } from '../random-script.ts';
import type { AccessWidth } from '../script.ts';
import type { Check, Subject } from '../subject.ts';

type Handler = (this: Device, ...parameters: (number | bigint)[]) => unknown;

/** The memory core cuts an answer to the width of the access, so no guest sees the bits above it. */
const answersFit: Check = {
  name: 'reads answer numbers of their width, and no field stops being a number',
  find(subject) {
    const steps = (random: Random) => subject.script(random);
    return subject.search(this.name, steps, (script) => {
      const misfits: string[] = [];
      const bench = watchedBench(subject, misfits);
      for (const step of script) {
        answerOf(bench, step);
        if (misfits.length > 0) return misfits[0];
      }
      for (const [path, value] of fieldsOf(bench)) if (Number.isNaN(value)) return `'${path}' is NaN in the end.`;
      return undefined;
    });
  },
};

/** What a method that the guest reads through must answer. */
interface Reader {
  readonly method: string;
  readonly bits: number;
  readonly type: 'number' | 'bigint';
  /** A MemTxResult says that the access failed. */
  readonly mayFail: boolean;
  /** A hook that answers nothing leaves the contents as they are. */
  readonly mayBeSilent: boolean;
}

function readersOf({ metadata }: Subject): readonly Reader[] {
  const handlers = metadata.regions.flatMap((region) =>
    region.handlers.filter(({ isWrite, register }) => !isWrite && register === undefined),
  );
  return [
    ...handlers.map(({ method, form, sizes }): Reader => {
      const type = form === '64-bit' ? 'bigint' : 'number';
      // An access narrower than the widest gets the low bytes; a negative number is its two's complement.
      return { method, bits: 8 * Math.max(...sizes), type, mayFail: form === 'attributes', mayBeSilent: false };
    }),
    ...metadata.registers.flatMap(({ width, readHook, fields }) => {
      const type = width === 64 ? 'bigint' : 'number';
      return [readHook, ...fields.map((field) => field.readHook)].flatMap((method): Reader[] =>
        method === undefined ? [] : [{ method, bits: width, type, mayFail: false, mayBeSilent: true }],
      );
    }),
  ];
}

/** A bench whose device has watched read methods. Regions take handlers when they are built, and look hooks up. */
function watchedBench(subject: Subject, misfits: string[]): TestBench<Device> {
  const prototype = subject.deviceClass.prototype as object & Record<string, unknown>;
  const watched = new Map<string, Handler>();
  for (const reader of readersOf(subject)) {
    const { method } = reader;
    const original = methodOf(prototype, method);
    if (watched.has(method) || typeof original !== 'function') continue;
    watched.set(method, function (...parameters) {
      const answer: unknown = Reflect.apply(original, this, parameters);
      const misfit = misfitOf(reader, answer);
      if (misfit !== undefined) misfits.push(`${method}() answers ${misfit}.`);
      return answer;
    });
  }
  const before = [...watched.keys()].map((name) => [name, Object.getOwnPropertyDescriptor(prototype, name)] as const);
  for (const [name, value] of watched) Object.defineProperty(prototype, name, { value, configurable: true });
  try {
    const bench = subject.bench();
    for (const [name, value] of watched) Object.defineProperty(bench.device, name, { value });
    return bench;
  } finally {
    for (const [name, descriptor] of before) {
      if (descriptor === undefined) delete prototype[name];
      else Object.defineProperty(prototype, name, descriptor);
    }
  }
}

/** The method of a class; a getter of a derived register is none, and is not called. */
function methodOf(prototype: object, name: string): unknown {
  for (let at: object | null = prototype; at !== null; at = Object.getPrototypeOf(at)) {
    const found = Object.getOwnPropertyDescriptor(at, name);
    if (found !== undefined) return found.value;
  }
  return undefined;
}

function misfitOf({ bits, type, mayFail, mayBeSilent }: Reader, answer: unknown): string | undefined {
  if (mayBeSilent && answer === undefined) return undefined;
  if (typeof answer !== type) return `${String(answer)}, which is no ${type}`;
  if (mayFail && (answer as number) < 0) return undefined;
  const whole = typeof answer === 'bigint' ? answer : Number.isInteger(answer) ? BigInt(answer as number) : undefined;
  const fits = whole !== undefined && whole >= -(1n << BigInt(bits - 1)) && whole < 1n << BigInt(bits);
  return fits ? undefined : `${String(answer)}, which is no value of ${bits} bits`;
}

/** Finds a range with a byte that takes no write, or in which no legal access lies. */
const coalescedRangesAreTaken: Check = {
  name: 'every byte of a coalesced range is written by some legal access that lies in the range',
  applies: ({ metadata }) => metadata.regions.some(({ coalesced }) => coalesced.length > 0),
  find({ metadata, layout }) {
    for (const { region } of layout.regions) {
      const { coalesced, handlers } = metadata.region(region) ?? { coalesced: [], handlers: [] };
      const registers = layout.targets.filter((target) => target.register && target.region === region);
      const taken = (offset: number): boolean =>
        handlers.some((route) => route.isWrite && offset >= route.offset && offset < route.offset + route.length) ||
        registers.some((target) => offset >= target.offset && offset < target.offset + target.length);
      for (const { offset, size } of coalesced) {
        const inside = (at: number): boolean =>
          [0, 1, 2, 3, 4, 5, 6, 7].some((back) =>
            legalWidths(region, at - back).some(
              (width) => at - back >= offset && width > back && at - back + width <= offset + size,
            ),
          );
        for (let at = offset; at < offset + size; at++) {
          if (taken(at) && inside(at)) continue;
          const why = taken(at) ? 'no legal access that reaches it lies in the range' : 'nothing there takes writes';
          const range = `@addCoalescedIo(${region.name}, { offset: ${offset}, size: ${size} })`;
          return { message: `${range}: offset ${hex(at)}: ${why}.`, script: [] };
        }
      }
    }
    return undefined;
  },
};

/** Programs after which a handler that did the same for both widths counts as blind to the width. */
const WidthPrograms = 40;
const StepsBefore = 20;

/** An access may cover two handlers. One that ignores the width then takes the bytes of its neighbour. */
export const neighboursAreLeftAlone: Check = {
  name: 'no handler that does not look at the width is given what belongs to its neighbour',
  find(subject) {
    for (const { template, handlers } of subject.metadata.regions) {
      if (!(template instanceof HandledRegion)) continue;
      for (const route of handlers) {
        if (route.register !== undefined || !Number.isFinite(route.length)) continue;
        for (let offset = route.offset; offset < route.offset + route.length; offset++) {
          const taken = overreach(handlers, route, template, offset);
          if (taken === undefined) continue;
          const [size, other] = taken;
          if (looksAtWidth(subject, route, offset, size, other.offset - offset)) continue;
          const call = route.isWrite ? 'write' : 'read';
          const message =
            `a ${call} of ${size} bytes at offset ${hex(offset)} of '${template.name}' goes to ${route.method}() alone, which ` +
            `does not look at the width, though ${other.method}() is next to it. Let the region do it in pieces ` +
            `(implements: { max: ${other.offset - offset} }), give the handler its { size }, or take the size as a parameter.`;
          return { message, script: [] };
        }
      }
    }
    return undefined;
  },
};

/** Whether a call with the same value and another size ever has another effect or answer. */
function looksAtWidth(subject: Subject, route: HandlerRoute, offset: number, wide: number, narrow: number): boolean {
  for (let program = 0; program < WidthPrograms; program++) {
    const random = subject.random(`${route.method} ${offset}`, program);
    const script = subject.script(random, StepsBefore);
    const value = randomValue(random, wide as AccessWidth, undefined, subject.values);
    const [one, other] = [wide, narrow].map((size) => {
      const bench = subject.after(script);
      return { bench, answer: callHandler(bench.device, route, value, offset, size) };
    }) as [Called, Called];
    if (one.answer !== other.answer) return true;
    if (firstFieldDifference(fieldsOf(one.bench), fieldsOf(other.bench)) !== undefined) return true;
    if (one.bench.guestErrors.length !== other.bench.guestErrors.length) return true;
  }
  return false;
}

interface Called {
  readonly bench: TestBench<Device>;
  readonly answer: string;
}

function callHandler(
  device: Device,
  { method, isWrite, form }: HandlerRoute,
  value: number | bigint,
  offset: number,
  size: number,
): string {
  const handler = (device as unknown as Readonly<Record<string, Handler>>)[method] as Handler;
  const written = form === '64-bit' ? BigInt(value) : Number(value);
  try {
    return String(handler.apply(device, isWrite ? [written, offset, size] : [offset, size]));
  } catch (error) {
    return threw(error);
  }
}

/** A width that runs from here into the place of another handler. */
function overreach(
  handlers: readonly HandlerRoute[],
  route: HandlerRoute,
  region: HandledRegion,
  offset: number,
): readonly [size: number, other: HandlerRoute] | undefined {
  for (const size of route.sizes) {
    if (offset + size > region.size || !(region.implements.unaligned || offset % size === 0)) continue;
    const other = handlers.find(
      (one) =>
        one.isWrite === route.isWrite &&
        one.method !== route.method &&
        Number.isFinite(one.length) &&
        one.offset > offset &&
        one.offset < offset + size,
    );
    if (other !== undefined) return [size, other];
  }
  return undefined;
}

export const handlerChecks: readonly Check[] = [coalescedRangesAreTaken, answersFit];
