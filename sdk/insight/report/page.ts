import { MILLISECOND, SECOND } from '../../clock/index.ts';
import { describeRange } from '../../memory/index.ts';
import type { AddressMap, MapZone } from './address-map.ts';
import {
  drawBars,
  drawExitsOverTime,
  drawRingDepth,
  exitsByPlace,
  modeColour,
  type PlaceExits,
} from './exit-charts.ts';
import { describeItem, drawMap, verdictColour } from './map-chart.ts';
import { pageStyle } from './page-style.ts';
import { loadPlotting, type PlotLibrary } from './plotting.ts';
import type { ReportInput, ReportMode } from './report-model.ts';
import { escapeHtml } from './svg-document.ts';

/** Nothing is fetched and no script runs, whatever a recording or a plugin calls its things. */
const Policy = "default-src 'none'; style-src 'unsafe-inline'";

/** The whole comparison as one page that needs nothing beside itself. */
export async function renderReport(input: ReportInput): Promise<string> {
  const plot = await loadPlotting();
  const title = `${input.recording} on ${input.machine}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${Policy}">
<title>${escapeHtml(title)}</title>
<style>${pageStyle}</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
<p>${count(input.accesses)} accesses in ${(input.guestTime / SECOND).toFixed(3)} s of guest time, replayed ${input.modes.length} times.</p>
${numbers(input.modes)}
${exitSections(plot, input.modes)}
${timeSections(plot, input.modes)}
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
    return `<div class="number" style="--mode: ${modeColour(index)}"><b>${count(exits.userspaceExits)}</b><span>userspace exits${less}<br>${escapeHtml(title)}</span></div>`;
  });
  const rows: [string, (exits: ReportMode['exits']) => string][] = [
    ['VM exits', ({ vmExits }) => count(vmExits)],
    ['userspace exits', ({ userspaceExits }) => count(userspaceExits)],
    ['of them port I/O', ({ portUserspaceExits }) => count(portUserspaceExits)],
    ['of them MMIO', ({ memoryUserspaceExits }) => count(memoryUserspaceExits)],
    ['writes coalesced', ({ coalescedWrites }) => count(coalescedWrites)],
    ['exits because the ring was full', ({ ringFullExits }) => count(ringFullExits)],
    ['kicks', ({ kicks }) => count(kicks)],
    ['longest wait of a queued write', ({ longestWait }) => `${(longestWait / MILLISECOND).toFixed(3)} ms`],
    ['time in exits, modelled', ({ modelledTime }) => `${(modelledTime / MILLISECOND).toFixed(1)} ms`],
  ];
  const body = rows.map(([name, of]) => [name, ...modes.map(({ exits }) => of(exits))]);
  return `<div class="numbers">${cards.join('')}</div>${table('All counts', ['', ...modes.map(({ column }) => column)], body)}`;
}

function exitSections(plot: PlotLibrary, modes: readonly ReportMode[]): string {
  const section = (heading: string, bars: readonly PlaceExits[]) => {
    if (bars.length === 0) return '';
    const places = [...new Set(bars.map(({ place }) => place))];
    const body = places.map((place) => [
      place,
      ...bars.filter((bar) => bar.place === place).map(({ exits }) => count(exits)),
    ]);
    return `<h2>${heading}</h2>
<p>Returns to userspace before and after, reads and writes together. What a longer grey bar has over a coloured one is what coalescing saved.</p>
<figure>${legend(modes)}${drawBars(plot, heading, bars, modes)}</figure>
${table('The bars as a table', ['', ...modes.map(({ column }) => column)], body)}`;
  };
  return (
    section(
      'Exits by port',
      exitsByPlace(modes, ({ ports }) => ports),
    ) +
    section(
      'Exits by page',
      exitsByPlace(modes, ({ pages }) => pages),
    )
  );
}

function timeSections(plot: PlotLibrary, modes: readonly ReportMode[]): string {
  const queues = modes.some(({ samples }) => samples.depth.some((depth) => depth > 0));
  const ring = `<h2>Queued writes over guest time</h2>
<p>The most writes that waited in the ring at once. At the dashed line it is full: the next write exits like any other.</p>
<figure>${drawRingDepth(plot, modes)}</figure>`;
  return `<h2>Exits over guest time</h2>
<figure>${legend(modes)}${drawExitsOverTime(plot, modes)}</figure>
${timeTable(modes)}
${queues ? ring : ''}`;
}

/** Ten lines are enough for a table; the chart has the rest. */
function timeTable(modes: readonly ReportMode[]): string {
  const lines = 10;
  const parts = modes[0]?.samples.exits.length ?? 0;
  const width = Math.ceil(parts / lines);
  const body = Array.from({ length: lines }, (_, line) => {
    const from = line * width;
    const time = ((from * (modes[0]?.samples.step ?? 0)) / SECOND).toFixed(3);
    const cells = modes.map(({ samples }) => {
      const exits = samples.exits.slice(from, from + width).reduce((sum, value) => sum + value, 0);
      const depth = Math.max(0, ...samples.depth.slice(from, from + width));
      return `${count(exits)} (${depth} queued)`;
    });
    return [`from ${time} s`, ...cells];
  });
  return table(
    'Both charts as a table: exits, and the most writes queued',
    ['', ...modes.map(({ column }) => column)],
    body,
  );
}

function mapSections(plot: PlotLibrary, modes: readonly ReportMode[]): string {
  return (['ports', 'memory'] as const)
    .map((kind) => {
      const maps = different(modes.length > 1 ? modes.slice(1) : modes, kind).map(({ mode, map }) => {
        const title = `${kind === 'ports' ? 'Ports' : 'Memory'}: ${mode.title}`;
        return `<h3>${escapeHtml(title)}</h3>
<figure>${drawMap(plot, title, map)}</figure>
${mapTable(map)}`;
      });
      const verdicts = ['alive', 'narrowed', 'dead', 'unprotected'] as const;
      const swatches = verdicts.map((verdict) => swatch(verdictColour(verdict), verdict)).join('');
      return `<h2>${kind === 'ports' ? 'I/O map' : 'Memory map'}</h2>
<p>From low addresses to high, not to scale. Point at a region for its device and source file, at a coalesced range for what became of it.</p>
<ul class="legend">${swatch('var(--device)', 'device')}${swatch('var(--memory)', 'memory')}${swatches}</ul>
${maps.join('\n')}`;
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
  return table('The map as a table', ['addresses', 'what', ''], [...places, ...ranges], 1);
}

function legend(modes: readonly ReportMode[]): string {
  return `<ul class="legend">${modes.map(({ column }, index) => swatch(modeColour(index), column)).join('')}</ul>`;
}

const swatch = (colour: string, text: string) => `<li><i style="--swatch: ${colour}"></i>${escapeHtml(text)}</li>`;

/** Cells of column `textColumn` are words, not numbers. */
function table(
  summary: string,
  head: readonly string[],
  body: readonly (readonly string[])[],
  textColumn = -1,
): string {
  const cells = (row: readonly string[]) =>
    row.map((cell, column) => `<td${column === textColumn ? ' class="text"' : ''}>${escapeHtml(cell)}</td>`).join('');
  return `<details><summary>${escapeHtml(summary)}</summary><table><thead><tr>${head
    .map((cell) => `<th scope="col">${escapeHtml(cell)}</th>`)
    .join('')}</tr></thead><tbody>${body.map((row) => `<tr>${cells(row)}</tr>`).join('')}</tbody></table></details>`;
}

const count = (value: number) => value.toLocaleString('en-US');
