import type { Fail } from '../base/errors.ts';
import { type StateDeclaration, stateOf } from './schema.ts';

// What a field with @state can never hold, and what to do instead. Most of it is JavaScript's own: a snapshot writes it as nothing.

// biome-ignore lint/complexity/noBannedTypes: classes of JavaScript, known by their constructors
type AnyClass = Function;

/** A class whose objects are never a field's state says why, and what to do instead, as the end of a sentence. */
export interface StatelessClass {
  readonly whyNoState: string;
}

const asEntries = (kind: string, parts: string): string =>
  `holds a ${kind}, which no snapshot can hold. Keep ${parts} in fields of their own, @state({ as: shape.list(...) }), and make the ` +
  `${kind} from them in onStateLoaded()`;
const asTypedArray = 'Keep its bytes in a Uint8Array';
const later =
  'Leave @state out: a device has no promises, and what happens later is a named timer, which is state by itself';

const remedies: readonly (readonly [AnyClass, string])[] = [
  [Map, asEntries('Map', 'its keys and its values')],
  [Set, asEntries('Set', 'its elements')],
  ...[WeakMap, WeakSet, WeakRef].map(
    (kind) =>
      [
        kind,
        `holds a ${kind.name}, whose contents cannot be listed. Leave @state out, and fill it anew in onStateLoaded()`,
      ] as const,
  ),
  [
    Date,
    'holds a Date, which no snapshot can hold. Keep a number: a guest time, @state({ as: guestTime }), or date.getTime()',
  ],
  [ArrayBuffer, `holds an ArrayBuffer, which no snapshot can hold. ${asTypedArray}`],
  // A page has it only where it is isolated from others.
  ...[globalThis.SharedArrayBuffer as AnyClass | undefined]
    .filter((kind) => kind !== undefined)
    .map((kind) => [kind, `holds a SharedArrayBuffer, which no snapshot can hold. ${asTypedArray}`] as const),
  [Promise, `holds a Promise, which no snapshot can hold. ${later}`],
];

/** Why no snapshot can hold a value, and what to do instead, as the end of a sentence. Undefined if one can, or may later. */
export function unsupported(value: unknown): string | undefined {
  if (typeof value === 'function') {
    return (
      'holds a function, which no snapshot can hold. Keep what decides which function it is, such as a text with ' +
      '@state({ as: shape.choice([...]) })'
    );
  }
  if (typeof value === 'symbol') {
    return 'holds a symbol, which no snapshot can hold. Use a text: @state({ as: shape.choice([...]) })';
  }
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || Array.isArray(value))
    return undefined;
  const known = remedies.find(([kind]) => value instanceof kind);
  if (known !== undefined) return known[1];
  const prototype: unknown = Object.getPrototypeOf(value);
  const kind: unknown = value.constructor;
  const said = (kind as Partial<StatelessClass> | undefined)?.whyNoState;
  if (said !== undefined) return said;
  if (prototype === null || prototype === Object.prototype || typeof kind !== 'function') return undefined;
  if (stateOf(kind).length > 0) return undefined;
  if (/\{\s*\[native code\]\s*\}$/.test(Function.prototype.toString.call(kind))) {
    return `holds a ${kind.name}, which no snapshot can hold. Keep what it is made from in fields of their own`;
  }
  return (
    `holds a ${kind.name}, and that class has no @state fields. Put @state on the fields of ${kind.name} that are state, or leave it out here ` +
    'if it has none'
  );
}

/** While a device is made: fields that no reset could make right. A shape of its own answers for its field. */
export function checkStateFields(owner: object, declarations: readonly StateDeclaration[], fail: Fail): void {
  for (const { member, shape } of declarations) {
    if (shape !== undefined) continue;
    const why = unsupported((owner as Readonly<Record<string, unknown>>)[member]);
    if (why !== undefined) throw fail('unsupported-state', `@state field '${member}' ${why}.`);
  }
}
