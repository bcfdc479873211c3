import { basename } from 'node:path';
import { type ProcessorMode, processorModes } from '../../accelerator/guest/code.ts';
import { FlatBinary } from '../../accelerator/guest/flat-binary.ts';
import { BackplaneError } from '../../base/errors.ts';
import { didYouMean } from '../../base/text.ts';
import type { Arguments, OptionSyntax } from '../command.ts';
import { readWhole } from '../files.ts';
import { parseDevice } from './device-request.ts';

/** In which mode a processor begins machine code. */
export const loaderSyntax = { 'cpu-mode': 'real|protected|long' } as const satisfies OptionSyntax;

export const loaderHelp = `  -cpu-mode MODE        how machine code begins, with -accel kvm and -device loader,file=FILE.bin,addr=0x1000,cpu-num=0:
                        real, the default, or protected or long with flat segments`;

/** One `-device loader`: QEMU's generic loader, for flat binaries. */
export interface LoaderRequest {
  readonly text: string;
  readonly file: string;
  readonly address: number;
  readonly processor: number;
}

const LoaderType = 'loader';
const settings = ['file', 'addr', 'cpu-num'];

/** Takes the loaders out of the devices of a command line. */
export function takeLoaders(args: Arguments): { readonly rest: Arguments; readonly loaders: readonly LoaderRequest[] } {
  const texts = args.all('device').filter((text) => /\bloader\b/.test(text) && parseDevice(text).type === LoaderType);
  const loaders = texts.map(parseLoader);
  loaders.forEach(({ text, processor }, index) => {
    if (processor !== index) throw malformed(text, `it is number ${index + 1}, so it begins cpu-num=${index}.`);
  });
  if (loaders.length === 0 && args.has('cpu-mode')) {
    throw new BackplaneError(
      'misplaced-argument',
      '-cpu-mode is for machine code: -device loader,file=FILE.bin,addr=0x1000,cpu-num=0.',
    );
  }
  const all = (option: string) =>
    option === 'device' ? args.all(option).filter((text) => !texts.includes(text)) : args.all(option);
  return { loaders, rest: { ...args, all } };
}

function parseLoader(text: string): LoaderRequest {
  const given = parseDevice(text).settings;
  for (const name of given.keys()) {
    if (!settings.includes(name)) throw malformed(text, `it has no setting '${name}'. ${didYouMean(name, settings)}`);
  }
  const file = given.get('file');
  if (typeof file !== 'string' || file === '') throw malformed(text, 'the file is missing: file=FILE.bin.');
  const address = numberOf(given.get('addr'));
  if (address === undefined) throw malformed(text, 'addr is where the file goes, a number: addr=0x1000.');
  const processor = numberOf(given.get('cpu-num'));
  if (processor === undefined) throw malformed(text, 'cpu-num is the processor that begins there: cpu-num=0.');
  return { text, file, address, processor };
}

function numberOf(value: unknown): number | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const text = String(value);
  return /^(0x[0-9a-f]{1,12}|\d{1,15})$/i.test(text) ? Number(text) : undefined;
}

function malformed(text: string, why: string): BackplaneError {
  return new BackplaneError('malformed-setting', `-device ${text}: ${why}`);
}

/** The binaries that the loaders name. */
export function flatBinaries(args: Arguments, loaders: readonly LoaderRequest[]): FlatBinary[] {
  const mode = chooseMode(args.value('cpu-mode'), processorModes);
  return loaders.map(({ text, file, address }) => {
    const refusal = (code: string, why: string, cause?: unknown) =>
      new BackplaneError(code, `-device ${text}: '${file}' cannot be read: ${why}`, { cause });
    return new FlatBinary({ name: basename(file), bytes: readWhole(file, LargestBinary, refusal), address, mode });
  });
}

const LargestBinary = 256 * 2 ** 20;

function chooseMode(text: string | undefined, modes: readonly ProcessorMode[]): ProcessorMode {
  const mode = text === undefined ? 'real' : modes.find((known) => known === text);
  if (mode !== undefined) return mode;
  throw new BackplaneError(
    'unknown-cpu-mode',
    `-cpu-mode ${text}: there is no such mode. ${didYouMean(text ?? '', modes)}`,
  );
}
