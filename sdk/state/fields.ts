import { describeJson, isJsonObject, type Json, type JsonObject, type JsonReader } from '../base/json-reader.ts';
import { fixedBytes, type NumberArray, typedArray } from './arrays.ts';
import {
  type EpochMove,
  type LoadPlan,
  type Shape,
  type StateDeclaration,
  type StatePlace,
  stateOf,
} from './schema.ts';
import { shape } from './shapes.ts';
import { unsupported } from './unsupported.ts';

type Fields = Record<string, unknown>;
/** An object whose class has fields with `@state`, and what it may do once they are loaded. */
interface StateOwner {
  onStateLoaded?(version: number): void;
}

/** Plain objects deeper than this are a mistake: a cycle, most likely. */
const DeepestObject = 16;

/** The shape that a field's present value has, or why it can have none, as the end of a sentence. */
export function shapeOf(value: unknown, depth = 0): Shape | string {
  if (typeof value === 'number') return shape.number;
  if (typeof value === 'boolean') return shape.boolean;
  if (typeof value === 'string') return shape.text();
  if (typeof value === 'bigint') return shape.bigint;
  const refusal = unsupported(value);
  if (refusal !== undefined) return refusal;
  if (value === undefined) {
    return 'holds undefined, which says nothing about its values. Say them: @state({ as: shape.optional(...) })';
  }
  if (typeof value !== 'object' || value === null) {
    return 'holds null, which says nothing about its values. Use undefined, and say them: @state({ as: shape.optional(...) })';
  }
  if (value instanceof Uint8Array || value instanceof DataView) return fixedBytes(value.byteLength);
  if (ArrayBuffer.isView(value)) return typedArray(value as NumberArray);
  if (stateOf(value.constructor ?? Object).length > 0) return ownerShape;
  if (depth > DeepestObject) return 'has objects within objects within objects: a cycle, most likely';
  if (Array.isArray(value) && value.length === 0) {
    return 'holds an empty list, which says nothing about its elements. Say them: @state({ as: shape.list(...) })';
  }
  if (Array.isArray(value)) return partsShape(value.entries(), value.length, depth);
  return partsShape(Object.entries(value).values(), undefined, depth);
}

/** What fields of an object looked like when it was new: the shapes of its snapshots, whatever the fields hold since. */
const shapesWhenNew = new WeakMap<object, ReadonlyMap<string, Shape>>();

/**
 * Remembers what the fields of a new object look like, and those of its helpers. What was remembered stays. With `fail`, a field
 * that no snapshot could hold as it is now is refused; without, it is refused when it is saved or loaded.
 */
export function captureShapes(owner: object, declarations: readonly StateDeclaration[], fail?: FailField): void {
  if (shapesWhenNew.has(owner)) return;
  const shapes = new Map<string, Shape>();
  shapesWhenNew.set(owner, shapes);
  for (const declaration of declarations) {
    const { member, shape: declared } = declaration;
    const value = (owner as Fields)[member];
    const known = declared ?? shapeOf(value);
    if (typeof known !== 'string') shapes.set(member, known);
    if (known === ownerShape) {
      const inside = fail && ((inner: string, why: string) => fail(`${member}.${inner}`, why));
      captureShapes(value as object, stateOf((value as object).constructor), inside);
    } else if (fail !== undefined && !ArrayBuffer.isView(value)) writeField(owner, declaration, fail);
  }
}

function shapeOfField(owner: object, { member, shape: declared }: StateDeclaration): Shape | string {
  return declared ?? shapesWhenNew.get(owner)?.get(member) ?? shapeOf((owner as Fields)[member]);
}

/** How a snapshot writes the fields of a device, a helper or a service. Throws what is wrong with which of them. */
export function writeFields(owner: object, declarations: readonly StateDeclaration[], fail: FailField): Json {
  const written: Record<string, Json> = {};
  for (const declaration of declarations) {
    const { name, subsection } = declaration;
    const text = writeField(owner, declaration, fail);
    if (text === undefined) continue;
    if (subsection === undefined) written[name] = text;
    else written[subsection.name] = { ...(written[subsection.name] as JsonObject | undefined), [name]: text };
  }
  return written;
}

/** Undefined where its subsection is not in the snapshot. */
function writeField(owner: object, declaration: StateDeclaration, fail: FailField): Json | undefined {
  const { member, subsection } = declaration;
  if (subsection?.when(owner) === false) return undefined;
  const value = (owner as Fields)[member];
  const known = shapeOfField(owner, declaration);
  if (typeof known === 'string') throw fail(member, known);
  const text = withinField(member, fail, () => known.write(value));
  if (text !== undefined) return text;
  throw fail(
    member,
    `holds ${value === undefined ? 'undefined' : describeJson(value)}, which is not ${known.expected}${advice(declaration, value)}`,
  );
}

/** A field that says nothing about itself was taken at its first value. */
function advice({ shape: declared }: StateDeclaration, value: unknown): string {
  return declared === undefined && !Number.isNaN(value)
    ? ', as it was when the object was new. Say what it may hold: @state({ as: shape. ... })'
    : '';
}

/** Makes the error about one field. */
export type FailField = (member: string, why: string) => Error;

/** A mistake inside a helper object: which of its fields, and why. */
class FieldMistake extends Error {
  constructor(
    readonly member: string,
    readonly why: string,
  ) {
    super(why);
  }
}

function withinField<T>(member: string, fail: FailField, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof FieldMistake) throw fail(`${member}.${error.member}`, error.why);
    throw error;
  }
}

/** Checks the fields of a snapshot against an owner and plans how to put them into it. */
export function readFields(
  owner: object,
  declarations: readonly StateDeclaration[],
  saved: JsonReader,
  plan: LoadPlan,
  retired: readonly string[] = [],
): void {
  const groups = new Set(declarations.flatMap(({ subsection }) => (subsection === undefined ? [] : [subsection.name])));
  const always = declarations.filter(({ subsection }) => subsection === undefined);
  if (!readGroup(owner, always, saved, plan, [...retired, ...groups])) return;
  for (const group of groups) {
    const part = saved.member(group);
    if (part.data === undefined) continue;
    const fields = declarations.filter(({ subsection }) => subsection?.name === group);
    readGroup(owner, fields, part, plan, []);
  }
}

/** False if there are no fields at all. */
function readGroup(
  owner: object,
  declarations: readonly StateDeclaration[],
  saved: JsonReader,
  plan: LoadPlan,
  ignored: readonly string[],
): boolean {
  if (!isJsonObject(saved.data)) {
    saved.refuse(`expected fields, found ${describeJson(saved.data)}`);
    return false;
  }
  const known = new Set([...declarations.map(({ name }) => name), ...ignored]);
  for (const [key, member] of saved.entries()) {
    if (!known.has(key)) member.refuse('is in the snapshot, and the class has no such state', { what: 'dropped' });
  }
  for (const declaration of declarations) readField(owner as Fields, declaration, saved.member(declaration.name), plan);
  return true;
}

function readField(owner: Fields, declaration: StateDeclaration, saved: JsonReader, plan: LoadPlan): void {
  const { member, since } = declaration;
  const isThere = saved.data !== undefined;
  if (since > plan.version) {
    if (isThere) saved.refuse(`was added in version ${since}, and the snapshot says it is of version ${plan.version}`);
    return;
  }
  if (!isThere) {
    saved.refuse('is missing from the snapshot', { what: 'new' });
    return;
  }
  const known = shapeOfField(owner, declaration);
  if (typeof known === 'string') saved.refuse(known);
  else known.read(saved, placeOf(owner, member), plan);
}

/** The clock's epoch has moved, and with it the guest times in the fields of a device, a helper or a service. */
export function rebaseFields(owner: object, declarations: readonly StateDeclaration[], move: EpochMove): void {
  if (move.moved.has(owner)) return;
  move.moved.add(owner);
  for (const declaration of declarations) {
    const known = shapeOfField(owner, declaration);
    if (typeof known !== 'string') known.rebase?.(placeOf(owner as Fields, declaration.member), move);
  }
}

/** A helper object: its own fields, then its hook. The object stays. */
const ownerShape: Shape = Object.freeze({
  expected: 'an object with its fields',
  write: (value: unknown) => {
    const owner = value as object;
    return writeFields(owner, stateOf(owner.constructor), (member, why) => new FieldMistake(member, why));
  },
  read(saved: JsonReader, place: StatePlace, plan: LoadPlan): void {
    const owner = place.get() as StateOwner;
    readFields(owner, stateOf(owner.constructor), saved, plan);
    plan.afterApply(() => owner.onStateLoaded?.(plan.version));
  },
  rebase(place: StatePlace, move: EpochMove): void {
    const owner = place.get();
    if (typeof owner === 'object' && owner !== null) rebaseFields(owner, stateOf(owner.constructor), move);
  },
});

/** Each part of an array or a plain object, which keep their parts: no more, no fewer. */
function partsShape(
  parts: Iterable<[string | number, unknown]>,
  length: number | undefined,
  depth: number,
): Shape | string {
  const shapes = new Map<string, Shape>();
  for (const [key, value] of parts) {
    const known = shapeOf(value, depth + 1);
    const step = length === undefined ? `.${key}` : `[${key}]`;
    if (typeof known === 'string')
      return `holds ${length === undefined ? 'an object' : 'a list'}, whose part ${step} ${known}`;
    shapes.set(String(key), known);
  }
  return new PartsShape(shapes, length);
}

class PartsShape implements Shape {
  readonly expected: string;

  constructor(
    private readonly shapes: ReadonlyMap<string, Shape>,
    private readonly length: number | undefined,
  ) {
    this.expected = length === undefined ? `an object with ${[...shapes.keys()].join(', ')}` : `a list of ${length}`;
  }

  write(value: unknown): Json | undefined {
    if (!this.hasTheseParts(value)) return undefined;
    const parts = [...this.shapes].map(([key, known]) => [key, known.write((value as Fields)[key])] as const);
    if (parts.some(([, part]) => part === undefined)) return undefined;
    return this.length === undefined ? (Object.fromEntries(parts) as Json) : (parts.map(([, part]) => part) as Json[]);
  }

  read(saved: JsonReader, place: StatePlace, plan: LoadPlan): void {
    const data = saved.data as Json;
    const isList = this.length !== undefined;
    if (!this.hasTheseParts(data)) {
      saved.refuse(`expected ${this.expected}, found ${describeJson(data)}`);
      return;
    }
    for (const [key, known] of this.shapes) {
      const part = isList ? saved.item(Number(key)) : saved.member(key);
      known.read(part, placeOf(place.get() as Fields, key), plan);
    }
  }

  rebase(place: StatePlace, move: EpochMove): void {
    const value = place.get();
    if (!this.hasTheseParts(value)) return;
    for (const [key, known] of this.shapes) known.rebase?.(placeOf(value as Fields, key), move);
  }

  private hasTheseParts(data: unknown): boolean {
    if (this.length !== undefined) return Array.isArray(data) && data.length === this.length;
    return (
      isJsonObject(data) &&
      Object.keys(data as object).length === this.shapes.size &&
      [...this.shapes.keys()].every((key) => Object.hasOwn(data as object, key))
    );
  }
}

function placeOf(owner: Fields, key: string): StatePlace {
  return {
    get: () => owner[key],
    set: (value) => {
      owner[key] = value;
    },
  };
}
