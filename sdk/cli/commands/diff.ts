import { BackplaneError, describeThrown } from '../../base/errors.ts';
import { count, decimal, printable } from '../../base/text.ts';
import type { Machine } from '../../machine/index.ts';
import { backendOfLine, type RecordedBackend } from '../../recording/header.ts';
import { emptyBackends } from '../../recording/replayed-backends.ts';
import type { Arguments, Command } from '../command.ts';
import { chooseMachine, machineHelp, machineSyntax } from '../options/machine.ts';
import {
  type ComparedFile,
  type Comparison,
  compareRecordings,
  contextOf,
  type NamingMachine,
} from '../replay/parting.ts';
import { accessIn, describeLine, linesIn, type RecordingLine } from '../replay/recording-lines.ts';
import { findRecording, recordingName } from '../replay/setup.ts';

const ShownBefore = 5;
const ShownHeaders = 5;

export const diffCommand: Command = {
  usage: 'backplane diff A B [-machine MACHINE] [-device DEVICE]... [-plugin WHAT]... [-json]',
  summary: 'show where two recordings part',
  help: `Compares two recordings operation by operation and shows where they part first, in the words of the devices, with what both did just
before. A and B are names of recordings, or the paths of files, plain or gzip. They may be of any length.

Options:
${machineHelp}
                        (default: the machine that the first recording names)
  -json                 where they part as a JSON value

Status: 0 when the recordings are equal, 1 when they differ, 2 when they could not be compared.

Examples:
  backplane diff before.iotrace.gz after.iotrace.gz
  backplane diff a.iotrace b.iotrace -plugin ./my-uart.ts -device my-uart`,
  options: machineSyntax,
  failureStatus: 2,
  async run({ terminal, arguments: args, json }) {
    const [first, second] = filesOf(args.positional);
    const comparison = await compareRecordings(first, second, (lines) =>
      terminal.progress(`diff: ${count(lines)} lines`),
    );
    terminal.progress('');
    const { headers, parting, times } = comparison;
    const isSame = parting === undefined && times === undefined && headers.a.length + headers.b.length === 0;
    const before: ShownLine[] = [];
    const next: { a: readonly ShownLine[]; b: readonly ShownLine[] } = { a: [], b: [] };
    if (parting !== undefined) {
      // One for each: an index register selects something else where they have parted.
      const namings = await namingMachines(args, first, terminal.note);
      await contextOf(first, parting.line, ShownBefore, (line, isShown) => {
        const [one] = namings.map((naming) => shown(line, naming));
        if (isShown) before.push(one ?? shown(line, undefined));
      });
      next.a = parting.a.map((line) => shown(line, namings[0]));
      next.b = parting.b.map((line) => shown(line, namings[1]));
    }
    if (json) terminal.print(JSON.stringify(asData(comparison, isSame, before, next), null, 2));
    else
      terminal.print(
        isSame ? `${first.name} and ${second.name} are equal.` : format(first, second, comparison, before, next),
      );
    return isSame ? 0 : 1;
  },
};

function filesOf([a, b, ...more]: readonly string[]): readonly [ComparedFile, ComparedFile] {
  if (a === undefined || b === undefined)
    throw new BackplaneError('missing-operand', "diff takes two recordings. Write 'backplane diff A B'.");
  if (more.length > 0)
    throw new BackplaneError('too-many-operands', `diff takes two recordings, not also '${more.join(' ')}'.`);
  const [one, other] = [recordingName(a), recordingName(b)];
  const names = one === other ? [a, b] : [one, other];
  return [
    { name: names[0] as string, path: findRecording(a) },
    { name: names[1] as string, path: findRecording(b) },
  ];
}

/** A line, its time in microseconds, and the register that it is about. */
interface ShownLine {
  readonly line: number;
  readonly time: string;
  readonly what: string;
  readonly register: string | undefined;
}

/** The machine learns what is written. */
function shown({ number, time, text }: RecordingLine, naming: NamingMachine | undefined): ShownLine {
  const access = accessIn(text);
  const register = access === undefined ? undefined : naming?.nameOf(access);
  if (access?.isWrite === true) naming?.write(access);
  const isTime = /^\d{1,19}$/.test(time);
  return { line: number, time: isTime ? decimal(BigInt(time), 3) : time, what: describeLine(text), register };
}

/** Two machines that give names to registers. Without them there are addresses. */
async function namingMachines(
  args: Arguments,
  { path, name }: ComparedFile,
  note: (line: string) => void,
): Promise<readonly NamingMachine[]> {
  const { Machine } = await import('../../machine/index.ts');
  const { describeAccess } = await import('../../machine/access-names.ts');
  try {
    const recorded = await headerOf(path, name);
    const { definition, request } = await chooseMachine(args, undefined, recorded.machine);
    // The options of its devices name back ends, as in a replay: the recording has them.
    const backends = emptyBackends(name, recorded.backends);
    return [0, 1].map(() => namingOf(Machine.create(definition, { ...request, backends }), describeAccess));
  } catch (failure) {
    note(`warning: registers are not named: ${describeThrown(failure)}`);
    return [];
  }
}

function namingOf(machine: Machine, describeAccess: DescribeAccess): NamingMachine {
  return {
    write({ isPort, address, size, value }) {
      const space = isPort ? machine.io : machine.memory;
      try {
        if (size === 8) space.write64(address, value);
        else space.write(address, Number(value), size);
      } catch {
        // Names are all that is wanted of the device.
      }
    },
    nameOf: (access) =>
      describeAccess(machine, { ...access, value: access.size === 8 ? access.value : Number(access.value) }),
  };
}

type DescribeAccess = typeof import('../../machine/access-names.ts').describeAccess;

interface RecordedMachine {
  readonly machine: string | undefined;
  readonly backends: readonly RecordedBackend[];
}

/** The name of the machine and the back ends in the header of a recording. */
async function headerOf(path: string, name: string): Promise<RecordedMachine> {
  const backends: RecordedBackend[] = [];
  let machine: string | undefined;
  for await (const { text, time } of linesIn(path, name)) {
    if (time !== '') break;
    const [, found] = /^# machine: \{"name":"([\w.-]{1,64})"/.exec(text) ?? [];
    machine ??= found;
    const backend = backendOfLine(text);
    if (backend !== undefined) backends.push(backend);
  }
  return { machine, backends };
}

interface Next {
  readonly a: readonly ShownLine[];
  readonly b: readonly ShownLine[];
}

function asData(
  { headers, parting, times, operations }: Comparison,
  isSame: boolean,
  before: readonly ShownLine[],
  next: Next,
) {
  const where = parting === undefined ? null : { operations: parting.operations, line: parting.line, before, ...next };
  return { same: isSame, operations, headers, times: times ?? null, parting: where };
}

function format(
  a: ComparedFile,
  b: ComparedFile,
  comparison: Comparison,
  before: readonly ShownLine[],
  next: Next,
): string {
  const { headers, parting, times, operations } = comparison;
  const sections: string[] = [];
  const header = [
    ...headers.a.slice(0, ShownHeaders).map((text) => `  ${a.name}: ${cut(text)}`),
    ...headers.b.slice(0, ShownHeaders).map((text) => `  ${b.name}: ${cut(text)}`),
  ];
  if (header.length > 0) sections.push(`The headers differ:\n${header.join('\n')}`);
  if (times !== undefined)
    sections.push(
      `The times differ from line ${count(times.line)} on: ${times.a} ns in ${a.name}, ${times.b} ns in ${b.name}.`,
    );
  if (parting === undefined) sections.push(`Both do the same: ${count(operations)} operations.`);
  else {
    const where = `They part after ${count(parting.operations)} operations, at line ${count(parting.line)}.`;
    sections.push(before.length === 0 ? where : `${where} Just before, in both:\n${before.map(formatLine).join('\n')}`);
    for (const [file, lines] of [[a, next.a] as const, [b, next.b] as const])
      sections.push(`${file.name}:\n${lines.length === 0 ? '  it ends here' : lines.map(formatLine).join('\n')}`);
  }
  return sections.join('\n\n');
}

const LongestHeader = 120;
const cut = (text: string): string =>
  printable(text.length > LongestHeader ? `${text.slice(0, LongestHeader)}...` : text);

function formatLine({ time, what, register }: ShownLine): string {
  return `${time.padStart(16)} us  ${what.padEnd(34)}  ${printable(register ?? '')}`.trimEnd();
}
