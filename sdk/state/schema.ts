import { checkMember } from '../base/decorated-member.ts';
import { BackplaneError } from '../base/errors.ts';
import type { Json, JsonReader } from '../base/json-reader.ts';
import { unknownWord } from '../base/text.ts';

/** Where a value belongs: a field of an object, or an element of an array. */
export interface StatePlace {
  get(): unknown;
  set(value: unknown): void;
}

/** What a value of the state may be, and how a snapshot writes it. The members of `shape` make them. */
export interface Shape {
  /** For messages: "a whole number from 0 to 127". */
  readonly expected: string;
  /** How a snapshot writes it; undefined if it is none of these values. @internal */
  write(value: unknown): Json | undefined;
  /** Tells the reader what is wrong with a snapshot's value; otherwise how to put it in place comes into `plan`. @internal */
  read(saved: JsonReader, place: StatePlace, plan: LoadPlan): void;
  /** The clock's epoch has moved: makes the times in the value smaller. Absent where it holds none. @internal */
  rebase?(place: StatePlace, move: EpochMove): void;
}

/** A move of the clock's epoch, for what keeps times. */
export interface EpochMove {
  readonly nanoseconds: number;
  /** Objects whose fields have moved: one that two fields share moves once. */
  readonly moved: Set<object>;
}

/** Collects what would have to be done, so that nothing is done while anything is wrong. */
export interface LoadPlan {
  /** The version of the device that wrote the snapshot. */
  readonly version: number;
  /** Done once everything is known to be right. */
  onValidated(action: () => void): void;
  /** Done after that, innermost first: hooks. */
  afterApply(action: () => void): void;
}

/**
 * Fields of one device or helper that are in a snapshot together or not at all: present only while `when` holds, as a
 * VMState subsection. What is absent keeps the value it has in a fresh device.
 */
export interface Subsection<T extends object = object> {
  /** Groups the fields in the snapshot. */
  readonly name: string;
  readonly when: (owner: T) => boolean;
}

/** A group of fields that a snapshot holds only while there is something to say: `@state({ subsection: lostTicks })`. */
export function subsection<T extends object>(name: string, when: (owner: T) => boolean): Subsection {
  return Object.freeze({ name, when: when as (owner: object) => boolean });
}

/** What `@state` may be told about a field. Everything has a default. */
export interface StateOptions {
  /** The version of the device that added the field. In older snapshots it is missing, and keeps its value. Default: 1. */
  readonly since?: number;
  /** What values it takes: `shape.bits(7)`. Default: what the field of a fresh instance looks like. */
  readonly as?: Shape;
  /** The name in snapshots, where it must stay although the member was renamed. Default: the member's. */
  readonly name?: string;
  readonly subsection?: Subsection;
  /** The hardware keeps it over a reset: battery-backed or sticky. Default: `reset()` makes it as it was at first. */
  readonly atReset?: 'kept';
}

/** One field that is state. */
export interface StateDeclaration {
  readonly member: string;
  /** The field's name in snapshots. */
  readonly name: string;
  readonly since: number;
  /** Undefined: as the value of a fresh instance. */
  readonly shape: Shape | undefined;
  readonly subsection: Subsection | undefined;
  /** A reset leaves it alone. */
  readonly atReset: 'kept' | undefined;
}

// biome-ignore lint/complexity/noBannedTypes: a decorator's target is typed as a constructor function
const declarations = new WeakMap<Function, StateDeclaration[]>();

/**
 * The field is part of the device's state: snapshots save and restore it. On a field of a device, of a helper object that is
 * itself a field with `@state`, or of a service. Registers, timers and pins are state without it.
 */
export function state(owner: object, member: string): void;
export function state(how: StateOptions): (owner: object, member: string) => void;
export function state(first: object, member?: string): ((owner: object, member: string) => void) | undefined {
  if (member === undefined) return (owner, name) => declareState(owner, name, first as StateOptions);
  declareState(first, member, {});
  return undefined;
}

const namePattern = /^[\p{L}$_][\p{L}\d$_-]*$/u;
const words = ['since', 'as', 'name', 'subsection', 'atReset'];

function declareState(owner: object, member: string, how: StateOptions | undefined): void {
  checkMember(owner, member, '@state');
  if (how === undefined) {
    throw new BackplaneError(
      'needless-brackets',
      `Class ${owner.constructor.name}: @state() field '${member}': write @state without ().`,
    );
  }
  const { since = 1, as, name = member, subsection, atReset } = how;
  const where = `Class ${owner.constructor.name}: @state field '${member}'`;
  const unknown = unknownWord(how, words);
  if (unknown !== undefined) throw new BackplaneError('unknown-word', `${where}: @state ${unknown}`);
  if (typeof name !== 'string' || !namePattern.test(name) || name === '__proto__') {
    throw new BackplaneError(
      'invalid-state-name',
      `${where} is called '${name}' in snapshots, which is no name there. Use letters, digits, '_' and '-'.`,
    );
  }
  if (!Number.isInteger(since) || since < 1) {
    throw new BackplaneError(
      'invalid-version',
      `${where} has since: ${since}, which is no version. Give the version that added it, 1 or more.`,
    );
  }
  if (atReset !== undefined && atReset !== 'kept') {
    throw new BackplaneError(
      'unknown-word',
      `${where} has atReset: '${atReset}'. Say 'kept' if the hardware keeps it over a reset, or nothing if reset() sets it.`,
    );
  }
  const own = declarations.get(owner.constructor) ?? [];
  const taken = stateOf(owner.constructor).find((one) => one.name === name || one.subsection?.name === name);
  if (taken !== undefined) {
    throw new BackplaneError(
      'state-name-taken',
      `${where} is called '${name}' in snapshots, as '${taken.member}' is already. Give it another name: @state({ name: ... }).`,
    );
  }
  own.push(Object.freeze({ member, name, since, shape: as, subsection, atReset }));
  declarations.set(owner.constructor, own);
}

/** What `@state` said about a class and its bases, base first. */
// biome-ignore lint/complexity/noBannedTypes: any class can have state
export function stateOf(ownerClass: Function): readonly StateDeclaration[] {
  const base: unknown = Object.getPrototypeOf(ownerClass);
  const own = declarations.get(ownerClass) ?? [];
  return typeof base === 'function' ? [...stateOf(base), ...own] : own;
}
