import { BackplaneError } from '../../base/errors.ts';
import type { ConcreteDeviceClass } from '../../device/index.ts';
import type { ObservedDevice } from '../../monitor/reference.ts';
import { deviceNamed, knownDevices } from '../catalogue.ts';
import type { Arguments, Command, CommandContext } from '../command.ts';
import { parseKeyValues } from '../options/settings.ts';
import { loadPlugins, pluginSyntax } from '../plugins/load.ts';
import type { LoadedPlugin } from '../plugins/plugin.ts';
import type { Terminal } from '../terminal.ts';
import { formatColumns, shellWord } from '../text.ts';

/** `backplane doc -device X`: the register reference from a declaration. */
export const docCommand: Command = {
  usage: 'backplane doc [-device DEVICE] [-plugin WHAT]...',
  summary: 'print the register reference of a device',
  help: `Prints Markdown: options, PCI configuration, interrupts, regions, registers, fields, reset values, access, and what reads and
writes do, from the declaration alone. What a device does without registers is listed by port or offset. Without -device it lists
the devices.

Options:
  -device DEVICE        which device, as '-device help' names it
  -plugin WHAT          a .ts file, a directory, or a package that brings the device
  -json                 the same facts as data

Examples:
  backplane doc
  backplane doc -device edu
  backplane doc -device i8259 -json
  backplane doc -plugin ./my-uart.ts -device my-uart`,
  options: { device: 'DEVICE', ...pluginSyntax },
  async run(context) {
    const { terminal, arguments: args, json } = context;
    const type = typeOf(args);
    const plugins = await loadPlugins(args.all('plugin'));
    if (type === undefined) return listDevices(context, plugins);
    const { deviceClass, metadata } = await deviceNamed(type, plugins);
    const { registerDocument, registerFacts } = await import('../../monitor/reference.ts');
    const observed = await observe(deviceClass, terminal);
    terminal.print(
      json
        ? JSON.stringify(registerFacts(metadata, observed), null, 2)
        : registerDocument(metadata, observed).trimEnd(),
    );
  },
};

/** The device of `-device`; undefined for the list. */
function typeOf(args: Arguments): string | undefined {
  const [device, second] = args.all('device');
  const [word] = args.positional;
  if (word !== undefined)
    throw new BackplaneError(
      'misplaced-argument',
      `doc: name the device like this: 'backplane doc -device ${shellWord(word, 'DEVICE')}'.`,
    );
  if (second !== undefined)
    throw new BackplaneError('repeated-argument', `doc: one device at a time, not both '${device}' and '${second}'.`);
  if (device === undefined) return undefined;
  const { subject, settings } = parseKeyValues('-device', device, { subjectKey: 'driver', switches: true });
  if (settings.size > 0) {
    throw new BackplaneError(
      'misplaced-argument',
      `doc -device ${device}: the reference is of every ${subject}. Write '-device ${shellWord(subject, 'DEVICE')}'.`,
    );
  }
  return subject === 'help' || subject === '?' ? undefined : subject;
}

async function listDevices({ terminal, json }: CommandContext, plugins: readonly LoadedPlugin[]): Promise<void> {
  const devices = (await knownDevices(plugins)).map(({ metadata: { type, description } }) => ({ type, description }));
  if (json) return terminal.print(JSON.stringify(devices, null, 2));
  const rows = devices.map(({ type, description }): [string, string] => [type, description]);
  terminal.print(`Devices, for 'backplane doc -device DEVICE':\n${formatColumns(rows)}`);
}

/** Pins are fields of a device, so one is made. A device that a bench cannot build goes without. */
async function observe(deviceClass: ConcreteDeviceClass, terminal: Terminal): Promise<ObservedDevice> {
  try {
    return await onBench(deviceClass);
  } catch (failure) {
    const why = failure instanceof Error ? failure.message : String(failure);
    terminal.note(`its interrupts are left out, for it cannot be built alone: ${why}`);
    return {};
  }
}

/** The outputs of a device, which no declaration lists. */
async function onBench(deviceClass: ConcreteDeviceClass): Promise<ObservedDevice> {
  const { testBench } = await import('../../testing/index.ts');
  const { pinsOf } = await import('../../device/index.ts');
  const { observeSubDevices } = await import('../../monitor/reference.ts');
  const { device } = testBench(deviceClass);
  return { pins: [...pinsOf(device).keys()], subDevices: observeSubDevices(device) };
}
