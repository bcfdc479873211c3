import { OperationKind } from '../../accelerator/guest/operation.ts';
import type { RecordedTrace } from '../../accelerator/index.ts';
import { BackplaneError } from '../../base/errors.ts';
import { count, counted, decimal, didYouMean, exactData, printable } from '../../base/text.ts';
import { describeAccess } from '../../machine/access-names.ts';
import { endOfRun, type RunReplay, replayRun } from '../../recording/replay.ts';
import type { Arguments, CommandContext } from '../command.ts';
import { chooseTimerLimit } from '../options/accelerator.ts';
import type { MachineChoice } from '../options/machine.ts';
import { observeWith, reportObservers } from '../plugins/plugin.ts';
import { formatExits } from '../run-output.ts';

/** Options that ask for other counts than the recorded ones: then the accesses are replayed, in their recorded time. */
const otherCounts = ['compare', 'accel', 'rtc', 'm', 'report'] as const;

/** Whether the replay of a recording is the whole run again, with equal counts. */
export function isExact(trace: RecordedTrace, args: Arguments, { request }: MachineChoice): boolean {
  const asked = Object.keys(request.options ?? {}).length > 0 || otherCounts.some((option) => args.has(option));
  return trace.run !== undefined && !asked;
}

/** Runs a recorded run again and reports its counts, and where it parted from the recording, if it did. */
export function replayExactly(
  trace: RecordedTrace,
  machine: MachineChoice,
  { terminal, arguments: args, json }: CommandContext,
) {
  let endObservers = () => {};
  const replay = replayRun(trace, {
    definition: machine.definition,
    request: { onObserverFailure: reportObservers(terminal) },
    profile: args.has('profile'),
    ...chooseTimerLimit(args),
    onBuilt: (built) => {
      endObservers = observeWith(machine.plugins, built);
    },
    keepOutput: args.has('show-output') ? MostOutput : 0,
    onProgress: (done, total) => terminal.progress(`replay: ${done} of ${total} lines`),
  });
  terminal.progress('');
  endObservers();
  for (const warning of [...machine.warnings, ...replay.machine.warnings]) terminal.note(`warning: ${warning}`);
  terminal.print(json ? JSON.stringify(asData(trace, replay), null, 2) : formatReplay(trace, replay));
  const shown = args.value('show-output');
  if (shown !== undefined && !json) terminal.print(`\n${outputOf(replay, shown)}`);
  if (isSame(replay) || replay.header.tapped) return;
  throw new BackplaneError(
    'replay-parted',
    `the replay of '${trace.name}' does something else than the recording, ${first(replay)}. ` +
      'The devices are not those of the recorded run, or depend on something that is not recorded.',
  );
}

/** Bytes of output that -show-output shows of one back end. */
const MostOutput = 65_536;

/** A recording that was cut off may lack its last checksums. */
const isSame = ({ differed, outputs, arrivals, isCut, endsAlike }: RunReplay): boolean =>
  differed === 0 && arrivals.left === 0 && endsAlike && (isCut || outputs.every((output) => output.isSame));

function outputOf({ outputs }: RunReplay, id: string): string {
  const output = outputs.find(({ backend }) => backend === id);
  const known = outputs.map(({ backend }) => backend);
  if (output === undefined)
    throw new BackplaneError(
      'unknown-operand',
      `-show-output ${id}: the recording has no such back end. ${didYouMean(id, known)}`,
    );
  const text = new TextDecoder().decode(output.kept);
  return text
    .split('\n')
    .map((line) => printable(line.replace(/\r$/, '')))
    .join('\n');
}

/** What is different first. */
function first({ differences: [one], outputs, arrivals }: RunReplay): string {
  if (one !== undefined) return `first at line ${count(one.position + 1)}: ${one.what}`;
  if (arrivals.left > 0) return `and ${counted(arrivals.left, 'arrival')} from outside found no taker`;
  const other = outputs.find((output) => !output.isSame);
  if (other === undefined)
    return 'and its operations or its guest time at the end are others than those of the recording';
  return `and what it sends to '${other.backend}' differs: ${other.bytes} bytes, recorded ${other.recorded}`;
}

function asData(trace: RecordedTrace, { machine, header, outcome, outputs, arrivals, ...rest }: RunReplay) {
  const { differences, differed, isCut, dma } = rest;
  const { statistics } = machine.accelerator;
  return {
    recording: trace.name,
    version: 2,
    machine: machine.definition.name,
    guests: header.guests,
    images: header.images,
    outcome,
    guestTime: exactData(machine.clock.absolute()),
    exits: statistics.summary(),
    ports: statistics.portRows() ?? null,
    memory: statistics.memoryRows() ?? null,
    isCut,
    differed,
    differences,
    arrivals,
    dma,
    outputs: outputs.map(({ backend, bytes, recorded, isSame }) => ({ backend, bytes, recorded, isSame })),
    ...(statistics.profile === undefined ? {} : { profile: statistics.profile.rows() }),
  };
}

function formatReplay(trace: RecordedTrace, replay: RunReplay): string {
  const { machine, header, statistics, outcome } = replay;
  const guests = header.guests.map((name) => `'${name}'`).join(', ');
  const time = decimal(machine.clock.absolute(), 3);
  const operations = counted(outcome.operations, header.machineCode ? 'instruction' : 'operation');
  return [
    [
      `${trace.name}: ${guests} on ${machine.definition.name}, ${operations} again.`,
      ...header.images.map(formatImage),
    ].join('\n'),
    formatExits(statistics),
    `${operations} in ${time} us of guest time, modelled. ${verdict(trace, replay)}`,
  ].join('\n\n');
}

const formatImage = ({ kind, name, size, sha256 }: RunReplay['header']['images'][number]): string =>
  printable(`  ${kind} '${name}', ${counted(size, 'byte')}, SHA-256 ${sha256}`);

function verdict(trace: RecordedTrace, replay: RunReplay): string {
  const { differed, differences, header, machine, isCut, outputs, arrivals, dma } = replay;
  const outside = [
    ...(arrivals.delivered > 0 ? [`${counted(arrivals.delivered, 'arrival')} from outside`] : []),
    ...(dma.same > 0 ? [`${counted(dma.same, 'transfer')} by DMA`] : []),
    ...outputs
      .filter(({ bytes }) => bytes > 0)
      .map(({ backend, bytes }) => `${counted(bytes, 'byte')} to '${backend}'`),
  ].join(', ');
  const missing =
    dma.unrecorded > 0
      ? `${counted(dma.unrecorded, 'transfer')} by DMA are not in the recording, and what devices read by them may differ. `
      : '';
  if (isSame(replay)) {
    const until = isCut ? 'up to where it was cut off' : `to its end at ${decimal(endOfRun(trace), 3)} us`;
    const same = outside === '' ? '' : ` The same: ${outside}.`;
    return `${missing}All answers, interrupts and times are those of the recording, ${until}.${same}`;
  }
  const shown = differences.map(
    ({ position, what }) => `\n  line ${count(position + 1)}: ${what}${named(trace, position, machine)}`,
  );
  const tapped = header.tapped ? ' Accesses were changed on their way while it was recorded, so that is expected.' : '';
  return `${missing}${counted(differed, 'difference')} from the recording:${tapped}${shown.join('')}`;
}

/** The register of an access. */
function named({ run }: RecordedTrace, position: number, machine: RunReplay['machine']): string {
  const { Out, In, Store, Load } = OperationKind;
  const kind = run?.entries.kind[position] as OperationKind | undefined;
  const isPort = kind === Out || kind === In;
  if (run === undefined || !(isPort || kind === Store || kind === Load)) return '';
  const access = {
    isPort,
    isWrite: kind === Out || kind === Store,
    address: run.entries.address[position]!,
    size: run.entries.size[position]!,
  };
  const text = describeAccess(machine, access);
  return text === undefined ? '' : ` (${text})`;
}
