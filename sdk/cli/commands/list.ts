import { commandLineName, type OptionSet } from '../../device/options.ts';
import { BackplaneError } from '../../memory/errors.ts';
import { deviceNamed, knownDevices, knownMachines, machineNamed } from '../catalogue.ts';
import { formatColumns } from '../columns.ts';
import type { Command, CommandContext } from '../command.ts';
import { parseKeyValues } from '../key-values.ts';
import { machineOptionName } from '../machine-choice.ts';
import { describeOptions, type OptionDescription } from '../option-help.ts';

/** What a list prints: as text for people, and the same facts as a value for programs. */
interface Listing {
  readonly title: string;
  readonly entries: readonly (readonly [name: string, description: string])[];
  readonly options?: readonly OptionDescription[];
}

/** `backplane -machine help` and its like: the one command without a word of its own. */
export const listCommand: Command = {
  usage: 'backplane -machine|-device|-accel help',
  summary: 'list machines, devices or accelerators',
  help: `Lists what there is, or the options of one of them.

Examples:
  backplane -machine help
  backplane -machine pc,help
  backplane -device help
  backplane -device mc146818rtc,help
  backplane -accel help`,
  options: { machine: 'help', M: 'help', device: 'help', accel: 'help' },
  async run(context) {
    const asked = ['machine', 'M', 'device', 'accel'].filter((option) => context.arguments.has(option));
    for (const option of asked) {
      for (const text of context.arguments.all(option)) print(context, await list(option, text));
    }
  },
};

async function list(option: string, text: string): Promise<Listing> {
  const { subject, asksForHelp } = parseKeyValues(`-${option}`, text);
  if (!asksForHelp) throw new BackplaneError(`-${option} ${text}: ${withoutCommand(option, text)}`);
  const everything = subject === 'help' || subject === '?';
  if (option === 'accel') return accelerators();
  if (option === 'device') return everything ? devices() : deviceOptions(subject);
  return everything ? machines() : machineOptions(subject);
}

function withoutCommand(option: string, text: string): string {
  if (option === 'device')
    return `devices are plugged in by machine definitions. '-device ${text},help' lists options.`;
  return `which command is it for? Write 'backplane run FILE.ts -${option} ${text}', or '-${option} help' for a list.`;
}

async function machines(): Promise<Listing> {
  const entries = (await knownMachines()).map((machine): [string, string] => {
    const aliases = machine.aliases?.length ? ` (alias ${machine.aliases.join(', ')})` : '';
    return [machine.name, `${machine.description}${aliases}`];
  });
  return { title: 'Machines:', entries };
}

async function devices(): Promise<Listing> {
  const entries = (await knownDevices()).map(({ blueprint }): [string, string] => [
    blueprint.type,
    `${blueprint.description} [${blueprint.bus}]`,
  ]);
  return { title: 'Devices:', entries };
}

async function machineOptions(name: string): Promise<Listing> {
  const machine = await machineNamed(name);
  return optionListing(`Options of machine ${machine.name}:`, machine.options, machineOptionName);
}

async function deviceOptions(type: string): Promise<Listing> {
  const { blueprint } = await deviceNamed(type);
  return optionListing(`Options of device ${blueprint.type}:`, blueprint.options, commandLineName);
}

function optionListing(title: string, set: OptionSet | undefined, nameOf: (property: string) => string): Listing {
  const options = set === undefined ? [] : describeOptions(set, nameOf);
  return { title, entries: options.map(({ syntax, text }) => [syntax, text]), options };
}

async function accelerators(): Promise<Listing> {
  const { acceleratorOptions } = await import('../../accelerator/accelerator-options.ts');
  const options = acceleratorOptions.map((option): OptionDescription => {
    const type = option.values?.join('|') ?? option.type;
    const byDefault = typeof option.default === 'boolean' ? (option.default ? 'on' : 'off') : String(option.default);
    return {
      name: option.name,
      type,
      default: byDefault,
      syntax: `  ${option.name}=<${type}>`,
      text: `${option.description} (default: ${byDefault})`,
    };
  });
  const kvm: [string, string] = ['kvm-sim', 'KVM, simulated in TypeScript: the same on every host. Its options:'];
  return {
    title: 'Accelerators:',
    entries: [kvm, ...options.map(({ syntax, text }): [string, string] => [syntax, text])],
    options,
  };
}

function print({ terminal, json }: CommandContext, { title, entries, options }: Listing): void {
  const named = entries.map(([name, description]) => ({ name, description }));
  const value = options?.map(({ name, type, default: byDefault, text }) => ({ name, type, default: byDefault, text }));
  const text = entries.length === 0 ? `${title} none.` : `${title}\n${formatColumns(entries)}`;
  terminal.print(json ? JSON.stringify(value ?? named, null, 2) : text);
}
