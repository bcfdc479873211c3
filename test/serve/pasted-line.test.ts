import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Edu } from '../../devices/index.ts';
import { qemuLine } from '../../sdk/cli/serve/plan.ts';
import { use } from '../../sdk/index.ts';
import { serve } from '../../sdk/serve/node/serve.ts';
import { servedMachine } from '../../sdk/serve/surround.ts';
import { end, launch } from '../../sdk/testing/qemu/child.ts';
import { vfioUserCommand } from '../../sdk/testing/qemu/vfio-user-qemu.ts';
import { needs } from '../needs.ts';
import { whyNoAttach } from './qemu-guest.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "it's a folder, with commas-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function line(socket: string, ram?: string): string {
  const used = use(Edu);
  const plan = { definition: servedMachine(used), used, socket, backends: [] };
  return qemuLine([plan], { qemu: vfioUserCommand(), ram, waits: false });
}

/** What a program gets of a line that is pasted into a shell. */
function wordsOf(pasted: string): string[] {
  const shown = execFileSync('/bin/sh', ['-c', `printf '%s\\0' ${pasted}`], { encoding: 'utf8' });
  return shown.split('\0').slice(0, -1);
}

describe('the line for QEMU that `backplane serve` prints', () => {
  it('is words of a shell, whatever the paths have in them', () => {
    const [socket, ram] = [join(folder, 'a.sock'), join(folder, 'ram')];
    const words = wordsOf(line(socket, ram));
    expect(words).toHaveLength(9);
    expect(words[6]).toBe(`memory-backend-file,id=ram,size=SIZE,share=on,mem-path=${ram.replaceAll(',', ',,')}`);
    expect(JSON.parse(words[8] as string)).toMatchObject({ socket: { path: socket } });
  });

  it.each(['memory that QEMU shares', 'a file'] as const)(
    'attaches the device, by %s',
    needs('qemu', whyNoAttach),
    async (memory) => {
      const [socket, ram] = [join(folder, 'a.sock'), memory === 'a file' ? join(folder, 'ram') : undefined];
      if (ram !== undefined) {
        writeFileSync(ram, '');
        truncateSync(ram, 128 * 1024 * 1024);
      }
      await using served = await serve(use(Edu), { socket, ...(ram === undefined ? {} : { native: 'never', ram }) });
      const pasted = `exec ${line(socket, ram).replaceAll('SIZE', '128M')} -S -display none`;
      const qemu = launch('/bin/sh', ['-c', pasted]);
      try {
        let complaint = '';
        qemu.stderr?.on('data', (text) => {
          complaint += text;
        });
        const ended = new Promise<never>((_, reject) => qemu.once('close', () => reject(new Error(complaint))));
        await Promise.race([served.whenAttached(), ended]);
        while (served.counts.resets === 0) await Promise.race([new Promise((done) => setTimeout(done, 20)), ended]);
        expect(served.counts.clients).toBe(1);
      } finally {
        await end(qemu);
      }
    },
  );
});
