import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { AccessHash } from './access-hash.ts';

/** A boot whose hash is written in the repository. */
export interface WrittenBoot {
  /** The name of its file in test/machines/access-hashes. */
  readonly name: string;
  /** What it boots from that the repository does not have, by name. With other bytes two runs are compared with one another. */
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly instructions: number;
}

const pathOf = ({ name }: WrittenBoot): string => fileURLToPath(new URL(`access-hashes/${name}.txt`, import.meta.url));

function filesPart({ files }: WrittenBoot): string {
  const lines = Object.entries(files).map(
    ([name, bytes]) => `sha256 of ${name}: ${createHash('sha256').update(bytes).digest('hex')}\n`,
  );
  return lines.join('');
}

/**
 * The hash of a run is the written one, if the run boots from the same files; else it is that of another run, and the test says so.
 * `npx vitest run -u PATH` writes the file after a change of a machine that changes what its guest sees.
 */
export async function expectWrittenHash(
  boot: WrittenBoot,
  { digest, accesses }: Pick<AccessHash, 'digest' | 'accesses'>,
  again: () => Promise<Pick<AccessHash, 'digest'>>,
): Promise<void> {
  const path = pathOf(boot);
  const files = filesPart(boot);
  if (existsSync(path) && !readFileSync(path, 'utf8').startsWith(files)) {
    console.warn(`${boot.name}: its files are not those of ${path}: two runs are compared with one another.`);
    expect((await again()).digest).toBe(digest);
    return;
  }
  const text = `${files}instructions: ${boot.instructions}\naccesses: ${accesses}\nhash: ${digest}\n`;
  await expect(text).toMatchFileSnapshot(path);
}
