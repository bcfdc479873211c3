import { realpathSync } from 'node:fs';
import { BackplaneError, describeThrown } from '../base/errors.ts';
import { statusOf } from './files.ts';
import { bundle } from './plugins/bundle.ts';
import { rememberSources } from './plugins/bundle-lines.ts';
import { withPlace } from './plugins/failure-place.ts';
import { evaluate } from './plugins/load-plugins.ts';

/**
 * Loads a user's TypeScript file and what it imports by relative path, wherever it lies and whatever tsconfig or
 * package.json lies around it: in the dialect the SDK's decorators need. Nothing is written to the disk on the way.
 */
export async function loadProgram(path: string): Promise<Record<string, unknown>> {
  const refuse = (why: string, cause?: unknown) => new BackplaneError(`cannot read '${path}': ${why}`, { cause });
  const found = statusOf(path, refuse);
  if (found === undefined) throw refuse('there is no such file.');
  if (!found.isFile()) throw refuse('it is not a file.');
  const entry = realpathSync(path);
  const { code, files } = await bundle({ label: path, entry });
  rememberSources(files);
  try {
    return await evaluate(code, entry);
  } catch (cause) {
    throw new BackplaneError(withPlace(`'${path}' failed to load: ${describeThrown(cause)}`, cause), { cause });
  }
}
