import type { Machine } from '../../machine/index.ts';
import { BackplaneError } from '../../memory/errors.ts';
import type { Command } from '../command.ts';
import { chooseMachine, machineSyntax } from '../machine-choice.ts';
import { didYouMean } from '../suggestion.ts';

/** What can be seen of a machine: as text, and where it is data, as data. */
interface Topic {
  text(machine: Machine): Promise<string>;
  data?(machine: Machine): Promise<unknown>;
}

const mtree: Topic = {
  async text(machine) {
    return (await import('../../memory/index.ts')).formatMemoryTree(machine.addressSpaces);
  },
};

const flatViews: Topic = {
  async text(machine) {
    return (await import('../../memory/index.ts')).formatFlatViews(machine.topology);
  },
};

const qtree: Topic = {
  async text(machine) {
    return (await import('../../monitor/index.ts')).formatDeviceTree(machine);
  },
};

const coalesced: Topic = {
  async text(machine) {
    const { explainCoalescedIo, formatCoalescedReport } = await import('../../insight/index.ts');
    return formatCoalescedReport(explainCoalescedIo(machine));
  },
  async data(machine) {
    return (await import('../../insight/index.ts')).explainCoalescedIo(machine);
  },
};

const topics: Readonly<Record<string, Topic>> = { mtree, qtree, coalesced };

export const infoCommand: Command = {
  usage: 'backplane info mtree|mtree -f|qtree|coalesced [-machine MACHINE] [-m SIZE]',
  summary: 'look into a machine',
  help: `Builds a machine, lets nothing run on it, and prints what can be seen of it.

  mtree                 the tree of memory regions, as QEMU prints it
  mtree -f              the flat views: what an address really leads to
  qtree                 devices, their options and their wires
  coalesced             every range declared coalesced: alive, narrowed, dead (and why), unprotected

Options:
  -machine MACHINE      which machine, and its options; default pc
  -m SIZE               its RAM: 64 (megabytes), 64M, 1G
  --json                a JSON value: for 'coalesced' the findings, else the lines of text

Examples:
  backplane info coalesced -machine pc
  backplane info coalesced -machine pc,reset-control=overlay
  backplane info mtree -f -machine isapc`,
  options: { ...machineSyntax, f: true },
  async run({ terminal, arguments: args, json }) {
    const topic = chooseTopic(args.positional, args.has('f'));
    const { definition, request } = await chooseMachine(args);
    const { Machine } = await import('../../machine/index.ts');
    const machine = Machine.create(definition, request);
    if (!json) terminal.print((await topic.text(machine)).replace(/\n$/, ''));
    else
      terminal.print(
        JSON.stringify(topic.data ? await topic.data(machine) : (await topic.text(machine)).split('\n'), null, 2),
      );
  },
};

function chooseTopic(words: readonly string[], flat: boolean): Topic {
  const names = Object.keys(topics);
  const [name, ...rest] = words;
  if (name === undefined) throw new BackplaneError(`info about what? Write one of: ${names.join(', ')}.`);
  if (rest.length > 0) throw new BackplaneError(`info takes one topic, not also '${rest.join(' ')}'.`);
  const topic = Object.hasOwn(topics, name) ? topics[name] : undefined;
  if (topic === undefined) throw new BackplaneError(`there is no info about '${name}'. ${didYouMean(name, names)}`);
  if (!flat) return topic;
  if (topic !== mtree) throw new BackplaneError(`-f belongs to 'info mtree', not to 'info ${name}'.`);
  return flatViews;
}
