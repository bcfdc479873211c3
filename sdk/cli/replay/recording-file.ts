import { createHash } from 'node:crypto';
import { closeSync, openSync, realpathSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { constants, gunzipSync, gzipSync } from 'node:zlib';
import type { GuestImage, RunOutcome } from '../../accelerator/index.ts';
import { isGzip } from '../../base/bytes.ts';
import { BackplaneError } from '../../base/errors.ts';
import { reasonOf } from '../../base/system-errors.ts';
import { counted } from '../../base/text.ts';
import { afterHostTime, hostNanoseconds } from '../../clock/host-time.ts';
import type { Machine } from '../../machine/index.ts';
import type { RecordedImage } from '../../recording/header.ts';
import type { RecordingSink, RecordOptions } from '../../recording/recorder.ts';
import type { Arguments } from '../command.ts';
import { checkOutput, type OutputKind } from '../files.ts';
import type { BootImage } from '../options/boot.ts';

/** A block is written when it has so many characters, or is so old. */
const BlockSize = 64 * 1024;
const BlockAge = 1_000_000_000;
const LinesBetweenLooks = 64;

const recordingFile: OutputKind = {
  option: '-record',
  what: 'recording',
  example: 'run.iotrace.gz',
  isOne: (beginning) => plainBeginning(beginning).startsWith('# iotrace v'),
};

/** Of a compressed file: what its first bytes say. */
function plainBeginning(beginning: string): string {
  const bytes = Buffer.from(beginning, 'latin1');
  if (!isGzip(bytes)) return beginning;
  try {
    return gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: BlockSize }).toString('latin1');
  } catch {
    return '';
  }
}

/**
 * Writes a recording block by block, plain or, if its name ends in .gz, each block as a member of gzip. A killed process leaves all
 * blocks before the last second. It holds one block in memory.
 */
export class RecordingFile implements RecordingSink {
  /** Opened with the first block: a run that is refused leaves the file that is there. */
  #file: number | undefined;
  readonly #isCompressed: boolean;
  #lines: string[] = [];
  #length = 0;
  #sinceLook = 0;
  #blockBegan = hostNanoseconds();
  /** Why not all of it could be written. */
  failure: BackplaneError | undefined;
  #stopTimer: () => void;

  /** `onFailure` is called once, when nothing more can be written: the run goes on, and is not recorded any more. */
  constructor(
    private readonly path: string,
    private readonly onFailure: (message: string) => void,
  ) {
    checkOutput(recordingFile, path);
    this.#isCompressed = path.endsWith('.gz');
    this.#stopTimer = this.look();
  }

  write(line: string): void {
    this.#lines.push(line);
    this.#length += line.length;
    if (this.#length >= BlockSize) this.flush();
    else if (++this.#sinceLook >= LinesBetweenLooks) {
      this.#sinceLook = 0;
      if (hostNanoseconds() - this.#blockBegan >= BlockAge) this.flush();
    }
  }

  /** Writes what is left. */
  close(): void {
    this.#stopTimer();
    this.flush();
    if (this.#file !== undefined) closeSync(this.#file);
  }

  /** What was written until now is in the file. */
  flush(): void {
    const text = this.#lines.join('');
    this.#lines = [];
    this.#length = this.#sinceLook = 0;
    this.#blockBegan = hostNanoseconds();
    if (text === '' || this.failure !== undefined) return;
    try {
      const bytes = Buffer.from(text, 'latin1');
      const block = this.#isCompressed ? gzipSync(bytes) : bytes;
      this.#file ??= openSync(this.path, 'w');
      for (let at = 0; at < block.length; ) at += writeSync(this.#file, block, at);
    } catch (cause) {
      this.failure = this.refusal(cause);
      this.onFailure(`${this.failure.message} The run goes on without.`);
    }
  }

  /** Where the guest waits for the outside, no line comes that could look at the time. */
  private look(): () => void {
    return afterHostTime(
      BlockAge / 1_000_000,
      () => {
        this.flush();
        this.#stopTimer = this.look();
      },
      'in the background',
    );
  }

  private refusal(cause: unknown): BackplaneError {
    return new BackplaneError(
      'file-not-writable',
      `-record '${this.path}': it cannot be written (${reasonOf(cause)}).`,
      { cause },
    );
  }
}

/** What a recording needs of a run. */
export interface RunToRecord {
  readonly machine: Machine;
  readonly guests: readonly GuestImage[];
  /** What machine code comes from; the header has their checksums. */
  readonly images: readonly BootImage[];
  readonly timers: Omit<RecordOptions, 'images'>;
  readonly note: (line: string) => void;
  run(guests: readonly GuestImage[]): RunOutcome | Promise<RunOutcome>;
}

/** Carries out a run, and records it if a file is named for it. Answers also why it could not be recorded to its end. */
export async function recordedRun(
  path: string | undefined,
  { machine, guests, images, timers, note, run }: RunToRecord,
): Promise<{ readonly outcome: RunOutcome; readonly failure?: BackplaneError | undefined }> {
  if (path === undefined) return { outcome: await run(guests) };
  const { recordRun } = await import('../../recording/recorder.ts');
  const file = new RecordingFile(path, (message) => note(`warning: ${message}`));
  try {
    const recording = recordRun(machine, guests, file, { ...timers, images: images.map(digestOf) });
    file.flush();
    if (file.failure !== undefined) throw file.failure;
    const outcome = await run(recording.guests);
    recording.end(outcome);
    if (recording.lostTransfers > 0) note(`warning: ${lossOf(recording.lostTransfers)}`);
    return { outcome, failure: file.failure };
  } finally {
    file.close();
  }
}

const lossOf = (transfers: number): string =>
  `devices read more by DMA than a recording holds. ${counted(transfers, 'transfer')} behind that are not in it, and a replay may differ from there on.`;

const digestOf = ({ kind, name, bytes }: BootImage): RecordedImage => ({
  ...{ kind, name, size: bytes.length },
  sha256: createHash('sha256').update(bytes).digest('hex'),
});

/** Refuses, before the run, a place where no recording can be written, and options that no recording could say. */
export function checkRecordTarget(path: string, args: Arguments): void {
  checkOutput(recordingFile, path);
  const saveTo = args.value('save');
  if (saveTo !== undefined && placeOf(saveTo) === placeOf(path))
    throw new BackplaneError('misplaced-argument', `-record and -save both write '${path}'. Give one another name.`);
  for (const option of ['loadvm', 'watch']) {
    if (!args.has(option)) continue;
    const why = option === 'watch' ? 'a replay cannot change code' : 'a recording begins where its machine begins';
    throw new BackplaneError('misplaced-argument', `-record and -${option} exclude each other: ${why}. Leave one out.`);
  }
}

/** Which file a path names in a folder that exists. */
const placeOf = (path: string): string => join(realpathSync(dirname(path)), basename(path));
