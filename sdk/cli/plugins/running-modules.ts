import { realpathSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { moduleRoot, packageRoot } from '../files.ts';

/** Modules of the running SDK. Another copy would not recognize the devices of this one. */
const ownNames: Readonly<Record<string, () => Promise<object>>> = {
  backplane: () => import('../../index.ts'),
  'backplane/runtime': () => import('../../runtime.ts'),
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
