import { BackplaneError } from '../../base/errors.ts';
import { commandLineName, type Option, type OptionSet } from '../../device/index.ts';

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
