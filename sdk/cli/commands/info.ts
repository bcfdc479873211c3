import { BackplaneError } from '../../base/errors.ts';
import { didYouMean } from '../../base/text.ts';
import type { Machine } from '../../machine/index.ts';
import type { Arguments, Command } from '../command.ts';
import { chooseMachine, machineHelp, machineSyntax } from '../options/machine.ts';
import { restoreFile } from '../snapshot/restore.ts';

/** A topic of `info`: as text, and as data if it has any. */
interface Topic {
  text(machine: Machine, args: Arguments): Promise<string>;
  data?(machine: Machine): Promise<unknown>;
}

const machineFacts: Topic = {
  text: async (machine) => (await import('../../monitor/index.ts')).infoMachine(machine),
};

const mtree: Topic = {
  async text(machine, args) {
    const request = { flat: args.has('f'), disabled: args.has('D'), owners: args.has('o') };
    return (await import('../../monitor/index.ts')).infoMtree(machine, request);
  },
};

const qtree: Topic = {
  text: async (machine) => (await import('../../monitor/index.ts')).infoQtree(machine),
};

const registers: Topic = {
  text: async (machine) => (await import('../../monitor/index.ts')).infoRegisters(machine),
};

const coalesced: Topic = {
  text: async (machine) => (await import('../../coalescing/index.ts')).infoCoalesced(machine),
  data: async (machine) => (await import('../../coalescing/index.ts')).explainCoalescedIo(machine),
};

const treeSwitches = { f: true, D: true, o: true } as const;

const topics: Readonly<Record<string, Topic>> = { machine: machineFacts, mtree, qtree, registers, coalesced };

export const infoCommand: Command = {
  usage:
    'backplane info machine|mtree|mtree -f|qtree|registers|coalesced [-machine MACHINE] [-device DEVICE]... [-plugin WHAT]... [-loadvm FILE]',
  summary: 'look into a machine',
  help: `Builds a machine, or restores one that was saved, lets nothing run on it, and prints what can be seen of it.

  machine               RAM, options, accelerator; registers compiled or interpreted
  mtree                 the tree of memory regions, as QEMU prints it
  mtree -f              the flat views: what an address really leads to
  mtree -D, mtree -o    with disabled regions; with their owners
  qtree                 devices, their options and their wires
  registers             what the guest would read from each declared register, read without side effects
  coalesced             every range declared coalesced: alive, narrowed, dead (and why), unprotected

Options:
${machineHelp}
  -loadvm FILE          the machine that 'run -save' wrote down
  -json                 a JSON value: for 'coalesced' the findings, else the lines of text

Examples:
  backplane info coalesced -machine pc
  backplane info coalesced -machine pc,reset-control=overlay
  backplane info mtree -f -machine isapc`,
  options: { ...machineSyntax, ...treeSwitches, loadvm: 'FILE' },
  async run({ terminal, arguments: args, json }) {
    const topic = chooseTopic(args);
    const { definition, request, plugins, warnings } = await chooseMachine(args);
    const { Machine } = await import('../../machine/index.ts');
    const saved = args.value('loadvm');
    const machine =
      saved === undefined
        ? Machine.create(definition, request)
        : await restoreFile(saved, definition, request, plugins);
    for (const warning of warnings) terminal.note(`warning: ${warning}`);
    const text = (await topic.text(machine, args)).trimEnd();
    if (!json) return terminal.print(text);
    const data = topic.data === undefined ? text.split('\n') : await topic.data(machine);
    terminal.print(JSON.stringify(data, null, 2));
  },
};

function chooseTopic(args: Arguments): Topic {
  const names = Object.keys(topics);
  const [name, ...rest] = args.positional;
  if (name === undefined)
    throw new BackplaneError('missing-operand', `info: the topic is missing. Write one of: ${names.join(', ')}.`);
  if (rest.length > 0)
    throw new BackplaneError('too-many-operands', `info takes one topic, not also '${rest.join(' ')}'.`);
  const topic = Object.hasOwn(topics, name) ? topics[name] : undefined;
  if (topic === undefined)
    throw new BackplaneError('unknown-operand', `there is no info about '${name}'. ${didYouMean(name, names)}`);
  const stray = Object.keys(treeSwitches).find((option) => args.has(option) && topic !== mtree);
  if (stray !== undefined)
    throw new BackplaneError('misplaced-argument', `-${stray} belongs to 'info mtree', not to 'info ${name}'.`);
  return topic;
}
