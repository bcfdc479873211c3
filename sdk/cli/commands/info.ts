import type { Machine } from '../../machine/index.ts';
import { type Command, onlyOperand } from '../command.ts';
import { acceleratorMaker } from '../options/accelerator.ts';
import { backendHelp, backendSyntax, withoutTheHost } from '../options/backends.ts';
import { chooseMachine, machineHelp, machineSyntax } from '../options/machine.ts';
import { readSnapshotFile } from '../snapshot/file.ts';
import { restoreFile } from '../snapshot/restore.ts';
import { isOfMachineCode, likeSaved } from '../snapshot/saved-guest.ts';

/** Topics that have data for -json, and no text alone. */
const data: Readonly<Record<string, (machine: Machine) => Promise<unknown>>> = {
  coalesced: async (machine) => (await import('../../coalescing/index.ts')).explainCoalescedIo(machine),
};

const switches = { f: true, D: true, o: true, c: true } as const;

export const infoCommand: Command = {
  usage:
    'backplane info TOPIC [-f] [-D] [-o] [-c] [-machine MACHINE] [-device DEVICE]... [-plugin WHAT]... [-loadvm FILE]',
  summary: 'look into a machine',
  help: `Builds a machine, or restores one that was saved, lets nothing run on it, and prints what can be seen of it. Its back ends are
not opened; images of disks are, for reading.

  machine               RAM, options, accelerator; registers compiled or interpreted
  mtree                 the tree of memory regions, as QEMU prints it
  mtree -f              the flat views: what an address really leads to
  mtree -D, mtree -o    with disabled regions; with their owners
  qtree                 devices, their options and their wires
  chardev, block        back ends for characters, and images of disks
  registers             what the guest would read from each declared register, read without side effects
  registers -c          the registers of the processor, of a machine that was saved with a guest in machine code
  screen                the text on the screen of a display adapter
  coalesced             every range declared coalesced: alive, narrowed, dead (and why), unprotected

Options:
${machineHelp}
${backendHelp}
  -loadvm FILE          the machine that 'run -save' wrote down; its program, firmware or kernel is not needed
  -json                 a JSON value: for 'coalesced' the findings, else the lines of text

Examples:
  backplane info coalesced -machine pc
  backplane info coalesced -machine pc,reset-control=overlay
  backplane info mtree -f -machine isapc`,
  options: { ...machineSyntax, ...backendSyntax, ...switches, loadvm: 'FILE' },
  async run({ terminal, arguments: args, json }) {
    const { infoText } = await import('../../monitor/index.ts');
    const given = Object.keys(switches).filter((name) => args.has(name));
    const topic = await chooseTopic(args.positional, given);
    const chosen = await chooseMachine(args);
    const saved = args.value('loadvm');
    const snapshot = saved === undefined ? undefined : readSnapshotFile(saved);
    const { definition, request: asked, backends, plugins, warnings } = likeSaved(chosen, snapshot);
    const { Machine } = await import('../../machine/index.ts');
    const create = await acceleratorMaker({ name: 'kvm-sim', options: {} }, isOfMachineCode(snapshot));
    const request = { ...asked, accelerator: create({}), backends: await withoutTheHost(backends) };
    const machine =
      saved === undefined
        ? Machine.create(definition, request)
        : await restoreFile(saved, definition, request, plugins, snapshot);
    for (const warning of warnings) terminal.note(`warning: ${warning}`);
    const text = infoText(machine, topic, given).trimEnd();
    const found = Object.hasOwn(data, topic) ? data[topic] : undefined;
    if (json) terminal.print(JSON.stringify((await found?.(machine)) ?? text.split('\n'), null, 2));
    else terminal.print(text);
    await machine.backends.close();
  },
};

async function chooseTopic(positional: readonly string[], given: readonly string[]): Promise<string> {
  const { checkTopic, infoTopicNames } = await import('../../monitor/index.ts');
  const name = onlyOperand('info', 'topic', positional, `Write one of: ${infoTopicNames.join(', ')}.`);
  checkTopic(name, given);
  return name;
}
