import { count, counted, known, times } from '../../base/text.ts';
import { describeRange } from '../../memory/index.ts';
import type { AddressMap, MapZone } from './address-map.ts';
import {
  drawBars,
  drawExitsOverTime,
  drawRingDepth,
  exitsByPlace,
  formatTime,
  modeColour,
  type PlaceExits,
  timeScaleOf,
} from './exit-charts.ts';
import type { ReportInput, ReportMode } from './input.ts';
import { describeItem, drawMap, verdictColour, verdictSigns } from './map-chart.ts';
import { escapeHtml, type PlotLibrary } from './svg.ts';

/** Nothing is fetched and no script runs, whatever a recording or a plugin calls its things. */
const Policy = "default-src 'none'; style-src 'unsafe-inline'";

/** How every such page begins, by which it is known. */
export const ReportStart = `<!doctype html>
<html lang="en">
<head>
<meta name="generator" content="backplane replay">`;

/** The whole comparison as one page that needs nothing beside itself. */
export function renderReport(input: ReportInput, plot: PlotLibrary): string {
  const title = `${input.recording} on ${input.machine}`;
  return `${ReportStart}
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${Policy}">
<title>${escapeHtml(title)}</title>
<style>${pageStyle}</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
<p>${counted(input.accesses, 'access', 'accesses')} in ${formatTime(input.guestTime)} of guest time, replayed ${times(input.modes.length)}.</p>
${numbers(input.modes)}
${exitSections(plot, input.modes)}
${input.guestTime > 0 ? timeSections(plot, input.modes) : ''}
${mapSections(plot, input.modes)}
</main>
</body>
</html>
`;
}

function numbers(modes: readonly ReportMode[]): string {
  const before = modes[0]?.exits.userspaceExits ?? 0;
  const cards = modes.map(({ title, exits }, index) => {
    const saved = before === 0 ? 0 : (100 * (before - exits.userspaceExits)) / before;
    const less = index === 0 ? '' : `, ${saved.toFixed(1)} % fewer`;
    return `<div class="number" style="--mode: ${modeColour(index)}"><b>${count(exits.userspaceExits)}</b><span>userspace ${exits.userspaceExits === 1 ? 'exit' : 'exits'}${less}<br>${escapeHtml(title)}</span></div>`;
  });
  const rows: [string, (exits: ReportMode['exits']) => string][] = [
    ['VM exits', ({ vmExits }) => known(vmExits, count)],
    ['userspace exits', ({ userspaceExits }) => count(userspaceExits)],
    ['of them port I/O', ({ portUserspaceExits }) => count(portUserspaceExits)],
    ['of them MMIO', ({ memoryUserspaceExits }) => count(memoryUserspaceExits)],
    ['writes coalesced', ({ coalescedWrites }) => count(coalescedWrites)],
    ['exits because the ring was full', ({ ringFullExits }) => count(ringFullExits)],
    ['kicks', ({ kicks }) => count(kicks)],
    ['longest wait of a queued write', ({ longestWait }) => known(longestWait, formatTime)],
    ['time in exits, modelled', ({ modelledTime }) => known(modelledTime, formatTime)],
  ];
  const body = rows.map(([name, of]) => [name, ...modes.map(({ exits }) => of(exits))]);
  return `<div class="numbers">${cards.join('')}</div>${table('All counts', ['count', ...modes.map(({ column }) => column)], body)}`;
}

function exitSections(plot: PlotLibrary, modes: readonly ReportMode[]): string {
  const section = (heading: string, place: string, bars: readonly PlaceExits[]) => {
    if (bars.length === 0) return '';
    const places = [...new Set(bars.map(({ place }) => place))];
    const body = places.map((one) => [
      one,
      ...bars.filter((bar) => bar.place === one).map(({ exits }) => count(exits)),
    ]);
    return `<h2>${heading}</h2>
<p>Reads and writes together. Each group has its bars in the order of the legend: what the grey one has over a coloured one is what coalescing saved.</p>
${figure(heading, `${legend(modes)}${drawBars(plot, heading, bars, modes)}`)}
${table('The bars as a table', [place, ...modes.map(({ column }) => column)], body)}`;
  };
  return (
    section(
      'Userspace exits by port',
      'port',
      exitsByPlace(modes, ({ ports }) => ports),
    ) +
    section(
      'Userspace exits by page of memory',
      'page of 4 KiB',
      exitsByPlace(modes, ({ pages }) => pages),
    )
  );
}

function timeSections(plot: PlotLibrary, modes: readonly ReportMode[]): string {
  const queues = modes.some(({ samples }) => samples.depth.some((depth) => depth > 0));
  const step = modes[0]?.samples.step ?? 1;
  const ring = `<h2>Queued writes over guest time</h2>
<p>The most writes that waited in the ring at once. At the dashed line it is full: the next write exits like any other.</p>
${figure('Queued writes over guest time', drawRingDepth(plot, modes))}`;
  return `<h2>Userspace exits over guest time</h2>
<p>Exits in each ${formatTime(step)}. Where a line hides another, both have as many: point at the chart for the numbers.</p>
${figure('Userspace exits over guest time', `${legend(modes)}${drawExitsOverTime(plot, modes)}`)}
${timeTable(modes, step)}
${queues ? ring : ''}`;
}

/** Ten lines are enough for a table; the chart has the rest. */
function timeTable(modes: readonly ReportMode[], step: number): string {
  const lines = 10;
  const parts = modes[0]?.samples.exits.length ?? 0;
  const width = Math.ceil(parts / lines);
  const scale = timeScaleOf(parts * step);
  const body = Array.from({ length: lines }, (_, line) => {
    const from = line * width;
    const cells = modes.map(({ samples }) => {
      const exits = samples.exits.slice(from, from + width).reduce((sum, value) => sum + value, 0);
      const depth = Math.max(0, ...samples.depth.slice(from, from + width));
      return `${count(exits)} (${depth} queued)`;
    });
    return [`from ${formatTime(from * step, scale)}`, ...cells];
  });
  return table(
    'Exits, and the most writes queued, as a table',
    ['guest time', ...modes.map(({ column }) => column)],
    body,
  );
}

const verdicts = Object.keys(verdictSigns) as MapZone['verdict'][];

function mapSections(plot: PlotLibrary, modes: readonly ReportMode[]): string {
  return (['ports', 'memory'] as const)
    .map((kind) => {
      const space = kind === 'ports' ? 'I/O' : 'Memory';
      const maps = different(modes.length > 1 ? modes.slice(1) : modes, kind);
      const drawn = maps.map(({ mode, map }) => {
        const title = maps.length > 1 ? `${space} map. ${mode.title}` : `${space} map`;
        if (map.items.length + map.zones.length === 0) return '<p>No device answers here.</p>';
        return `${maps.length > 1 ? `<h3>${escapeHtml(mode.title)}</h3>` : ''}
${figure(title, drawMap(plot, title, map))}
${mapTable(map)}`;
      });
      const present = new Set(maps.flatMap(({ map }) => map.zones.map(({ verdict }) => verdict)));
      const swatches = verdicts
        .filter((verdict) => present.has(verdict))
        .map((verdict) => swatch(verdictColour(verdict), `${verdictSigns[verdict]} ${verdict}`));
      return `<h2>${space} map</h2>
<p>From low addresses to high, not to scale. Point at a region for its device and source file, at a coalesced range for what became of it.</p>
<ul class="legend">${swatch('var(--device)', 'device')}${swatch('var(--memory)', 'memory')}${swatches.join('')}</ul>
${drawn.join('\n')}`;
    })
    .join('\n');
}

/** The first replay is what the others are compared with: nothing is coalesced. Of equal maps the last one is shown. */
function different(modes: readonly ReportMode[], kind: 'ports' | 'memory') {
  const seen = new Map<string, { mode: ReportMode; map: AddressMap }>();
  for (const mode of modes) {
    const map = mode.maps[kind];
    const key = JSON.stringify(map);
    seen.delete(key);
    seen.set(key, { mode, map });
  }
  return [...seen.values()];
}

function mapTable({ items, zones }: AddressMap): string {
  const places = [...items]
    .sort((a, b) => a.start - b.start || a.layer - b.layer)
    .map((item) => [
      describeRange(item.start, item.size),
      describeItem(item).replaceAll('\n', '; '),
      item.layer === 0 ? 'seen' : 'beneath',
    ]);
  const ranges = zones.map((zone: MapZone) => {
    return [
      describeRange(zone.start, zone.size),
      `${zone.region} of ${zone.device ?? 'no device'}, coalesced. ${zone.why}`,
      zone.verdict,
    ];
  });
  return table('The map as a table', ['addresses', 'what', 'seen, or verdict'], [...places, ...ranges], 1);
}

function legend(modes: readonly ReportMode[]): string {
  return `<ul class="legend">${modes.map(({ column }, index) => swatch(modeColour(index), column)).join('')}</ul>`;
}

const swatch = (colour: string, text: string) => `<li><i style="--swatch: ${colour}"></i>${escapeHtml(text)}</li>`;

/** Wider than a narrow window it scrolls, by keyboard too. */
const figure = (label: string, content: string) =>
  `<figure tabindex="0" role="group" aria-label="${escapeHtml(label)}">${content}</figure>`;

/** The first cell of a row names it. Cells of column `textColumn` are words, not numbers. */
function table(
  summary: string,
  head: readonly string[],
  body: readonly (readonly string[])[],
  textColumn = -1,
): string {
  const words = (column: number) => (column === textColumn ? ' class="text"' : '');
  const cell = (text: string, column: number) =>
    column === 0 ? `<th scope="row">${escapeHtml(text)}</th>` : `<td${words(column)}>${escapeHtml(text)}</td>`;
  const columns = head.map((text, column) => `<th scope="col"${words(column)}>${escapeHtml(text)}</th>`).join('');
  const rows = body.map((row) => `<tr>${row.map(cell).join('')}</tr>`).join('');
  return `<details><summary>${escapeHtml(summary)}</summary><div class="wide"><table><thead><tr>${columns}</tr></thead><tbody>${rows}</tbody></table></div></details>`;
}

/** Colours of light and dark, as variables that the charts use too; printing is always light. */
const pageStyle = `
:root { color-scheme: light dark; --paper: #fbfbf9; --card: #ffffff; --ink: #1c1d21; --ink-2: #55585f; --ink-3: #858992; --line: #e2e3e6;
  --mode-0: #959aa3; --mode-1: #b3650a; --mode-2: #164a9c; --device: #d6e4f7; --memory: #d0c6a8; --on-item: #20242c; --hidden: #f1f1ee;
  --alive: #00775a; --narrowed: #8a6400; --dead: #b83a0e; --unprotected: #7a3bb0; --unmapped: #666a72; --off: #666a72; --limit: #b83a0e; }
@media (prefers-color-scheme: dark) { :root { --paper: #15171b; --card: #1d2025; --ink: #eceef2; --ink-2: #aeb3bd; --ink-3: #7d828c; --line: #31353c;
  --mode-0: #7f8690; --mode-1: #e9a13b; --mode-2: #5a9cf2; --device: #28405f; --memory: #45402f; --on-item: #eef1f6; --hidden: #24272d;
  --alive: #2fb58d; --narrowed: #d79a1c; --dead: #f07a45; --unprotected: #b98be6; --unmapped: #9298a2; --off: #9298a2; --limit: #f07a45; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
main { max-width: 1010px; margin: 0 auto; padding: 32px 24px 64px; }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 4px; }
h2 { font-size: 18px; margin: 40px 0 4px; }
h3 { font-size: 14px; margin: 18px 0 2px; color: var(--ink-2); font-weight: 600; }
p { margin: 4px 0 12px; color: var(--ink-2); max-width: 76ch; }
figure { margin: 8px 0; padding: 14px 16px; background: var(--card); border: 1px solid var(--line); border-radius: 10px; overflow-x: auto; }
figure:focus-visible, summary:focus-visible { outline: 2px solid var(--mode-2); outline-offset: 2px; }
figure svg { display: block; max-width: 100%; min-width: 760px; height: auto; color: var(--ink); }
figure svg rect:hover { filter: brightness(1.12); }
.numbers { display: grid; grid-template-columns: repeat(auto-fit, minmax(210px, 1fr)); gap: 12px; margin: 20px 0 0; }
.number { background: var(--card); border: 1px solid var(--line); border-left: 5px solid var(--mode, var(--line)); border-radius: 10px; padding: 10px 14px; }
.number b { display: block; font-size: 24px; line-height: 1.2; font-variant-numeric: tabular-nums; }
.number span { color: var(--ink-2); font-size: 13px; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 0 0 8px; padding: 0; list-style: none; font-size: 13px; color: var(--ink-2); }
.legend i { display: inline-block; width: 12px; height: 12px; border-radius: 3px; margin-right: 6px; vertical-align: -1px; background: var(--swatch); }
details { margin: 6px 0 0; font-size: 13px; }
summary { cursor: pointer; color: var(--ink-2); }
table { border-collapse: collapse; margin: 8px 0; width: 100%; }
th, td { text-align: right; padding: 3px 10px; border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums; vertical-align: top; }
th:first-child, .text { text-align: left; }
tbody th { font-weight: inherit; }
.wide { overflow-x: auto; }
thead th { color: var(--ink-2); font-weight: 600; }
@media print {
  :root { color-scheme: light; --paper: #fff; --card: #fff; --ink: #000; --ink-2: #333; --ink-3: #777; --line: #bbb;
    --mode-0: #959aa3; --mode-1: #b3650a; --mode-2: #164a9c; --device: #d6e4f7; --memory: #d0c6a8; --on-item: #000; --hidden: #f4f4f4;
    --alive: #00775a; --narrowed: #8a6400; --dead: #b83a0e; --unprotected: #7a3bb0; --unmapped: #666a72; --off: #666a72; --limit: #b83a0e; }
  body { font-size: 11pt; -webkit-print-color-adjust: exact; print-color-adjust: exact; }
  main { max-width: none; padding: 0; }
  figure, .number { break-inside: avoid; border-radius: 0; }
  figure { overflow: visible; }
  summary { list-style: none; }
  figure svg { min-width: 0; }
  h2, h3, p { break-after: avoid; }
  details::details-content { display: block; content-visibility: visible; height: auto; }
}`;
