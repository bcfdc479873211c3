import { UsableSlots } from '../../accelerator/kvm/coalesced-ring.ts';
import { count, counted, hex } from '../../base/text.ts';
import { MICROSECOND, MILLISECOND, NANOSECOND, SECOND } from '../../clock/index.ts';
import type { ReportMode } from './input.ts';
import { drawSvg, type PlotLibrary } from './svg.ts';

/** One bar: what one replay had at one port or page. */
export interface PlaceExits {
  readonly place: string;
  readonly mode: string;
  readonly exits: number;
}

const MostPlaces = 14;
const Width = 920;
const BarHeight = 13;

/** Exits by place and replay, reads and writes together: the places with most exits before, the others summed up. */
export function exitsByPlace(
  modes: readonly ReportMode[],
  rowsOf: (mode: ReportMode) => ReportMode['ports'],
): PlaceExits[] {
  const totals = modes.map((mode) => {
    const places = new Map<number, number>();
    for (const { address, userspaceExits } of rowsOf(mode) ?? []) {
      places.set(address, (places.get(address) ?? 0) + userspaceExits);
    }
    return places;
  });
  const [before = new Map<number, number>()] = totals;
  const ranked = [...before].sort((a, b) => b[1] - a[1] || a[0] - b[0]).map(([address]) => address);
  const shown = ranked.slice(0, ranked.length > MostPlaces + 1 ? MostPlaces : ranked.length);
  const rest = ranked.slice(shown.length);
  const name = (address: number) => (address < 0 ? 'elsewhere' : hex(address));
  const bar = (place: string, addresses: readonly number[]) =>
    modes.map(({ column }, index) => {
      const exits = addresses.reduce((sum, address) => sum + (totals[index]!.get(address) ?? 0), 0);
      return { place, mode: column, exits };
    });
  return [
    ...shown.flatMap((address) => bar(name(address), [address])),
    ...(rest.length > 0 ? bar(`${rest.length} others`, rest) : []),
  ];
}

export function drawBars(
  plot: PlotLibrary,
  title: string,
  bars: readonly PlaceExits[],
  modes: readonly ReportMode[],
): string {
  const places = [...new Set(bars.map(({ place }) => place))];
  const columns = modes.map(({ column }) => column);
  const highest = Math.max(1, ...bars.map(({ exits }) => exits));
  const options = { x: 'exits', y: 'mode', fy: 'place' } as const;
  return drawSvg(plot, title, `Bars: ${counted(places.length, 'place')}, one bar for each replay.`, {
    width: Width,
    height: places.length * (columns.length * BarHeight + 10) + 50,
    marginLeft: 90,
    marginRight: 60,
    x: { grid: true, label: 'userspace exits', tickFormat: count, nice: true, ticks: Math.min(8, highest) },
    y: { axis: null, domain: columns, padding: 0.12 },
    fy: { domain: places, label: null, padding: 0.16 },
    marks: [
      plot.barX(bars, {
        ...options,
        fill: { value: ({ mode }: PlaceExits) => modeColour(columns.indexOf(mode)), scale: null } as never,
        title: ({ place, mode, exits }: PlaceExits) => `${place}, ${mode}: ${counted(exits, 'userspace exit')}`,
      }),
      plot.text(bars, {
        ...options,
        text: ({ exits }: PlaceExits) => count(exits),
        textAnchor: 'start',
        dx: 4,
        fill: 'var(--ink-2)',
        fontSize: 10,
      }),
      plot.ruleX([0]),
    ],
  });
}

/** The first replay lies beneath the others, and each has dashes of its own: colour is not all that tells them apart. */
const dashes = ['none', '5 2', 'none'] as const;

/** A line for each replay: exits in each part of guest time. */
export function drawExitsOverTime(plot: PlotLibrary, modes: readonly ReportMode[]): string {
  const scale = timeScaleOfModes(modes);
  const step = modes[0]?.samples.step ?? 1;
  const lines = modes.flatMap(({ samples }, index) => {
    const data = points(samples.exits, step, scale);
    const shape = { x: 'time', y: 'value', curve: 'step-after' } as const;
    const colour = modeColour(index);
    return [
      plot.areaY(data, { ...shape, fill: colour, fillOpacity: 0.14 }),
      plot.lineY(data, { ...shape, stroke: colour, strokeWidth: 1.5, strokeDasharray: dashes[index] ?? 'none' }),
    ];
  });
  const highest = Math.max(1, ...modes.flatMap(({ samples }) => [...samples.exits]));
  // Something to point at, as high as the chart, for each part of the time.
  const spots = points(modes[0]?.samples.exits ?? new Float64Array(0), step, scale).map((point, part) => ({
    ...point,
    part,
  }));
  const tooltip = ({ part }: (typeof spots)[number]) =>
    [
      `from ${formatTime(part * step, scale)}`,
      ...modes.map(({ column, samples }) => `${column}: ${counted(samples.exits[part] ?? 0, 'exit')}`),
    ].join('\n');
  const marks = [
    ...lines,
    plot.rect(spots, { x1: 'time', x2: 'end', y1: () => 0, y2: () => highest, fill: 'transparent', title: tooltip }),
  ];
  return drawSvg(
    plot,
    'Userspace exits over guest time',
    `One line for each replay, in parts of ${formatTime(step)}.`,
    {
      width: Width,
      height: 260,
      marginLeft: 60,
      x: { label: `guest time (${scale.unit})` },
      y: { label: `exits in ${formatTime(step)}`, grid: true, tickFormat: count, ticks: Math.min(8, highest) },
      marks: [...marks, plot.ruleY([0])],
    },
  );
}

/** For each replay that queues anything: how full the ring was, against the slots it has. */
export function drawRingDepth(plot: PlotLibrary, modes: readonly ReportMode[]): string {
  const scale = timeScaleOfModes(modes);
  const drawn = modes.filter(({ samples }) => samples.depth.some((depth) => depth > 0));
  const rows = drawn.flatMap(({ samples, column }) =>
    points(samples.depth, samples.step, scale).map((point) => ({
      ...point,
      column,
      full: point.value === UsableSlots,
    })),
  );
  const fill = ({ column }: { column: string }) => modeColour(modes.findIndex((mode) => mode.column === column));
  return drawSvg(
    plot,
    'Queued writes over guest time',
    `The most that waited at once; the ring has ${UsableSlots} slots.`,
    {
      width: Width,
      height: Math.max(1, drawn.length) * 130 + 40,
      marginLeft: 60,
      marginRight: 110,
      x: { label: `guest time (${scale.unit})` },
      y: { label: 'writes queued', domain: [0, UsableSlots + 30], ticks: [0, 50, 100, 150], grid: true },
      fy: { label: null, domain: drawn.map(({ column }) => column), padding: 0.12 },
      marks: [
        plot.rectY(rows, {
          x1: 'time',
          x2: 'end',
          y: 'value',
          fy: 'column',
          fill: { value: fill, scale: null } as never,
          title: ({ part, column, value, full }: (typeof rows)[number]) =>
            `from ${formatTime(part * modes[0]!.samples.step, scale)}, ${column}: ${counted(value, 'write')} queued${full ? ', the ring was full' : ''}`,
        }),
        plot.ruleY([UsableSlots], { stroke: 'var(--limit)', strokeDasharray: '4 3' }),
        plot.text([{ y: UsableSlots }], {
          y: 'y',
          frameAnchor: 'right',
          textAnchor: 'end',
          dy: -8,
          text: () => `full: ${UsableSlots} writes`,
          fill: 'var(--limit)',
        }),
        plot.ruleY([0]),
      ],
    },
  );
}

/** Before is grey; what is compared with it has a colour of its own. */
export const modeColour = (index: number): string => `var(--mode-${index})`;

/** All charts of a page have the unit that suits the whole recording. */
const timeScaleOfModes = ([first]: readonly ReportMode[]) =>
  timeScaleOf((first?.samples.step ?? 1) * (first?.samples.exits.length ?? 1));

const points = (values: Float64Array, step: number, { nanoseconds }: TimeScale) =>
  [...values].map((value, part) => ({
    part,
    value,
    time: (part * step) / nanoseconds,
    end: ((part + 1) * step) / nanoseconds,
  }));

/** The unit for an interval of guest time: the largest that does not make it a fraction. */
export interface TimeScale {
  readonly unit: string;
  readonly nanoseconds: number;
}

const scales: readonly TimeScale[] = [
  { unit: 's', nanoseconds: SECOND },
  { unit: 'ms', nanoseconds: MILLISECOND },
  { unit: 'µs', nanoseconds: MICROSECOND },
  { unit: 'ns', nanoseconds: NANOSECOND },
];

export function timeScaleOf(longest: number): TimeScale {
  return scales.find(({ nanoseconds }) => longest >= nanoseconds) ?? scales[scales.length - 1]!;
}

/** `47.3 ms`: in the unit that suits it, to four digits. */
export function formatTime(time: number, { unit, nanoseconds } = timeScaleOf(time)): string {
  return `${Number((time / nanoseconds).toPrecision(4)).toLocaleString('en-US')} ${unit}`;
}
