import { compileFunction } from 'node:vm';
import { BackplaneError, describeThrown } from '../../base/errors.ts';
import type { MachineDefinition } from '../../machine/index.ts';
import { ownMachines } from '../catalogue.ts';
import type { OptionSyntax } from '../command.ts';
import { bundle } from './bundle.ts';
import { findEntry } from './entry.ts';
import { sortExports } from './exports.ts';
import { rememberBundle, rememberHome, rememberSources, withPlace } from './failure-place.ts';
import type { LoadedPlugin } from './plugin.ts';

export const pluginSyntax = { plugin: 'FILE|DIRECTORY|PACKAGE' } as const satisfies OptionSyntax;

/** Loads the plugins of `-plugin`, in order. Two plugins with the same device or machine are refused. */
export async function loadPlugins(names: readonly string[]): Promise<readonly LoadedPlugin[]> {
  const loaded: LoadedPlugin[] = [];
  for (const name of names) {
    const entry = findEntry(name);
    const same = loaded.find((plugin) => plugin.entry === entry);
    if (same !== undefined)
      throw new BackplaneError(
        'repeated-argument',
        `-plugin ${name}: it is given twice${also(same.name, name)}. Give it once.`,
      );
    const plugin = await loadPlugin(name);
    for (const other of loaded) refuseDuplicates(other, plugin);
    loaded.push(plugin);
  }
  return loaded;
}

const also = (first: string, second: string) => (first === second ? '' : `, the first time as '${first}'`);

/**
 * Loads a plugin. A second load compiles its code again, and the old code can be collected. The callback `onFile`
 * gets every file that is read, also if loading fails.
 */
export async function loadPlugin(name: string, onFile?: (path: string) => void): Promise<LoadedPlugin> {
  const entry = findEntry(name);
  const request = { label: name, entry, refuseSecondCopy: true };
  const { code, files } = await bundle(onFile === undefined ? request : { ...request, onFile });
  rememberSources(files);
  try {
    const sorted = sortExports(name, await evaluate(code, entry));
    for (const { deviceClass } of sorted.devices) rememberHome(deviceClass, entry);
    await refuseOwnMachineNames(name, sorted.machines);
    return { name, entry, files, ...sorted };
  } catch (cause) {
    if (cause instanceof BackplaneError && cause.message.startsWith(`plugin '${name}'`)) throw cause;
    throw new BackplaneError(
      'plugin-load-failed',
      withPlace(`plugin '${name}' failed to load: ${describeThrown(cause)}`, cause),
      { cause },
    );
  }
}

/**
 * Runs a bundle and returns its exports. It is neither imported nor evaluated: Node keeps every module for ever, and V8
 * keeps evaluated source text. A compiled function is collected after its last use; `failure-place.ts` keeps its source
 * map. The statements may use await, since they are in an async function.
 */
export async function evaluate(code: string, entry: string): Promise<Record<string, unknown>> {
  const path = `${entry}.bundle.cjs`;
  rememberBundle(path, code);
  const body = `return (async () => { "use strict"; ${code}\n})();`;
  const run = compileFunction(body, ['backplanePlugin'], { filename: path }) as Factory;
  let exported: Record<string, unknown> = {};
  const { stackTraceLimit } = Error;
  // Classes are checked deep inside the SDK. The line of the plugin must still be in the stack.
  Error.stackTraceLimit = 64;
  try {
    await run((found) => {
      exported = { ...found };
    });
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
  return exported;
}

type Factory = (backplanePlugin: (exported: Record<string, unknown>) => void) => Promise<void>;

/** A machine of the package keeps its name, on a command line and in a snapshot. */
async function refuseOwnMachineNames(plugin: string, machines: readonly MachineDefinition[]): Promise<void> {
  if (machines.length === 0) return;
  const own = await ownMachines();
  for (const machine of machines) {
    const taken = own.find(({ name, aliases = [] }) => [name, ...aliases].includes(machine.name));
    if (taken === undefined || taken === machine) continue;
    throw new BackplaneError(
      'duplicate-name',
      `plugin '${plugin}' brings a machine '${machine.name}', and backplane has one of that name. Give it another name.`,
    );
  }
}

function refuseDuplicates(first: LoadedPlugin, second: LoadedPlugin): void {
  const duplicate =
    first.devices.find(({ metadata }) => second.devices.some((other) => other.metadata.type === metadata.type))
      ?.metadata.type ??
    first.machines.find(({ name }) => second.machines.some((other) => other.name === name))?.name ??
    first.backends.find(({ kind }) => second.backends.some((other) => other.kind === kind))?.kind;
  if (duplicate === undefined) return;
  throw new BackplaneError(
    'duplicate-name',
    `plugins '${first.name}' and '${second.name}' both bring '${duplicate}'. Leave one of them out.`,
  );
}
