import type { MachineCode } from '../../../sdk/x86.ts';
import { buildCase, type Selection, writeImage } from './generate.ts';
import { In, Out, Place, PoolSize } from './layout.ts';
import { Image, runOurs, runTcg } from './processors.ts';

/** Cases of one image: more would not fit the segments of 16-bit code into one table. */
export const LargestImage = 100_000;
const NoException = 0xffff_ffff;

/** A case that two processors execute differently. */
export interface Difference {
  readonly index: number;
  readonly name: string;
  readonly selection: Selection;
  /** Its record, and the memory that it finds. */
  readonly record: Uint8Array;
  readonly memory: Uint8Array;
  readonly ours: Uint8Array;
  readonly theirs: Uint8Array;
}

/** What our processor and TCG leave of the cases of an image. */
export interface Results {
  readonly ours: Uint8Array;
  readonly theirs: Uint8Array;
}

export interface Comparison {
  readonly cases: number;
  readonly differences: readonly Difference[];
  /** How many cases raised each exception, by its vector. */
  readonly exceptions: ReadonlyMap<number, number>;
}

/** Runs cases on our processor and on TCG, an image at a time, and compares all that they leave. */
export async function compare(machineCode: MachineCode, selection: Selection): Promise<Comparison> {
  const differences: Difference[] = [];
  const exceptions = new Map<number, number>();
  for (let done = 0; done < selection.count; done += LargestImage) {
    const part = { ...selection, first: selection.first + done, count: Math.min(LargestImage, selection.count - done) };
    const image = new Image(part.count);
    const entry = writeImage(image.view, part);
    const results = await runBoth(machineCode, image, entry);
    countExceptions(results.theirs, exceptions);
    for (const place of differing(results)) differences.push(differenceAt(part, place, image, results));
  }
  return { cases: selection.count, differences, exceptions };
}

/** What both leave. TCG runs in a process of its own meanwhile. */
export async function runBoth(machineCode: MachineCode, image: Image, entry: number): Promise<Results> {
  const tcg = runTcg(image, entry);
  // Awaited below, also where our processor throws first.
  tcg.catch(() => {});
  const ours = runOurs(machineCode, image, entry);
  return { ours, theirs: await tcg };
}

const resultOf = (results: Uint8Array, place: number) => results.subarray(place * Out.size, (place + 1) * Out.size);

/** Places of the cases whose results differ. */
export function differing({ ours, theirs }: Results): number[] {
  if (Buffer.compare(ours, theirs) === 0) return [];
  return Array.from({ length: ours.length / Out.size }, (_, place) => place).filter(
    (place) => Buffer.compare(resultOf(ours, place), resultOf(theirs, place)) !== 0,
  );
}

function differenceAt(selection: Selection, place: number, image: Image, { ours, theirs }: Results): Difference {
  const pool = new DataView(image.bytes.buffer, Place.pool, PoolSize);
  const { name, poolWord } = buildCase(selection, selection.first + place, place, selection.count, pool);
  const start = Place.records + place * In.size;
  return {
    index: selection.first + place,
    name,
    selection,
    record: image.bytes.slice(start, start + In.size),
    memory: image.bytes.slice(Place.pool + 4 * poolWord, Place.pool + 4 * poolWord + Out.registers),
    ours: resultOf(ours, place).slice(),
    theirs: resultOf(theirs, place).slice(),
  };
}

function countExceptions(results: Uint8Array, exceptions: Map<number, number>): void {
  const view = new DataView(results.buffer, results.byteOffset, results.byteLength);
  for (let at = 0; at < results.length; at += Out.size) {
    const vector = view.getUint32(at + Out.vector, true);
    if (vector !== NoException) exceptions.set(vector, (exceptions.get(vector) ?? 0) + 1);
  }
}
