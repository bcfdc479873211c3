import type { BackendType } from '../../backend/index.ts';
import { BackplaneError } from '../../base/errors.ts';
import type { ConcreteDeviceClass } from '../../device/index.ts';
import { commandLineName, describeOption, machineOptionName, type OptionSet } from '../../device/options/set.ts';
import type { MachineDefinition } from '../../machine/index.ts';
import { backendKinds, deviceNamed, knownDevices, knownMachines, machineNamed, sayWhoseAlias } from '../catalogue.ts';
import type { Command, CommandContext } from '../command.ts';
import { parseKeyValues } from '../options/settings.ts';
import { loadPlugins, pluginSyntax } from '../plugins/load.ts';
import type { KnownDevice, LoadedPlugin } from '../plugins/plugin.ts';
import { formatColumns, shellWord } from '../text.ts';

/** Options that list the kinds of back ends. */
const backendLists = { chardev: 'help', drive: 'help', blockdev: 'help' } as const;

/** A list, printed as text or as JSON. */
interface Listing {
  readonly title: string;
  readonly entries: readonly (readonly [name: string, description: string])[];
  readonly options?: readonly OptionDescription[];
}

/** `backplane -machine help` and the like: the command without a name. */
export const listCommand: Command = {
  usage: 'backplane -machine|-device|-accel|-chardev|-blockdev help [-plugin WHAT]...',
  summary: 'list machines, devices, accelerators or kinds of back ends',
  help: `Lists what there is, or the options of one of them.

Examples:
  backplane -machine help
  backplane -machine pc,help
  backplane -device help
  backplane -device mc146818rtc,help
  backplane -accel help
  backplane -chardev help
  backplane -chardev socket,help
  backplane -plugin ./my-uart.ts
  backplane -plugin ./my-uart.ts -device my-uart,help`,
  options: { machine: 'help', M: 'help', device: 'help', accel: 'help', ...backendLists, ...pluginSyntax },
  async run(context) {
    const asked = ['machine', 'M', 'device', 'accel', ...Object.keys(backendLists)].filter((option) =>
      context.arguments.has(option),
    );
    const plugins = await loadPlugins(context.arguments.all('plugin'));
    const ofMachines = asked.some((option) => option === 'machine' || option === 'M');
    if (asked.length === 0 || ofMachines)
      for (const warning of await sayWhoseAlias(plugins)) context.terminal.note(`warning: ${warning}`);
    if (asked.length === 0) for (const plugin of plugins) print(context, contentsOf(plugin));
    for (const option of asked) {
      for (const text of context.arguments.all(option)) print(context, await list(option, text, plugins));
    }
  },
};

async function list(option: string, text: string, plugins: readonly LoadedPlugin[]): Promise<Listing> {
  const { subject, asksForHelp } = parseKeyValues(`-${option}`, text);
  if (!asksForHelp) throw new BackplaneError('missing-operand', `-${option} ${text}: ${withoutCommand(option, text)}`);
  const everything = subject === 'help' || subject === '?';
  if (option === 'accel') return accelerators();
  if (Object.hasOwn(backendLists, option)) return backends(option === 'chardev' ? 'char' : 'block', subject, plugins);
  if (option === 'device') return everything ? devices(plugins) : deviceOptions(subject, plugins);
  return everything ? machines(plugins) : machineOptions(subject, plugins);
}

function withoutCommand(option: string, text: string): string {
  const hint =
    option === 'device'
      ? `'-device ${shellWord(text, 'DEVICE')},help' lists its options`
      : `'-${option} help' lists what there is`;
  return `which command is it for? Write 'backplane run FILE.ts -${option} ${shellWord(text, option.toUpperCase())}'; ${hint}.`;
}

async function machines(plugins: readonly LoadedPlugin[]): Promise<Listing> {
  return { title: 'Machines:', entries: (await knownMachines(plugins)).map(machineEntry) };
}

async function devices(plugins: readonly LoadedPlugin[]): Promise<Listing> {
  return { title: 'Devices:', entries: (await knownDevices(plugins)).map(deviceEntry) };
}

function machineEntry({ name, aliases, description }: MachineDefinition): [string, string] {
  return [name, `${description}${aliases?.length ? ` (alias ${aliases.join(', ')})` : ''}`];
}

function deviceEntry({ metadata }: KnownDevice): [string, string] {
  return [metadata.type, `${metadata.description} [${metadata.bus}]`];
}

function contentsOf({ name, devices, machines, observers, backends: kinds }: LoadedPlugin): Listing {
  const named = (kind: string, [entry, text]: [string, string]): [string, string] => [`${kind} ${entry}`, text];
  const entries = [
    ...devices.map((device) => named('device', deviceEntry(device))),
    ...machines.map((machine) => named('machine', machineEntry(machine))),
    ...observers.map((observer) => named('observer', [observer.name, observer.description ?? ''])),
    ...kinds.map(({ kind, description }) => named('back end', [kind, description])),
  ];
  return { title: `Plugin ${name}:`, entries };
}

async function machineOptions(name: string, plugins: readonly LoadedPlugin[]): Promise<Listing> {
  const machine = await machineNamed(name, plugins);
  return optionListing(`Options of machine ${machine.name}:`, machine.options, machineOptionName);
}

async function deviceOptions(type: string, plugins: readonly LoadedPlugin[]): Promise<Listing> {
  const { metadata, deviceClass } = await deviceNamed(type, plugins);
  const listing = optionListing(`Options of device ${metadata.type}:`, metadata.options, commandLineName);
  return { ...listing, entries: [...(await placeEntries(deviceClass)), ...listing.entries] };
}

/** How a device is plugged into a bus with addresses. A bus that no bench can make is left out. */
async function placeEntries(deviceClass: ConcreteDeviceClass): Promise<[string, string][]> {
  const { busForBench } = await import('../../testing/bench/place.ts');
  const bus = busForBench(deviceClass);
  if (bus?.addressGrammar === undefined) return [];
  return [
    ['bus=<str>', `a bus of the kind '${bus.kind}', or the id of its controller (default: the first)`],
    ['addr=<str>', `its address: ${bus.addressGrammar}`],
  ];
}

function optionListing(title: string, set: OptionSet | undefined, nameOf: (property: string) => string): Listing {
  const options = set === undefined ? [] : describeOptions(set, nameOf);
  return { title, entries: options.map(({ syntax, text }) => [syntax, text]), options };
}

/** The kinds of back ends for characters or for disks, each with its settings; or those of one kind. */
async function backends(type: BackendType, subject: string, plugins: readonly LoadedPlugin[]): Promise<Listing> {
  const kinds = (await backendKinds(plugins)).filter((one) => one.type === type);
  const asked = kinds.filter(({ kind }) => kind === subject);
  const shown = asked.length === 0 ? kinds : asked;
  const entries = shown.flatMap(({ kind, description, options }): [string, string][] => [
    [kind, description],
    ...describeOptions(options, machineOptionName).map(({ syntax, text }): [string, string] => [`  ${syntax}`, text]),
  ]);
  return { title: type === 'char' ? 'Back ends for characters:' : 'Back ends for disks:', entries };
}

async function accelerators(): Promise<Listing> {
  const { optionsOf } = await import('../options/accelerator.ts');
  const described = (option: ReturnType<typeof optionsOf>[number]): OptionDescription => {
    const type = option.values?.join('|') ?? option.type;
    const byDefault = typeof option.default === 'boolean' ? (option.default ? 'on' : 'off') : String(option.default);
    return {
      name: option.name,
      type,
      default: byDefault,
      syntax: `  ${option.name}=<${type}>`,
      text: `${option.description} (default: ${byDefault})`,
    };
  };
  const [simulated, host] = [optionsOf('kvm-sim').map(described), optionsOf('kvm').map(described)];
  const entry = ({ syntax, text }: OptionDescription): [string, string] => [syntax, text];
  return {
    title: 'Accelerators:',
    entries: [
      ['kvm-sim', 'KVM, simulated in TypeScript: the same on every host. Its options:'],
      ...simulated.map(entry),
      ['kvm', '/dev/kvm of this host, for machine code: flat binaries and recordings. Its options:'],
      ...host.map(entry),
    ],
    options: simulated,
  };
}

function print({ terminal, json }: CommandContext, { title, entries, options }: Listing): void {
  const named = entries.map(([name, description]) => ({ name, description }));
  const value = options?.map(({ name, type, default: byDefault, text }) => ({ name, type, default: byDefault, text }));
  const text = entries.length === 0 ? `${title} none.` : `${title}\n${formatColumns(entries)}`;
  terminal.print(json ? JSON.stringify(value ?? named, null, 2) : text);
}

export interface OptionDescription {
  readonly name: string;
  readonly type: string;
  readonly default: string | undefined;
  /** `base_year=<integer>`. */
  readonly syntax: string;
  /** What it does, and its default. */
  readonly text: string;
}

/** The options of a device or a machine as the command line writes them. */
export function describeOptions(set: OptionSet, nameOf = commandLineName): OptionDescription[] {
  return Object.entries(set.declarations).map(([property, option]) => {
    const name = nameOf(property);
    return {
      name,
      type: option.kind,
      default: option.default === undefined ? undefined : option.format(option.default),
      syntax: `${name}=<${option.kind}>`,
      text: describeOption(option),
    };
  });
}
