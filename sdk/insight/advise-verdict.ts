import type { Machine } from '../machine/index.ts';
import { hex } from '../memory/index.ts';
import type { Candidate } from './advise-candidates.ts';
import type { Evidence, FollowerReport } from './advise-evidence.ts';
import type { WriteShape } from './advise-shapes.ts';
import { type LandmarkEffect, landmarkAt } from './pc-landmarks.ts';

/**
 * sound: nothing in the recording depends on a write. flush: reads follow that must deliver what is queued first.
 * unsound: something would notice that the write came late.
 */
export type AdviceVerdict = 'sound' | 'flush' | 'unsound';

export interface Judgement {
  readonly verdict: AdviceVerdict;
  /** Why, in sentences: what speaks against it first. */
  readonly reasons: readonly string[];
  /** Reads that must deliver what is queued before they are answered. */
  readonly partners: readonly FollowerReport[];
}

const FewWrites = 16;
const PolledShare = 0.05;
const LeastPolled = 3;
const AcknowledgedLift = 3;
const AcknowledgedShare = 0.2;
const PartnersNamed = 4;

const effects: Readonly<Record<LandmarkEffect, string>> = {
  interrupts: 'A PC has its interrupt logic there: an interrupt is acknowledged, masked or sent late.',
  time: 'A PC keeps time there: a timer starts late.',
  work: 'A write there can set a device to work: it starts late, and so does its interrupt.',
  map: 'A write there can change what memory shows: what follows would still meet the old map.',
  delay: 'The write is made for the time that it takes: queued, it takes none.',
  reset: 'A write there can reset the machine, late.',
};

/** Weighs what the recording shows against what the machine knows of itself. */
export function judge(
  candidate: Candidate,
  evidence: Evidence,
  shapes: readonly WriteShape[],
  machine: Machine,
): Judgement {
  const against = [
    ...machineReasons(candidate, shapes, machine),
    ...landmarkReasons(candidate, machine),
    ...recordingReasons(candidate, evidence),
  ];
  const partners = partnersOf(candidate, evidence);
  const flush = partnerReasons(partners);
  const caution = candidate.writes < FewWrites ? ['So few writes prove nothing.'] : [];
  const verdict = against.length > 0 ? 'unsound' : flush.length > 0 ? 'flush' : 'sound';
  const praise =
    verdict === 'sound' && evidence.readBack === 0
      ? ['Nothing in the recording depends on when these writes arrive.']
      : [];
  return { verdict, reasons: [...against, ...flush, ...praise, ...readBackReasons(evidence), ...caution], partners };
}

/** Reads of the same device at other addresses, each address once. */
function partnersOf({ start, size }: Candidate, { followers }: Evidence): FollowerReport[] {
  const partners = new Map<number, FollowerReport>();
  for (const follower of followers) {
    const { address } = follower;
    if (!follower.sameDevice || (address >= start && address < start + size)) continue;
    const known = partners.get(address);
    const depends = follower.depends || known?.depends === true;
    partners.set(address, { ...(known ?? follower), count: (known?.count ?? 0) + follower.count, depends });
  }
  return [...partners.values()].sort((a, b) => b.count - a.count);
}

/** What the machine knows because it models the device. */
function machineReasons(candidate: Candidate, shapes: readonly WriteShape[], machine: Machine): string[] {
  const { region } = candidate;
  if (region === undefined) return [];
  const id = region.owner?.id ?? '';
  const own = candidate.shapes.map((index) => shapes[index]!);
  const sum = (count: (shape: WriteShape) => number) => own.reduce((total, shape) => total + count(shape), 0);
  const [map, pins, timers] = [sum((s) => s.mapMoves), sum((s) => s.pinMoves), sum((s) => s.timerMoves)];
  const reasons: string[] = [];
  if (interruptControllers(machine).includes(id)) {
    reasons.push(`'${id}' is the interrupt controller: an interrupt is acknowledged or masked late.`);
  }
  if (map > 0)
    reasons.push(`Such a write moved the memory map ${times(map)}: what follows would still meet the old one.`);
  if (pins > 0) reasons.push(`Such a write moved an interrupt line of '${id}' ${times(pins)}: it would move late.`);
  if (timers > 0) reasons.push(`Such a write moved a timer of the machine ${times(timers)}: it would start late.`);
  if (region.ioeventfds.length > 0) {
    reasons.push(`'${region.name}' has an ioeventfd: its consumer does not wait for queued writes elsewhere.`);
  }
  return reasons;
}

/** Interrupt logic is where it is on every PC; for all else a device that the machine has speaks for itself. */
function landmarkReasons({ isPort, start, region }: Candidate, machine: Machine): string[] {
  const effect = landmarkAt(isPort, start)?.effect;
  if (effect === undefined) return [];
  if (region === undefined) return [effects[effect]];
  return effect !== 'interrupts' || interruptControllers(machine).includes(region.owner?.id ?? '')
    ? []
    : [effects[effect]];
}

const interruptControllers = ({ definition }: Machine): readonly string[] =>
  [definition.interruptController ?? []].flat();

function recordingReasons(candidate: Candidate, evidence: Evidence): string[] {
  const { followers, polled, acknowledged, acknowledgedByChance } = evidence;
  const reasons: string[] = [];
  for (const follower of followers.filter(({ sameDevice, depends }) => depends && !sameDevice).slice(0, 2)) {
    reasons.push(`Reads of ${whereOf(follower)} (${count(follower.count)}) seem to depend on what was written here.`);
  }
  if (polled >= LeastPolled && polled >= candidate.writes * PolledShare) {
    reasons.push(
      `After ${count(polled)} of the writes the guest read one place over and over: it waited for an answer.`,
    );
  }
  const unlikely = acknowledged >= Math.max(FewWrites / 2, acknowledgedByChance * AcknowledgedLift);
  if (unlikely && acknowledged >= candidate.writes * AcknowledgedShare) {
    reasons.push(`Right after ${count(acknowledged)} of the writes the guest acknowledged an interrupt.`);
  }
  return reasons;
}

function partnerReasons(partners: readonly FollowerReport[]): string[] {
  if (partners.length === 0) return [];
  const named = partners.map(
    (partner) => `${whereOf(partner)} (${count(partner.count)}${partner.depends ? ', depends' : ''})`,
  );
  const more = partners.length > PartnersNamed ? `, and ${partners.length - PartnersNamed} more` : '';
  return [`Reads of the same device follow and must deliver the queue first: ${named.join(', ')}${more}.`];
}

function readBackReasons({ readBack, echoed }: Evidence): string[] {
  if (readBack === 0) return [];
  const echo = echoed === readBack ? 'always' : echoed === 0 ? 'never' : times(echoed);
  return [`Read back ${times(readBack)}, ${echo} with what was written last: its region delivers the queue by itself.`];
}

/** `port 0x3fd`, `0xfed000f0`, with the region if the machine has one. */
export function whereOf(place: Pick<FollowerReport, 'isPort' | 'address' | 'region'>): string {
  const where = `${place.isPort ? 'port ' : ''}${hex(place.address)}`;
  return place.region === undefined ? where : `${where} '${place.region.name}'`;
}

const count = (value: number) => value.toLocaleString('en-US');
const times = (value: number) => (value === 1 ? 'once' : `${count(value)} times`);
