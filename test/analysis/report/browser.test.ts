// @module-tag browser

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { browserCommand, whyNoBrowser } from '../../browser/chromium.ts';
import { backplane } from '../../cli/fake-terminal.ts';
import { needs } from '../../needs.ts';
import { Picture } from './png.ts';

const folder = mkdtempSync(join(tmpdir(), 'backplane-report-'));
const page = join(folder, 'report.html');

interface Seen {
  readonly picture: Picture;
  readonly dom: string;
  readonly said: string;
}

/** What a person with this preference sees, what the document has become, and what the browser complains of. */
function look(dark: boolean, width = 1060): Seen {
  const screenshot = join(folder, `${dark}-${width}.png`);
  // The order is the browser's: 0 is dark, 1 is light.
  const flags = [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--hide-scrollbars',
    '--force-device-scale-factor=1',
    `--blink-settings=preferredColorScheme=${dark ? 0 : 1}`,
    `--user-data-dir=${join(folder, `profile-${dark}-${width}`)}`,
    `--window-size=${width},5200`,
    '--enable-logging=stderr',
  ];
  const run = (...words: string[]) =>
    spawnSync(browserCommand as string, [...flags, ...words, `file://${page}`], {
      encoding: 'utf8',
      maxBuffer: 64 << 20,
      timeout: 60_000,
    });
  const shown = run(`--screenshot=${screenshot}`);
  const dumped = run('--dump-dom');
  return { picture: Picture.decode(readFileSync(screenshot)), dom: dumped.stdout, said: shown.stderr + dumped.stderr };
}

const numberOf = (text: string) => Number(text.replaceAll(',', ''));

describe('the page of a comparison, in Chromium', needs('browser', whyNoBrowser), () => {
  let light: Seen;
  let dark: Seen;

  beforeAll(async () => {
    const { status } = await backplane('replay', 'seabios-pc-tcg', '--compare', '--report', page);
    expect(status).toBe(0);
    light = look(false);
    dark = look(true);
  }, 240_000);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('loads without a complaint on the console and asks the network for nothing', () => {
    expect(light.said).not.toMatch(/CONSOLE|Refused|violates/);
    const html = readFileSync(page, 'utf8');
    expect(html).not.toMatch(/<(script|link|img|iframe|object)|@import|url\(/i);
    expect(html.replaceAll('http://www.w3.org/', '')).not.toMatch(/https?:/);
    expect(html).toContain("default-src 'none'");
    expect(html.length).toBeLessThan(2_000_000);
  });

  it('draws every chart with a title for those who do not see it', () => {
    const charts = light.dom.match(/<svg[^>]*role="img"[^>]*>/g) ?? [];
    expect(charts).toHaveLength(7);
    for (const chart of charts) expect(chart).toMatch(/aria-label="[^"]+"/);
    expect(light.dom.match(/<figure tabindex="0" role="group" aria-label="[^"]+">/g)).toHaveLength(charts.length);
    expect(light.dom).not.toMatch(/<th[^>]*><\/th>/);
    expect(light.dom.match(/<table>/g)!.length).toBeGreaterThanOrEqual(charts.length - 1);
  });

  it('shows bars as long as the numbers say', () => {
    const bars = [...light.dom.matchAll(/<title>(0x[0-9a-f]+|\d+ others), off: ([\d,]+) userspace exits?<\/title>/g)];
    const exits = bars.map(([, , text]) => numberOf(text!));
    const { picture } = light;
    // The column in which the bars begin: two pixels behind the axis.
    const columns = Array.from({ length: 300 }, (_, x) =>
      picture.blocksAt(x, '#959aa3').filter(({ height }) => height > 6),
    );
    const drawn = columns.find((blocks) => blocks.filter(({ width }) => width > 20).length >= 15)!;
    const widest = drawn.filter(({ width }) => width > 4);
    const perExit = widest[0]!.width / exits[0]!;
    expect(exits.slice(0, 2)).toEqual([768, 713]);
    for (const [index, block] of widest.slice(0, 10).entries()) {
      expect(Math.abs(block.width - exits[index]! * perExit)).toBeLessThan(3);
    }
  });

  it('paints what is alive in a bluish green and what is dead in vermilion, with a sign beside the word', () => {
    expect(light.picture.count('#00775a')).toBeGreaterThan(1_000);
    expect(light.picture.count('#b83a0e')).toBeGreaterThan(800);
    expect(dark.picture.count('#2fb58d')).toBeGreaterThan(1_000);
    expect(dark.picture.count('#f07a45')).toBeGreaterThan(800);
    expect(light.dom).toContain('\u2713 alive</text>');
    expect(light.dom).toContain('\u2717 dead</text>');
  });

  it('scrolls its charts in a narrow window and shrinks them no further than can be read', () => {
    const narrow = look(false, 500).picture;
    // The first bar begins at the same column as in a wide window and leaves the window at its right.
    const bars = Array.from({ length: 200 }, (_, x) => narrow.blocksAt(x, '#959aa3')).find(
      (blocks) => blocks.filter(({ width, height }) => width > 20 && height > 6).length >= 10,
    )!;
    expect(bars.find(({ width }) => width > 20)!.width).toBeGreaterThan(340);
  });

  it('is dark where dark is preferred, with the same picture', () => {
    expect([light.picture.colour(3, 3), dark.picture.colour(3, 3)]).toEqual(['#fbfbf9', '#15171b']);
    expect(dark.picture.count('#5a9cf2')).toBe(light.picture.count('#164a9c'));
  });

  it('tells the device and its source file of each region that is pointed at', () => {
    expect(light.dom).toMatch(
      /<title>rtc \(io\), 0x70\.\.0x71\nrtc \(Mc146818Rtc\), devices\/mc146818-rtc\.ts\npriority 0<\/title>/,
    );
    expect(light.dom).toMatch(
      /<title>pci-conf-idx of pci-host: 0xcf8\.\.0xcfb is coalesced: dead\n[^<]*piix3-reset-control/,
    );
  });

  it('is printed with every table unfolded', () => {
    const bare = join(folder, 'bare.html');
    writeFileSync(bare, readFileSync(page, 'utf8').replaceAll(/<details>.*?<\/details>/gs, ''));
    expect(pagesOf(page)).toBeGreaterThan(pagesOf(bare));
  });
});

function pagesOf(html: string): number {
  const pdf = `${html}.pdf`;
  const profile = `--user-data-dir=${join(folder, 'print')}`;
  const flags = [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--no-pdf-header-footer',
    profile,
    `--print-to-pdf=${pdf}`,
  ];
  execFileSync(browserCommand as string, [...flags, `file://${html}`], { stdio: 'ignore', timeout: 60_000 });
  return (
    readFileSync(pdf)
      .toString('latin1')
      .match(/\/Type ?\/Page\b/g)?.length ?? 0
  );
}
