// @module-tag browser

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPage } from '../../examples/page/build.ts';
import { needs } from '../needs.ts';
import { openPage, startBrowser, whyNoBrowser } from './chromium.ts';
import { type Served, StrictPolicy, servePages } from './pages.ts';

describe('the example page, in Chromium under a strict policy', needs('browser', whyNoBrowser), () => {
  const folder = mkdtempSync(join(tmpdir(), 'backplane-page-'));
  let browser: Browser;
  let served: Served;
  let page: Page;
  let complaints: string[];

  const text = async (id: string) => (await page.locator(`#${id}`).textContent()) ?? '';
  const press = (name: string) => page.getByRole('button', { name, exact: true }).click();

  beforeAll(async () => {
    await buildPage(folder);
    const files = new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
    browser = await startBrowser();
    served = await servePages(files, StrictPolicy);
    [page, complaints] = await openPage(browser, served.address);
  });

  afterAll(async () => {
    await browser?.close();
    await served?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("shows the device's source, the map of the machine and the table of exits", async () => {
    expect(await text('source')).toBe(readFileSync(new URL('../../examples/egg-timer.ts', import.meta.url), 'utf8'));
    expect(await text('map')).toMatch(/0000000000000320-0000000000000321 \(prio 0, i\/o\): egg-timer/);
    expect(await text('exits')).toContain('(modelled)');
    expect(complaints).toEqual([]);
  });

  it('runs what is clicked: a timer counts down in guest time, and the table of exits grows', async () => {
    await press('out 0x320 3');
    await press('wait 1s');
    await press('in 0x321');
    expect(await text('said')).toMatch(/> wait 1s\nguest time is 1\.0000\d\d s\n> in 0x321\n0x02 \(2\)\n$/);
    expect(await text('exits')).toMatch(/0x321:PIN +1 /);
    await press('out 0x70 0x0b times 1000');
    expect(await text('said')).toMatch(/1000 writes, \d userspace exits?\n$/);
    expect(await text('exits')).toMatch(/0x70:POUT +1000 /);
    expect(complaints).toEqual([]);
  });

  it('saves and restores the machine, and takes what is typed', async () => {
    await press('out 0x320 3');
    await press('save');
    await press('wait 1s');
    await press('restore');
    await page.getByLabel('Command').fill('in 0x321');
    await page.getByRole('button', { name: 'Run' }).click();
    expect(await text('said')).toMatch(/> in 0x321\n0x03 \(3\)\n$/);
    await page.getByLabel('Command').fill('inn 0x321');
    await page.keyboard.press('Enter');
    expect(await text('said')).toMatch(/'inn' is no command\. Did you mean 'in'\?/);
    expect(complaints).toEqual([]);
  });

  it('is read on a phone without scrolling sideways, and in the dark', async () => {
    const backs: string[] = [];
    for (const colorScheme of ['light', 'dark'] as const) {
      const [small, said] = await openPage(browser, served.address, {
        viewport: { width: 360, height: 740 },
        colorScheme,
      });
      expect(await small.evaluate('document.documentElement.scrollWidth')).toBe(360);
      backs.push(await small.evaluate('getComputedStyle(document.body).backgroundColor'));
      expect(said).toEqual([]);
      await small.close();
    }
    expect(backs).toEqual(['rgb(251, 250, 247)', 'rgb(22, 21, 19)']);
  });
});
