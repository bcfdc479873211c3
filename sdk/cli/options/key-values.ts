import { BackplaneError } from '../../base/errors.ts';

/** A value such as `mc146818rtc,base_year=2000`: what comes first, and the settings behind it. */
export interface KeyValues {
  readonly subject: string;
  readonly settings: ReadonlyMap<string, string>;
  readonly asksForHelp: boolean;
}

export interface KeyValueGrammar {
  /** The key that may be written in front of the subject: `driver=edu` is `edu`. The subject may then stand anywhere. */
  readonly subjectKey?: string;
  /** A key alone is a switch: `flag` is `flag=on`. A comma at the end is none. */
  readonly switches?: boolean;
}

/** Reads QEMU's `subject,key=value,key=value`; a comma that belongs to a value is written twice. */
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
