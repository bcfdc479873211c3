import { checkBrackets, checkMember } from '../../base/decorated-member.ts';
import { type MethodDecoratorFor, recorderOf } from '../class-recorder.ts';
import { makeRegister, type Register } from '../registers/register.ts';
import type { RegisterSpec } from '../registers/spec.ts';
import { makeTable, type RegisterTable } from '../registers/table.ts';
import { peekHandler } from './peek.ts';
import {
  type HandledRegionSpec,
  type HandlerForm,
  type HandlerOptions,
  IoRegionTemplate,
  type ReadHandler,
  type ReadWithAttributesHandler,
  type WriteHandler,
  type WriteWithAttributesHandler,
} from './region.ts';

/** A region whose accesses are methods of the device. It mints the decorators that say which. */
export class HandledRegion extends IoRegionTemplate {
  /** `(offset, size) => number`. Without an offset the handler answers for the whole region. */
  read(offset?: number, options?: HandlerOptions): MethodDecoratorFor<ReadHandler> {
    return handler(this, false, 'plain', offset, options);
  }

  /** `(value, offset, size) => void`. Without an offset the handler answers for the whole region. */
  write(offset?: number, options?: HandlerOptions): MethodDecoratorFor<WriteHandler> {
    return handler(this, true, 'plain', offset, options);
  }

  /** `(offset, size) => bigint`, for registers that are read eight bytes at a time; narrower reads come here too. */
  read64(offset?: number, options?: HandlerOptions): MethodDecoratorFor<ReadHandler<bigint>> {
    return handler(this, false, '64-bit', offset, options);
  }

  /** `(value: bigint, offset, size) => void`; narrower writes come here too. */
  write64(offset?: number, options?: HandlerOptions): MethodDecoratorFor<WriteHandler<bigint>> {
    return handler(this, true, '64-bit', offset, options);
  }

  /** `(offset, size, attributes) => number`; a negative answer is a `MemTxResult`, negated. */
  readWithAttributes(offset?: number, options?: HandlerOptions): MethodDecoratorFor<ReadWithAttributesHandler> {
    return handler(this, false, 'attributes', offset, options);
  }

  /** `(value, offset, size, attributes) => MemTxResult or nothing`. */
  writeWithAttributes(offset?: number, options?: HandlerOptions): MethodDecoratorFor<WriteWithAttributesHandler> {
    return handler(this, true, 'attributes', offset, options);
  }

  /**
   * `(offset, size) => number or undefined`: what a read would answer, for debuggers and views. It changes nothing, and is called
   * for `length` bytes from its offset, 4 if it does not say. Registers without read hooks need none.
   */
  peek(
    offset?: number,
    { length }: { readonly length?: number } = {},
  ): MethodDecoratorFor<(offset: number, size: number) => number | bigint | undefined> {
    return peekHandler(this, offset, length);
  }

  /** A register at this offset, held by a field of the class: `@registers.register(0x20, { width: 32 }) status = 0`. */
  register<const S extends RegisterSpec>(
    offset: number,
    // A word that no specification has is refused; a type parameter alone would let it pass.
    spec: S & Readonly<Record<Exclude<keyof S, keyof RegisterSpec>, never>>,
  ): Register<S> {
    checkBrackets(offset, spec, `.register(offset, { width: 8 }) of ${placeOf(this)}`);
    return makeRegister<S>({ bank: this, offset, spec, indexed: undefined });
  }

  /**
   * Many registers of one kind at once: `registers.table({ width: 32 }, { control: 0x00, status: { at: 0x04, access: 'read-only' } })`.
   * A class gets their fields by `extends withRegisters(SystemDevice, table)`.
   */
  table<
    const C extends RegisterSpec,
    const T extends Readonly<Record<string, number | ({ readonly at: number } & Partial<RegisterSpec>)>>,
  >(common: C, registers: T): RegisterTable<C, T> {
    return makeTable(this, common, registers);
  }
}

/** A range of I/O ports. Accesses that no handler takes answer all ones, as an empty bus does. */
export function portRegion(spec: HandledRegionSpec): HandledRegion {
  return new HandledRegion('ports', spec);
}

/** A range of memory addresses answered by handlers. Accesses that no handler takes answer zero. */
export function mmioRegion(spec: HandledRegionSpec): HandledRegion {
  return new HandledRegion('memory', spec);
}

function handler(
  // A decorator without its brackets is called without its region.
  region: HandledRegion | undefined,
  isWrite: boolean,
  form: HandlerForm,
  offset: number | undefined,
  options: HandlerOptions = {},
) {
  checkBrackets(offset, options, `.${isWrite ? 'write' : 'read'}${suffixes[form]}() of ${placeOf(region)}`);
  const { size, length } = options;
  const sizes = size === undefined ? undefined : typeof size === 'number' ? [size] : [...size];
  return (target: object, method: string): void => {
    const { name } = region as HandledRegion;
    checkMember(target, method, `a handler in region '${name}'`);
    const declaration = { method, isWrite, form, offset, length, sizes };
    const what = `@${name} handler '${method}'`;
    recorderOf(target.constructor).add('handlers', { region: region as HandledRegion, declaration }, what);
  };
}

const suffixes: Readonly<Record<HandlerForm, string>> = { plain: '', '64-bit': '64', attributes: 'WithAttributes' };

const placeOf = (region: HandledRegion | undefined): string =>
  region === undefined ? 'its region' : `region '${region.name}'`;
