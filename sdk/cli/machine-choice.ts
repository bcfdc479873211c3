import { parseSize } from '../device/option-grammar.ts';
import { commandLineName } from '../device/options.ts';
import type { MachineDefinition, MachineRequest } from '../machine/index.ts';
import { MiB } from '../memory/address-range.ts';
import { BackplaneError } from '../memory/errors.ts';
import type { Arguments, OptionSyntax } from './arguments.ts';
import { machineNamed } from './catalogue.ts';
import { parseKeyValues } from './key-values.ts';

/** The options with which every command says which machine it means. */
export const machineSyntax = { machine: 'MACHINE', M: 'MACHINE', m: 'SIZE' } as const satisfies OptionSyntax;

export interface MachineChoice {
  readonly definition: MachineDefinition;
  readonly request: Pick<MachineRequest, 'options' | 'ram'>;
}

/** The machine that `-machine pc,reset-control=overlay -m 64M` asks for, not built yet. */
export async function chooseMachine(args: Arguments): Promise<MachineChoice> {
  const given = [...args.all('machine'), ...args.all('M')];
  if (given.length > 1) throw new BackplaneError('-machine is given more than once. Give it once.');
  const text = given[0] ?? 'pc';
  const { subject, settings, asksForHelp } = parseKeyValues('-machine', text);
  if (asksForHelp) throw new BackplaneError(`to see what there is, write 'backplane -machine ${text}'.`);
  const definition = await machineNamed(subject);
  const memory = args.value('m');
  return {
    definition,
    request: {
      options: parseMachineOptions(definition, settings),
      ...(memory === undefined ? {} : { ram: parseMemorySize(memory) }),
    },
  };
}

function parseMachineOptions(definition: MachineDefinition, settings: ReadonlyMap<string, string>) {
  const options: Record<string, unknown> = {};
  for (const [name, text] of settings) {
    if (definition.options === undefined) {
      throw new BackplaneError(`machine '${definition.name}' has no option '${name}'. It has none.`);
    }
    const underscored = name.replaceAll('-', '_');
    const known = definition.options.names.some((property) => commandLineName(property) === underscored);
    const parsed = definition.options.parse(known ? underscored : name, text, `machine '${definition.name}'`);
    options[parsed.name] = parsed.value;
  }
  return options;
}

/** `-m 64`: megabytes, as in QEMU; `-m 64M`, `-m 1G` and `-m size=64M` say it themselves. */
export function parseMemorySize(text: string): number {
  const plain = text.replace(/^size=/, '');
  const bytes = /^\d+$/.test(plain) ? Number(plain) * MiB : parseSize(plain);
  if (bytes === undefined || !Number.isSafeInteger(bytes) || bytes <= 0) {
    throw new BackplaneError(`-m ${text}: not a size. Write a number of megabytes, or a suffix: 64, 64M, 1G.`);
  }
  return bytes;
}
