import { spawnSync } from 'node:child_process';
import { type Browser, chromium, type Page } from 'playwright-core';

const names = ['chromium', 'chromium-browser', 'google-chrome'];

/** The command of the browser that is installed; undefined without one. */
export const browserCommand = names.find((name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0);

/** Why no page can be looked at; undefined where a browser is installed. */
export const whyNoBrowser =
  browserCommand === undefined ? `none of ${names.join(', ')} is installed (apt-get install chromium).` : undefined;

/** The flags keep the browser from asking the network for anything of its own. */
export async function startBrowser(): Promise<Browser> {
  const path = spawnSync('which', [browserCommand as string], { encoding: 'utf8' }).stdout.trim();
  return await chromium.launch({
    executablePath: path,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'],
  });
}

/** A page, and what it complains of on its console. */
export async function openPage(browser: Browser, address: string, options: object = {}): Promise<[Page, string[]]> {
  const page = await browser.newPage(options);
  const complaints: string[] = [];
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(address);
  return [page, complaints];
}
