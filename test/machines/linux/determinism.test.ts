import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import type { InboxEntry } from '../../../sdk/backend.ts';
import { needs } from '../../needs.ts';
import { AccessHash } from '../access-hash.ts';
import { expectWrittenHash } from '../written-hash.ts';
import { commands } from './commands.ts';
import { LinuxPc, linuxFiles, type SavedLinux, whyNoLinux } from './linux-pc.ts';

const folder = mkdtempSync(join(tmpdir(), 'backplane-linux-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const checkout = fileURLToPath(new URL('../../..', import.meta.url));
const child = fileURLToPath(new URL('linux-child.ts', import.meta.url));

/** A boot and the commands, typed by a terminal that waits for each answer; and what reached the serial port, and when. */
async function typed(): Promise<{ linux: LinuxPc; inbox: readonly InboxEntry[] }> {
  const inbox: InboxEntry[] = [];
  const linux = await LinuxPc.create();
  linux.machine.inbox.observer = (event, before) => inbox.push({ event, before, at: undefined });
  linux.untilShell();
  for (const [line] of commands) linux.command(line);
  return { linux, inbox };
}

/** The same from the recorded inbox, without a look at what the guest answers: three times saved, and restored into a new process. */
async function replayed(
  inbox: readonly InboxEntry[],
  instructions: number,
  points: readonly number[],
): Promise<SavedLinux> {
  const file = join(folder, 'linux.json');
  const linux = await LinuxPc.create();
  for (const { event, before } of inbox) linux.machine.inbox.post(event, before);
  linux.run(points[0]!);
  writeFileSync(file, JSON.stringify(linux.save()));
  for (const [index, point] of points.entries()) {
    const words = ['--import', 'tsx', child, file, String((points[index + 1] ?? instructions) - point)];
    execFileSync(process.execPath, words, { cwd: checkout });
  }
  return JSON.parse(readFileSync(file, 'utf8')) as SavedLinux;
}

describe("the accesses of Linux's boot and twenty commands", { ...needs('host', whyNoLinux()), tags: 'slow' }, () => {
  it('have the hash that is written in the repository, and have it from a recorded inbox in four processes', async () => {
    const { linux, inbox } = await typed();
    const { instructions } = linux.terminal;
    const points = Array.from({ length: 3 }, () => randomInt(1, instructions)).sort((one, other) => one - other);
    const moved = await replayed(inbox, instructions, points);
    const { digest, accesses } = linux.hash;
    const again = new AccessHash(moved.hash);
    const seen = { points, digest: again.digest, accesses: again.accesses, instructions: moved.instructions };
    expect(seen).toEqual({ points, digest, accesses, instructions });
    expect(moved.received).toBe(linux.terminal.received);
    await expectWrittenHash({ name: 'linux', files: linuxFiles(), instructions }, linux.hash, async () => again);
  });
});
