// @module-tag package
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { needs, whyNoX86 } from '../needs.ts';
import { checkout } from './readme.ts';

const folder = mkdtempSync(join(tmpdir(), 'backplane-start-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What `npm start` prints, with these options of Node. */
function start(options = ''): string {
  const env = { ...process.env, NODE_OPTIONS: options, FORCE_COLOR: '0' };
  return execFileSync('npm', ['start', '--silent'], { cwd: checkout, env, encoding: 'utf8', maxBuffer: 2 ** 24 });
}

describe('npm start', () => {
  it('begins with a live guest and ends with the comparison', { ...needs('host', whyNoX86()), timeout: 60_000 }, () => {
    const printed = start();
    const [live, comparison] = printed.split(/^linux61-boot-rtc on /m);
    expect(live).toMatch(
      /On its serial port:\n\n {2}backplane firmware\n {2}Memory: 640 KiB below 1 MiB, 130048 KiB above\n/,
    );
    expect(live).toMatch(/The text of its screen:\n\n {3}backplane firmware +2026-01-01 00:\d\d:\d\d\n/);
    expect(live).toContain('  Halted. A key restarts the machine.\n');
    expect(comparison).toMatch(/^ +off +QEMU's overlay +ours$/m);
  });

  it('says in one line that there is no live guest without the package v86, and compares nevertheless', () => {
    const without = join(folder, 'without-v86.mjs');
    writeFileSync(
      without,
      `import Module from 'node:module';
const resolve = Module._resolveFilename;
Module._resolveFilename = function (request, ...rest) {
  if (/^v86(\\/|$)/.test(request)) throw Object.assign(new Error('not installed'), { code: 'MODULE_NOT_FOUND' });
  return resolve.call(this, request, ...rest);
};
`,
    );
    const printed = start(`--import=${pathToFileURL(without).href}`);
    const { optionalDependencies } = JSON.parse(readFileSync(`${checkout}package.json`, 'utf8')) as {
      optionalDependencies: Record<string, string>;
    };
    const [first, empty, second] = printed.split('\n');
    expect(first).toMatch(/^No live guest\. .*'v86'.* Run 'npm install v86@/);
    expect(first).toContain(`v86@${optionalDependencies['v86']}`);
    expect(empty).toBe('');
    expect(second).toMatch(/^linux61-boot-rtc on pc/);
    expect(printed).toMatch(/^ +off +QEMU's overlay +ours$/m);
  }, 60_000);
});
