import type { Device } from '../../device/index.ts';
import type { TestBench } from '../test-bench.ts';
import { isFrameworks } from './declared-state.ts';
import { isOwned } from './observation.ts';

/** A method, getter or setter, as the author wrote it or as the compiler left it. */
export interface MethodText {
  readonly name: string;
  readonly text: string;
}

/** The device, or an object that belongs to it, with the methods of its class. */
export interface OwnedObject {
  /** Of its members: '' for the device, `time.` for a helper. */
  readonly prefix: string;
  readonly object: object;
  readonly methods: readonly MethodText[];
}

const Deepest = 4;

/** The device and the helper objects that its fields hold, outermost first. What the framework owns is left out. */
export function ownedObjects(bench: TestBench<Device>): readonly OwnedObject[] {
  const { device } = bench;
  const found: OwnedObject[] = [];
  const seen = new Set<object>([device]);
  const waiting: { object: object; prefix: string; depth: number }[] = [{ object: device, prefix: '', depth: 0 }];
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const { object, prefix, depth } = next;
    found.push({ prefix, object, methods: methodsOf(object) });
    for (const [name, value] of depth < Deepest ? Object.entries(object) : []) {
      if (!isHelper(value) || seen.has(value) || !isOwned(bench, value)) continue;
      if (object === device && isFrameworks(device, name)) continue;
      seen.add(value);
      waiting.push({ object: value, prefix: `${prefix}${name}.`, depth: depth + 1 });
    }
  }
  return found;
}

const isHelper = (value: unknown): value is object =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  !ArrayBuffer.isView(value) &&
  Object.getPrototypeOf(value) !== Object.prototype &&
  !isCollection(value);

export const isCollection = (value: object): boolean => value instanceof Map || value instanceof Set;

const texts = new WeakMap<object, readonly MethodText[]>();

/** Of the class and of its bases; the framework's own say nothing about fields of an author. */
function methodsOf(object: object): readonly MethodText[] {
  const methods: MethodText[] = [];
  for (
    let one = Object.getPrototypeOf(object);
    one !== null && one !== Object.prototype;
    one = Object.getPrototypeOf(one)
  ) {
    methods.push(...ownMethodsOf(one as object));
  }
  return methods;
}

function ownMethodsOf(prototype: object): readonly MethodText[] {
  const known = texts.get(prototype);
  if (known !== undefined) return known;
  const found = Object.entries(Object.getOwnPropertyDescriptors(prototype)).flatMap(([name, { value, get, set }]) =>
    [value, get, set].flatMap((part): MethodText[] =>
      typeof part === 'function' && name !== 'constructor' ? [{ name, text: String(part) }] : [],
    ),
  );
  texts.set(prototype, found);
  return found;
}

const Literal = /\b(?:0[xX][\da-fA-F_]+|0[bB][01_]+|\d[\d_]*)n?\b/g;
const NotCode = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g;

/** The code without its comments and strings. */
export const withoutText = (code: string): string => code.replace(NotCode, ' ');

/** The whole numbers that stand in a text. */
export function literalsIn(text: string): readonly bigint[] {
  const found = withoutText(text).match(Literal) ?? [];
  return found.map((literal) => BigInt(literal.replaceAll('_', '').replace(/n$/, '')));
}

/** The numbers in the methods of a device, and their neighbours, which tell `<` from `<=`. */
export function dictionaryOf(bench: TestBench<Device>): readonly bigint[] {
  const found = new Set<bigint>();
  for (const { methods } of ownedObjects(bench)) {
    for (const { text } of methods) {
      for (const literal of literalsIn(text)) for (const one of [literal - 1n, literal, literal + 1n]) found.add(one);
    }
  }
  return [...found].filter((one) => one >= 0n);
}
