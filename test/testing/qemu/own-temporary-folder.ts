import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';

/** The tests of a file have a folder of their own for temporary files, so that what is left behind is theirs. */
export function ownTemporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'backplane-test-'));
  const usualFolder = process.env['TMPDIR'];
  beforeAll(() => {
    process.env['TMPDIR'] = folder;
  });
  afterAll(() => {
    if (usualFolder === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = usualFolder;
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}
