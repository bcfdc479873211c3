import { fileURLToPath } from 'node:url';
import * as plot from '@observablehq/plot';
import { describe, expect, it } from 'vitest';
import { replayTrace } from '../../../sdk/analysis/replay.ts';
import { addressMap } from '../../../sdk/analysis/report/address-map.ts';
import { exitsByPlace, formatTime } from '../../../sdk/analysis/report/exit-charts.ts';
import { ReplaySampler, type ReportInput, type ReportMode } from '../../../sdk/analysis/report/input.ts';
import { renderReport } from '../../../sdk/analysis/report/page.ts';
import { escapeHtml, SvgDocument } from '../../../sdk/analysis/report/svg.ts';
import { readTrace } from '../../../sdk/cli/replay/trace-file.ts';
import { Machine } from '../../../sdk/machine/index.ts';
import { empty, isapc, pcI440fx } from '../../small-machines.ts';
import { repeated, smallTrace } from '../small-trace.ts';

const recording = fileURLToPath(new URL('../../../examples/recordings/seabios-pc-tcg.iotrace.gz', import.meta.url));
const seabios = readTrace(recording, { name: 'seabios-pc-tcg' });

async function replayed(coalesced: boolean): Promise<ReportMode> {
  const trace = await seabios;
  const sampler = new ReplaySampler(trace);
  const { machine, statistics } = replayTrace(trace, {
    definition: pcI440fx,
    accelerator: { coalescedMmio: coalesced, coalescedPio: coalesced },
    observe: sampler.observe,
  });
  const describe = (id: string) =>
    id === 'rtc' ? { name: 'Mc146818Rtc', file: 'devices/mc146818-rtc.ts' } : undefined;
  return {
    column: coalesced ? 'on' : 'off',
    title: coalesced ? 'Coalescing on' : 'Coalescing off',
    exits: statistics.summary(),
    ports: statistics.portRows(),
    pages: statistics.memoryRows(),
    samples: sampler.samples,
    maps: { ports: addressMap(machine, machine.io, describe), memory: addressMap(machine, machine.memory, describe) },
  };
}

const sum = (values: Float64Array) => values.reduce((total, value) => total + value, 0);

describe('samples of a replay', () => {
  it('hold every exit, and the ring no fuller than it can be', async () => {
    const [off, on] = [await replayed(false), await replayed(true)];
    expect([sum(off.samples.exits), sum(on.samples.exits)]).toEqual([41_342, 4_098]);
    expect([Math.max(...off.samples.depth), Math.max(...on.samples.depth)]).toEqual([0, 169]);
  });

  it('follow guest time', () => {
    const trace = smallTrace([['in', 0x71, 0], 1_000_000, ['in', 0x71, 0], ['out', 0x70, 0], ['out', 0x70, 0]]);
    const sampler = new ReplaySampler(trace);
    replayTrace(trace, { definition: isapc, observe: sampler.observe });
    const { exits, depth, step } = sampler.samples;
    const filled = [...exits].flatMap((value, index) => (value > 0 ? [[Math.round(index * step), value]] : []));
    expect(filled).toEqual([
      [0, 1],
      [expect.closeTo(999_000, -4), 1],
    ]);
    expect(depth.at(-1)).toBe(2);
  });
});

describe('the bars', () => {
  it('put reads and writes of a port together, the busiest before first, the quiet ones in one', async () => {
    const bars = exitsByPlace([await replayed(false), await replayed(true)], ({ ports }) => ports);
    expect(bars.slice(0, 2)).toEqual([
      { place: '0x3c9', mode: 'off', exits: 768 },
      { place: '0x3c9', mode: 'on', exits: 768 },
    ]);
    expect(bars.find(({ place, mode }) => place === '0xcf8' && mode === 'on')?.exits).toBe(1);
    expect(bars.at(-1)?.place).toMatch(/^\d+ others$/);
    expect(bars.filter(({ mode }) => mode === 'off').reduce((total, { exits }) => total + exits, 0)).toBe(4_027);
  });

  it('need no others where there are few', () => {
    const trace = smallTrace(
      repeated(5, () => [
        ['in', 0x71, 0],
        ['in', 0x70, 0],
      ]),
    );
    const { statistics } = replayTrace(trace, { definition: isapc });
    const mode = { column: 'on', ports: statistics.portRows() } as unknown as ReportMode;
    expect(exitsByPlace([mode], ({ ports }) => ports).map(({ place }) => place)).toEqual(['0x70', '0x71']);
  });
});

describe('the maps', () => {
  const mapOf = (options: Record<string, unknown>, space: 'io' | 'memory' = 'io') => {
    const machine = Machine.create(pcI440fx, { options });
    return addressMap(machine, machine[space], () => undefined);
  };

  it('show what hides what: the reset register over the address ports, or beneath them', () => {
    const layers = (options: Record<string, unknown>) =>
      mapOf(options)
        .items.filter(({ start, size }) => start <= 0xcf9 && start + size > 0xcf9)
        .map(({ name, layer }) => [name, layer]);
    expect(layers({ resetControl: 'overlay' })).toEqual([
      ['piix3-reset-control', 0],
      ['pci-conf-idx', 1],
    ]);
    expect(layers({})).toEqual([
      ['pci-conf-idx', 0],
      ['piix3-reset-control', 1],
    ]);
  });

  it('show coalesced ranges with their verdicts and the zones in force', () => {
    const zone = (options: Record<string, unknown>) => mapOf(options).zones.find(({ start }) => start === 0xcf8);
    expect(zone({})).toMatchObject({ verdict: 'alive', inForce: [{ start: 0xcf8, size: 4 }] });
    expect(zone({ resetControl: 'overlay' })).toMatchObject({
      verdict: 'dead',
      inForce: [
        { start: 0xcf8, size: 1 },
        { start: 0xcfa, size: 2 },
      ],
    });
  });

  it('show RAM beneath the VGA window', () => {
    const here = mapOf({}, 'memory').items.filter(({ start, size }) => start <= 0xb_8000 && start + size > 0xb_8000);
    expect(here.map(({ name, layer, kind }) => [name, layer, kind])).toEqual([
      ['vga-lowmem', 0, 'io'],
      ['pc.ram', 1, 'ram'],
    ]);
  });
});

describe('the page', () => {
  const input = async (change: Partial<ReportInput> = {}): Promise<ReportInput> => ({
    recording: 'seabios-pc-tcg',
    machine: 'pc-i440fx',
    accesses: 41_342,
    guestTime: 199_000_000,
    modes: [await replayed(false), await replayed(true)],
    ...change,
  });

  it('is complete in itself: no script, nothing to fetch, the numbers as tables too', async () => {
    const html = renderReport(await input(), plot);
    expect(html).toMatch(/^<!doctype html>/);
    expect(html).toContain('<b>41,342</b>');
    expect(html).toContain('userspace exits, 90.1 % fewer');
    expect(html).toContain('<th scope="row">0xcf8</th><td>384</td><td>1</td>');
    expect(html).toContain('rtc (Mc146818Rtc), devices/mc146818-rtc.ts');
    expect(html).not.toMatch(/<(script|link|img|iframe)/);
    expect(html.match(/role="img"/g)).toHaveLength(6);
    expect(html.length).toBeLessThan(1_000_000);
  });

  it('cannot be made to run what a hostile recording is called', async () => {
    const html = renderReport(await input({ recording: '<script>alert(1)</script>', machine: '"><b>' }), plot);
    expect(html).not.toContain('<script>');
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt; on &quot;&gt;&lt;b&gt;');
  });

  it('counts one exit as one', async () => {
    const html = renderReport(await input(), plot);
    expect(html).toContain('<title>0xcf8, on: 1 userspace exit</title>');
    expect(html).not.toMatch(/[^\d,]1 (userspace exits|writes|exits)/);
  });

  it('cannot be made to run what a hostile machine calls its devices and regions', async () => {
    const name = '"><script>alert(1)</script>';
    const [off, on] = (await input()).modes as [ReportMode, ReportMode];
    const region = { name, kind: 'io', device: name, file: name, priority: 0, layer: 0, start: 0, size: 1 };
    const zone = { device: name, region: name, verdict: 'dead', why: name, inForce: [], start: 0, size: 1 } as const;
    const map = { space: name, items: [region, { ...region, layer: 1 }], zones: [zone] };
    const hostile = { ...on, column: name, title: name, maps: { ports: map, memory: map } };
    const html = renderReport(await input({ modes: [off, hostile] }), plot);
    expect(html).not.toMatch(/<script/i);
    expect(html.match(/&lt;script&gt;alert\(1\)/g)!.length).toBeGreaterThan(10);
  });

  it('draws no time where a recording takes none, and no map where nobody answers', async () => {
    const trace = smallTrace([['out', 0x70, 1]]);
    const sampler = new ReplaySampler(trace);
    const { machine, statistics } = replayTrace(trace, { definition: empty, observe: sampler.observe });
    const maps = {
      ports: addressMap(machine, machine.io, () => undefined),
      memory: addressMap(machine, machine.memory, () => undefined),
    };
    const [mode] = (await input()).modes;
    const one = {
      ...mode!,
      exits: statistics.summary(),
      ports: statistics.portRows(),
      pages: [],
      samples: sampler.samples,
      maps,
    };
    const html = renderReport(await input({ modes: [one], accesses: 1, guestTime: 0 }), plot);
    expect(html).toContain('1 access in 0 ns of guest time, replayed once.');
    expect(html).not.toContain('over guest time');
    expect(html).not.toContain('by page of memory');
    expect(html).toContain('<p>No device answers here.</p>');
    expect(html).not.toMatch(/NaN|Infinity|undefined/);
  });

  it('tells times in the unit that suits the recording', () => {
    expect([0, 1, 830_500, 1_000_000, 11_363_000_000].map((time) => formatTime(time))).toEqual([
      '0 ns',
      '1 ns',
      '830.5 µs',
      '1 ms',
      '11.36 s',
    ]);
  });

  it('has no chart of a ring that nothing was ever queued in', async () => {
    const html = renderReport(await input({ modes: [await replayed(false)] }), plot);
    expect(html).not.toContain('Queued writes over guest time');
  });
});

describe('the document that charts are drawn into', () => {
  const document = new SvgDocument();
  const make = (name: string) => document.createElementNS('http://www.w3.org/2000/svg', name);

  it('writes elements, attributes and text so that nothing can leave its place', () => {
    const text = make('text');
    text.setAttribute('aria-label', '"<&>"');
    text.textContent = 'a < b & c';
    expect(`${text}`).toBe('<text aria-label="&quot;&lt;&amp;&gt;&quot;">a &lt; b &amp; c</text>');
    expect(escapeHtml('"')).toBe('&quot;');
  });

  it('moves an element that is put somewhere else', () => {
    const [one, two, child] = [make('g'), make('svg'), make('rect')];
    one.append('text', child);
    two.appendChild(one);
    expect(child.ownerSVGElement).toBe(two);
    two.insertBefore(child, one);
    expect(`${two}`).toBe('<svg><rect></rect><g>text</g></svg>');
    expect([two.firstChild, child.nextSibling, one.nextSibling, make('g').ownerSVGElement]).toEqual([
      child,
      one,
      null,
      null,
    ]);
    child.style.setProperty('fill', 'red');
    child.style.setProperty('stroke', 'blue');
    expect(child.getAttribute('style')).toBe('fill:red;stroke:blue');
    child.removeAttribute('style');
    expect(child.hasAttribute('style')).toBe(false);
    one.textContent = 'new';
    expect(two.textContent).toBe('new');
  });
});
