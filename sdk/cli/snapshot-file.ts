import { readFileSync, renameSync, rmSync, type Stats, statSync, writeFileSync } from 'node:fs';
import type { Machine } from '../machine/index.ts';
import { MiB } from '../memory/address-range.ts';
import { BackplaneError } from '../memory/errors.ts';

/** What a machine with a gigabyte of RAM that does not compress needs stays below; a longer text JavaScript cannot hold. */
const LargestFile = 400 * MiB;

/** The JSON value in a snapshot's file. What it means, and whether it fits, the machine says. */
export function readSnapshotFile(path: string): unknown {
  const refuse = (why: string, cause?: unknown) => new BackplaneError(`-loadvm '${path}': ${why}`, { cause });
  let found: Stats;
  try {
    found = statSync(path);
  } catch (cause) {
    throw refuse('there is no such file. Give the file that --save wrote.', cause);
  }
  if (!found.isFile()) throw refuse('this is no file. Give the file that --save wrote.');
  if (found.size > LargestFile) {
    throw refuse(`it has ${found.size} bytes, and no snapshot has more than ${LargestFile}. It is something else.`);
  }
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.slice(0, 200) : String(cause);
    throw refuse(`it cannot be read as JSON (${why}). Give the file that --save wrote.`, cause);
  }
}

/** Writes the file whole or not at all: one of that name stays until the new one is complete. */
export async function writeSnapshotFile(path: string, machine: Machine): Promise<void> {
  const { formatSnapshot } = await import('../machine/index.ts');
  const text = formatSnapshot(machine.save());
  const partial = `${path}.${process.pid}.partial`;
  try {
    writeFileSync(partial, text, { flag: 'wx' });
    renameSync(partial, path);
  } catch (cause) {
    rmSync(partial, { force: true });
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new BackplaneError(`--save '${path}': cannot be written (${why}).`, { cause });
  }
}
