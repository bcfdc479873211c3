import { count, hex, times } from '../base/text.ts';
import type { Machine } from '../machine/index.ts';
import type { MemoryRegion } from '../memory/index.ts';
import type { Candidate } from './advise-candidates.ts';
import type { Evidence, FollowerReport } from './advise-evidence.ts';
import type { WriteShape } from './advise-shapes.ts';
import type { BadEffect } from './pc-landmarks.ts';
import { type HarmlessEffect, type WriteEffects, writeEffectsOf } from './write-effects.ts';

/**
 * sound: the write does nothing by itself, and no read depends on it. flush: it does nothing by itself, and reads must deliver what
 * is queued first. unknown: nothing speaks against it, and what the write does is not known. unsound: something would notice that the
 * write came late.
 */
export type AdviceVerdict = 'sound' | 'flush' | 'unknown' | 'unsound';

export interface Judgement {
  readonly verdict: AdviceVerdict;
  /** Why, in sentences: what speaks against it first. */
  readonly reasons: readonly string[];
  /** What speaks against it, beside what the write does by itself. */
  readonly against: readonly string[];
  readonly effects: WriteEffects;
  /** Reads that must deliver what is queued before they are answered. */
  readonly partners: readonly FollowerReport[];
}

const FewWrites = 16;
const PolledShare = 0.05;
const LeastPolled = 3;
const QuietShare = 0.5;
const AcknowledgedLift = 3;
const AcknowledgedShare = 0.2;
const PartnersNamed = 4;

const late: Readonly<Record<BadEffect, string>> = {
  interrupts: 'An interrupt would be raised, masked or acknowledged late.',
  time: 'A timer would start or stop late.',
  work: 'A write can set the device to work: it would start late, and so would its interrupt.',
  map: 'A write can change what addresses lead to: what follows would still meet the old map.',
  delay: 'The write is made for the time that it takes: queued, it takes none.',
  reset: 'The machine would reset, sleep or stop late.',
  transmit: 'What goes out would go out late, and so would the interrupt that says so.',
};

const harmless: Readonly<Record<HarmlessEffect, string>> = {
  keeps: 'A write is only kept, for a later access.',
  picture: 'A write only changes the picture, and people see it a moment late.',
  log: 'What is written only goes to a log. What is queued when the machine dies is not in it.',
};

/** Weighs what is known of such writes, what the machine knows of itself, and what the recording shows. */
export function judge(
  candidate: Candidate,
  evidence: Evidence,
  shapes: readonly WriteShape[],
  machine: Machine,
): Judgement {
  const effects = writeEffectsOf(candidate, shapes, machine);
  const ofMachine = machineReasons(candidate, shapes, machine);
  const ofRecording = recordingReasons(candidate, evidence);
  const isController = interruptControllers(machine).includes(candidate.region?.owner?.id ?? '');
  const bad = lateSentences(candidate, effects, isController ? 'interrupts' : undefined);
  const against = [...ofMachine, ...ofRecording];
  const partners = partnersOf(candidate, evidence);
  const mayShow = partners.length > 0 || otherReaders(candidate.region, machine).length > 0;
  const verdict = against.length + bad.length > 0 ? 'unsound' : verdictOf(candidate, evidence, effects, mayShow);
  const caution = verdict !== 'sound' && verdict !== 'flush' && candidate.writes < FewWrites;
  const reasons = [
    ...ofMachine,
    ...bad,
    ...ofRecording,
    ...(verdict === 'unknown' ? unknownReasons(candidate, evidence, machine) : []),
    ...(verdict === 'unsound'
      ? []
      : [...sentences(candidate, effects, effects.harmless, harmless), ...showReasons(effects)]),
    ...partnerReasons(partners),
    ...readBackReasons(evidence),
    ...(caution ? ['So few writes prove nothing.'] : []),
  ];
  return { verdict, reasons, against, effects, partners };
}

function verdictOf(
  { start, size }: Candidate,
  { readBack }: Evidence,
  { unknown, harmless: kinds, partners }: WriteEffects,
  mayShow: boolean,
): AdviceVerdict {
  if (unknown) return 'unknown';
  const isLog = kinds.size === 1 && kinds.has('log');
  const isShown = partners.some(([first, last]) => first < start || last >= start + size);
  return mayShow || isShown || (readBack > 0 && !isLog) ? 'flush' : 'sound';
}

/** What would come late, a sentence for each effect but one. */
export function lateSentences(candidate: Candidate, effects: WriteEffects, except?: BadEffect): string[] {
  const bad = new Map([...effects.bad].filter(([effect]) => effect !== except));
  return sentences(candidate, effects, bad, late);
}

/** Says whose effect it is where the candidate's own name does not. */
function sentences<Effect extends string>(
  { region }: Candidate,
  { bad, harmless: others }: WriteEffects,
  found: ReadonlyMap<Effect, readonly string[]>,
  texts: Readonly<Record<Effect, string>>,
): string[] {
  const all = new Set([...bad.values(), ...others.values()].flat());
  const isTold = region === undefined && all.size === 1;
  return [...found].map(([effect, names]) => (isTold ? texts[effect] : `${texts[effect]} (${listed(names)})`));
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

/** What nobody can see in a recording, and what hints at it all the same. */
function unknownReasons({ region, writes }: Candidate, { quiet }: Evidence, machine: Machine): string[] {
  const plugged = machine.devices.find(({ device }) => device === region?.owner);
  const who =
    plugged === undefined
      ? 'Nobody is known here: what a write sets off is not in a recording.'
      : `What a write sets off is in the code of ${plugged.blueprint.deviceClass.name}: nothing of it showed in this recording.`;
  const hint = quiet >= FewWrites / 2 && quiet >= writes * QuietShare;
  return [
    `${who} It may wait only if it sends, starts and acknowledges nothing, and moves no interrupt line.`,
    ...(hint ? [`After ${count(quiet)} of the writes the guest was silent for 1 ms or more: perhaps it waited.`] : []),
  ];
}

function showReasons({ partners }: WriteEffects): string[] {
  if (partners.length === 0) return [];
  const ranges = partners.map(([first, last]) => (first === last ? hex(first) : `${hex(first)}-${hex(last)}`));
  return [`Reads of ${listed(ranges)} show it: one region for all of them delivers the queue by itself.`];
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
function whereOf(place: Pick<FollowerReport, 'isPort' | 'address' | 'region'>): string {
  const where = `${place.isPort ? 'port ' : ''}${hex(place.address)}`;
  return place.region === undefined ? where : `${where} '${place.region.name}'`;
}

/** Regions of the same device that can be read, and do not deliver the queue yet. */
export function otherReaders(region: MemoryRegion | undefined, machine: Machine): MemoryRegion[] {
  const plugged = machine.devices.find(({ device }) => device === region?.owner);
  return (plugged?.regions ?? []).filter(
    (other) => other !== region && other.ops.reads.handlers.length > 0 && !other.flushCoalescedIo,
  );
}

const listed = (names: readonly string[]) =>
  names.length < 4 ? names.join(', ') : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`;
