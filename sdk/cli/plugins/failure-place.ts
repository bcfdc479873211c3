import { fileURLToPath } from 'node:url';
import { BackplaneError } from '../../memory/errors.ts';
import { originOf } from './bundle-lines.ts';
import { isRunning } from './running-modules.ts';

/** Where in the user's own files an error came from, `chip.ts:12`: the innermost frame that is theirs. */
export function failurePlace(failure: unknown): string | undefined {
  for (let error = failure; error instanceof Error; error = error.cause) {
    const place = placeInStack(error.stack ?? '');
    if (place !== undefined) return place;
  }
  return undefined;
}

function placeInStack(stack: string): string | undefined {
  for (const [, file = '', line, column] of stack.matchAll(
    /^\s+at .*?\(?((?:file:\/\/|\/)[^():]+):(\d+):(\d+)\)?$/gm,
  )) {
    const origin = originOf(pathOf(file), Number(line), Number(column)) ?? `${pathOf(file)}:${line}`;
    if (isTheirs(origin)) return origin;
  }
  return undefined;
}

const pathOf = (file: string) => (file.startsWith('file://') ? fileURLToPath(file) : file);

function isTheirs(place: string): boolean {
  const isSource = /\.[cm]?[jt]sx?:\d+$/.test(place) && !/\.bundle\.cjs:\d+$/.test(place);
  return isSource && !isRunning(place) && !place.includes('/node_modules/');
}

/** Does the work, and adds to what fails in it where in the user's files that was. */
export function placed<T>(work: () => T): T {
  try {
    return work();
  } catch (failure) {
    const place = failure instanceof BackplaneError ? failurePlace(failure) : undefined;
    if (place === undefined || !(failure instanceof BackplaneError)) throw failure;
    throw new BackplaneError(`${failure.message} (${place})`, { cause: failure.cause });
  }
}
