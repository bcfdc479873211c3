import { BackplaneError } from '../base/errors.ts';
import { didYouMean, hex } from '../base/text.ts';
import { parseInteger } from '../device/options/kinds.ts';
import type { RunningMachine } from '../machine/index.ts';
import { postOptionText } from '../machine/live-options.ts';
import { type ExamineFormat, examine, firstFormat, parseFormat } from './examine.ts';
import { infoHelp, infoText, infoTopicNames } from './topics.ts';

/** What a monitor asks of the owner of the run. */
export interface MonitorHost {
  /** Stops the guest between two instructions. */
  stop(): void | Promise<void>;
  cont(): void;
  /** Ends the run. */
  quit(): void;
  /** Writes a snapshot. */
  save(file: string): Promise<void>;
}

/** A command: its operands, what it does, and what it answers. */
interface MonitorCommand {
  readonly operands: string;
  readonly help: string;
  run(words: readonly string[], monitor: Monitor): string | Promise<string>;
}

const commands: Readonly<Record<string, MonitorCommand>> = {
  help: { operands: '[COMMAND]', help: 'what a command does; all commands without one', run: help },
  info: { operands: 'TOPIC', help: 'looks into the machine, without side effects: info help', run: info },
  x: { operands: '/FMT ADDR', help: 'memory at a physical address, without side effects: x /4xw 0x1000', run: memory },
  i: { operands: '/FMT PORT', help: 'reads a port as the guest does, with all side effects: i /b 0x71', run: readPort },
  o: { operands: '/FMT PORT VALUE', help: 'writes a port as the guest does: o /b 0x80 0x12', run: writePort },
  stop: simple('stops the guest between two instructions', (host) => host.stop()),
  cont: simple('lets it go on', (host) => host.cont()),
  save: {
    operands: 'FILE',
    help: 'writes a snapshot, for -loadvm',
    async run(words, { host, machine }) {
      const [file] = take('save', words, 1);
      refuseWhileRecorded('save', machine);
      await host.save(file);
      return `saved in '${file}'\n`;
    },
  },
  set: {
    operands: 'DEVICE OPTION VALUE',
    help: 'gives a live option another value',
    run(words, { machine }) {
      const [device, option, value] = take('set', words, 3);
      postOptionText(machine, device, option, value);
      return '';
    },
  },
  quit: simple('ends the run', (host) => host.quit()),
};

/** The commands of a monitor beside a running machine: a line of text in, the text of the answer out. */
export class Monitor {
  /** What the last command said of its format, as in QEMU. @internal */
  format: ExamineFormat = firstFormat;

  constructor(
    readonly machine: RunningMachine,
    readonly host: MonitorHost,
  ) {}

  /** Carries out one line. A mistake is a BackplaneError, and has changed nothing. */
  async execute(line: string): Promise<string> {
    const [name = '', ...words] = line.trim().split(/\s+/);
    return name === '' ? '' : named(name).run(words, this);
  }

  /** The words that the last one of a line may become, for the Tab key. */
  complete(line: string): readonly string[] {
    const words = line.trimStart().split(/\s+/);
    const last = words.at(-1) ?? '';
    const known = words.length > 1 ? operandsOf(words[0]) : Object.keys(commands);
    return words.length > 2 ? [] : known.filter((one) => one.startsWith(last));
  }
}

const operandsOf = (name: string | undefined): readonly string[] =>
  name === 'info' ? infoTopicNames : name === 'help' ? Object.keys(commands) : [];

function named(name: string): MonitorCommand {
  const found = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (found !== undefined) return found;
  throw new BackplaneError(
    'unknown-monitor-command',
    `there is no command '${name}'. ${didYouMean(name, Object.keys(commands), "'help' lists them.")}`,
  );
}

function simple(help: string, act: (host: MonitorHost) => void | Promise<void>): MonitorCommand {
  const run = async (words: readonly string[], { host }: Monitor) => {
    const [extra] = words;
    if (extra !== undefined) throw malformed(`it takes nothing, and '${extra}' follows. Leave it out.`);
    await act(host);
    return '';
  };
  return { operands: '', help, run };
}

/** An access that no guest asks for is in no recording: the replay would part. */
function refuseWhileRecorded(command: string, { inbox }: RunningMachine): void {
  if (inbox.recorder === undefined) return;
  throw new BackplaneError(
    'monitor-while-recording',
    `${command}: the run is being recorded, and the recording could not say this. Use x or info, or run without -record.`,
  );
}

const malformed = (message: string) => new BackplaneError('malformed-monitor-command', message);

type Words<N extends number> = N extends 1 ? [string] : N extends 2 ? [string, string] : [string, string, string];

/** As many operands as the command takes, or a refusal that shows how it is written. */
function take<N extends 1 | 2 | 3>(name: string, words: readonly string[], count: N): Words<N> {
  if (words.length === count) return [...words] as Words<N>;
  throw malformed(
    `${name} takes ${count} operand${count === 1 ? '' : 's'}, not ${words.length}. Write ${usage(name)}.`,
  );
}

const usage = (name: string) => `${name} ${commands[name]?.operands ?? ''}`.trim();

function help([name]: readonly string[]): string {
  if (name !== undefined) return `${usage(name)}: ${named(name).help}\n`;
  return Object.entries(commands)
    .map(([one, command]) => `${usage(one)}: ${command.help}\n`)
    .join('');
}

function info(words: readonly string[], { machine }: Monitor): string {
  const [topic, ...switches] = words;
  if (topic === undefined || topic === 'help') return infoHelp();
  const wrong = switches.find((one) => !/^-[a-zA-Z]$/.test(one));
  if (wrong !== undefined)
    throw malformed(`info takes one topic and its switches, and '${wrong}' is none. Leave it out.`);
  return infoText(
    machine,
    topic,
    switches.map((one) => one.slice(1)),
  );
}

/** The format, if one stands first as `/4xw`, is kept for the next command. */
function formatted(words: readonly string[], monitor: Monitor): readonly string[] {
  const [first = '', ...rest] = words;
  if (!first.startsWith('/')) {
    monitor.format = { ...monitor.format, count: 1 };
    return words;
  }
  monitor.format = parseFormat(first.slice(1), monitor.format);
  return rest;
}

function memory(words: readonly string[], monitor: Monitor): string {
  const [text] = take('x', formatted(words, monitor), 1);
  const { memory: space } = monitor.machine;
  const address = numberIn('x', text, 2n ** 64n - 1n);
  return examine(address, monitor.format, (at) =>
    at <= BigInt(Number.MAX_SAFE_INTEGER) ? space.peek(Number(at), 1) : undefined,
  );
}

const suffixes: Readonly<Record<number, string>> = { 1: 'b', 2: 'w', 4: 'l' };

function readPort(words: readonly string[], monitor: Monitor): string {
  const [text] = take('i', formatted(words, monitor), 1);
  const [port, size] = [Number(numberIn('i', text, 0xffffn)), portSize('i', monitor)];
  refuseWhileRecorded('i', monitor.machine);
  monitor.machine.settle();
  const value = monitor.machine.io.read(port, size);
  return `port${suffixes[size]}[${hex(port, 4)}] = ${hex(value, size * 2)}\n`;
}

function writePort(words: readonly string[], monitor: Monitor): string {
  const [text, value] = take('o', formatted(words, monitor), 2);
  const [port, size] = [Number(numberIn('o', text, 0xffffn)), portSize('o', monitor)];
  refuseWhileRecorded('o', monitor.machine);
  const written = Number(numberIn('o', value, 2n ** BigInt(size * 8) - 1n));
  monitor.machine.settle();
  monitor.machine.io.write(port, written, size);
  return '';
}

function portSize(name: string, { format: { size } }: Monitor): number {
  if (size in suffixes) return size;
  throw malformed(`a port has 1, 2 or 4 bytes. Write ${name} /b, /h or /w.`);
}

function numberIn(name: string, text: string, most: bigint): bigint {
  const value = parseInteger(text);
  if (value !== undefined && value >= 0n && value <= most) return value;
  throw malformed(`${name}: '${text}' is no number from 0 to ${hex(most)}. Write it like 16 or 0x10.`);
}
