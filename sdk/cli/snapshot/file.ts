import { readFileSync } from 'node:fs';
import { BackplaneError } from '../../base/errors.ts';
import { isWide } from '../../base/text.ts';
import type { Machine } from '../../machine/index.ts';
import { MiB } from '../../memory/address-range.ts';
import { attempt, reasonOf, statusOf } from '../files.ts';
import { checkOutput, type OutputKind, writeOutput } from '../output-file.ts';
import { shellWord } from '../text.ts';

/** What a machine with a gigabyte of RAM that does not compress needs stays below; a longer text JavaScript cannot hold. */
const LargestFile = 400 * MiB;

/** How every snapshot begins, whoever formatted it. */
const snapshotStart = /^(?:\xef\xbb\xbf)?\s*\{\s*"schema"\s*:\s*"backplane-snapshot\//;
const recordingStart = /^(?:\xef\xbb\xbf)?(#|\d+ [PM][RW] )/;
const Gzip = [0x1f, 0x8b] as const;

/** The JSON value in a snapshot's file. What it means, and whether it fits, the machine says. */
export function readSnapshotFile(path: string): unknown {
  const refuse = (why: string, cause?: unknown) => new BackplaneError(`-loadvm '${path}': ${why}`, { cause });
  const found = statusOf(path, refuse);
  if (found === undefined) throw refuse('there is no such file. Give the file that -save wrote.');
  if (found.isDirectory()) throw refuse('this is no file, but a folder. Give the file that -save wrote.');
  if (!found.isFile()) throw refuse('this is no file. Give the file that -save wrote.');
  if (found.size > LargestFile) {
    throw refuse(`it has ${found.size} bytes, and no snapshot has more than ${LargestFile}. It is something else.`);
  }
  const bytes = attempt(
    () => readFileSync(path),
    (cause) => refuse(`it cannot be read (${reasonOf(cause)}).`, cause),
  );
  const start = bytes.toString('latin1', 0, 200);
  if (Gzip.every((byte, index) => bytes[index] === byte) || recordingStart.test(start)) {
    throw refuse(
      `this looks like a recording, and is no snapshot. Play it with 'backplane replay ${shellWord(path, 'FILE')}'.`,
    );
  }
  if (bytes.length === 0) throw refuse('it is empty. Give the file that -save wrote.');
  if (isWide(bytes)) throw refuse('it looks like UTF-16. Save it as UTF-8: iconv -f UTF-16 -t UTF-8.');
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
    : `it is a snapshot, and damaged: it cannot be read as JSON (${reasonOf(cause)}). Save the machine again.`;
}

function notJson(cause: unknown): string {
  return `it cannot be read as JSON (${reasonOf(cause)}). Give the file that -save wrote.`;
}

const snapshotFile: OutputKind = {
  option: '-save',
  what: 'snapshot',
  example: 'machine.json',
  isOne: (beginning) => snapshotStart.test(beginning),
};

/** Refuses, before anything runs, a place where no snapshot could be written; a snapshot that is there is written over. */
export function checkSaveTarget(path: string): void {
  checkOutput(snapshotFile, path);
}

export async function writeSnapshotFile(path: string, machine: Machine): Promise<void> {
  const { formatSnapshot } = await import('../../machine/index.ts');
  checkSaveTarget(path);
  const refuse = (why: string, cause?: unknown) => new BackplaneError(`-save '${path}': ${why}`, { cause });
  const text = attempt(
    () => formatSnapshot(machine.save()),
    (cause) =>
      cause instanceof RangeError ? refuse('the machine has more in its memory than one file holds.', cause) : cause,
  );
  if (text.length > LargestFile)
    throw refuse(
      `it would have ${text.length} bytes, and -loadvm takes ${LargestFile}. Give the machine less RAM (-m).`,
    );
  writeOutput(snapshotFile, path, text);
}
