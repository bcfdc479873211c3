import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { claimsOf, GuideRun, outputsOf, renderGuide } from './guide.ts';
import { guideNames, guidesFolder, readGuide } from './pages.ts';
import { readerFolder } from './reader-folder.ts';

/** What its machine does in a page is tested in a browser. */
const BrowserGuide = '40-a-machine-in-a-page.md';

/** Runs every second guide, from the first or from the second on: two files, which two workers run. */
export function everySecondGuide(first: 0 | 1): void {
  describe('the guides', () => {
    readerFolder();

    // `npx vitest run test/guides -u` brings what they print up to date.
    it.each(guideNames.filter((_, index) => index % 2 === first))(
      '%s: the code runs, every claim holds, and what is printed is what is said',
      async (name) => {
        const text = readGuide(name);
        const run = new GuideRun(text);
        await run.finished();
        expect(run.claims.length).toBe(claimsOf(text));
        const checks = run.claims.length + run.tests.length + run.shown.length + outputsOf(text);
        expect(checks).toBeGreaterThanOrEqual(name === BrowserGuide ? 1 : 2);
        await expect(await renderGuide(text, run)).toMatchFileSnapshot(join(guidesFolder, name));
      },
    );
  });
}
