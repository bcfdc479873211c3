import { realpathSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { moduleRoot, packageRoot } from '../files.ts';

/** Names that must mean the running SDK, or a device would be decorated by one copy and looked for by another. */
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

/** Where bundles find what is not part of them; one table for the process, because a bundle is no module of ours. */
const tableKey = 'backplane.running-modules';
const shared = globalThis as { [key: symbol]: unknown };
shared[Symbol.for(tableKey)] ??= new Map<string, object>();
const table = shared[Symbol.for(tableKey)] as Map<string, object>;

const root = (url: URL) => realpathSync(fileURLToPath(url));

/** The folder of the package that is running, links resolved. */
export const runningPackage = root(packageRoot);

const sources = ['sdk', 'devices', 'machines'].map((folder) => `${root(moduleRoot)}/${folder}/`);

/** A file of the running SDK: loaded already, and never a second time. */
export function isRunning(path: string): boolean {
  return sources.some((folder) => path.startsWith(folder));
}

/** Loads what a bundle leaves out, and answers the module that stands for it there. */
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
