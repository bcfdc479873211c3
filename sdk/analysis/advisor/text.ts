import { count, counted, formatTable, hex } from '../../base/text.ts';
import { MILLISECOND } from '../../clock/index.ts';
import { type Advice, mayWait, mustNotWait, type Suggestion } from './suggestion.ts';
import { checkSentence } from './verdict.ts';

/** The last column of a table: for a device that was run, what that came to. */
function verdictText({ verdict, check }: Suggestion): string {
  if (verdict === 'same' && check !== undefined) return checkSentence(check);
  return verdict === 'waits' ? 'may wait, on a PC' : verdict;
}

/** How many rows each table has, and how many of the best are explained in full. */
export interface AdviceTextOptions {
  readonly rows: number;
  readonly explained: number;
  /** Letters in a line of the terminal: what does not fit is left out of tables, and prose is broken. */
  readonly width?: number | undefined;
}

/** The whole advice as text: a table, the best rows in words with what to paste, and how all this was found. */
export function formatAdvice(advice: Advice, options: AdviceTextOptions): string {
  const { explained, width = Number.POSITIVE_INFINITY } = options;
  const { coalesce, ioeventfds, untried, unreachable } = advice;
  const usable = coalesce.filter(({ verdict }) => mayWait(verdict));
  const unsound = coalesce.filter(({ verdict }) => mustNotWait(verdict));
  const unknown = coalesce.filter((one) => !usable.includes(one) && !unsound.includes(one));
  const sections: readonly (readonly [title: string, suggestions: readonly Suggestion[]])[] = [
    ['Coalescing more', usable],
    ['Would save exits, if the write does nothing by itself', unknown],
    ['Would save exits, and must not wait', unsound],
    ['One write as a signal (ioeventfd)', ioeventfds],
  ];
  const parts = [formatToday(advice)];
  if (usable.length === 0) {
    parts.push(
      'Nothing more is known to be able to wait: what else leaves for userspace is needed there, or not known.',
    );
  }
  for (const [title, suggestions] of sections) {
    if (suggestions.length === 0) continue;
    parts.push(section(title, suggestions, advice, options));
    parts.push(...suggestions.slice(0, explained).map((suggestion, index) => explain(suggestion, index + 1)));
  }
  if (untried > 0) {
    const were = untried === 1 ? 'was' : 'were';
    parts.push(`${counted(untried, 'place')} with fewer writes than these ${were} not tried.`);
  }
  if (unreachable > 0) {
    const them = unreachable === 1 ? 'it' : 'them';
    parts.push(
      `${counted(unreachable, 'write runs', 'writes run')} over the end of what takes ${them}: no zone can hold that (see 'backplane info coalesced').`,
    );
  }
  parts.push(howJudged);
  return broken(parts.join('\n\n'), width);
}

function formatToday({ recording, machine, accesses, today }: Advice): string {
  return (
    `${recording} on ${machine}: ${counted(accesses, 'access', 'accesses')}, ${counted(today.userspaceExits, 'userspace exit')}, ` +
    `${counted(today.coalescedWrites, 'write')} coalesced already.`
  );
}

function section(
  title: string,
  suggestions: readonly Suggestion[],
  { today }: Advice,
  { rows, width }: AdviceTextOptions,
): string {
  const shown = suggestions.slice(0, rows);
  const table = [
    ['', 'exits saved', 'of all', 'exits then', 'longest wait', 'mean wait', ''],
    ...shown.map((suggestion, index) => {
      const { saved, prediction, kind } = suggestion;
      const waits = kind === 'coalesce';
      return [
        `${String(index + 1).padStart(2)}  ${placeOf(suggestion)}  ${suggestion.what}`,
        count(saved),
        `${((100 * saved) / today.userspaceExits).toFixed(2)} %`,
        count(prediction.userspaceExits),
        waits ? milliseconds(prediction.longestWait) : '-',
        waits ? milliseconds(prediction.meanWait) : '-',
        ` ${verdictText(suggestion)}`,
      ];
    }),
  ];
  const more = suggestions.length > shown.length ? `\n      (${suggestions.length - shown.length} more)` : '';
  return `${title}\n\n${formatTable(fitting(table, width), true)}${more}`;
}

/** The reasons, and the script that differs, or what to paste. */
function explain(suggestion: Suggestion, place: number): string {
  const { kind, check, declaration, writes, saved, reasons, what } = suggestion;
  const head = `${place}. ${placeOf(suggestion)} (${what}): ${count(saved)} of ${counted(writes, 'exit')} ${saved === 1 ? 'vanishes' : 'vanish'}.`;
  const code = (title: string, text: string | undefined) =>
    text ? [`   ${title}:`, ...text.split('\n').map((line) => `     ${line}`)] : [];
  return [
    head,
    ...reasons.map((reason) => `   ${reason}`),
    ...code('The script', check?.difference?.script),
    ...code(kind === 'coalesce' ? 'Paste' : 'Write', declaration),
  ].join('\n');
}

/** `port 0x402`, `ports 0x3d4-0x3d5`, `0xfed00000-0xfed00fff`, and the value of a signal. */
export function placeOf({ isPort, start, size, match }: Suggestion): string {
  const range = size === 1 ? hex(start) : `${hex(start)}-${hex(start + size - 1)}`;
  const value = match === undefined ? '' : ` = ${hex(match)}`;
  return `${isPort ? (size === 1 ? 'port ' : 'ports ') : ''}${range}${value}`;
}

const howJudged = `How this was found. The recording is replayed once on the machine as it is. KVM's rules are then applied to it, with one range added
at a time. A write that lies wholly in a zone takes one of 169 slots. Every exit, every expired timer and a write that has waited 10 ms
empty the ring. The numbers are those of a replay. Waits are in guest time.
A recording shows what followed a write, not what the write set off. Whether it may wait is found otherwise:
'scripts answer the same', 'differs': the machine models the device. Random programs ran on it alone, with the range coalesced and without.
Every value, interrupt and field was the same, or the shortest program that differs is printed. What no program does is not checked.
'may wait, on a PC': no device is modelled. By its data sheet, what a PC has there only keeps, shows or logs a write.
'not modelled', 'not checked': what the write does is not known, or the device cannot be run alone.
'unsound': a late write is noticed. Its ones clear bits, or what a PC has there acts at once by its data sheet. Or the device is the
interrupt controller. Or the write moved the memory map, an interrupt line of the device or a timer.
DMA, other processors and other threads are not in a recording.`;

const milliseconds = (nanoseconds: number) => `${(nanoseconds / MILLISECOND).toFixed(3)} ms`;

/** Mean waits, shares and the exits that are left say again what the other columns say. */
const dispensable: readonly number[] = [5, 2, 3];

const widthOf = (text: string) => Math.max(...text.split('\n').map((line) => line.length));

/** As many columns as the terminal has room for. */
function fitting(
  table: readonly (readonly string[])[],
  width = Number.POSITIVE_INFINITY,
): readonly (readonly string[])[] {
  for (let dropped = 0; ; dropped++) {
    const left = dispensable.slice(0, dropped);
    const rows = table.map((row) => row.filter((_, column) => !left.includes(column)));
    if (dropped === dispensable.length || widthOf(formatTable(rows, true)) <= width) return rows;
  }
}

/** Sentences go on in the next line, as far in as they began; tables and code stay as they are. */
function broken(text: string, width: number): string {
  const isProse = (line: string) => /^ {0,3}\S/.test(line) && !/^ +\d+ {2}/.test(line);
  return text
    .split('\n')
    .flatMap((line) => (line.length > width && isProse(line) ? breakLine(line, width) : [line]))
    .join('\n');
}

function breakLine(line: string, width: number): string[] {
  const indent = ' '.repeat(line.search(/\S/));
  const lines: string[] = [];
  let current = '';
  for (const word of line.trimStart().split(' ')) {
    const longer = current === '' ? `${indent}${word}` : `${current} ${word}`;
    if (longer.length > width && current !== '') {
      lines.push(current);
      current = `${indent}${word}`;
    } else current = longer;
  }
  return [...lines, current];
}
