import { BackplaneError, type Problem } from '../../base/errors.ts';
import { didYouMean } from '../../base/text.ts';
import type { BackendClass, BackendPart } from '../part.ts';
import { type BackendOption, type Option, octalHint } from './kinds.ts';
import { optionValues } from './live.ts';

export type OptionDeclarations = Readonly<Record<string, Option<unknown>>>;

/** The values of an option set, as a constructor receives them: every option is there, defaults filled in. */
export type OptionsOf<S> =
  S extends OptionSet<infer D>
    ? { readonly [K in keyof D]: D[K] extends BackendOption<infer P> ? P : D[K]['default'] } & {
        readonly [OptionSet.declaredBy]?: D;
      }
    : never;

/** What a machine may give a device of this class: worked out from its `@options(...)` parameter. */
export type GivenOptionsOfClass<C extends abstract new (...args: never) => unknown> = (
  ConstructorParameters<C>[number] extends infer P
    ? P extends object
      ? typeof OptionSet.declaredBy extends keyof P
        ? NonNullable<P[typeof OptionSet.declaredBy]>
        : never
      : never
    : never
) extends infer D
  ? [D] extends [never]
    ? { readonly [name: string]: never }
    : { readonly [K in keyof D]?: D[K] extends Option<infer T> ? T : never }
  : never;

/** What the constructor of a class gets for each of its options that name back ends. */
export type BackendsOfClass<C extends abstract new (...args: never) => unknown> = (
  ConstructorParameters<C>[number] extends infer P
    ? P extends object
      ? typeof OptionSet.declaredBy extends keyof P
        ? NonNullable<P[typeof OptionSet.declaredBy]>
        : never
      : never
    : never
) extends infer D
  ? {
      readonly [K in keyof D as D[K] extends BackendOption<BackendPart> ? K : never]: D[K] extends BackendOption<
        infer P
      >
        ? P
        : never;
    }
  : never;

/** Options of a device or a machine: declared once, as a value; types, help and checks all come from it. */
export class OptionSet<D extends OptionDeclarations = OptionDeclarations> {
  /** Under it the type of the values remembers their declarations. No object has it. */
  declare static readonly declaredBy: unique symbol;

  constructor(readonly declarations: D) {
    for (const [name, option] of Object.entries(declarations)) {
      const problem = declarationProblem(name, option);
      if (problem !== undefined) throw new BackplaneError('invalid-option-declaration', `Option '${name}' ${problem}`);
    }
    Object.freeze(this);
  }

  get names(): readonly string[] {
    return Object.keys(this.declarations);
  }

  /** What is wrong with these values, one sentence each: unknown names, wrong types, values out of range. @internal */
  problems(given: Readonly<Record<string, unknown>>, owner: string): Problem[] {
    const problems: Problem[] = [];
    for (const [name, value] of Object.entries(given)) {
      const option = Object.hasOwn(this.declarations, name) ? this.declarations[name] : undefined;
      const problem = value === undefined ? undefined : option?.problem(value);
      if (option === undefined) problems.push(this.unknown(name, owner, this.names));
      else if (problem !== undefined)
        problems.push({ code: 'bad-option', message: `${owner}: option '${name}' ${problem}` });
    }
    return problems;
  }

  /** Why this option cannot have this value while its owner runs; undefined if it can. @internal */
  liveProblem(name: string, value: unknown, owner: string): Problem | undefined {
    const [problem] = this.problems({ [name]: value }, owner);
    if (problem !== undefined || this.isLive(name)) return problem;
    const live = this.names.filter((one) => this.isLive(one)).join(', ');
    const message =
      `${owner}: option '${name}' cannot change while the machine runs. Its live options: ${live || 'none'}. ` +
      'Build the machine with another value, or declare the option with live: true.';
    return { code: 'option-not-live', message };
  }

  /** Whether an option may change while its owner runs. @internal */
  isLive(name: string): boolean {
    return Object.hasOwn(this.declarations, name) && this.declarations[name]?.live === true;
  }

  /** All values, defaults filled in, frozen. Throws one error with every problem in it. */
  resolve(given: Readonly<Record<string, unknown>> = {}, owner = 'options'): OptionsOf<OptionSet<D>> {
    return this.withBackends(this.values(given, owner), (part) => part);
  }

  /** The same for a constructor: `connect` gets the part that it makes for each back end, and answers it. @internal */
  withBackends(
    values: Readonly<Record<string, unknown>>,
    connect: <P extends BackendPart>(part: P) => P,
  ): OptionsOf<OptionSet<D>> {
    const entries = Object.entries(values).map(([name, value]): readonly [string, unknown] => {
      const { backend } = this.declarations[name] as { readonly backend?: BackendClass };
      return [name, backend === undefined ? value : connect(new backend((value as string | undefined) ?? ''))];
    });
    return optionValues(entries, (name) => this.isLive(name)) as OptionsOf<OptionSet<D>>;
  }

  /** The same as they are given: a back end is an id. @internal */
  values(given: Readonly<Record<string, unknown>>, owner: string): Readonly<Record<string, unknown>> {
    const problems = this.problems(given, owner);
    const [first] = problems;
    if (first !== undefined) throw new BackplaneError(first.code, problems.map(({ message }) => message).join('\n'));
    const values: Record<string, unknown> = {};
    for (const [name, option] of Object.entries(this.declarations)) values[name] = given[name] ?? option.default;
    return Object.freeze(values);
  }

  /** One `name=text` of the command line; the name as it is written there. `others` may stand there too, for messages. */
  parse(
    argument: string,
    text: string,
    owner = 'options',
    others: readonly string[] = [],
  ): { readonly name: string; readonly value: unknown } {
    const name = this.names.find((candidate) => commandLineName(candidate) === argument);
    if (name === undefined) {
      const { code, message } = this.unknown(argument, owner, [...others, ...this.names.map(commandLineName)]);
      throw new BackplaneError(code, message);
    }
    return { name, value: this.parseValue(name, argument, text, owner) };
  }

  /** The value of a declared option; messages have its name as `argument` spells it. @internal */
  parseValue(name: string, argument: string, text: string, owner: string): unknown {
    const option = this.declarations[name] as Option<unknown>;
    const value = option.parse(text);
    const problem =
      value === undefined
        ? `takes ${option.expected}; '${text}' is not that.${option.kind === 'string' ? '' : octalHint(text)}`
        : option.problem(value);
    if (problem !== undefined) throw new BackplaneError('bad-option', `${owner}: option '${argument}' ${problem}`);
    return value;
  }

  /** One line per option, for help: `base_year=<integer>  what it does (default: 1980)`. */
  help(): string[] {
    return Object.entries(this.declarations).map(
      ([name, option]) => `${commandLineName(name)}=<${option.kind}>  ${describeOption(option)}`,
    );
  }

  private unknown(name: string, owner: string, names: readonly string[]): Problem {
    const hint = didYouMean(name, names, `It has ${names.join(', ') || 'none'}.`);
    return { code: 'no-such-option', message: `${owner}: there is no option '${name}'. ${hint}` };
  }
}

/** What it does and its default, with its unit: `how long it burns (default: 20 ms)`. */
export function describeOption({ description, default: byDefault, unit, format }: Option<unknown>): string {
  const inUnits = unit === undefined ? '' : ` (${unit})`;
  if (byDefault === undefined) return `${description}${inUnits}`;
  return `${description} (default: ${format(byDefault)}${unit === undefined ? '' : ` ${unit}`})`;
}

/** `lostTickPolicy` is `lost_tick_policy` on the command line, as QEMU writes it. */
export function commandLineName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** QEMU writes the options of machines with dashes, those of devices with underscores: `reset-control`. */
export function machineOptionName(name: string): string {
  return commandLineName(name).replaceAll('_', '-');
}

/** Declares options. `OptionsOf<typeof it>` is the type of the values. */
export function defineOptions<const D extends OptionDeclarations>(declarations: D): OptionSet<D> {
  return new OptionSet(declarations);
}

/** What a class without an options parameter has. */
export const noOptions: OptionSet = defineOptions({});

/** What is wrong with a declaration, part of it only where no compiler has seen it. */
function declarationProblem(name: string, option: Option<unknown>): string | undefined {
  if (!/^[a-z][a-zA-Z0-9]*$/.test(name)) return 'is not a camelCase name; the command line derives snake_case from it.';
  if (typeof option?.problem !== 'function')
    return 'is not declared. Make it with option.integer({...}) or another kind.';
  if (option.live === true && (option.backend ?? option.places ?? option.wires) !== undefined)
    return 'is live, and says where something is connected: that stays. Leave live out.';
  const [least, most] = option.range ?? [0, 0];
  if (least > most) return `has the range from ${least} to ${most}, in which nothing is. Put the smaller one first.`;
  const problem = option.default === undefined ? undefined : option.problem(option.default);
  return problem && `has a default that is none of its values: it ${problem}`;
}
