import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { backplane, expectRefused } from './fake-terminal.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'backplane-fetch-'));
  vi.stubEnv('XDG_CACHE_HOME', folder);
  vi.stubEnv('PATH', '/nowhere');
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

describe('backplane fetch', () => {
  it('wants to know what, and lists what there is', async () => {
    expectRefused(await backplane('fetch'), 'missing-operand', 'qemu kernel full-kernel');
  });

  it('reads all its words before it fetches the first', async () => {
    expectRefused(await backplane('fetch', 'qemu', 'kernal'), 'unknown-operand', "'kernal'", 'kernel');
  });

  it.each(['qemu', 'kernel', 'full-kernel', 'linux-i386'])('says what it needs of this host for %s', async (what) => {
    const said = await backplane('fetch', what);
    expectRefused(said, 'program-missing', "'apt-get'", "'apt'");
    expect(said.progress).toEqual([]);
  });
});
