import { fileURLToPath } from 'node:url';
import { DeviceFailure } from '../../base/errors.ts';
import { originOf, sources } from './bundle-lines.ts';

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
