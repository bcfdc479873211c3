import type { RecordedTrace } from '../../accelerator/index.ts';
import { endOf } from '../../accelerator/trace/recorded-trace.ts';
import type { Replay } from '../../analysis/replay.ts';
import { count, exactData, formatTable, hex } from '../../base/text.ts';
import { MILLISECOND, SECOND } from '../../clock/time.ts';
import { formatTables, summaryRows } from '../run-output.ts';
import type { Terminal } from '../terminal.ts';
import { explainDifferences } from './differences.ts';
import type { ReplayMode } from './modes.ts';
import type { RecordedClock } from './recorded-clock.ts';

/** The report as one value, for `-json`. Times are in nanoseconds. */
export function replayData({ trace, clock, modes }: ReplayReport) {
  return {
    recording: trace.name,
    accesses: trace.length,
    guestTime: exactData(endOf(trace)),
    clock: clock === undefined ? null : { ...clock, date: clock.date.toISOString() },
    modes: modes.map(({ mode, replay, absentFunctions }) => ({
      name: mode.name,
      title: mode.title,
      machine: replay.machine.definition.name,
      machineOptions: replay.machine.options,
      exits: replay.statistics.summary(),
      ports: replay.statistics.portRows() ?? null,
      memory: replay.statistics.memoryRows() ?? null,
      devices: replay.devices.map(({ device, reads, agreed, differed }) => ({ device, reads, agreed, differed })),
      differences: explainDifferences(trace, replay.devices),
      unmodelled: { ...replay.unmodelled, absentFunctions },
      ...(replay.statistics.profile === undefined ? {} : { profile: replay.statistics.profile.rows() }),
    })),
  };
}

export interface ReplayedMode {
  readonly mode: ReplayMode;
  readonly replay: Replay;
  /** Accesses to PCI functions that the machine does not have. */
  readonly absentFunctions: number;
}

export interface ReplayReport {
  readonly trace: RecordedTrace;
  readonly clock: RecordedClock | undefined;
  readonly modes: readonly ReplayedMode[];
}

const percent = (part: number, whole: number, digits = 1) =>
  `${(whole === 0 ? 0 : (100 * part) / whole).toFixed(digits)} %`;

/** The whole report: a heading, the tables of each mode, and the summary side by side. */
export function formatReplay(report: ReplayReport, terminal: Terminal): string {
  const tables = report.modes.map(({ mode, replay }) => {
    return `${terminal.bold(mode.title)}\n\n${formatTables(replay.statistics)}`;
  });
  const summary = `${terminal.bold('Summary')}\n\n${formatSummary(report.modes)}`;
  return [formatHeading(report), ...tables, summary, formatAgreement(report)].join('\n\n');
}

function formatHeading({ trace, clock, modes }: ReplayReport): string {
  const { machine } = modes[0]!.replay;
  const seconds = ((trace.at[trace.length - 1] ?? 0) / SECOND).toFixed(3);
  return `${trace.name} on ${machine.definition.name}: ${count(trace.length)} accesses in ${seconds} s of guest time.\n${formatClock(clock)}`;
}

function formatClock(clock: RecordedClock | undefined): string {
  if (clock === undefined)
    return 'The recording does not say what time it was: the real-time clock starts from its default.';
  const date = clock.date.toISOString().replace('T', ' ').replace('Z', '');
  if (clock.readings === 0) return `The real-time clock starts at ${date}.`;
  const uncertainty = `${(clock.uncertainty / MILLISECOND).toFixed(1)} ms`;
  return `The real-time clock starts at ${date}: so say ${count(clock.readings)} readings in the recording, to within ${uncertainty}.`;
}

/** One column for each mode, one row for each count, and the exits saved against the first mode. */
function formatSummary(modes: readonly ReplayedMode[]): string {
  const columns = modes.map(({ replay }) => new Map(summaryRows(replay.statistics.summary())));
  const names = [...(columns[0]?.keys() ?? [])];
  const rows = names.map((name) => [name, ...columns.map((column) => column.get(name) ?? '-')]);
  if (modes.length > 1) rows.push(savingRow(modes));
  return formatTable([['', ...modes.map(({ mode }) => mode.column)], ...rows]);
}

function savingRow(modes: readonly ReplayedMode[]): string[] {
  const exits = modes.map(({ replay }) => replay.statistics.userspaceExits);
  const all = exits[0] ?? 0;
  return ['userspace exits saved', ...exits.map((own, index) => (index === 0 ? '-' : percent(all - own, all)))];
}

/** Compares the machine's answers with the recording. Equal results of all modes are printed once. */
function formatAgreement({ trace, modes }: ReplayReport): string {
  const texts = modes.map((mode) => agreementOf(trace, mode));
  if (texts.every((text) => text === texts[0])) {
    const where = modes.length > 1 ? ', the same in each replay' : '';
    return `Reads compared with the recording${where}:\n\n${texts[0]}`;
  }
  return modes
    .map(({ mode }, index) => `Reads compared with the recording (${mode.column}):\n\n${texts[index]}`)
    .join('\n\n');
}

function agreementOf(trace: RecordedTrace, { replay, absentFunctions }: ReplayedMode): string {
  const { devices, unmodelled } = replay;
  const asked = devices.filter(({ reads }) => reads > 0);
  const rows = asked.map(({ device, reads, agreed, differed }) => {
    return [device, count(reads), count(agreed), count(differed), percent(agreed, reads, 2)];
  });
  const differences = explainDifferences(trace, devices).map(({ device, where, recorded, answered, why }) => {
    return `  ${device}, ${where}: ${hex(answered)}, recorded ${hex(recorded)}: ${why}`;
  });
  const ports = unmodelled.portReads + unmodelled.portWrites - absentFunctions;
  const memory = unmodelled.memoryReads + unmodelled.memoryWrites;
  return [
    formatTable([['', 'reads', 'agree', 'differ', ''], ...rows]),
    ...(differences.length > 0 ? [`\nWhat differs:\n${differences.join('\n')}`] : []),
    `\nAnswered from the recording, because no device models them: ${count(ports)} accesses to ports, ` +
      `${count(memory)} to memory, ${count(absentFunctions)} to absent PCI functions.`,
  ].join('\n');
}
