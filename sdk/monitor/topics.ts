import { BackplaneError } from '../base/errors.ts';
import { didYouMean } from '../base/text.ts';
import { infoCoalesced } from '../coalescing/index.ts';
import type { RunningMachine } from '../machine/index.ts';
import { infoBlock, infoChardev } from './backends.ts';
import { infoMachine, infoMtree, infoQtree, infoScreen } from './info.ts';
import { infoProcessors, infoRegisters } from './registers.ts';

/** A topic of `info`. */
interface InfoTopic {
  readonly help: string;
  /** Letters that it takes as `-f`. */
  readonly switches?: readonly string[];
  text(machine: RunningMachine, switches: ReadonlySet<string>): string;
}

/** An empty text looks like a mistake. */
function orNone(text: (machine: RunningMachine) => string): (machine: RunningMachine) => string {
  return (machine) => text(machine) || 'none\n';
}

const topics: Readonly<Record<string, InfoTopic>> = {
  machine: { help: 'RAM, options, accelerator', text: infoMachine },
  mtree: {
    help: 'the tree of memory regions; -f flat, -D disabled ones too, -o owners',
    switches: ['f', 'D', 'o'],
    text: (machine, given) =>
      infoMtree(machine, { flat: given.has('f'), disabled: given.has('D'), owners: given.has('o') }),
  },
  qtree: { help: 'devices, their options and their wires', text: infoQtree },
  chardev: { help: 'back ends for characters, and the devices that have them', text: orNone(infoChardev) },
  block: { help: 'images of disks, and the devices that have them', text: orNone(infoBlock) },
  registers: {
    help: 'what the guest would read from each declared register; -c those of the processor, for machine code',
    switches: ['c'],
    text: (machine, given) => (given.has('c') ? infoProcessors(machine) : infoRegisters(machine)),
  },
  screen: { help: 'the text on the screen of a display adapter', text: orNone(infoScreen) },
  coalesced: { help: 'every range declared coalesced', text: infoCoalesced },
};

export const infoTopicNames: readonly string[] = Object.keys(topics);

/** One line for each topic, for help. */
export const infoHelp = (): string =>
  Object.entries(topics)
    .map(([name, { help }]) => `info ${name}: ${help}\n`)
    .join('');

/** Refuses a topic that there is not, and switches that it does not take. A switch is a letter without its dash. */
export function checkTopic(name: string, switches: readonly string[] = []): void {
  topicOf(name, switches);
}

/** The text of `info TOPIC`. Nothing of the guest is read with side effects. */
export function infoText(machine: RunningMachine, name: string, switches: readonly string[] = []): string {
  return topicOf(name, switches).text(machine, new Set(switches));
}

function topicOf(name: string, switches: readonly string[]): InfoTopic {
  const topic = Object.hasOwn(topics, name) ? topics[name] : undefined;
  if (topic === undefined)
    throw new BackplaneError(
      'unknown-operand',
      `there is no info about '${name}'. ${didYouMean(name, infoTopicNames)}`,
    );
  const stray = switches.find((one) => topic.switches?.includes(one) !== true);
  if (stray === undefined) return topic;
  const owner = Object.keys(topics).find((other) => topics[other]?.switches?.includes(stray) === true);
  const advice = owner === undefined ? 'Leave it out.' : `It belongs to 'info ${owner}', not to 'info ${name}'.`;
  throw new BackplaneError('misplaced-argument', `info ${name} has no -${stray}. ${advice}`);
}
