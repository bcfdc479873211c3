import { BackplaneError } from '../../base/errors.ts';
import { didYouMean } from '../../base/text.ts';
import { type BackendRequest, withoutNegations } from './backend-request.ts';
import { parseKeyValues } from './settings.ts';

/** The words that `-serial` may begin with. */
const words = ['stdio', 'null', 'none', 'mon:stdio', 'file:', 'pipe:', 'unix:', 'tcp:', 'chardev:'];

const plain = new Map<string, string>();

/**
 * Where the serial port `id` goes: a back end, the name of one of `-chardev`, or undefined for `none`. The grammar is QEMU's, in which
 * the path of `file:` and `pipe:` is all that follows.
 */
export function parseSerial(text: string, id: string): BackendRequest | { chardev: string; id: string } | undefined {
  const owner = `-serial ${text}`;
  const refuse = (why: string) => new BackplaneError('malformed-serial', `${owner}: ${why}`);
  const make = (kind: string, settings: ReadonlyMap<string, string>) => ({ owner, id, kind, settings });
  const [, word = text, rest] = /^([^:,]*):(.*)$/s.exec(text) ?? [];
  if (rest === undefined) {
    if (text === 'none') return undefined;
    if (text === 'stdio' || text === 'null') return make(text, plain);
    if (text === 'help' || text === '?') throw refuse(`write one of ${words.join(', ')}.`);
    throw refuse(`it is no place for a serial port. ${didYouMean(text, words)}`);
  }
  if (text === 'mon:stdio') return make('stdio', plain);
  if (rest === '' && words.includes(`${word}:`)) throw refuse(`nothing follows '${word}:'. Write ${word}:NAME.`);
  switch (word) {
    case 'file':
    case 'pipe':
      return make(word, new Map([['path', rest]]));
    case 'chardev':
      return { chardev: rest, id };
    case 'unix':
    case 'tcp':
      return make('socket', socketSettings(word, rest, owner, refuse));
  }
  const known = words.filter((one) => one.includes(':'));
  throw refuse(`'${word}:' is no place for a serial port. ${didYouMean(`${word}:`, known)}`);
}

/** `PATH,server=on,wait=off` and `HOST:PORT,server=on`; an address of IPv6 stands in brackets. */
function socketSettings(
  word: 'unix' | 'tcp',
  text: string,
  owner: string,
  refuse: (why: string) => BackplaneError,
): ReadonlyMap<string, string> {
  const { subject, settings } = parseKeyValues(owner.replace(text, ''), text, {
    subjectKey: 'address',
    switches: true,
  });
  const taken = ['path', 'host', 'port'].find((key) => settings.has(key));
  if (taken !== undefined) throw refuse(`${taken}= follows '${word}:' without its name. Leave out ${taken}=.`);
  if (word === 'unix') return new Map([['path', subject], ...withoutNegations(settings)]);
  const [, v6, host = v6 ?? '', port] = /^(?:\[([^\]]*)\]|([^:]*)):(\d+)$/.exec(subject) ?? [];
  if (port === undefined) throw refuse('it needs a host and a port. Write tcp:127.0.0.1:4444,server=on.');
  return new Map([['host', host], ['port', port], ...withoutNegations(settings)]);
}
