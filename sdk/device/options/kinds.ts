import { BackplaneError } from '../../base/errors.ts';
import { hex, unknownWord } from '../../base/text.ts';
import { type BackendClass, type BackendPart, isBackendId } from '../part.ts';
import type { RegionTemplate } from '../regions/region.ts';

/** The numbers of QEMU's command line: decimal or 0x, with an optional sign. A leading 0 is refused, not taken as octal. */
export function parseInteger(text: string): bigint | undefined {
  const match = /^([+-]?)(0x[0-9a-f]+|0|[1-9][0-9]*)$/i.exec(text);
  if (match === null) return undefined;
  const value = BigInt((match[2] as string).toLowerCase());
  return match[1] === '-' ? -value : value;
}

/** What to write instead of a number with a leading 0, which QEMU reads as octal and people often do not mean so. */
export function octalHint(text: string): string {
  const [, sign = '', digits] = /^([+-]?)0+([1-7][0-7]*)$/.exec(text) ?? [];
  return digits === undefined ? '' : ` A leading 0 is octal to QEMU: write ${sign}${Number.parseInt(digits, 8)}.`;
}

const Suffixes = 'bkmgtpe';

/** A size: a number, maybe with decimals, and maybe a suffix B, K, M, G, T, P or E in powers of 1024. */
export function parseSize(text: string): number | undefined {
  const match = /^(?:(0x[0-9a-f]+)|((?:0|[1-9][0-9]*)(?:\.[0-9]+)?)([bkmgtpe]?))$/i.exec(text);
  if (match === null) return undefined;
  const factor = 1024 ** Math.max(0, Suffixes.indexOf((match[3] ?? '').toLowerCase() || 'b'));
  const bytes = Number(match[1] ?? match[2]) * factor;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** A size as people write it: with the largest suffix that leaves a whole number. */
export function formatSize(bytes: number): string {
  let [value, suffix] = [bytes, 0];
  while (value !== 0 && value % 1024 === 0 && suffix + 1 < Suffixes.length) {
    value /= 1024;
    suffix++;
  }
  return suffix === 0 ? String(value) : `${value}${(Suffixes[suffix] as string).toUpperCase()}`;
}

/** One option: its type, its default, and how the command line writes it. `T` includes undefined when it has no default. */
export interface Option<T> {
  /** As help shows it: `<integer>`. */
  readonly kind: string;
  readonly description: string;
  readonly default: T;
  /** What a number counts: 'ns', 'bytes'. */
  readonly unit?: string;
  /** Smallest and largest value, where that was given. */
  readonly range?: readonly [number | bigint, number | bigint];
  /** What a value looks like, for messages: "an integer from 0 to 15". */
  readonly expected: string;
  /** The value that a text of the command line means; undefined when it means none. */
  parse(text: string): T | undefined;
  /** How the command line would write the value. */
  format(value: unknown): string;
  /** What is wrong with a value, or undefined. */
  problem(value: unknown): string | undefined;
  /** The value is where this region is mapped: another way to say `at: [place(region, value)]`. The machine does it. */
  readonly places?: RegionTemplate;
  /**
   * The value says where a pin goes: `wires: { pin: 'irq', to: isaIrq }`. `to` makes the wire as `interrupts:` of a machine takes
   * it. The machine connects it, unless `interrupts:` names the pin.
   */
  readonly wires?: { readonly pin: string; to(value: number): { readonly description: string } };
  /** It may change while the machine runs: `machine.setOption`. The options object of the device shows the value of now. */
  readonly live?: boolean;
  /** The value is the id of a back end of the machine, and the constructor gets an object of this class for it. */
  readonly backend?: BackendClass;
}

/** An option that names a back end. The constructor always gets an object, also where none is named. */
export interface BackendOption<P extends BackendPart> extends Option<string | undefined> {
  readonly backend: BackendClass<P>;
}

/** What every kind of option may be told. */
export interface OptionSpec<T> {
  /** One line for help, without a full stop. */
  readonly description: string;
  /** Leave it out and the value may be undefined. */
  readonly default?: T;
  /**
   * True: it may change while the machine runs, by `machine.setOption`. Read it from the options object each time. The device is
   * told by `onOptionChange(name)`.
   */
  readonly live?: boolean;
}

/** What an option that is a number may be told. */
export interface NumberOptionSpec<T extends number | bigint> extends OptionSpec<T> {
  /** Smallest and largest value, both allowed. */
  readonly range?: readonly [T, T];
  /** Written after the value in help: 'ns', 'bytes'. */
  readonly unit?: string;
}

type AnySpec<T> = OptionSpec<T> & Pick<Option<T>, 'unit' | 'range' | 'places' | 'wires' | 'backend'>;

const specWords: Readonly<Record<keyof AnySpec<unknown>, true>> = {
  ...{ description: true, default: true, range: true, unit: true, places: true, wires: true, backend: true },
  live: true,
};

/** With a default, the value is always there. */
type Given<T, S> = Option<S extends { readonly default: unknown } ? T : T | undefined>;

function make<T, S extends AnySpec<T>>(
  spec: S,
  kind: string,
  expected: string,
  isValue: (value: unknown) => boolean,
  parse: (text: string) => T | undefined,
  format: (value: T) => string = String,
): Given<T, S> {
  const unknown = unknownWord(spec, Object.keys(specWords));
  if (unknown !== undefined)
    throw new BackplaneError('unknown-word', `The declaration of an option (${kind}) ${unknown}`);
  const made: Option<T | undefined> = {
    kind,
    description: spec.description,
    default: spec.default,
    expected,
    ...(spec.range === undefined ? {} : { range: spec.range }),
    ...(spec.unit === undefined ? {} : { unit: spec.unit }),
    ...(spec.places === undefined ? {} : { places: spec.places }),
    ...(spec.wires === undefined ? {} : { wires: spec.wires }),
    ...(spec.live === true ? { live: true } : {}),
    ...(spec.backend === undefined ? {} : { backend: spec.backend }),
    parse,
    format: (value) => format(value as T),
    problem: (value) => (isValue(value) ? undefined : `takes ${expected}; ${show(value)} is not that.`),
  };
  return Object.freeze(made) as Given<T, S>;
}

const show = (value: unknown): string => (typeof value === 'string' ? `'${value}'` : String(value));

function within<T extends number | bigint>(spec: NumberOptionSpec<T>): string {
  const range = spec.range === undefined ? '' : ` from ${spec.range[0]} to ${spec.range[1]}`;
  return range + (spec.unit === undefined ? '' : ` (${spec.unit})`);
}

/** The years 0 to 9999, which a text says in four digits. */
const [firstDate, lastDate] = [Date.UTC(-1, 12), Date.UTC(10_000, 0)];

/** The kinds of options there are. Each one carries its type to the constructor and its grammar to the command line. */
export const option = {
  /** `8`, `0x70`. */
  integer<const S extends NumberOptionSpec<number> & Pick<Option<number>, 'places' | 'wires'>>(
    spec: S,
  ): Option<S extends { readonly default: unknown } ? number : number | undefined> {
    const [low, high] = spec.range ?? [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER];
    const isValue = (value: unknown) =>
      Number.isSafeInteger(value) && (value as number) >= low && (value as number) <= high;
    const parse = (text: string) => {
      const value = parseInteger(text);
      return value === undefined || BigInt(Number(value)) !== value ? undefined : Number(value);
    };
    const format = (value: number) => (spec.places === undefined ? String(value) : hex(value));
    return make<number, S>(spec, 'integer', `an integer${within(spec)}`, isValue, parse, format);
  },

  /** A 64-bit integer, as bigint. Without a range, -1 on the command line is all ones. */
  bigint<const S extends NumberOptionSpec<bigint>>(
    spec: S,
  ): Option<S extends { readonly default: unknown } ? bigint : bigint | undefined> {
    const [low, high] = spec.range ?? [0n, 2n ** 64n - 1n];
    const isValue = (value: unknown) => typeof value === 'bigint' && value >= low && value <= high;
    const parse = (text: string) => {
      const value = parseInteger(text);
      const wraps = spec.range === undefined && value !== undefined && value < 0n && value >= -(2n ** 63n);
      return wraps ? BigInt.asUintN(64, value) : value;
    };
    const format = (value: bigint) => (value > 0xffffn ? hex(value) : String(value));
    return make<bigint, S>(
      spec,
      'integer',
      `an integer${within({ ...spec, range: [low, high] })}`,
      isValue,
      parse,
      format,
    );
  },

  /** `64M`, `1.5G`, `0x1000`: a number of bytes. */
  size<const S extends NumberOptionSpec<number>>(
    spec: S,
  ): Option<S extends { readonly default: unknown } ? number : number | undefined> {
    const [low, high] = spec.range ?? [0, Number.MAX_SAFE_INTEGER];
    const isValue = (value: unknown) =>
      Number.isSafeInteger(value) && (value as number) >= low && (value as number) <= high;
    const expected =
      spec.range === undefined ? 'a size such as 64M' : `a size from ${formatSize(low)} to ${formatSize(high)}`;
    return make<number, S>(spec, 'size', expected, isValue, parseSize, formatSize);
  },

  /** `on`, `off`. */
  boolean<const S extends OptionSpec<boolean>>(
    spec: S,
  ): Option<S extends { readonly default: unknown } ? boolean : boolean | undefined> {
    const isValue = (value: unknown) => typeof value === 'boolean';
    const parse = (text: string) =>
      /^(on|yes|true|y)$/.test(text) ? true : /^(off|no|false|n)$/.test(text) ? false : undefined;
    return make<boolean, S>(spec, 'bool', 'on or off', isValue, parse, (value) => (value ? 'on' : 'off'));
  },

  string<const S extends OptionSpec<string>>(
    spec: S,
  ): Option<S extends { readonly default: unknown } ? string : string | undefined> {
    return make<string, S>(
      spec,
      'string',
      'a text',
      (value) => typeof value === 'string',
      (text) => text,
    );
  },

  /**
   * A back end of the machine, by its id: `option.backend(CharBackend, { description: 'where its characters go' })`. The
   * constructor gets an object of that class.
   */
  backend<P extends BackendPart>(type: BackendClass<P>, spec: OptionSpec<string>): BackendOption<P> {
    if (typeof type !== 'function' || typeof type.backendType !== 'string') {
      throw new BackplaneError(
        'invalid-option-declaration',
        'option.backend takes CharBackend or BlockBackend first: option.backend(CharBackend, { ... }).',
      );
    }
    const isValue = (value: unknown) => typeof value === 'string' && isBackendId(value);
    const made = make<string, OptionSpec<string> & Pick<Option<string>, 'backend'>>(
      { ...spec, backend: type },
      type.backendType === 'char' ? 'chardev' : 'drive',
      `the id of a ${type.backendType} back end`,
      isValue,
      (text) => (isValue(text) ? text : undefined),
    );
    return made as BackendOption<P>;
  },

  /** One of a few words. */
  choice<const W extends readonly [string, ...string[]], const S extends OptionSpec<W[number]>>(
    words: W,
    spec: S,
  ): Option<S extends { readonly default: unknown } ? W[number] : W[number] | undefined> {
    if (!Array.isArray(words) || words.length === 0) {
      throw new BackplaneError(
        'invalid-option-declaration',
        "option.choice takes the words first: option.choice(['discard', 'slew'], { ... }).",
      );
    }
    const isValue = (value: unknown) => typeof value === 'string' && words.includes(value);
    const parse = (text: string) => (words.includes(text) ? text : undefined);
    return make<W[number], S>(spec, words.join('|'), `one of ${words.join(', ')}`, isValue, parse);
  },

  /** A calendar date in UTC: `2006-06-17` or `2006-06-17T16:01:21`. */
  date<const S extends OptionSpec<Date>>(
    spec: S,
  ): Option<S extends { readonly default: unknown } ? Date : Date | undefined> {
    // Of any other year toISOString writes a sign, which parse does not read.
    const isValue = (value: unknown) =>
      value instanceof Date && value.getTime() >= firstDate && value.getTime() < lastDate;
    const parse = (text: string) => {
      if (!/^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d{1,3})?Z?)?$/.test(text)) return undefined;
      const date = new Date(text.includes('T') && !text.endsWith('Z') ? `${text}Z` : text);
      // A day that the month does not have would count on into the next one.
      return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text.slice(0, 10)) ? date : undefined;
    };
    return make<Date, S>(spec, 'date', 'a date such as 2006-06-17T16:01:21', isValue, parse, (value) =>
      value.toISOString().slice(0, 19),
    );
  },
};
