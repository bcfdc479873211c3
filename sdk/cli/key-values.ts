import { BackplaneError } from '../memory/errors.ts';

/** A value such as `mc146818rtc,base_year=2000`: what comes first, and the settings behind it. */
export interface KeyValues {
  readonly subject: string;
  readonly settings: ReadonlyMap<string, string>;
  readonly asksForHelp: boolean;
}

export interface KeyValueGrammar {
  /** The key that may be written in front of the subject: `driver=edu` is `edu`. */
  readonly subjectKey?: string;
  /** A key alone is a switch: `flag` is `flag=on`. */
  readonly switches?: boolean;
}

/** Reads QEMU's `subject,key=value,key=value`; a comma that belongs to a value is written twice. */
export function parseKeyValues(option: string, text: string, grammar: KeyValueGrammar = {}): KeyValues {
  const { subjectKey, switches = false } = grammar;
  const parts = text
    .replaceAll(',,', '\0')
    .split(',')
    .map((part) => part.replaceAll('\0', ','));
  const first = (parts.shift() ?? '').trim();
  const subject =
    subjectKey !== undefined && first.startsWith(`${subjectKey}=`) ? first.slice(subjectKey.length + 1) : first;
  const settings = new Map<string, string>();
  let asksForHelp = isHelp(subject);
  for (const part of parts) {
    const [, key = '', value] = /^([^=]*)(?:=(.*))?$/s.exec(part) ?? [];
    if (value === undefined && isHelp(key)) asksForHelp = true;
    else if (key === '')
      throw new BackplaneError(`${option} ${text}: an empty setting. Write KEY=VALUE between commas.`);
    else if (value === undefined && !switches)
      throw new BackplaneError(`${option} ${text}: '${key}' has no value. Write ${key}=VALUE.`);
    else if (settings.has(key)) throw new BackplaneError(`${option} ${text}: '${key}' is set twice. Set it once.`);
    else settings.set(key, value ?? 'on');
  }
  return { subject, settings, asksForHelp };
}

function isHelp(word: string): boolean {
  return word === 'help' || word === '?';
}
