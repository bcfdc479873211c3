import { SourceMap, type SourceMapPayload } from 'node:module';
import { fileURLToPath } from 'node:url';
import { DeviceFailure } from '../../base/errors.ts';

/** The latest bundle of each plugin, by its path in stacks. */
const bundles = new Map<string, string>();
/** The files of the user that were compiled. */
const known = new Set<string>();

/** Records a bundle, instead of the last one. */
export function rememberBundle(path: string, code: string): void {
  bundles.set(path, code);
}

/** Records files of the user, whose lines messages name. */
export function rememberSources(files: readonly string[]): void {
  for (const file of files) known.add(file);
}

export const sources: ReadonlySet<string> = known;

/** The source of a line of a bundle: `chip.ts:12` with its folder. Node applies source maps to modules only. */
export function originOf(path: string, line: number, column: number): string | undefined {
  const origin = originIn(path, line, column);
  return origin === undefined ? undefined : `${origin.file}:${origin.line}`;
}

function originIn(path: string, line: number, column: number) {
  const code = bundles.get(path);
  const [, encoded] = /\/\/# sourceMappingURL=data:application\/json;base64,(\S+)\s*$/.exec(code ?? '') ?? [];
  if (encoded === undefined) return undefined;
  const payload = JSON.parse(Buffer.from(encoded, 'base64').toString('utf8')) as SourceMapPayload;
  const entry = new SourceMap(payload).findEntry(line - 1, column - 1);
  if (!('originalSource' in entry)) return undefined;
  const { href, protocol } = new URL(entry.originalSource, payload.sourceRoot);
  const place = { line: entry.originalLine + 1, column: entry.originalColumn + 1 };
  return protocol === 'file:' ? { file: fileURLToPath(href), ...place } : undefined;
}

/** A stack with source lines instead of bundle lines. */
export function withOrigins(stack: string): string {
  let text = stack;
  for (const path of bundles.keys()) {
    text = text.split(`${path}:`).reduce((before, after) => {
      const [, line, column, rest] = /^(\d+):(\d+)([\s\S]*)$/.exec(after) ?? [];
      const origin = line === undefined ? undefined : originIn(path, Number(line), Number(column));
      if (origin === undefined) return `${before}${path}:${after}`;
      return `${before}${origin.file}:${origin.line}:${origin.column}${rest}`;
    });
  }
  return text;
}

/** The file of each class of a plugin. It is the place of an error without a stack. */
const homes = new WeakMap<object, string>();

export function rememberHome(deviceClass: object, file: string): void {
  homes.set(deviceClass, file);
}

/** An error and its causes, outermost first. Causes may form a cycle. */
export function* causesOf(failure: unknown): Generator<Error> {
  const seen = new Set<unknown>();
  for (let link = failure; link instanceof Error && !seen.has(link); link = link.cause) {
    seen.add(link);
    yield link;
  }
}

/** The place of an error in the user's files, `chip.ts:12`: the innermost frame of theirs. */
export function failurePlace(failure: unknown): string | undefined {
  const links = [...causesOf(failure)];
  for (const { stack } of links.reverse()) {
    const place = typeof stack === 'string' ? placeInStack(stack) : undefined;
    if (place !== undefined) return place;
  }
  for (const link of links) if (link instanceof DeviceFailure && link.device !== undefined) return homeOf(link.device);
  return undefined;
}

/** A message with the place of the error in the user's files, unless it has it already. */
export function withPlace(message: string, failure: unknown): string {
  const place = failurePlace(failure);
  return place === undefined || message.includes(place) ? message : `${message} (${place})`;
}

const frame = /^\s+at (?:async )?(?:.*? \()?((?:file:\/\/)?\/.+?):(\d+):(\d+)\)?$/gm;

function placeInStack(stack: string): string | undefined {
  for (const [, file = '', line, column] of stack.matchAll(frame)) {
    const path = file.startsWith('file://') ? fileURLToPath(file) : file;
    const origin = originOf(path, Number(line), Number(column)) ?? `${path}:${line}`;
    if (sources.has(origin.replace(/:\d+$/, ''))) return origin;
  }
  return undefined;
}

const homeOf = (device: object): string | undefined => homes.get(device.constructor);
