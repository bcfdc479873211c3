import { OperationKind } from '../accelerator/guest/operation.ts';
import { MILLISECOND } from '../clock/index.ts';
import type { MemoryRegion } from '../memory/index.ts';
import type { Candidate } from './advise-candidates.ts';
import { Follower } from './advise-follower.ts';
import type { ObservedReplay } from './advise-observation.ts';

/** What the recording shows of a candidate's writes and of what came after them. */
export interface Evidence {
  /** Width in bytes -> writes; value -> writes, as far as there are few values. */
  readonly widths: ReadonlyMap<number, number>;
  readonly values: ReadonlyMap<number, number>;
  /** Reads of the same bytes once something had been written, and how many gave what had been written last. */
  readonly readBack: number;
  readonly echoed: number;
  /** Reads that came next after such a write, the most frequent first. */
  readonly followers: readonly FollowerReport[];
  /** Writes after which the guest read one place three times or more in a row: it waited for an answer. */
  readonly polled: number;
  /** Writes after which the guest was silent for a millisecond or more. */
  readonly quiet: number;
  /** Writes soon after which the guest acknowledged an interrupt, and how many that would be by chance. */
  readonly acknowledged: number;
  readonly acknowledgedByChance: number;
}

export interface FollowerReport {
  readonly isPort: boolean;
  readonly address: number;
  readonly size: number;
  readonly count: number;
  /** It belongs to the device that takes the write (where nobody models it: it lies within 16 ports, or in the page). */
  readonly sameDevice: boolean;
  readonly region: MemoryRegion | undefined;
  /** Knowing what was written helps to foretell what is read. */
  readonly depends: boolean;
}

const MostValues = 256;
const PollReads = 3;
const Quiet = 1 * MILLISECOND;
/** Where a PC acknowledges interrupts: the two PICs, and the local APIC. */
const PicCommands: readonly number[] = [0x20, 0xa0];
const ApicEndOfInterrupt = 0xfee0_00b0;
const AccessesToAcknowledge = 4;

class Collected {
  readonly widths = new Map<number, number>();
  readonly values = new Map<number, number>();
  readonly followers = new Map<number, Follower>();
  readBack = 0;
  echoed = 0;
  polled = 0;
  quiet = 0;
  acknowledged = 0;
  writes = 0;
  /** What was written last, -1 before that; and whether a read has followed since. */
  lastValue = -1;
  awaitsRead = false;
}

type WhoAnswers = (isPort: boolean, address: number) => MemoryRegion | undefined;

/** One pass over the recording for all candidates. */
export function gatherEvidence(
  { trace, shape, shapes }: ObservedReplay,
  candidates: readonly Candidate[],
  regionAt: WhoAnswers,
): Evidence[] {
  const { at, kind, address, size, value, length } = trace;
  const byShape: Collected[][] = shapes.map(() => []);
  const collected = candidates.map((candidate) => {
    const one = new Collected();
    for (const index of candidate.shapes) byShape[index]!.push(one);
    return one;
  });
  const readers = readersOf(candidates, collected);
  const soonAcknowledged = acknowledgements(trace);
  const waiting: Collected[] = [];
  for (let index = 0; index < length; index++) {
    if (isRead(kind[index]!)) {
      const key = readKey(kind[index]!, address[index]!, size[index]!);
      const polls = waiting.length > 0 && repeats(trace, index) >= PollReads;
      for (const one of waiting) {
        followerOf(one, key).add(one.lastValue, value[index]!);
        if (polls) one.polled++;
        one.awaitsRead = false;
      }
      waiting.length = 0;
      for (const one of readers(kind[index]!, address[index]!, size[index]!)) {
        if (one.writes === 0) continue;
        one.readBack++;
        if (one.lastValue === value[index]) one.echoed++;
      }
      continue;
    }
    if (shape[index]! < 0) continue;
    for (const one of byShape[shape[index]!]!) {
      one.writes++;
      one.lastValue = value[index]!;
      bump(one.widths, size[index]!);
      if (one.values.size < MostValues || one.values.has(value[index]!)) bump(one.values, value[index]!);
      if (index + 1 < length && at[index + 1]! - at[index]! >= Quiet) one.quiet++;
      if (soonAcknowledged.soon[index] === 1) one.acknowledged++;
      if (!one.awaitsRead) waiting.push(one);
      one.awaitsRead = true;
    }
  }
  return collected.map((one, index) => report(one, candidates[index]!, regionAt, soonAcknowledged.share));
}

const isRead = (kind: number) => kind === OperationKind.In || kind === OperationKind.Load;
/** Addresses have 52 bits: kind and width fit above the ports, and beside addresses below 2 ** 48. */
const readKey = (kind: number, address: number, size: number) =>
  (address * 16 + size) * 2 + (kind === OperationKind.In ? 1 : 0);
const bump = (counts: Map<number, number>, key: number) => counts.set(key, (counts.get(key) ?? 0) + 1);

function followerOf(one: Collected, key: number): Follower {
  let follower = one.followers.get(key);
  if (follower === undefined) {
    follower = new Follower();
    one.followers.set(key, follower);
  }
  return follower;
}

/** How often the read at `index` is made in a row. */
function repeats({ kind, address, length }: ObservedReplay['trace'], index: number): number {
  let end = index + 1;
  while (end < length && end - index < PollReads && kind[end] === kind[index] && address[end] === address[index]) end++;
  return end - index;
}

/** Whose bytes a read touches. */
function readersOf(candidates: readonly Candidate[], collected: readonly Collected[]) {
  const known = new Map<number, Collected[]>();
  return (kind: number, address: number, size: number): readonly Collected[] => {
    const key = readKey(kind, address, size);
    let found = known.get(key);
    if (found === undefined) {
      const isPort = kind === OperationKind.In;
      found = collected.filter((_, index) => {
        const { isPort: own, start, size: length } = candidates[index]!;
        return own === isPort && address < start + length && start < address + size;
      });
      known.set(key, found);
    }
    return found;
  };
}

/** For each access: does the guest acknowledge an interrupt within the next few? And how often that is so anyway. */
function acknowledgements({ kind, address, length }: ObservedReplay['trace']) {
  const soon = new Uint8Array(length);
  let next = Number.POSITIVE_INFINITY;
  let marked = 0;
  for (let index = length - 1; index >= 0; index--) {
    if (next - index <= AccessesToAcknowledge) {
      soon[index] = 1;
      marked++;
    }
    const isPic = kind[index] === OperationKind.Out && PicCommands.includes(address[index]!);
    if (isPic || (kind[index] === OperationKind.Store && address[index] === ApicEndOfInterrupt)) next = index;
  }
  return { soon, share: length === 0 ? 0 : marked / length };
}

function report(one: Collected, candidate: Candidate, regionAt: WhoAnswers, share: number): Evidence {
  const followers = [...one.followers].map(([key, follower]) => {
    const isPort = key % 2 === 1;
    const size = Math.floor(key / 2) % 16;
    const address = Math.floor(key / 32);
    const region = regionAt(isPort, address);
    const sameDevice = isPort === candidate.isPort && isNear(candidate, region, address);
    return { isPort, address, size, count: follower.count, sameDevice, region, depends: follower.depends };
  });
  return {
    widths: one.widths,
    values: one.values,
    readBack: one.readBack,
    echoed: one.echoed,
    followers: followers.sort((a, b) => b.count - a.count),
    polled: one.polled,
    quiet: one.quiet,
    acknowledged: one.acknowledged,
    acknowledgedByChance: share * one.writes,
  };
}

function isNear(candidate: Candidate, region: MemoryRegion | undefined, address: number): boolean {
  if (candidate.region?.owner !== undefined) return region?.owner === candidate.region.owner;
  if (region !== undefined) return false;
  const block = candidate.isPort ? 16 : 4096;
  return Math.floor(address / block) === Math.floor(candidate.start / block);
}
