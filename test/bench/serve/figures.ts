import { formatTable } from '../../../sdk/base/text.ts';
import { median } from '../median.ts';

/** What is measured at one side: one value a round. */
export interface Series {
  readonly what: string;
  readonly side: string;
  readonly rounds: readonly number[];
}

/** What is aimed at. It is printed beside the figure, and decides nothing. */
export interface Goal {
  readonly what: string;
  readonly side: string;
  /** With `of`: a ratio to that side, round by round. */
  readonly limit: number;
  readonly of?: string;
  /** The limit is the least value. Default: the largest. */
  readonly atLeast?: true;
}

export interface FigureTable {
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  /** Digits behind the point. */
  readonly digits: number;
  readonly series: readonly Series[];
  readonly goals: readonly Goal[];
}

export interface Judged {
  readonly goal: Goal;
  readonly value: number;
  readonly holds: boolean;
}

const seriesOf = ({ series }: FigureTable, what: string, side: string): Series | undefined =>
  series.find((one) => one.what === what && one.side === side);

/** Round by round, both sides of a round met the same load. */
const ratio = (one: Series, other: Series): number =>
  median(one.rounds.map((value, round) => value / (other.rounds[round] ?? Number.NaN)));

/** A goal whose row is not in the table is left out. */
export function judge(table: FigureTable): Judged[] {
  return table.goals.flatMap((goal) => {
    const own = seriesOf(table, goal.what, goal.side);
    const other = goal.of === undefined ? own : seriesOf(table, goal.what, goal.of);
    if (own === undefined || other === undefined) return [];
    const value = goal.of === undefined ? median(own.rounds) : ratio(own, other);
    return [{ goal, value, holds: goal.atLeast ? value >= goal.limit : value <= goal.limit }];
  });
}

/** A row for each side of each measurement: the median of the rounds, the least and the largest, and the ratio to the first side. */
export function formatFigures(table: FigureTable): string {
  const { title, unit, digits, series } = table;
  const text = (value: number): string => value.toFixed(digits);
  const rows = series.map(({ what, side, rounds }) => {
    const first = series.find((one) => one.what === what) as Series;
    const own = { what, side, rounds };
    const against = first.side === side ? '' : `${ratio(own, first).toFixed(2)}x`;
    return [what, side, text(median(rounds)), `${text(Math.min(...rounds))} - ${text(Math.max(...rounds))}`, against];
  });
  const head = ['', 'side', unit, 'spread', 'of the first'];
  const columns = rows.every(([, , , , against]) => against === '') ? head.length - 1 : head.length;
  const goals = judge(table).map((judged) => `  ${sentenceOf(judged, table)}`);
  return [
    title,
    '',
    formatTable(withTextColumns([head, ...rows].map((row) => row.slice(0, columns)))),
    ...(goals.length > 0 ? ['', ...goals] : []),
  ].join('\n');
}

/** Its first column and its second one are text. */
function withTextColumns(rows: readonly (readonly string[])[]): readonly (readonly string[])[] {
  const width = Math.max(...rows.map(([what]) => what?.length ?? 0));
  return rows.map(([what = '', side = '', ...rest]) => [`${what.padEnd(width)}  ${side}`, ...rest]);
}

function sentenceOf({ goal, value, holds }: Judged, { unit, digits }: FigureTable): string {
  const { what, side, limit, of, atLeast } = goal;
  const asked = of === undefined ? `${limit} ${unit}` : `${limit.toFixed(2)} times ${of}`;
  const is = of === undefined ? `${value.toFixed(digits)} ${unit}` : `${value.toFixed(2)} times`;
  return `goal: ${what}, ${side}, ${atLeast ? 'at least' : 'at most'} ${asked}. It is ${is}: ${holds ? 'holds' : 'missed'}.`;
}
