import { hex } from '../../base/text.ts';
import { describeRange } from '../../memory/index.ts';
import type { AddressMap, MapItem, MapZone } from './address-map.ts';
import { drawSvg, type PlotLibrary } from './svg.ts';

/** One interval of addresses between two borders, and where it is drawn: each is as high as its neighbour. */
interface Interval {
  readonly start: number;
  readonly end: number;
  readonly top: number;
  readonly bottom: number;
  readonly used: boolean;
}

const Width = 920;
const RowHeight = 19;
const GapHeight = 9;
const Column = { Shown: 0, ShownEnd: 340, Hidden: 352, HiddenEnd: 640, Zone: 660, ZoneEnd: 704, Verdict: 712 } as const;
const MostLayers = 3;
/** A letter is seldom wider, in the sizes used here. */
const LetterWidth = 6.3;

/**
 * A map as three columns from low addresses to high: what the guest sees, what lies beneath, and the coalesced ranges.
 * Heights are not to scale: a one-byte register would vanish beside a gigabyte.
 */
export function drawMap(plot: PlotLibrary, title: string, map: AddressMap): string {
  const intervals = intervalsOf(map);
  const height = intervals.at(-1)?.bottom ?? RowHeight;
  const spot = spotOf(intervals);
  const shown = map.items.filter(({ layer }) => layer === 0).map((item) => ({ item, ...spot(item) }));
  const hidden = map.items
    .filter(({ layer }) => layer > 0 && layer <= MostLayers)
    .map((item) => ({ item, ...spot(item) }));
  const zones = map.zones.map((zone) => ({ zone, ...spot(zone) }));
  const forces = map.zones.flatMap((zone) => zone.inForce.map((range) => ({ zone, range, ...spot(range) })));
  const layers = Math.min(MostLayers, Math.max(1, ...map.items.map(({ layer }) => layer)));
  const hiddenWidth = (Column.HiddenEnd - Column.Hidden) / layers;
  const left = ({ item }: { item: MapItem }) => Column.Hidden + (item.layer - 1) * hiddenWidth;
  const zoneFill = ({ zone }: { zone: MapZone }) => verdictColour(zone.verdict);
  return drawSvg(
    plot,
    title,
    `From low addresses to high: what the guest sees, what lies beneath it, coalesced ranges.`,
    {
      width: Width,
      height: height + 34,
      marginLeft: 112,
      marginTop: 26,
      marginBottom: 8,
      marginRight: 8,
      x: { axis: null, domain: [0, 800] },
      y: { axis: null, domain: [height, 0] },
      marks: [
        plot.text(headings, {
          x: 'x',
          y: () => 0,
          dy: -12,
          text: 'text',
          textAnchor: 'start',
          fill: 'var(--ink-2)',
          fontWeight: 600,
        }),
        plot.text(
          intervals.filter(({ used }) => used),
          {
            x: () => 0,
            y: 'top',
            dx: -8,
            dy: 7,
            text: ({ start }: Interval) => hex(start),
            textAnchor: 'end',
            fontFamily: 'ui-monospace, monospace',
            fontSize: 10.5,
            fill: 'var(--ink-2)',
          },
        ),
        plot.rect(shown, {
          x1: () => Column.Shown,
          x2: () => Column.ShownEnd,
          y1: 'top',
          y2: 'bottom',
          fill: { value: ({ item }: { item: MapItem }) => kindColour(item.kind), scale: null } as never,
          stroke: 'var(--paper)',
          rx: 3,
          title: ({ item }: { item: MapItem }) => describeItem(item),
        }),
        plot.text(shown, {
          x: () => Column.Shown + 8,
          y: ({ top, bottom }: Interval) => (top + bottom) / 2,
          text: ({ item }: { item: MapItem }) =>
            shortened(
              item.device === undefined ? item.name : `${item.name} · ${item.device}`,
              Column.ShownEnd - Column.Shown,
            ),
          textAnchor: 'start',
          fontSize: 11,
          fill: 'var(--on-item)',
          pointerEvents: 'none',
        }),
        plot.rect(hidden, {
          x1: left,
          x2: (one: { item: MapItem }) => left(one) + hiddenWidth - 4,
          y1: 'top',
          y2: 'bottom',
          fill: 'var(--hidden)',
          stroke: 'var(--ink-3)',
          strokeDasharray: '3 2',
          rx: 3,
          title: ({ item }: { item: MapItem }) => `${describeItem(item)}\nBeneath: the guest does not see it here.`,
        }),
        plot.text(hidden, {
          x: (one: { item: MapItem }) => left(one) + 6,
          y: ({ top, bottom }: Interval) => (top + bottom) / 2,
          text: ({ item }: { item: MapItem }) => shortened(item.name, hiddenWidth),
          textAnchor: 'start',
          fontSize: 10.5,
          fill: 'var(--ink-2)',
          pointerEvents: 'none',
        }),
        plot.rect(zones, {
          x1: () => Column.Zone,
          x2: () => Column.ZoneEnd,
          y1: 'top',
          y2: 'bottom',
          fill: { value: zoneFill, scale: null } as never,
          fillOpacity: 0.22,
          stroke: { value: zoneFill, scale: null } as never,
          strokeWidth: 1.5,
          rx: 3,
          title: ({ zone }: { zone: MapZone }) => describeZone(zone),
        }),
        plot.rect(forces, {
          x1: () => Column.Zone + 4,
          x2: () => Column.ZoneEnd - 4,
          y1: ({ top }: Interval) => top + 3,
          y2: ({ bottom }: Interval) => bottom - 3,
          fill: { value: zoneFill, scale: null } as never,
          rx: 2,
          title: ({ zone, range }: { zone: MapZone; range: { start: number; size: number } }) =>
            `Zone ${describeRange(range.start, range.size)}\n${describeZone(zone)}`,
        }),
        plot.text(zones, {
          x: () => Column.Verdict,
          y: ({ top, bottom }: Interval) => (top + bottom) / 2,
          text: ({ zone }: { zone: MapZone }) => `${verdictSigns[zone.verdict]} ${zone.verdict}`,
          textAnchor: 'start',
          fontSize: 12,
          fontWeight: 600,
          fill: { value: zoneFill, scale: null } as never,
          pointerEvents: 'none',
        }),
      ],
    },
  );
}

const headings = [
  { x: Column.Shown, text: 'what the guest sees' },
  { x: Column.Hidden, text: 'beneath it' },
  { x: Column.Zone, text: 'coalesced' },
];

/** The text of a region for the tooltip and the table. */
export function describeItem({ name, kind, device, file, priority, start, size }: MapItem): string {
  const owner = device === undefined ? 'no device' : device;
  return `${name} (${kind}), ${describeRange(start, size)}\n${owner}${file === undefined ? '' : `, ${file}`}\npriority ${priority}`;
}

function describeZone({ device, region, start, size, verdict, why, inForce }: MapZone): string {
  const zones = inForce.map((range) => describeRange(range.start, range.size)).join(', ') || 'none';
  return `${region} of ${device ?? 'no device'}: ${describeRange(start, size)} is coalesced: ${verdict}\nzones in force: ${zones}${why === '' ? '' : `\n${why}`}`;
}

/** A sign beside each word, for readers who do not see the colours. */
export const verdictSigns: Readonly<Record<MapZone['verdict'], string>> = {
  alive: '\u2713',
  narrowed: '\u25d0',
  dead: '\u2717',
  unprotected: '!',
  off: '\u25cb',
  unmapped: '\u25cb',
};

export const verdictColour = (verdict: MapZone['verdict']): string => `var(--${verdict})`;
const kindColour = (kind: string): string => (kind === 'ram' || kind === 'rom' ? 'var(--memory)' : 'var(--device)');

/** Every border of anything bounds an interval; an empty one is a narrow gap. */
function intervalsOf({ items, zones }: AddressMap): Interval[] {
  const parts = [...items, ...zones, ...zones.flatMap(({ inForce }) => inForce)];
  const borders = [...new Set(parts.flatMap(({ start, size }) => [start, start + size]))].sort((a, b) => a - b);
  const intervals: Interval[] = [];
  let top = 0;
  for (const [index, end] of borders.slice(1).entries()) {
    const start = borders[index]!;
    const used = parts.some((part) => part.start < end && start < part.start + part.size);
    const bottom = top + (used ? RowHeight : GapHeight);
    intervals.push({ start, end, top, bottom, used });
    top = bottom;
  }
  return intervals;
}

const spotOf =
  (intervals: readonly Interval[]) =>
  ({ start, size }: { readonly start: number; readonly size: number }) => ({
    top: intervals.find((one) => one.start === start)!.top,
    bottom: intervals.find((one) => one.end === start + size)!.bottom,
  });

function shortened(text: string, width: number): string {
  const longest = Math.floor((width - 16) / LetterWidth);
  return text.length > longest ? `${text.slice(0, longest - 1)}…` : text;
}
