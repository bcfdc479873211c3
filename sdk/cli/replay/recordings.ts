import { readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BackplaneError } from '../../base/errors.ts';
import { nearest } from '../../base/text.ts';
import { packageRoot, statusOf } from '../files.ts';

const folder = fileURLToPath(new URL('examples/recordings/', packageRoot));
const suffix = /\.iotrace(\.gz)?$/;

/** The recordings that come with the package, by name. */
export function knownRecordings(): string[] {
  return readdirSync(folder)
    .filter((file) => suffix.test(file))
    .map(recordingName)
    .sort();
}

/** How reports call a recording. */
export function recordingName(path: string): string {
  return basename(path).replace(suffix, '');
}

/** The file that a name or a path means. A path wins over a name. */
export function findRecording(nameOrPath: string): string {
  const found = statusOf(nameOrPath, (code, why) => new BackplaneError(code, `'${nameOrPath}' cannot be read: ${why}`));
  if (found !== undefined) {
    if (found.isFile()) return nameOrPath;
    throw new BackplaneError('not-a-file', `'${nameOrPath}' is not a file. Give a recording, plain or gzip.`);
  }
  const names = knownRecordings();
  const file = names.includes(nameOrPath) && readdirSync(folder).find((name) => recordingName(name) === nameOrPath);
  if (file) return `${folder}${file}`;
  const meant = nearest(recordingName(nameOrPath), names);
  const hint = meant === undefined ? `Known by name: ${names.join(', ')}.` : `Did you mean '${meant}'?`;
  throw new BackplaneError('unknown-recording', `there is no recording and no file '${nameOrPath}'. ${hint}`);
}
