import { isGzip } from '../../base/bytes.ts';
import { BackplaneError } from '../../base/errors.ts';
import { reasonOf } from '../../base/system-errors.ts';
import { isWide } from '../../base/text.ts';
import type { Machine } from '../../machine/index.ts';
import { MiB } from '../../memory/address-range.ts';
import { attempt, checkOutput, type OutputKind, readWhole, writeOutput } from '../files.ts';
import { shellWord } from '../text.ts';

/** A gigabyte of incompressible RAM needs less. JavaScript cannot hold a longer text. */
const LargestFile = 400 * MiB;

/** The beginning of every snapshot, in any formatting. */
const snapshotStart = /^(?:\xef\xbb\xbf)?\s*\{\s*"schema"\s*:\s*"backplane-snapshot\//;
const recordingStart = /^(?:\xef\xbb\xbf)?(#|\d+ [PM][RW] )/;

/** The JSON value in a snapshot's file. The machine checks its contents. */
export function readSnapshotFile(path: string): unknown {
  const refusal = (code: string, why: string, cause?: unknown) =>
    new BackplaneError(code, `-loadvm '${path}': ${why}`, { cause });
  const bytes = readWhole(path, LargestFile, (code, why, cause) =>
    refusal(code, `${why} Give the file that -save wrote.`, cause),
  );
  const start = Buffer.from(bytes.subarray(0, 200)).toString('latin1');
  if (isGzip(bytes) || recordingStart.test(start)) {
    throw refusal(
      'not-a-snapshot',
      `this is a recording, not a snapshot. Replay it with 'backplane replay ${shellWord(path, 'FILE')}'.`,
    );
  }
  if (bytes.length === 0) throw refusal('not-a-snapshot', 'it is empty. Give the file that -save wrote.');
  if (isWide(bytes))
    throw refusal('not-a-snapshot', 'it looks like UTF-16. Save it as UTF-8: iconv -f UTF-16 -t UTF-8.');
  const text = attempt(
    () => new TextDecoder('utf-8', { fatal: true }).decode(bytes),
    (cause) =>
      refusal(
        'snapshot-damaged',
        'it is damaged: it has bytes that are not UTF-8 text. Save the machine again.',
        cause,
      ),
  );
  return attempt(
    () => JSON.parse(text) as unknown,
    (cause) =>
      snapshotStart.test(start)
        ? refusal('snapshot-damaged', damaged(text, cause), cause)
        : refusal('not-a-snapshot', notJson(cause), cause),
  );
}

function damaged(text: string, cause: unknown): string {
  const isCut = !text.trimEnd().endsWith('}');
  return isCut
    ? `it is cut off after ${text.length} characters. Save the machine again.`
    : `it is damaged: it cannot be read as JSON (${reasonOf(cause)}). Save the machine again.`;
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

/** Refuses, before the run, a place where no snapshot can be written. An existing snapshot is overwritten. */
export function checkSaveTarget(path: string): void {
  checkOutput(snapshotFile, path);
}

export async function writeSnapshotFile(path: string, machine: Machine): Promise<void> {
  const { formatSnapshot } = await import('../../machine/index.ts');
  checkSaveTarget(path);
  const refusal = (code: string, why: string, cause?: unknown) =>
    new BackplaneError(code, `-save '${path}': ${why}`, { cause });
  const text = attempt(
    () => formatSnapshot(machine.save()),
    (cause) =>
      cause instanceof RangeError
        ? refusal('snapshot-too-large', 'the machine has more in its memory than one file holds.', cause)
        : cause,
  );
  if (text.length > LargestFile)
    throw refusal(
      'snapshot-too-large',
      `it would have ${text.length} bytes, and -loadvm takes ${LargestFile}. Give the machine less RAM (-m).`,
    );
  writeOutput(snapshotFile, path, text);
}

/** A member of what a snapshot's file has; undefined where there is none. */
export function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}
