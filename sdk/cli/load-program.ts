import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, parse, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Plugin } from 'esbuild';
import { BackplaneError } from '../memory/errors.ts';
import { moduleExtension, moduleRoot } from './package-root.ts';

/** Names that must mean the running SDK, or a device would be decorated by one copy and looked for by another. */
const ownNames: Readonly<Record<string, () => string>> = {
  backplane: () => new URL(`sdk/index.${moduleExtension}`, moduleRoot).href,
  'backplane/testing': () => new URL(`sdk/testing/index.${moduleExtension}`, moduleRoot).href,
  'backplane/devices': () => new URL(`devices/index.${moduleExtension}`, moduleRoot).href,
  'backplane/machines': () => new URL(`machines/index.${moduleExtension}`, moduleRoot).href,
  inversify: () => import.meta.resolve('inversify'),
  'reflect-metadata': () => import.meta.resolve('reflect-metadata'),
};

/**
 * Loads a user's TypeScript file and what it imports by relative path, wherever it lies and whatever tsconfig or
 * package.json lies around it: as a module, in the dialect the SDK's decorators need.
 */
export async function loadProgram(path: string): Promise<Record<string, unknown>> {
  const entry = resolve(path);
  if (!existsSync(entry)) throw new BackplaneError(`cannot read '${path}': there is no such file.`);
  const code = await compile(path, entry);
  process.setSourceMapsEnabled(true);
  const folder = mkdtempSync(join(tmpdir(), 'backplane-'));
  try {
    const compiled = join(folder, `${parse(entry).name}.mjs`);
    writeFileSync(compiled, code);
    return (await import(pathToFileURL(compiled).href)) as Record<string, unknown>;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function compile(path: string, entry: string): Promise<string> {
  const { build } = await import('esbuild');
  try {
    const { outputFiles } = await build({
      entryPoints: [entry],
      bundle: true,
      write: false,
      logLevel: 'silent',
      format: 'esm',
      platform: 'node',
      target: 'node20',
      keepNames: true,
      sourcemap: 'inline',
      sourceRoot: pathToFileURL(`${dirname(entry)}/`).href,
      tsconfigRaw: {
        compilerOptions: { experimentalDecorators: true, useDefineForClassFields: true, target: 'ES2022' },
      },
      plugins: [runningSdk],
    });
    return outputFiles[0]?.text ?? '';
  } catch (failure) {
    throw new BackplaneError(explainBuildFailure(path, failure), { cause: failure });
  }
}

/** Packages are not compiled in: they are loaded from where the importing file finds them. */
const runningSdk: Plugin = {
  name: 'running-sdk',
  setup({ onResolve, resolve }) {
    onResolve({ filter: /^[^./]/ }, async ({ path: name, kind, resolveDir, importer, pluginData }) => {
      if (kind === 'entry-point' || pluginData === 'as usual') return undefined;
      const own = Object.hasOwn(ownNames, name) ? ownNames[name] : undefined;
      if (own) return { path: own(), external: true };
      const found = await resolve(name, { kind, resolveDir, importer, pluginData: 'as usual' });
      const isPackage = found.errors.length === 0 && !found.external && /\.[cm]?js$/.test(found.path);
      return isPackage ? { path: pathToFileURL(found.path).href, external: true } : found;
    });
  },
};

interface BuildMessage {
  readonly text: string;
  readonly location: { readonly file: string; readonly line: number; readonly column: number } | null;
}

function explainBuildFailure(path: string, failure: unknown): string {
  const [first] = (failure as { errors?: readonly BuildMessage[] }).errors ?? [];
  if (!first) return `cannot compile '${path}': ${failure instanceof Error ? failure.message : String(failure)}`;
  const at = first.location
    ? `${basename(first.location.file)}:${first.location.line}:${first.location.column + 1}: `
    : '';
  return `cannot compile '${path}': ${at}${first.text}`;
}
