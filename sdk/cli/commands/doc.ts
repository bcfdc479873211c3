import { BackplaneError } from '../../memory/errors.ts';
import { deviceNamed } from '../catalogue.ts';
import type { Command } from '../command.ts';
import { loadPlugins, pluginSyntax } from '../plugins/load-plugins.ts';

/** `backplane doc -device X`: the register reference that a declaration amounts to. */
export const docCommand: Command = {
  usage: 'backplane doc -device DEVICE [-plugin WHAT]...',
  summary: 'print the register reference of a device',
  help: `Prints Markdown: regions, registers, fields, reset values, access and side effects, from the declaration alone.

Options:
  -device DEVICE        which device, as '-device help' names it
  -plugin WHAT          a .ts file, a directory, or a package that brings the device
  --json                the same facts as data

Examples:
  backplane doc -device edu
  backplane doc -device i8259`,
  options: { device: 'DEVICE', ...pluginSyntax },
  async run({ terminal, arguments: args, json }) {
    const [type, second] = [...args.all('device'), ...args.positional];
    if (type === undefined || second !== undefined || args.positional.length > 0) {
      const example = args.positional[0] ?? 'edu';
      throw new BackplaneError(
        `doc: name one device: 'backplane doc -device ${example}'. 'backplane -device help' lists them.`,
      );
    }
    const plugins = await loadPlugins(args.all('plugin'));
    const { blueprint } = await deviceNamed(type, plugins);
    const { registerDocument, registerFacts } = await import('../../device/register-document.ts');
    terminal.print(json ? JSON.stringify(registerFacts(blueprint), null, 2) : registerDocument(blueprint).trimEnd());
  },
};
