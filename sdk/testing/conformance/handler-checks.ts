import { hex } from '../../base/text.ts';
import { type Device, HandledRegion, type HandlerRoute } from '../../device/index.ts';
import type { Random } from '../random.ts';
import type { TestBench } from '../test-bench.ts';
import { legalWidths } from './layout.ts';
import { fieldsOf } from './observation.ts';
import { withoutText } from './source-text.ts';
import type { Check, Subject } from './subject.ts';
import { answerOf } from './twins.ts';

type Handler = (this: Device, ...parameters: number[]) => unknown;

/** Memory cuts an answer to the width of the access; whoever answers more does not know what the guest sees. */
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

/** A bench whose device has watched read handlers; the class is as before when this returns. */
function watchedBench(subject: Subject, misfits: string[]): TestBench<Device> {
  const prototype = subject.deviceClass.prototype as Record<string, unknown>;
  const routes = subject.blueprint.regions.flatMap(({ handlers }) => handlers.filter(({ isWrite }) => !isWrite));
  const own = new Map<string, PropertyDescriptor | undefined>();
  for (const route of routes) {
    const { method } = route;
    if (own.has(method)) continue;
    own.set(method, Object.getOwnPropertyDescriptor(prototype, method));
    const original = prototype[method] as Handler;
    const value: Handler = function (...parameters) {
      const answer = original.apply(this, parameters);
      const misfit = misfitOf(route, answer);
      if (misfit !== undefined) misfits.push(`${method}() answers ${misfit}.`);
      return answer;
    };
    Object.defineProperty(prototype, method, { value, configurable: true, writable: true });
  }
  try {
    return subject.bench();
  } finally {
    for (const [method, descriptor] of own) {
      if (descriptor === undefined) delete prototype[method];
      else Object.defineProperty(prototype, method, descriptor);
    }
  }
}

function misfitOf({ form, sizes }: HandlerRoute, answer: unknown): string | undefined {
  const wanted = form === '64-bit' ? 'bigint' : 'number';
  if (typeof answer !== wanted) return `${String(answer)}, which is no ${wanted}`;
  if (form === 'attributes' && (answer as number) < 0) return undefined;
  // An access narrower than the widest gets the low bytes; a negative number is its two's complement.
  const bits = 8 * Math.max(...sizes);
  const whole = typeof answer === 'bigint' ? answer : Number.isInteger(answer) ? BigInt(answer as number) : undefined;
  const fits = whole !== undefined && whole >= -(1n << BigInt(bits - 1)) && whole < 1n << BigInt(bits);
  return fits ? undefined : `${String(answer)}, which is no value of ${bits} bits`;
}

/** A range that nobody writes to, or that no legal access lies in, was meant to be another one. */
const coalescedRangesAreTaken: Check = {
  name: 'every byte of a coalesced range is written by some legal access that lies in the range',
  applies: ({ blueprint }) => blueprint.regions.some(({ coalesced }) => coalesced.length > 0),
  find({ blueprint, layout }) {
    for (const { region } of layout.regions) {
      const { coalesced, handlers } = blueprint.region(region) ?? { coalesced: [], handlers: [] };
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

/** Two handlers side by side, and an access wide enough for both: one that does not look at the width takes what is the other's. */
const neighboursAreLeftAlone: Check = {
  name: 'no handler that does not look at the width is given what belongs to its neighbour',
  find(subject) {
    const methods = subject.deviceClass.prototype as Record<string, unknown>;
    for (const { template, handlers } of subject.blueprint.regions) {
      if (!(template instanceof HandledRegion)) continue;
      for (const route of handlers) {
        if (
          route.register !== undefined ||
          !Number.isFinite(route.length) ||
          looksAtWidth(methods[route.method], route)
        )
          continue;
        for (let offset = route.offset; offset < route.offset + route.length; offset++) {
          const taken = overreach(handlers, route, template, offset);
          if (taken === undefined) continue;
          const [size, other] = taken;
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

/** The size is the last parameter; who takes it, or all of them as they come, has decided. */
function looksAtWidth(handler: unknown, { isWrite }: HandlerRoute): boolean {
  if (typeof handler !== 'function') return true;
  const code = withoutText(String(handler));
  const parameters = parametersOf(code);
  return (
    parameters.length >= (isWrite ? 3 : 2) ||
    /\barguments\b/.test(code) ||
    parameters.at(-1)?.startsWith('...') === true
  );
}

/** With those that have a default, which the length of a function leaves out. */
function parametersOf(code: string): readonly string[] {
  const parameters = [''];
  let depth = 0;
  for (const character of code.slice(code.indexOf('('))) {
    if (')]}'.includes(character) && --depth === 0) break;
    if (character === ',' && depth === 1) parameters.push('');
    else if (depth > 0) parameters[parameters.length - 1] += character;
    if ('([{'.includes(character)) depth++;
  }
  return parameters.map((parameter) => parameter.trim()).filter((parameter) => parameter !== '');
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

export const handlerChecks: readonly Check[] = [coalescedRangesAreTaken, neighboursAreLeftAlone, answersFit];
