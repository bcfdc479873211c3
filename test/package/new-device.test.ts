// @module-tag package
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { whyNoKernelModule, whyNoLinuxGuest } from '../../sdk/testing/qemu/index.ts';
import { needs } from '../needs.ts';
import { packedTarball } from './pack.ts';

const folder = mkdtempSync(join(tmpdir(), 'backplane-new-'));
const empty = join(folder, 'empty');
let tarball = '';

/** One command as somebody types it; what it prints. */
function type(command: string, cwd: string): string {
  const [file = '', ...words] = command.split(' ');
  // A test that starts another vitest must not hand its own settings down.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(VITEST|NODE_ENV|NODE_OPTIONS)/.test(name)),
  );
  return execFileSync(file, words, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** How much longer Node takes to start now than on a host with nothing else to do; at least 1. */
function howBusy(): number {
  const begin = process.hrtime.bigint();
  for (let times = 0; times < 5; times++) execFileSync(process.execPath, ['-e', '0']);
  return Math.max(1, Number(process.hrtime.bigint() - begin) / 1e9 / 5 / 0.05);
}

describe('from an empty directory to green tests, one command each', () => {
  beforeAll(() => {
    mkdirSync(empty);
    tarball = packedTarball(folder);
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }), 60_000);

  // A minute where Node itself starts in 0.05 s, and in proportion on a host that is busy with other tests.
  it('takes less than a minute for a device', () => {
    const busy = [howBusy()];
    const begin = process.hrtime.bigint();
    type(`npx --yes --package ${tarball} backplane new device my-uart`, empty);
    const project = join(empty, 'my-uart');
    type('npm install --no-audit --no-fund', project);
    const printed = type('npm test', project);
    const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
    expect(printed).toMatch(/Tests .*\d\d passed/);
    expect(printed).not.toMatch(/failed|skipped/);
    busy.push(howBusy());
    expect(seconds).toBeLessThan(60 * Math.max(...busy));
    const { dependencies } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    expect(dependencies).toEqual({ backplane: `file:${tarball}` });
  }, 400_000);

  it('and its device is a plugin at once: npm start runs a guest that uses it', () => {
    const printed = type('npm start', join(empty, 'my-uart'));
    expect(printed).toContain('0x300:POUT');
    expect(printed).toContain('The guest has finished.');
  });

  it('and for a card with its Linux driver, which runs in QEMU', {
    ...needs('qemu', whyNoKernelModule() ?? whyNoLinuxGuest({ kernel: 'full' })),
    timeout: 600_000,
  }, () => {
    type('npx backplane new device my-card -pci -driver', join(empty, 'my-uart'));
    const project = join(empty, 'my-uart', 'my-card');
    type('npm install --no-audit --no-fund', project);
    const printed = type('npm test', project);
    expect(printed).toMatch(/Tests .*22 passed/);
    expect(printed).not.toMatch(/failed|skipped/);
  });

  it('and for a machine, by the command that the device project installed', () => {
    type('npx backplane new machine my-board', join(empty, 'my-uart'));
    const project = join(empty, 'my-uart', 'my-board');
    type('npm install --no-audit --no-fund', project);
    expect(type('npm test', project)).toMatch(/Tests .*3 passed/);
    expect(type('npm start', project)).toContain('The guest has finished.');
    expect(type('npx backplane info coalesced -plugin . -machine my-board', project)).not.toContain('dead');
  });
});
