import { checkBrackets } from '../../base/decorated-member.ts';
import { BackplaneError } from '../../base/errors.ts';
import { mayCompile } from '../../memory/handler-calls.ts';
import type { DeviceInstance } from '../class-metadata.ts';
import type { RegisterBank } from './model.ts';
import { makeRegister, type Register } from './register.ts';
import type { RegisterMember, RegisterSpec } from './spec.ts';

/**
 * Registers by the names of the class's fields that hold them: `table.control.onWrite()`. `C` is what they have in common, `T` their
 * offsets, or what each has of its own beside it.
 */
export type RegisterTable<C, T> = {
  readonly [K in keyof T]: (T[K] extends number ? C : Omit<C, keyof T[K]> & Omit<T[K], 'at'>) extends infer S extends
    RegisterSpec
    ? Register<S>
    : never;
};

/** Makes the registers of a table. Only banks call this. */
export function makeTable<
  C extends RegisterSpec,
  T extends Readonly<Record<string, number | ({ readonly at: number } & Partial<RegisterSpec>)>>,
>(bank: RegisterBank, common: C, entries: T): RegisterTable<C, T> {
  checkBrackets(common, entries, `.table({ width: 32 }, { control: 0x00 }) of '${bank.name}'`);
  const registers = Object.entries(entries).map(([name, entry]) => {
    const { at: offset, ...own } = typeof entry === 'number' ? { at: entry } : entry;
    const spec = { ...common, ...own } as RegisterSpec;
    if (spec.access === 'trigger')
      throw new BackplaneError(
        'invalid-trigger',
        `Bank '${bank.name}': '${name}' of a table is a trigger, which stands on a method. Declare it with .register(...).`,
      );
    return [name, makeRegister({ bank, offset, spec, indexed: undefined })];
  });
  return Object.freeze(Object.fromEntries(registers)) as RegisterTable<C, T>;
}

/**
 * A base class with a field for each register of a table, at its reset value: `class Uart extends withRegisters(IsaDevice, table)`.
 * Hooks are declared as ever: `@table.control.onWrite()`.
 */
export function withRegisters<
  B extends abstract new (
    // biome-ignore lint/suspicious/noExplicitAny: TypeScript wants any[] of a class that another one extends
    ...args: any[]
  ) => DeviceInstance,
  T extends Readonly<Record<string, unknown>>,
>(
  base: B,
  table: T,
): B &
  (abstract new (
    // biome-ignore lint/suspicious/noExplicitAny: see above
    ...args: any[]
  ) => { -readonly [K in keyof T]: T[K] extends Register<infer S> ? RegisterMember<S> : never }) {
  const registers = Object.entries(table) as [string, Register<RegisterSpec>][];
  const fill = initializerOf(registers);
  // biome-ignore lint/suspicious/noExplicitAny: see above
  abstract class WithRegisters extends (base as abstract new (...args: any[]) => DeviceInstance) {
    // biome-ignore lint/suspicious/noExplicitAny: see above
    constructor(...args: any[]) {
      super(...args);
      fill(this as never);
    }
  }
  Object.defineProperty(WithRegisters, 'name', { value: base.name });
  const decorate = (register: unknown, member: string) =>
    (register as (target: object, name: string) => void)(WithRegisters.prototype, member);
  for (const [member, register] of registers) decorate(register, member);
  return WithRegisters as never;
}

type Initializer = (device: Record<string, unknown>) => void;
const arrays = { 8: Uint8Array, 16: Uint16Array, 32: Uint32Array, 64: BigUint64Array } as const;

/** Fields set by name keep an object fast; set by a computed name, more than a few of them would make it a dictionary. */
function initializerOf(registers: readonly (readonly [string, Register<RegisterSpec>])[]): Initializer {
  const values = registers.map(([member, { definition }]): readonly [string, () => unknown] => {
    const { width, count, reset = width === 64 ? 0n : 0 } = definition.spec;
    return [member, count === undefined ? () => reset : () => new arrays[width](count).fill(reset as never)];
  });
  if (mayCompile()) {
    const lines = values.map(([member], number) => `device[${JSON.stringify(member)}] = values[${number}][1]();`);
    return new Function('values', `return (device) => { ${lines.join('\n')} };`)(values) as Initializer;
  }
  return (device) => {
    for (const [member, make] of values) device[member] = make();
  };
}
