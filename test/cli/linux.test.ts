import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { linuxI386, ShellReady, shellInitramfs } from '../linux-i386.ts';
import { whyNoLinux } from '../machines/linux/linux-pc.ts';
import { needs } from '../needs.ts';

const folder = mkdtempSync(join(tmpdir(), 'backplane-linux-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const command = fileURLToPath(new URL('../../sdk/cli/backplane', import.meta.url));
const line = 'console=ttyS0 tsc=reliable cryptomgr.notests';

/** Runs the command with nothing on its standard input. Answers what its guest has sent, and what was said beside it. */
function run(...words: string[]): { status: number | null; sent: string; said: string } {
  const boot = ['run', '-m', '48M', '-kernel', linuxI386().kernel, '-append', line];
  const { status, stdout, stderr } = spawnSync(command, [...boot, ...words], { encoding: 'utf8', input: '' });
  return { status, sent: stdout, said: stderr };
}

describe('backplane run -kernel', { ...needs('host', whyNoLinux()), tags: 'slow' }, () => {
  it('shows the serial port of Linux, saves it in the middle of its boot, and goes on to its shell', () => {
    const [initrd, saved] = [join(folder, 'initrd.gz'), join(folder, 'saved.json')];
    writeFileSync(initrd, shellInitramfs(linuxI386()));
    const first = run('-initrd', initrd, '-limit', '200000000', '-save', saved);
    expect({ ...first, said: '' }).toEqual({ status: 0, sent: expect.stringContaining('Linux version 6.'), said: '' });
    expect(first.said).toMatch(/200000000 instructions in .* stopped at its operation limit/);
    expect(first.sent).not.toContain(ShellReady);
    const then = run('-initrd', initrd, '-limit', '185000000', '-loadvm', saved);
    expect({ ...then, said: '' }).toEqual({ status: 0, sent: expect.stringContaining(ShellReady), said: '' });
    expect(then.sent).not.toContain('Linux version');
    const both = first.sent + then.sent;
    const times = [...both.matchAll(/^\[ *(\d+\.\d+)\] /gm)].map(([, time]) => Number(time));
    expect(times.length).toBeGreaterThan(150);
  });

  it('ends at its limit where Linux has no file system, and panics', () => {
    const { status, sent, said } = run('-limit', '300000000');
    expect(sent).toMatch(/Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block\(0,0\)/);
    expect({ status, said }).toEqual({ status: 0, said: expect.stringMatching(/stopped at its operation limit/) });
  });
});
