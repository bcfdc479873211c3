import { BackplaneError } from '../../base/errors.ts';
import { didYouMean } from '../../base/text.ts';
import { commandLineName, machineOptionName, type Option, type OptionSet } from '../../device/index.ts';

/** A value such as `mc146818rtc,base_year=2000`: the subject and its settings. */
export interface KeyValues {
  readonly subject: string;
  readonly settings: ReadonlyMap<string, string>;
  readonly asksForHelp: boolean;
}

export interface KeyValueGrammar {
  /** The optional key of the subject: `driver=edu` is `edu`. With it the subject may be at any position. */
  readonly subjectKey?: string;
  /** A key alone is a switch: `flag` is `flag=on`. A final comma is ignored. */
  readonly switches?: boolean;
}

/** Parses QEMU's `subject,key=value,key=value`. A comma inside a value is doubled. */
export function parseKeyValues(option: string, text: string, grammar: KeyValueGrammar = {}): KeyValues {
  const { subjectKey, switches = false } = grammar;
  const parts = text
    .replaceAll(',,', '\0')
    .split(',')
    .map((part) => part.replaceAll('\0', ','));
  if (switches && parts.length > 1 && parts.at(-1) === '') parts.pop();
  const isKeyed = subjectKey !== undefined && /^[^=]+=/.test(parts[0] ?? '');
  const first = isKeyed ? undefined : (parts.shift() ?? '').trim();
  const settings = new Map<string, string>();
  if (first !== undefined && subjectKey !== undefined) settings.set(subjectKey, first);
  let asksForHelp = false;
  for (const part of parts) {
    const [, key = '', value] = /^([^=]*)(?:=(.*))?$/s.exec(part) ?? [];
    if (value === undefined && isHelp(key)) asksForHelp = true;
    else if (key === '')
      throw new BackplaneError(
        'malformed-setting',
        `${option} ${text}: an empty setting. Write KEY=VALUE between commas.`,
      );
    else if (value === undefined && !switches)
      throw new BackplaneError('malformed-setting', `${option} ${text}: '${key}' has no value. Write ${key}=VALUE.`);
    else if (settings.has(key))
      throw new BackplaneError('repeated-argument', `${option} ${text}: '${key}' is set twice. Set it once.`);
    else settings.set(key, value ?? 'on');
  }
  const subject = first ?? settings.get(subjectKey ?? '') ?? '';
  if (subjectKey !== undefined) settings.delete(subjectKey);
  return { subject, settings, asksForHelp: asksForHelp || isHelp(subject) };
}

function isHelp(word: string): boolean {
  return word === 'help' || word === '?';
}

/**
 * The value of one setting of the command line. A refusal says what the option takes. `others` are further names for
 * its list.
 */
export function parseSetting(
  set: OptionSet,
  name: string,
  given: unknown,
  owner: string,
  others: readonly string[] = [],
): [string, unknown] {
  if (typeof given === 'string') {
    const { name: property, value } = set.parse(name, given, owner, others);
    return [property, value];
  }
  const property = set.names.find((candidate) => commandLineName(candidate) === name);
  const option = property === undefined ? undefined : set.declarations[property];
  // The set refuses an option that it does not have.
  if (option === undefined) return parseSetting(set, name, '', owner, others);
  return parseSetting(set, name, textOf(option, given, `${owner}: option '${name}'`), owner);
}

/**
 * The values of settings that are written with dashes, as those of machines and back ends: `reset-control`. `others` are further names
 * for the list of a refusal, which `owner` begins: `machine 'pc'`.
 */
export function parseDashed(
  set: OptionSet | undefined,
  settings: ReadonlyMap<string, string>,
  owner: string,
  others: readonly string[] = [],
): Record<string, unknown> {
  const known = [...others, ...(set?.names.map(machineOptionName) ?? [])];
  const values: Record<string, unknown> = {};
  for (const [name, text] of settings) {
    const written = name.replaceAll('_', '-');
    const property = set?.names.find((declared) => machineOptionName(declared) === written);
    if (set === undefined || property === undefined) {
      const hint = known.length === 0 ? 'It has none.' : didYouMean(name, known);
      throw new BackplaneError('unknown-option', `${owner} has no option '${name}'. ${hint}`);
    }
    values[property] = set.parseValue(property, written, text, owner);
  }
  return values;
}

/**
 * A JSON value as text of the command line. A JSON string is accepted for every option, since JSON has no hexadecimal
 * numbers.
 */
function textOf(option: Option<unknown>, given: unknown, where: string): string {
  const wrong = (advice = '') =>
    new BackplaneError(
      'invalid-json-value',
      `${where} takes ${option.expected}; ${JSON.stringify(given)} is not that.${advice}`,
    );
  if (typeof given === 'boolean' && option.kind === 'bool') return given ? 'on' : 'off';
  if (typeof given !== 'number' || option.kind === 'string') throw wrong();
  if (Number.isInteger(given) && !Number.isSafeInteger(given)) {
    throw wrong(' JSON numbers are exact up to 2^53: write a larger one as a text, "0x20000000000000".');
  }
  return String(given);
}
