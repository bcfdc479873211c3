import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { bootLinux } from './boot-linux.ts';
import { Refusal } from './refusal.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'backplane-boot-linux-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A shell script in the place of a program. */
function program(name: string, ...lines: string[]): string {
  const file = join(folder, name);
  writeFileSync(file, ['#!/bin/sh', ...lines, ''].join('\n'));
  chmodSync(file, 0o755);
  return file;
}

async function refusal(what: () => Promise<unknown>): Promise<string> {
  const cause = await what().catch((cause: unknown) => cause);
  expect(cause).toBeInstanceOf(Refusal);
  return (cause as Refusal).message;
}

describe('Linux in an emulated machine', () => {
  const boot = (binary: string, lines: string[], timeout = 20_000) =>
    bootLinux({
      ...{ kernel: '/kernel', initramfs: [Buffer.from('one'), Buffer.from('two')], memory: 64, binary, timeout },
      onLine: (line) => lines.push(line),
    });

  it('gets its kernel and file system, and what it prints comes line by line', async () => {
    const lines: string[] = [];
    const qemu = program(
      'qemu',
      'echo "$*" | tr " " "\\n" | grep -A1 -e -kernel -e -m | tail -n 5',
      'while [ "$1" != -initrd ]; do shift; done',
      'cat "$2"',
      'printf "\\r\\nlast"',
    );
    await boot(qemu, lines);
    expect(lines.slice(-2)).toEqual(['onetwo', 'last']);
    expect(lines).toContain('/kernel');
  });

  it('that does not power off in time is ended, with the end of its console', async () => {
    const lines: string[] = [];
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const refused = refusal(() => boot(program('qemu', 'echo it hangs', 'sleep 60'), lines, 1500));
      while (lines.length === 0) await new Promise((resolve) => setImmediate(resolve));
      await vi.advanceTimersByTimeAsync(1500);
      expect(await refused).toContain('it hangs');
    } finally {
      vi.useRealTimers();
    }
  });

  it('that QEMU refuses says why', async () => {
    const qemu = program('qemu', 'echo no such accelerator >&2', 'exit 1');
    expect(await refusal(() => boot(qemu, []))).toContain('no such accelerator');
  });
});
