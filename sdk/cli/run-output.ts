import type { ExitStatistics, ExitSummary } from '../accelerator/index.ts';
import type { BackendErrorSink } from '../backend/index.ts';
import { count, formatTable, known } from '../base/text.ts';
import { MILLISECOND } from '../clock/time.ts';
import { screenLines, type TextScreen } from '../device/index.ts';
import type { Machine } from '../machine/index.ts';
import type { Terminal } from './terminal.ts';
import { formatColumns } from './text.ts';

/** Ports that a report always shows, because coalescing matters for them on a PC. */
const pinned = [0x70, 0xcf8];
const busiest = 20;

/** The tables and counts of the exits of a run. */
export function formatExits(statistics: ExitStatistics): string {
  return `${formatTables(statistics)}\n\n${formatTable(summaryRows(statistics.summary()))}`;
}

/** The tables in the form of `perf kvm stat report`, ports first. Empty tables are left out. The profile follows. */
export function formatTables(statistics: ExitStatistics): string {
  const tables: string[] = [];
  if (statistics.portRows()?.length !== 0) tables.push(statistics.formatTable({ event: 'ioport', busiest, pinned }));
  if (statistics.memoryRows()?.length !== 0) tables.push(statistics.formatTable({ event: 'mmio', busiest }));
  if (tables.length > 0 && statistics.profile !== undefined) tables.push(formatProfile(statistics.profile.rows()));
  return tables.length === 0 ? 'The guest did not leave guest mode.' : tables.join('\n\n');
}

/** The counts of exits and coalesced writes, with the names of the recordings' README. */
export function summaryRows(summary: ExitSummary): [name: string, value: string][] {
  return [
    ['VM exits', known(summary.vmExits, count)],
    ['userspace exits', count(summary.userspaceExits)],
    ['  of them port I/O', count(summary.portUserspaceExits)],
    ['  of them MMIO', count(summary.memoryUserspaceExits)],
    ['writes coalesced', count(summary.coalescedWrites)],
    ['exits because the ring was full', count(summary.ringFullExits)],
    ['drains at an exit that found entries', count(summary.drainsAtExits)],
    ['entries left at the end', count(summary.entriesAtEnd)],
    ['kicks', count(summary.kicks)],
    ['longest wait of a queued write', known(summary.longestWait, milliseconds(3))],
    ['time in exits, modelled', known(summary.modelledTime, milliseconds(1))],
  ];
}

const milliseconds = (digits: number) => (nanoseconds: number) => `${(nanoseconds / MILLISECOND).toFixed(digits)} ms`;

function formatProfile(rows: readonly { key: string; calls: number; hostNanoseconds: number }[]): string {
  const shown = rows.slice(0, busiest).map(({ key, calls, hostNanoseconds }): [string, string] => {
    const average = (hostNanoseconds / calls).toFixed(0);
    return [key, `${calls} calls, ${(hostNanoseconds / MILLISECOND).toFixed(3)} ms of host time, ${average} ns each`];
  });
  return `Host time in device handlers, measured:\n${formatColumns(shown)}`;
}

/** The text of a screen when the run ended. */
export const formatScreen = (screen: TextScreen): string => `The screen at the end:\n${screenLines(screen)}`;

/** Prints the output of debug consoles as messages, line by line, with the id of the device. */
export async function showConsoles(machine: Machine, say: (line: string) => void): Promise<() => void> {
  const { Debugcon, MmioConsole } = await import('../../devices/index.ts');
  const endings = machine.devices.flatMap(({ id, device }) => {
    if (!(device instanceof Debugcon || device instanceof MmioConsole)) return [];
    let line = '';
    const end = () => {
      if (line !== '') say(`${id}: ${line}`);
      line = '';
    };
    device.output = (character) => {
      if (character === '\n') end();
      else if (line.length < LongestLine) line += printable(character);
      else {
        end();
        line = printable(character);
      }
    };
    return [end];
  });
  return () => {
    for (const end of endings) end();
  };
}

const LongestLine = 1000;

/** Replaces control characters, so that a guest cannot control the terminal. */
const printable = (character: string): string =>
  /[\x20-\x7e\t]/.test(character) ? character : character === '\r' ? '' : '.';

/** Kinds of failures of one back end that are told. */
const MostKinds = 20;

/**
 * Tells each kind of failure of a back end once, and that it happens again once: a guest can provoke as many as it likes. Failures of one
 * kind differ in their numbers only.
 */
export function noteBackendErrors({ note }: Pick<Terminal, 'note'>): BackendErrorSink {
  const times = new Map<string, Map<string, number>>();
  return (id, message) => {
    const ofBackend = times.get(id) ?? new Map<string, number>();
    times.set(id, ofBackend);
    const kind = message.replaceAll(/\d+/g, '0');
    if (ofBackend.size === MostKinds && !ofBackend.has(kind)) return;
    const before = ofBackend.get(kind) ?? 0;
    ofBackend.set(kind, before + 1);
    if (before === 0) note(`back end '${id}': ${message}`);
    else if (before === 1) note(`back end '${id}': that happens again, and is not told any more.`);
  };
}
