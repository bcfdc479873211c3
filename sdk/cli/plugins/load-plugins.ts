import { compileFunction } from 'node:vm';
import { BackplaneError } from '../../memory/errors.ts';
import type { OptionSyntax } from '../arguments.ts';
import { bundle, messageOf } from './bundle.ts';
import { rememberBundle } from './bundle-lines.ts';
import { findEntry } from './entry.ts';
import { failurePlace } from './failure-place.ts';
import type { LoadedPlugin } from './plugin.ts';
import { sortExports } from './plugin-exports.ts';

export const pluginSyntax = { plugin: 'FILE|DIRECTORY|PACKAGE' } as const satisfies OptionSyntax;

/** Loads what `-plugin` named, in order. Two that bring the same device or machine are refused. */
export async function loadPlugins(names: readonly string[]): Promise<readonly LoadedPlugin[]> {
  const loaded: LoadedPlugin[] = [];
  for (const name of names) {
    const plugin = await loadPlugin(name);
    for (const other of loaded) refuseTwins(other, plugin);
    loaded.push(plugin);
  }
  return loaded;
}

/** Loads one plugin, a second time too: each time its code is compiled anew, and nothing holds on to the code before. */
export async function loadPlugin(name: string): Promise<LoadedPlugin> {
  const entry = findEntry(name);
  const { code, files } = await bundle({ label: name, entry, format: 'cjs', refuseSecondCopy: true });
  try {
    return { name, entry, files, ...sortExports(name, evaluate(code, entry)) };
  } catch (cause) {
    if (cause instanceof BackplaneError && cause.message.startsWith(`plugin '${name}'`)) throw cause;
    const place = failurePlace(cause);
    throw new BackplaneError(`plugin '${name}' failed to load: ${messageOf(cause)}${place ? ` (${place})` : ''}`, {
      cause,
    });
  }
}

/**
 * Runs a bundle and answers what it exports. Neither imported nor evaluated: Node keeps every module for ever, and V8 what it
 * has evaluated, source text and all. A compiled function is forgotten with its last user; `bundle-lines.ts` keeps its lines.
 */
function evaluate(code: string, entry: string): Record<string, unknown> {
  const path = `${entry}.bundle.cjs`;
  rememberBundle(path, code);
  const run = compileFunction(code, ['module', 'exports'], { filename: path }) as Factory;
  const module = { exports: {} as Record<string, unknown> };
  const { stackTraceLimit } = Error;
  // What a class declares is checked deep inside the SDK: the plugin's own line must still be in the stack.
  Error.stackTraceLimit = 64;
  try {
    run(module, module.exports);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
  return module.exports;
}

type Factory = (module: { exports: Record<string, unknown> }, exports: Record<string, unknown>) => void;

function refuseTwins(first: LoadedPlugin, second: LoadedPlugin): void {
  const twin =
    first.devices.find(({ blueprint }) => second.devices.some((other) => other.blueprint.type === blueprint.type))
      ?.blueprint.type ?? first.machines.find(({ name }) => second.machines.some((other) => other.name === name))?.name;
  if (twin === undefined) return;
  throw new BackplaneError(`plugins '${first.name}' and '${second.name}' both bring '${twin}'. Leave one of them out.`);
}
