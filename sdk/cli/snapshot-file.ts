import {
  accessSync,
  closeSync,
  constants,
  fsyncSync,
  openSync,
  readFileSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Machine } from '../machine/index.ts';
import { MiB } from '../memory/address-range.ts';
import { BackplaneError } from '../memory/errors.ts';

/** What a machine with a gigabyte of RAM that does not compress needs stays below; a longer text JavaScript cannot hold. */
const LargestFile = 400 * MiB;

/** How every snapshot begins, whoever formatted it. */
const snapshotStart = /^\s*\{\s*"schema"\s*:\s*"backplane-snapshot\//;
const recordingStart = /^(#|\d+ [PM][RW] )/;
const Gzip = [0x1f, 0x8b] as const;

/** The JSON value in a snapshot's file. What it means, and whether it fits, the machine says. */
export function readSnapshotFile(path: string): unknown {
  const refuse = (why: string, cause?: unknown) => new BackplaneError(`-loadvm '${path}': ${why}`, { cause });
  const found = statOf(path);
  if (found === undefined) throw refuse('there is no such file. Give the file that --save wrote.');
  if (found.isDirectory()) throw refuse('this is no file, but a folder. Give the file that --save wrote.');
  if (!found.isFile()) throw refuse('this is no file. Give the file that --save wrote.');
  if (found.size > LargestFile) {
    throw refuse(`it has ${found.size} bytes, and no snapshot has more than ${LargestFile}. It is something else.`);
  }
  const bytes = attempt(
    () => readFileSync(path),
    (cause) => refuse(`it cannot be read (${reason(cause)}).`, cause),
  );
  const start = bytes.toString('latin1', 0, 200);
  if (Gzip.every((byte, index) => bytes[index] === byte) || recordingStart.test(start)) {
    throw refuse(`this looks like a recording, and is no snapshot. Play it with 'backplane replay ${path}'.`);
  }
  if (bytes.length === 0) throw refuse('it is empty. Give the file that --save wrote.');
  const text = attempt(
    () => new TextDecoder('utf-8', { fatal: true }).decode(bytes),
    (cause) => refuse('it is damaged: it has bytes that are no UTF-8 text. Save the machine again.', cause),
  );
  return attempt(
    () => JSON.parse(text) as unknown,
    (cause) => refuse(snapshotStart.test(start) ? damaged(text, cause) : notJson(cause), cause),
  );
}

function damaged(text: string, cause: unknown): string {
  const isCut = !text.trimEnd().endsWith('}');
  return isCut
    ? `it ends in the middle, after ${text.length} characters: the rest is lost. Save the machine again.`
    : `it is a snapshot, and damaged: it cannot be read as JSON (${reason(cause)}). Save the machine again.`;
}

function notJson(cause: unknown): string {
  return `it cannot be read as JSON (${reason(cause)}). Give the file that --save wrote.`;
}

/** Refuses, before anything runs, a place where no snapshot could be written; a snapshot that is there is written over. */
export function checkSaveTarget(path: string): void {
  const refuse = (why: string, cause?: unknown) => new BackplaneError(`--save '${path}': ${why}`, { cause });
  if (path === '' || path.endsWith('/')) throw refuse('this is no name of a file. Give one: --save machine.json.');
  const folder = dirname(path);
  if (statOf(folder)?.isDirectory() !== true) throw refuse(`there is no folder '${folder}'. Make it first.`);
  attempt(
    () => accessSync(folder, constants.W_OK | constants.X_OK),
    (cause) => refuse(`nothing can be written into the folder '${folder}' (${reason(cause)}).`, cause),
  );
  const found = statOf(path);
  if (found === undefined) return;
  if (found.isDirectory())
    throw refuse(`this is a folder. Give the name of a file in it: ${join(path, 'machine.json')}.`);
  if (!found.isFile()) throw refuse('this is no file that can be written over. Give another name.');
  if (found.size === 0 || snapshotStart.test(beginningOf(path, refuse))) return;
  throw refuse('this file is there and is no snapshot, so it is left alone. Give another name, or remove it first.');
}

/** Writes the file whole or not at all: one of that name stays until the new one is complete and on the disk. */
export async function writeSnapshotFile(path: string, machine: Machine): Promise<void> {
  const { formatSnapshot } = await import('../machine/index.ts');
  checkSaveTarget(path);
  const refuse = (why: string, cause?: unknown) => new BackplaneError(`--save '${path}': ${why}`, { cause });
  const text = attempt(
    () => formatSnapshot(machine.save()),
    (cause) =>
      cause instanceof RangeError ? refuse('the machine has more in its memory than one file holds.', cause) : cause,
  );
  if (text.length > LargestFile)
    throw refuse(
      `it would have ${text.length} bytes, and -loadvm takes ${LargestFile}. Give the machine less RAM (-m).`,
    );
  // A name that leads elsewhere goes on doing so.
  const target = statOf(path) === undefined ? path : realpathSync(path);
  const partial = join(dirname(target), `.${basename(target)}.${process.pid}.partial`);
  try {
    rmSync(partial, { force: true });
    const file = openSync(partial, 'wx');
    try {
      writeFileSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(partial, target);
  } catch (cause) {
    rmSync(partial, { force: true });
    throw refuse(`cannot be written (${reason(cause)}). What was there is as it was.`, cause);
  }
}

function beginningOf(path: string, refuse: (why: string, cause?: unknown) => Error): string {
  return attempt(
    () => {
      const file = openSync(path, 'r');
      try {
        const bytes = Buffer.alloc(200);
        return bytes.toString('latin1', 0, readSync(file, bytes));
      } finally {
        closeSync(file);
      }
    },
    (cause) => refuse(`this file is there and cannot be read (${reason(cause)}).`, cause),
  );
}

function statOf(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}

function attempt<T>(work: () => T, explain: (cause: unknown) => unknown): T {
  try {
    return work();
  } catch (cause) {
    throw explain(cause);
  }
}

function reason(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).slice(0, 200);
}
