import { BackplaneError } from '../../base/errors.ts';
import { shellWord } from '../text.ts';
import { parseKeyValues } from './settings.ts';

/** One `-device` in either form, not yet checked against the declaration of the device. */
export interface DeviceRequest {
  /** The text of the command line, for messages. */
  readonly text: string;
  readonly type: string;
  /** By the option names of the command line: a text, or a value of the JSON form. */
  readonly settings: ReadonlyMap<string, unknown>;
}

/** One `-global`: an option of every device of a type. */
export interface GlobalSetting {
  readonly text: string;
  readonly type: string;
  readonly option: string;
  readonly value: string;
}

const identifier = /^[a-zA-Z][a-zA-Z0-9_.-]*$/;

/** `edu,dma_mask=0xfff,addr=05.0`, `driver=edu,...` and `{"driver":"edu","dma_mask":4095}`. */
export function parseDevice(text: string): DeviceRequest {
  if (text.trimStart().startsWith('{')) return fromJson(text);
  const { subject, settings, asksForHelp } = parseKeyValues('-device', text, { subjectKey: 'driver', switches: true });
  if (asksForHelp)
    throw new BackplaneError(
      'misplaced-argument',
      `to list the devices, write 'backplane -device ${shellWord(text, 'help')}'.`,
    );
  if (subject === '')
    throw new BackplaneError(
      'malformed-setting',
      `-device ${text}: the device is missing. Write -device TYPE,KEY=VALUE.`,
    );
  return { text, type: subject, settings };
}

function fromJson(text: string): DeviceRequest {
  const settings = new Map(Object.entries(parseObject(text)));
  refuseRepetition(text, settings.size);
  const type = settings.get('driver');
  settings.delete('driver');
  if (typeof type === 'string' && type !== '') return { text, type, settings };
  throw new BackplaneError('malformed-setting', `-device ${text}: "driver" must name the device: {"driver":"edu"}.`);
}

function parseObject(text: string): object {
  try {
    // It begins with a brace, so the result is an object.
    return JSON.parse(text) as object;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new BackplaneError(
      'malformed-setting',
      `-device ${text}: not JSON: ${why}. Write {"driver":"edu","dma_mask":4095}.`,
      { cause },
    );
  }
}

/** Refuses a repeated key, of which JSON.parse silently keeps the second. */
function refuseRepetition(text: string, distinct: number): void {
  const keys = [...text.matchAll(/"((?:[^"\\]|\\.)*)"(\s*:)?/gs)].filter(([, , colon]) => colon !== undefined);
  if (keys.length <= distinct) return;
  const names = keys.map(([, key]) => key);
  const twice = names.find((key, index) => names.indexOf(key) !== index);
  if (twice !== undefined)
    throw new BackplaneError('repeated-argument', `-device ${text}: '${twice}' is set twice. Set it once.`);
}

/** `edu.dma_mask=0xfff`, or QEMU's long form `driver=edu,property=dma_mask,value=0xfff`. */
export function parseGlobal(text: string): GlobalSetting {
  const short = /^([^.=,]+)\.([^.=,]+)=(.*)$/s.exec(text);
  if (short !== null) {
    const [, type = '', option = '', value = ''] = short;
    return { text, type, option, value };
  }
  const usage = 'Write -global TYPE.OPTION=VALUE, such as -global edu.dma_mask=0xfff.';
  if (!text.startsWith('driver='))
    throw new BackplaneError('malformed-setting', `-global ${text}: not a setting. ${usage}`);
  const { subject, settings } = parseKeyValues('-global', text, { subjectKey: 'driver' });
  const option = settings.get('property');
  const value = settings.get('value');
  if (option !== undefined && value !== undefined && settings.size === 2) return { text, type: subject, option, value };
  throw new BackplaneError('malformed-setting', `-global ${text}: it takes driver=, property= and value=. ${usage}`);
}

/** `id=`: the name of the device in other options and in messages. */
export function parseId(text: string, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'string' && identifier.test(value)) return value;
  throw new BackplaneError(
    'invalid-device-id',
    `-device ${text}: the id ${JSON.stringify(value)} is not valid. Write a letter, then letters, digits, '-', '.' or '_'.`,
  );
}
