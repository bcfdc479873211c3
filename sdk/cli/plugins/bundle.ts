import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { BuildOptions, Message, OnLoadResult, OnResolveArgs, OnResolveResult, Plugin } from 'esbuild';
import { BackplaneError, describeThrown } from '../../base/errors.ts';
import { didYouMean } from '../../base/text.ts';
import { KiB, MiB } from '../../memory/address-range.ts';
import { moduleRoot, packageRoot } from '../files.ts';
import { shellWord } from '../text.ts';

/**
 * A user's file with everything it imports, as one piece of JavaScript in the dialect of the SDK's decorators. Its
 * statements pass the exports of the file to a function `backplanePlugin`.
 */
export interface Bundle {
  readonly code: string;
  /** Every file of the user that is part of it. */
  readonly files: readonly string[];
}

export interface BundleRequest {
  /** Its name in messages, as it was given. */
  readonly label: string;
  readonly entry: string;
  /** Whether a second copy of the SDK beside the file is reported. Otherwise it is ignored. */
  readonly refuseSecondCopy?: boolean;
  /** Called with each file of the user that is read, also if it cannot be compiled. */
  readonly onFile?: (path: string) => void;
}

/** No source file is larger. */
const LargestFile = 4 * MiB;
const LargestDescription = 256 * KiB;

/**
 * Compiles a file. The tsconfig and package.json beside it have no effect. Mistakes are reported with file and line.
 */
export async function bundle(request: BundleRequest): Promise<Bundle> {
  const { label, entry } = request;
  const { build } = await import('esbuild');
  const folder = dirname(entry);
  try {
    const { outputFiles, metafile } = await build({
      ...begin(request),
      absWorkingDir: folder,
      bundle: true,
      write: false,
      metafile: true,
      logLevel: 'silent',
      format: 'esm',
      platform: 'node',
      target: 'node20',
      keepNames: true,
      sourcemap: 'inline',
      sourceRoot: pathToFileURL(`${folder}/`).href,
      define: defineMeta(entry),
      tsconfigRaw: {
        compilerOptions: { experimentalDecorators: true, useDefineForClassFields: true, target: 'ES2022' },
      },
      plugins: [runningSdk(request)],
    });
    const inputs = Object.keys(metafile.inputs).filter((name) => !name.startsWith(`${standIns}:`));
    const files = inputs.filter((name) => name !== handOver && !name.startsWith('<define:'));
    return { code: outputFiles[0]?.text ?? '', files: files.map((name) => resolve(folder, name)) };
  } catch (failure) {
    throw new BackplaneError('compilation-failed', explain(label, folder, failure), { cause: failure });
  }
}

const handOver = 'backplane-plugin';

/** The entry of the bundle is a file of ours. It imports the user's file and passes on all exports. */
function begin({ entry }: BundleRequest): Pick<BuildOptions, 'stdin'> {
  const contents = `import * as exported from ${JSON.stringify(entry)};\nbackplanePlugin(exported);\n`;
  return { stdin: { contents, resolveDir: dirname(entry), sourcefile: handOver, loader: 'js' } };
}

/** The `import.meta` of a module: the place of the user's file, not that of the bundle. */
function defineMeta(entry: string): Record<string, string> {
  const known = { url: pathToFileURL(entry).href, filename: entry, dirname: dirname(entry) };
  const each = Object.entries(known).map(([name, value]) => [`import.meta.${name}`, JSON.stringify(value)]);
  return { ...Object.fromEntries(each), 'import.meta': JSON.stringify(known) };
}

const standIns = 'running';
const asUsual = 'as usual';

function runningSdk({ entry, refuseSecondCopy = false, onFile }: BundleRequest): Plugin {
  return {
    name: 'running-sdk',
    setup({ onResolve, onLoad, resolve: resolveAsUsual }) {
      onResolve({ filter: /.*/ }, async (args) => {
        const { path: name, kind, pluginData } = args;
        if (kind === 'entry-point' || pluginData === asUsual) return undefined;
        if (name === entry) return { path: entry };
        if (isBuiltin(name)) return { path: name.startsWith('node:') ? name : `node:${name}`, namespace: standIns };
        if (name === 'backplane' || name.startsWith('backplane/')) return ownName(args, refuseSecondCopy);
        if (ownModuleNames.includes(name)) return { path: name, namespace: standIns };
        const { resolveDir, importer, namespace } = args;
        const found = await resolveAsUsual(name, { kind, resolveDir, importer, namespace, pluginData: asUsual });
        if (found.errors.length > 0) return { errors: found.errors, warnings: found.warnings };
        return placeOf(found.path, entry);
      });
      onLoad({ filter: /.*/, namespace: 'file' }, ({ path }) => {
        onFile?.(path);
        return refuseUnreadable(path);
      });
      onLoad({ filter: /.*/, namespace: standIns }, async ({ path }) => {
        try {
          return { contents: await standInFor(path), loader: 'js' };
        } catch (cause) {
          return { errors: [{ text: `'${path}' cannot be loaded: ${describeThrown(cause)}` }] };
        }
      });
    },
  };
}

function ownName({ path, resolveDir }: OnResolveArgs, refuseSecondCopy: boolean): OnResolveResult {
  if (!ownModuleNames.includes(path)) {
    return { errors: [{ text: `there is no '${path}'. ${didYouMean(path, ownModuleNames)}` }] };
  }
  const other = refuseSecondCopy ? secondCopyFor(resolveDir) : undefined;
  return other === undefined ? { path, namespace: standIns } : { errors: [{ text: sayTwoCopies(other) }] };
}

/** Ordinary packages stay modules of their own. Packages that depend on the SDK become part of the bundle. */
function placeOf(path: string, entry: string): OnResolveResult {
  if (path !== entry && isRunning(path)) return { path, namespace: standIns };
  const owner = ownerOf(path);
  if (owner?.name === 'backplane' && owner.folder !== runningPackage) {
    return { errors: [{ text: sayTwoCopies(owner) }] };
  }
  const isPackage = path.includes('/node_modules/') && /\.[cm]?js$/.test(path);
  return isPackage && owner?.buildsOnSdk !== true ? { path, namespace: standIns } : { path };
}

interface Owner {
  readonly folder: string;
  readonly name: string | undefined;
  readonly version: string | undefined;
  readonly buildsOnSdk: boolean;
}

/** The package that a file belongs to. */
function ownerOf(path: string): Owner | undefined {
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
    const owner = describePackage(folder);
    if (owner !== undefined) return owner;
  }
  return undefined;
}

/** The copy of the SDK that a file in this folder would import, if it is not the running one. */
function secondCopyFor(from: string): Owner | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const installed = join(folder, 'node_modules', 'backplane');
    if (existsSync(installed)) {
      const copy = describePackage(realpathSync(installed));
      if (copy !== undefined) return copy.folder === runningPackage ? undefined : copy;
    }
    if (folder === dirname(folder)) return undefined;
  }
}

function describePackage(folder: string): Owner | undefined {
  const file = join(folder, 'package.json');
  if (!existsSync(file) || statSync(file).size > LargestDescription) return undefined;
  try {
    const { name, version, ...rest } = JSON.parse(readText(file)) as Record<string, unknown>;
    if (typeof name !== 'string') return undefined;
    const needs = (list: unknown) => typeof list === 'object' && list !== null && 'backplane' in list;
    const buildsOnSdk = needs(rest['dependencies']) || needs(rest['peerDependencies']);
    return { folder, name, version: typeof version === 'string' ? version : undefined, buildsOnSdk };
  } catch {
    return undefined;
  }
}

/** Text without the byte order mark that some editors write. */
export const readText = (file: string): string => new TextDecoder().decode(readFileSync(file));

function sayTwoCopies({ folder, version }: Owner): string {
  return (
    `a second copy of 'backplane' (${version ?? 'no version'}) is in '${folder}', and '${runningPackage}' is running. ` +
    'A device of one cannot be used with the other. Run the command of that copy (npx backplane), or remove it.'
  );
}

function refuseUnreadable(path: string): OnLoadResult | undefined {
  const { size, isFile } = describeFile(path);
  if (!isFile) return { errors: [{ text: `'${path}' is not a file.` }] };
  if (size <= LargestFile) return undefined;
  return { errors: [{ text: `'${path}' has ${size} bytes; ${LargestFile} is the most a source file may have.` }] };
}

export function describeFile(path: string): { readonly size: number; readonly isFile: boolean } {
  try {
    const status = statSync(path, { throwIfNoEntry: false });
    return { size: status?.size ?? 0, isFile: status?.isFile() === true };
  } catch {
    // Links in a circle, or a name that is too long.
    return { size: 0, isFile: false };
  }
}

/** The first mistake with its place, and the number of the others. */
function explain(label: string, folder: string, failure: unknown): string {
  const messages = (failure as { errors?: readonly Message[] }).errors ?? [];
  const [first] = messages;
  if (first === undefined) return `cannot compile '${label}': ${describeThrown(failure)}`;
  const { location, text } = first;
  const file = location?.namespace === 'file' ? shortName(folder, resolve(folder, location.file)) : location?.file;
  const at = location ? `${file}:${location.line}:${location.column + 1}: ` : '';
  const why = explainText(text);
  const more = messages.length > 1 ? ` (and ${messages.length - 1} more)` : '';
  return `cannot compile '${label}': ${at}${why}${more}`;
}

/** Adds what to do to esbuild's messages that do not say it. */
function explainText(text: string): string {
  const [, missing] = /^Could not resolve "([^"./][^"]*)"$/.exec(text) ?? [];
  if (missing !== undefined) {
    return `there is no package '${missing}' in node_modules beside this file or above. Install it, or write ./${shellWord(missing, 'NAME')} for a file.`;
  }
  return /^Unexpected "\\x/.test(text) ? `${text}: this is not a text in UTF-8.` : text;
}

/** The path of a file, relative to the folder of the entry. */
function shortName(folder: string, path: string): string {
  const short = relative(folder, path);
  return short.startsWith('..') ? path : short;
}

/** Modules of the running SDK. Another copy would not recognize the devices of this one. */
const ownNames: Readonly<Record<string, () => Promise<object>>> = {
  backplane: () => import('../../index.ts'),
  'backplane/runtime': () => import('../../runtime.ts'),
  'backplane/bus': () => import('../../bus.ts'),
  'backplane/pci': () => import('../../pci.ts'),
  'backplane/i2c': () => import('../../i2c.ts'),
  'backplane/spi': () => import('../../spi.ts'),
  'backplane/x86': () => import('../../x86.ts'),
  'backplane/virtio': () => import('../../virtio.ts'),
  'backplane/backend': () => import('../../backend.ts'),
  'backplane/assembler': () => import('../../assembler.ts'),
  'backplane/testing': () => import('../../testing/index.ts'),
  'backplane/testing/qemu': () => import('../../testing/qemu/index.ts'),
  'backplane/devices': () => import('../../../devices/index.ts'),
  'backplane/machines': () => import('../../../machines/index.ts'),
  inversify: () => import('inversify'),
  'reflect-metadata': () => import('reflect-metadata'),
};

export const ownModuleNames: readonly string[] = Object.keys(ownNames);

/** The modules outside of bundles. One global table, because a bundle cannot import from this file. */
const tableKey = 'backplane.running-modules';
const shared = globalThis as { [key: symbol]: unknown };
shared[Symbol.for(tableKey)] ??= new Map<string, object>();
const table = shared[Symbol.for(tableKey)] as Map<string, object>;

const root = (url: URL) => realpathSync(fileURLToPath(url));

/** The folder of the running package, with links resolved. */
export const runningPackage = root(packageRoot);

const sources = ['sdk', 'devices', 'machines'].map((folder) => `${root(moduleRoot)}/${folder}/`);

/** Whether a file is one of the running SDK, which is loaded already. */
export function isRunning(path: string): boolean {
  return sources.some((folder) => path.startsWith(folder));
}

/** Loads a module outside of the bundle, and returns the source of its proxy in the bundle. */
export async function standInFor(name: string): Promise<string> {
  const loaded = table.get(name) ?? (await load(name));
  table.set(name, loaded);
  const names = Object.keys(loaded);
  const lines = names.map((exported, index) => {
    const key = JSON.stringify(exported);
    return `const _${index} = /* @__PURE__ */ (() => running[${key}])();\nexport { _${index} as ${key} };`;
  });
  const found = `globalThis[Symbol.for(${JSON.stringify(tableKey)})].get(${JSON.stringify(name)})`;
  return `const running = ${found};\n${lines.join('\n')}\n`;
}

async function load(name: string): Promise<object> {
  if (Object.hasOwn(ownNames, name)) return (ownNames[name] as () => Promise<object>)();
  const address = name.startsWith('/') ? pathToFileURL(name).href : name;
  return (await import(/* @vite-ignore */ address)) as object;
}
