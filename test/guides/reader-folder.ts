import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll } from 'vitest';
import { filesOf } from './guide.ts';
import { guideNames, readGuide } from './pages.ts';

export const checkout = fileURLToPath(new URL('../../', import.meta.url));

/** A folder with the files of all guides, as a reader has them who types them in. The tests of a file run in it. */
export function readerFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'backplane-guides-'));
  const here = process.cwd();
  beforeAll(() => {
    symlinkSync(join(checkout, 'node_modules'), join(folder, 'node_modules'));
    for (const name of guideNames)
      for (const [file, code] of filesOf(readGuide(name), 'as printed'))
        writeFileSync(join(folder, file === 'guide.ts' ? name.replace('.md', '.ts') : file), code);
    process.chdir(folder);
  });
  afterAll(() => {
    process.chdir(here);
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}
