import { lowMask, maskOf } from '../../base/bits.ts';
import { hex } from '../../base/text.ts';
import { BackplaneError } from '../../memory/index.ts';
import { checkBrackets, checkMember } from '../decorated-member.ts';
import type { Device } from '../device.ts';
import type { Nothing } from '../handlers.ts';
import type { HandledRegion } from '../region-template.ts';
import type { AtReset, NarrowAccess, RegisterAccess, RegisterWidth } from './declaration.ts';
import { FieldSpec, type FieldSpecs } from './fields.ts';

interface CommonSpec {
  /** Of the whole register. With fields, each has its own. Default: 'read-write'. */
  readonly access?: RegisterAccess;
  /** What the bits mean. Every bit belongs to one of them. */
  readonly fields?: FieldSpecs;
  /** Default: 'reset-value'. */
  readonly atReset?: AtReset;
  /** What an access narrower than the register does. Default: 'by-byte'. */
  readonly narrow?: NarrowAccess;
  /** An array of so many registers, one after the other. The class's field is a typed array of their width. */
  readonly count?: number;
  /** From one register of the array to the next, in bytes (or steps of the index). Default: side by side. */
  readonly stride?: number;
  /** How it is printed, where the name of the class's field is not it. */
  readonly name?: string;
  readonly description?: string;
}

/** What a register is: `{ width: 32, reset: 0x80, fields: {...} }`. The reset value is 0 unless it says otherwise. */
export type RegisterSpec =
  | (CommonSpec & { readonly width: 64; readonly reset?: bigint })
  // Last, because of a missing width tsc names what the last member of a union wants.
  | (CommonSpec & { readonly width: 8 | 16 | 32; readonly reset?: number });

/** Refuses a misspelt word in a declaration, which a type parameter would let pass. */
export type OnlyKnown<S extends RegisterSpec> = S & Readonly<Record<Exclude<keyof S, keyof RegisterSpec>, never>>;

/** `number`, or `bigint` for 64 bits. */
export type RegisterValue<S extends RegisterSpec> = S['width'] extends 64 ? bigint : number;
type ArrayOf<W extends RegisterWidth> = { 8: Uint8Array; 16: Uint16Array; 32: Uint32Array; 64: BigUint64Array }[W];
/** The type of the class's field. */
export type RegisterMember<S extends RegisterSpec> = S extends { readonly count: number }
  ? ArrayOf<S['width']>
  : RegisterValue<S>;

type SpecsOf<S> = S extends { readonly fields: infer F extends FieldSpecs } ? F : Record<never, never>;
/** Names of the fields that mean something. */
export type FieldNames<S> = { [N in keyof SpecsOf<S>]: SpecsOf<S>[N] extends FieldSpec ? N : never }[keyof SpecsOf<S>] &
  string;
type ValuesOf<F> = F extends FieldSpec<infer V> ? V : never;

/** How the device's own code gets at a field of a register's value. */
export interface RegisterField<V extends number | bigint, N> {
  /** Its bits, in place: `this.status & status.fields.computing.mask`. */
  readonly mask: V;
  readonly low: number;
  /** Its named values, not shifted. */
  readonly values: N;
  /** The field's value, shifted down. */
  of(register: V): V;
  /** The register's value with the field changed. */
  with(register: V, field: V): V;
}

/**
 * After the register has changed. `value` is what it holds now, `previous` what it held before (of a field hook: of the field,
 * shifted down), `index` which one of an array. The hook may assign the class's field anew, to have it otherwise.
 */
export type WriteHook<V extends number | bigint> = (value: V, previous: V, index: number) => Nothing;
/**
 * `value` is what the guest is about to read (of a field hook: of the field, shifted down); read-to-clear bits are cleared
 * already. A hook that answers a number has the guest read that one.
 */
export type ReadHook<V extends number | bigint> = (value: V, index: number) => V | Nothing;

type MethodDecoratorFor<H> = <M extends H>(
  target: Device,
  method: string,
  descriptor: TypedPropertyDescriptor<M>,
) => void;

/**
 * A register as a value: it decorates the field that holds it, and mints the decorators of its hooks. Those are called for
 * every access that touches the register (or the field), whether it changes something or not.
 */
export interface Register<S extends RegisterSpec> {
  <K extends string>(target: Device & Readonly<Record<K, RegisterMember<S>>>, member: K): void;
  readonly definition: RegisterDefinition;
  readonly fields: {
    readonly [N in FieldNames<S>]: RegisterField<RegisterValue<S>, ValuesOf<SpecsOf<S>[N]>>;
  };
  /** `(value, previous, index) => void` after the guest has written the register, or this field of it. */
  onWrite(field?: FieldNames<S>): MethodDecoratorFor<WriteHook<RegisterValue<S>>>;
  /** `(value, index) => number or nothing` when the guest reads the register, or this field of it. */
  onRead(field?: FieldNames<S>): MethodDecoratorFor<ReadHook<RegisterValue<S>>>;
}

/** Where a register is, and what was said about it. Its identity is what hooks refer to. */
export interface RegisterDefinition {
  readonly region: HandledRegion;
  /** Of an indexed register: of its data port. */
  readonly offset: number;
  readonly spec: RegisterSpec;
  readonly indexed:
    | { readonly by: RegisterDefinition; readonly field: FieldSpec | undefined; readonly index: number }
    | undefined;
}

/** One hook as written; what it belongs to is looked up when the class is complete. */
export interface HookDeclaration {
  readonly definition: RegisterDefinition;
  readonly field: string | undefined;
  readonly isWrite: boolean;
  readonly method: string;
}

/** Where register decorators write: the record of a class. */
export interface RegisterRecorder {
  addRegister(definition: RegisterDefinition, member: string): void;
  addRegisterHook(hook: HookDeclaration): void;
}

// biome-ignore lint/complexity/noBannedTypes: a decorator's target is typed as a constructor function
type RecorderOf = (deviceClass: Function) => RegisterRecorder;

/** Makes the value. Only regions and indexed banks call this: they know where it is. */
export function makeRegister<S extends RegisterSpec>(
  definition: RegisterDefinition,
  recorderOf: RecorderOf,
): Register<S> {
  const where = `the register at ${hex(definition.offset)} of region '${definition.region.name}'`;
  const decorate = (target: object, member: string, descriptor?: PropertyDescriptor): void => {
    checkMember(target, member, where);
    if (descriptor !== undefined) {
      const [name, kind] = [target.constructor.name, descriptor.value === undefined ? 'an accessor' : 'a method'];
      throw new BackplaneError(
        `${name}.${member}: ${where} needs a field that holds its value, and this is ${kind}. For what happens on an access, use its onRead and onWrite.`,
      );
    }
    recorderOf(target.constructor).addRegister(definition, member);
  };
  const hook = (isWrite: boolean, field: string | undefined, member: string | undefined) => {
    checkBrackets(field, member, `.${isWrite ? 'onWrite' : 'onRead'}() of ${where}`);
    return (target: object, method: string) => {
      checkMember(target, method, where);
      recorderOf(target.constructor).addRegisterHook({ definition, field, isWrite, method });
    };
  };
  return Object.freeze(
    Object.assign(decorate, {
      definition,
      fields: Object.freeze(fieldsOf(definition.spec)),
      onWrite: (field?: string, member?: string) => hook(true, field, member),
      onRead: (field?: string, member?: string) => hook(false, field, member),
    }),
  ) as unknown as Register<S>;
}

function fieldsOf({ width, fields = {} }: RegisterSpec): Record<string, unknown> {
  const named = Object.entries(fields).filter((entry): entry is [string, FieldSpec] => entry[1] instanceof FieldSpec);
  return Object.fromEntries(named.map(([name, spec]) => [name, width === 64 ? wideField(spec) : narrowField(spec)]));
}

function narrowField({ low, high, values }: FieldSpec): RegisterField<number, unknown> {
  const mask = (lowMask(high - low + 1) * 2 ** low) >>> 0;
  return Object.freeze({
    mask,
    low,
    values,
    of: (register: number) => (register & mask) >>> low,
    with: (register: number, field: number) => ((register & ~mask) | ((field << low) & mask)) >>> 0,
  });
}

function wideField({ low, high, values }: FieldSpec): RegisterField<bigint, unknown> {
  const shift = BigInt(low);
  const mask = maskOf({ low, high });
  return Object.freeze({
    mask,
    low,
    values,
    of: (register: bigint) => (register & mask) >> shift,
    with: (register: bigint, field: bigint) => (register & ~mask) | ((field << shift) & mask),
  });
}
