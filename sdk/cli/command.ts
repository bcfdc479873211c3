import { BackplaneError } from '../base/errors.ts';
import { didYouMean, printable } from '../base/text.ts';
import type { Terminal } from './terminal.ts';

/** The options of a command: a name with the placeholder of its value, or `true` for a switch. */
export type OptionSyntax = Readonly<Record<string, string | true>>;

export interface Arguments {
  readonly positional: readonly string[];
  has(option: string): boolean;
  /** All values of an option, in order. */
  all(option: string): readonly string[];
  /** The value of an option that may be given once. */
  value(option: string): string | undefined;
}

const json = /^(?:--?\w+=)?\s*\{/;

/**
 * The words of the command line for use in messages. A line break in a JSON value becomes a space. Other words with
 * characters that control a terminal are refused.
 */
export function plainWords(words: readonly string[]): string[] {
  return words.map((given, index) => {
    const word = json.test(given) ? given.replaceAll(/[\r\n]/g, ' ') : given;
    const shown = printable(word);
    if (shown === word) return word;
    throw new BackplaneError(
      'unprintable-argument',
      `argument ${index + 1}, '${shown}', has characters that control a terminal. Leave them out; rename a file with such a name.`,
    );
  });
}

/** Parses a command line in QEMU's style: options with one dash or two, values in the next word or after `=`. */
export function parseArguments(words: readonly string[], syntax: OptionSyntax): Arguments {
  const positional: string[] = [];
  const given = new Map<string, string[]>();
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? '';
    if (word === '--') {
      positional.push(...words.slice(index + 1));
      break;
    }
    if (!word.startsWith('-') || word === '-') {
      positional.push(word);
      continue;
    }
    const [, dashes = '', name = '', attached] = /^(--?)([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
    const takes = Object.hasOwn(syntax, name) ? syntax[name] : undefined;
    if (takes === undefined) throw unknownOption(dashes, name, syntax);
    if (takes === true && attached !== undefined)
      throw new BackplaneError('unexpected-value', `${dashes}${name} takes no value.`);
    const value = takes === true ? '' : (attached ?? words[++index]);
    if (value === undefined)
      throw new BackplaneError('missing-value', `${dashes}${name} needs a value: ${dashes}${name} ${takes}.`);
    given.set(name, [...(given.get(name) ?? []), value]);
  }
  return { positional, has: (option) => given.has(option), all: (option) => given.get(option) ?? [], value };

  function value(option: string): string | undefined {
    const values = given.get(option) ?? [];
    if (values.length > 1)
      throw new BackplaneError('repeated-argument', `-${option} is given ${values.length} times. Give it once.`);
    return values[0];
  }
}

function unknownOption(dashes: string, name: string, syntax: OptionSyntax): BackplaneError {
  const known = Object.keys(syntax).map((option) => `${option.length > 1 ? dashes : '-'}${option}`);
  return new BackplaneError(
    'unknown-argument',
    `unknown option '${dashes}${name}'. ${didYouMean(`${dashes}${name}`, known)}`,
  );
}

/** The one operand of a command. `missing` says what to write where there is none. */
export function onlyOperand(
  command: string,
  kind: string,
  [operand, ...more]: readonly string[],
  missing: string,
): string {
  if (operand === undefined)
    throw new BackplaneError('missing-operand', `${command}: the ${kind} is missing. ${missing}`);
  if (more.length === 0) return operand;
  throw new BackplaneError('too-many-operands', `${command} takes one ${kind}, not also '${more.join(' ')}'.`);
}

export interface CommandContext {
  readonly terminal: Terminal;
  readonly arguments: Arguments;
  /** Whether standard output gets one JSON value and nothing else. */
  readonly json: boolean;
}

/** The command printed its results, and the guest had not finished: exit status 2. */
export class Unfinished extends BackplaneError {
  constructor(message: string) {
    super('guest-not-finished', message);
  }
}

/** A command. Each has a file of its own in `commands/`. */
export interface Command {
  readonly usage: string;
  readonly summary: string;
  /** The text of `-help` below the usage: purpose, options, examples. */
  readonly help: string;
  readonly options: OptionSyntax;
  /** The exit status where something was refused or failed. Default: 1, or 2 for a guest that did not finish. */
  readonly failureStatus?: number;
  /** Answers the exit status; nothing is 0. */
  run(context: CommandContext): Promise<number> | Promise<void>;
}

/** Options of every command. */
export const commonOptions = { help: true, h: true, json: true, verbose: true } as const satisfies OptionSyntax;
