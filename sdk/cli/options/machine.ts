import type { Backend } from '../../backend/index.ts';
import { BackplaneError } from '../../base/errors.ts';
import { metadataOf } from '../../device/index.ts';
import { parseSize } from '../../device/options/kinds.ts';
import type { MachineDefinition, MachineRequest } from '../../machine/index.ts';
import { MiB } from '../../memory/address-range.ts';
import { machineNamed, sayWhose, sayWhoseAlias, withServices } from '../catalogue.ts';
import type { Arguments, OptionSyntax } from '../command.ts';
import { loadPlugins, pluginSyntax } from '../plugins/load.ts';
import type { LoadedPlugin } from '../plugins/plugin.ts';
import { shellWord } from '../text.ts';
import { chooseBackends } from './backends.ts';
import { chooseDevices, deviceSyntax, typesIn, unusedGlobals, withDevices } from './devices.ts';
import { parseDashed, parseKeyValues } from './settings.ts';

/** Options that choose the machine of a command and its devices. */
export const machineSyntax = {
  machine: 'MACHINE',
  M: 'MACHINE',
  m: 'SIZE',
  ...deviceSyntax,
  ...pluginSyntax,
} as const satisfies OptionSyntax;

/** The help text of these options. */
export const machineHelp = `  -machine MACHINE      which machine, and its options; default pc
  -m SIZE               its RAM: 64 (megabytes), 64M, 1G
  -device DEVICE        plug in one more: edu,id=x,addr=05.0,dma_mask=0xfff or '{"driver":"edu","dma_mask":4095}'
  -global TYPE.OPT=VAL  set an option of every device of a type
  -plugin WHAT          load devices, machines and observers: a .ts file, a directory, or a package`;

export interface MachineChoice {
  readonly definition: MachineDefinition;
  readonly request: Pick<MachineRequest, 'options' | 'ram' | 'defaults' | 'firmware'>;
  /** What the command line connects devices with. Nothing is opened yet. */
  readonly backends: readonly Backend[];
  readonly plugins: readonly LoadedPlugin[];
  /** Warnings about accepted options that are probably mistakes. */
  readonly warnings: readonly string[];
}

/**
 * The machine of `-machine pc,reset-control=overlay -m 64M` with its devices, not built yet. The `own` machine of a
 * program replaces the default, and so does the name of a recording's machine.
 */
export async function chooseMachine(args: Arguments, own?: MachineDefinition, usual = 'pc'): Promise<MachineChoice> {
  const given = [...args.all('machine'), ...args.all('M')];
  if (given.length > 1)
    throw new BackplaneError('repeated-argument', '-machine is given more than once. Give it once.');
  const plugins = await loadPlugins(args.all('plugin'));
  const text = given[0] ?? usual;
  const { subject, settings, asksForHelp } = parseKeyValues('-machine', text);
  if (asksForHelp)
    throw new BackplaneError(
      'misplaced-argument',
      `to list the machines, write 'backplane -machine ${shellWord(text, 'help')}'.`,
    );
  const chosen = given.length === 0 && own !== undefined ? own : await machineNamed(subject, plugins);
  const named = withServices(chosen, plugins);
  const devices = await chooseDevices(args, plugins, named);
  const definition = withDevices(named, devices);
  const memory = args.value('m');
  return {
    definition,
    plugins,
    backends: await chooseBackends(args, plugins),
    warnings: [
      ...(await sayWhoseAlias(plugins, subject)),
      ...unusedGlobals(definition, devices),
      ...(await sayWhose(typesIn(devices), plugins)),
    ],
    request: {
      options: parseDashed(definition.options, settings, `machine '${definition.name}'`),
      ...(args.has('nodefaults') ? { defaults: false } : {}),
      ...(memory === undefined ? {} : { ram: parseMemorySize(memory) }),
    },
  };
}

/** `-m 64` is megabytes, as in QEMU. `-m 64M`, `-m 1G` and `-m size=64M` have a unit. */
export function parseMemorySize(text: string): number {
  const plain = text.replace(/^size=/, '');
  const bytes = /^\d+$/.test(plain) ? Number(plain) * MiB : parseSize(plain);
  if (bytes === undefined || !Number.isSafeInteger(bytes) || bytes <= 0) {
    throw new BackplaneError(
      'invalid-size',
      `-m ${text}: not a size. Write a number of megabytes, or a suffix: 64, 64M, 1G.`,
    );
  }
  return bytes;
}

/** Serial ports send and receive characters at once, as QEMU's do, unless an option says otherwise. */
export const withInstantLines = (definition: MachineDefinition): MachineDefinition => withOption(definition, 'instant');

/** A card that can begin in text mode does, for a kernel that no VGA BIOS has started. */
export const withTextMode = (definition: MachineDefinition): MachineDefinition => withOption(definition, 'textMode');

/** Devices that have the option have it on, unless the machine says otherwise. */
function withOption(definition: MachineDefinition, name: string): MachineDefinition {
  const devices = definition.devices.map((used) => {
    const { options = {} } = used;
    const isOther = metadataOf(used.device).options.declarations[name] === undefined || typeof options === 'function';
    return isOther ? used : { ...used, options: { [name]: true, ...options } };
  });
  return { ...definition, devices };
}
