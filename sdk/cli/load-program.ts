import { existsSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, parse } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BackplaneError, describeThrown } from '../memory/errors.ts';
import { bundle, describeFile } from './plugins/bundle.ts';
import { rememberSources } from './plugins/bundle-lines.ts';
import { withPlace } from './plugins/failure-place.ts';

/**
 * Loads a user's TypeScript file and what it imports by relative path, wherever it lies and whatever tsconfig or
 * package.json lies around it: as a module, in the dialect the SDK's decorators need.
 */
export async function loadProgram(path: string): Promise<Record<string, unknown>> {
  if (!existsSync(path)) throw new BackplaneError(`cannot read '${path}': there is no such file.`);
  if (!describeFile(path).isFile) throw new BackplaneError(`cannot read '${path}': it is not a file.`);
  const entry = realpathSync(path);
  const { code, files } = await bundle({ label: path, entry, format: 'module' });
  rememberSources(files);
  process.setSourceMapsEnabled(true);
  const folder = mkdtempSync(join(tmpdir(), 'backplane-'));
  try {
    const compiled = join(folder, `${parse(entry).name}.mjs`);
    writeFileSync(compiled, code);
    return (await import(/* @vite-ignore */ pathToFileURL(compiled).href)) as Record<string, unknown>;
  } catch (cause) {
    throw new BackplaneError(withPlace(`'${path}' failed to load: ${describeThrown(cause)}`, cause), { cause });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
