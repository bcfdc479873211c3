import { lowMask, maskOf } from '../../base/bits.ts';
import { checkBrackets, checkMember } from '../../base/decorated-member.ts';
import { BackplaneError } from '../../base/errors.ts';
import { hex } from '../../base/text.ts';
import type { DeviceInstance } from '../class-metadata.ts';
import { type MethodDecoratorFor, recorderOf } from '../class-recorder.ts';
import type { Nothing } from '../regions/region.ts';
import { registerAssembly } from './assemble.ts';
import type { RegisterBank, RegisterKind } from './model.ts';
import { describeBank } from './names.ts';
import {
  type FieldNames,
  FieldSpec,
  type RegisterDefinition,
  type RegisterMember,
  type RegisterSpec,
  type RegisterValue,
} from './spec.ts';

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
 * After a write. `value` is what the register holds now, `previous` what it held before, `index` which one of an array. The hook
 * of a field gets the field's values, shifted down. It may answer the value to keep instead; a hook that answers nothing leaves what
 * was written.
 */
export type WriteHook<V extends number | bigint> = (value: V, previous: V, index: number) => V | Nothing;
/**
 * `value` is what the guest is about to read (of a field hook: of the field, shifted down); read-to-clear bits are cleared
 * already. A hook that answers a number has the guest read that one.
 */
export type ReadHook<V extends number | bigint> = (value: V, index: number) => V | Nothing;

/**
 * A register as a value: it decorates the field that holds it, and mints the decorators of its hooks. Those are called for
 * every access that touches the register (or the field), whether it changes something or not. On a getter the register is derived:
 * its value is worked out at each access and never stored. A trigger decorates the method that takes what is written.
 */
export interface Register<S extends RegisterSpec> {
  <K extends string>(target: DeviceInstance & Readonly<Record<K, RegisterMember<S>>>, member: K): void;
  /** @internal */
  readonly definition: RegisterDefinition;
  readonly fields: {
    readonly [N in FieldNames<S>]: RegisterField<
      RegisterValue<S>,
      S extends { readonly fields: Readonly<Record<N, FieldSpec<infer V>>> } ? V : never
    >;
  };
  /** `(value, previous, index) => value to keep or nothing`, after the guest has written the register, or this field of it. */
  onWrite(field?: FieldNames<S>): MethodDecoratorFor<WriteHook<RegisterValue<S>>>;
  /** `(value, index) => number or nothing` when the guest reads the register, or this field of it. */
  onRead(field?: FieldNames<S>): MethodDecoratorFor<ReadHook<RegisterValue<S>>>;
}

/** Makes the value. Only banks and indexed registers call this: they know where it is. */
export function makeRegister<S extends RegisterSpec>(definition: RegisterDefinition): Register<S> {
  const where = `the register at ${hex(definition.offset)} of ${describeBank(definition.bank)}`;
  const decorate = (target: object, member: string, descriptor?: PropertyDescriptor): void => {
    checkMember(target, member, where);
    const kind = kindOf(descriptor);
    if ((kind === 'trigger') !== (definition.spec.access === 'trigger')) {
      throw new BackplaneError(
        'register-not-on-field',
        `${target.constructor.name}.${member}: ${where} ${
          kind === 'trigger'
            ? "needs a field that holds its value, or a getter, and this is a method. For what happens on an access, use its onRead and onWrite, or declare it access: 'trigger'."
            : 'is a trigger, which holds nothing. Put it on the method that takes what is written.'
        }`,
      );
    }
    const hasSetter = kind === 'derived' && descriptor?.set !== undefined;
    const recorder = recorderOf(target.constructor);
    recorder.add('registers', { definition, member, kind, hasSetter }, `register '${member}'`);
    recorder.assembly = registerAssembly;
  };
  const hook = (isWrite: boolean, field: string | undefined, member: string | undefined) => {
    checkBrackets(field, member, `.${isWrite ? 'onWrite' : 'onRead'}() of ${where}`);
    return (target: object, method: string) => {
      checkMember(target, method, where);
      const declared = { definition, field, isWrite, method };
      const recorder = recorderOf(target.constructor);
      recorder.add('registerHooks', declared, `register hook '${method}'`);
      recorder.assembly = registerAssembly;
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

/** What a decorator stands on says how the register is held: fields have no descriptor. */
function kindOf(descriptor: PropertyDescriptor | undefined): RegisterKind {
  if (descriptor === undefined) return 'stored';
  return descriptor.value === undefined ? 'derived' : 'trigger';
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

const capitalized = (text: string): string => `${text[0]?.toUpperCase()}${text.slice(1)}`;

export interface IndexedRegistersSpec<I extends { readonly fields: object }> {
  /** The register in which the guest writes which one it wants: of up to 32 bits, no array. */
  readonly index: I;
  /** Which field of the index register chooses, if not the whole. */
  readonly field?: keyof I['fields'] & string;
  /** The offset at which it then finds it. */
  readonly data: number;
  /** Where the data port is, if not in the region (or bank) of the index. */
  readonly region?: RegisterBank;
}

/**
 * Registers behind an index and a data port, as a clock chip and a video card have them. Writes to the index can be coalesced
 * (`@addCoalescedIo(ports, { offset: Port.Index, size: 1 })`) as long as nothing but an access to the data port asks for it.
 */
export class IndexedRegisters {
  private readonly by: RegisterDefinition;
  private readonly field: FieldSpec | undefined;
  private readonly bank: RegisterBank;
  private readonly data: number;

  /** @internal */
  constructor(by: RegisterDefinition, { field, data, region }: Omit<IndexedRegistersSpec<never>, 'index'>) {
    const { spec } = by;
    const chosen = field === undefined ? undefined : spec.fields?.[field];
    this.by = by;
    this.field = chosen instanceof FieldSpec ? chosen : undefined;
    this.bank = region ?? by.bank;
    this.data = data;
    if (spec.count !== undefined || spec.width === 64) {
      throw new BackplaneError(
        'invalid-index-register',
        `${capitalized(describeBank(this.bank))}: registers cannot be chosen by an array or by 64 bits. ` +
          'Give the index a register of its own, of 8, 16 or 32 bits.',
      );
    }
  }

  /** The register that the guest finds while `index` stands in the index register. */
  register<const S extends RegisterSpec>(
    index: number,
    // A word that no specification has is refused; a type parameter alone would let it pass.
    spec: S & Readonly<Record<Exclude<keyof S, keyof RegisterSpec>, never>>,
  ): Register<S> {
    checkBrackets(index, spec, '.register(index, { width: 8 }) of its indexed registers');
    if ((spec as RegisterSpec).width === 64) {
      throw new BackplaneError(
        'invalid-register-width',
        `${capitalized(describeBank(this.bank))}: a data port shows up to 32 bits, not 64.`,
      );
    }
    const definition = {
      bank: this.bank,
      offset: this.data,
      spec,
      indexed: { by: this.by, field: this.field, index },
    };
    return makeRegister<S>(definition);
  }
}

/** `const cmos = indexedRegisters({ index, data: Port.Data })`, then `@cmos.register(0x0b, { width: 8 }) statusB = 0`. */
export function indexedRegisters<const I extends { readonly fields: object }>(
  spec: IndexedRegistersSpec<I>,
): IndexedRegisters {
  const { definition } = spec.index as unknown as Register<RegisterSpec>;
  return new IndexedRegisters(definition, spec);
}
