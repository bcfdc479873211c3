import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { needs, whyNoX86 } from '../needs.ts';
import { AccessHash } from './access-hash.ts';
import { Boot, type FirmwareName, type SavedBoot, seaBiosFiles, whyNoSeaBios } from './boots.ts';
import { expectWrittenHash, type WrittenBoot } from './written-hash.ts';

const folder = mkdtempSync(join(tmpdir(), 'backplane-determinism-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const checkout = fileURLToPath(new URL('../..', import.meta.url));
const child = fileURLToPath(new URL('boot-child.ts', import.meta.url));

const missing = whyNoX86();

/** To where each of them has no more to do. */
const boots: Record<FirmwareName, { readonly instructions: number; readonly missing: string | undefined }> = {
  seabios: { instructions: 19_500_000, missing: missing ?? whyNoSeaBios() },
  own: { instructions: 250_000, missing },
};

const run = async (firmware: FirmwareName): Promise<Boot> =>
  (await Boot.create(firmware)).run(boots[firmware].instructions);

describe.each(['seabios', 'own'] as const)('the accesses of the firmware %s', (firmware) => {
  const { instructions, missing } = boots[firmware];
  const written = (): WrittenBoot => ({
    name: firmware,
    files: firmware === 'seabios' ? seaBiosFiles() : {},
    instructions,
  });

  it('have the hash that is written in the repository', needs('host', missing), async () => {
    const { hash } = await run(firmware);
    await expectWrittenHash(written(), hash, async () => (await run(firmware)).hash);
  });

  it('have it after three restores into new processes', { ...needs('host', missing), tags: 'slow' }, async () => {
    // Up to the first of them there are more accesses than instructions.
    const points = [1000, ...[0, 0].map(() => randomInt(1001, instructions)).sort((one, other) => one - other)];
    const file = join(folder, `${firmware}.json`);
    const boot = (await Boot.create(firmware)).run(points[0]!);
    writeFileSync(file, JSON.stringify(boot.save()));
    for (const [index, point] of points.entries()) {
      const words = ['--import', 'tsx', child, file, String((points[index + 1] ?? instructions) - point)];
      execFileSync(process.execPath, words, { cwd: checkout });
    }
    const { hash } = JSON.parse(readFileSync(file, 'utf8')) as SavedBoot;
    const { digest, accesses } = (await run(firmware)).hash;
    const moved = new AccessHash(hash);
    expect({ points, digest: moved.digest, accesses: moved.accesses }).toEqual({ points, digest, accesses });
  });
});

describe('the hash of accesses', () => {
  type Access = Parameters<AccessHash['add']>;
  const hashOf = (...accesses: readonly Access[]): string => {
    const hash = new AccessHash();
    for (const access of accesses) hash.add(...access);
    return hash.digest;
  };

  it('tells any part of an access from another one, and their order', () => {
    const access: Access = [1, 0x70, 1, 0x0f, 0, 12_345];
    const others = access.map((_, part) => access.with(part, access[part]! ^ 1) as unknown as Access);
    const digests = [access, ...others].map((one) => hashOf(one));
    const inOrder = hashOf(access, others[0]!);
    expect(new Set([...digests, inOrder, hashOf(others[0]!, access)]).size).toBe(9);
    expect(hashOf([1, 0x70, 1, 0x0f, 0, 2 ** 32])).not.toBe(hashOf([1, 0x70, 1, 0x0f, 0, 0]));
  });

  it('goes on from its state', () => {
    const first = new AccessHash();
    first.add(1, 2, 1, 3, 0, 4);
    const second = new AccessHash(JSON.parse(JSON.stringify(first.save())));
    for (const hash of [first, second]) hash.addBytes(Uint8Array.of(1, 2), 2);
    expect(second.digest).toBe(first.digest);
    expect(second.digest).not.toBe(new AccessHash().digest);
  });
});
