import { hex, times } from '../../base/text.ts';
import { controllerIds, type Machine, type PluggedDevice } from '../../machine/index.ts';
import type { MemoryRegion } from '../../memory/index.ts';
import type { Candidate } from './candidates.ts';
import type { WriteTarget } from './observation.ts';
import { type BadEffect, ioMapEntryAt } from './pc-io-map.ts';
import type { AdviceVerdict, RangeCheck } from './suggestion.ts';
import { type HarmlessEffect, type WriteEffects, writeEffectsOf } from './write-effects.ts';

export interface Judgement {
  readonly verdict: AdviceVerdict;
  /** Why, in sentences: what speaks against it first. */
  readonly reasons: readonly string[];
  /** What the replay and the machine say against it. */
  readonly against: readonly string[];
  readonly effects: WriteEffects;
  readonly check: RangeCheck | undefined;
}

/** What would come late, in words. */
export const lateEffects: Readonly<Record<BadEffect, string>> = {
  acknowledge:
    'A one that is written clears: what it clears stays up until the write is delivered, and the guest is interrupted again.',
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

/**
 * A modelled device is run on a bench, unless its declaration or the machine already rules the range out. What the replay saw counts
 * too, because a bench has no processor and no other device.
 */
export function judge(
  candidate: Candidate,
  targets: readonly WriteTarget[],
  machine: Machine,
  run: (plugged: PluggedDevice) => RangeCheck | undefined,
): Judgement {
  const effects = writeEffectsOf(candidate, targets, machine);
  const against = machineReasons(candidate, targets, machine);
  const isController = interruptControllers(machine).includes(candidate.region?.owner?.id ?? '');
  const bad = [...against, ...lateSentences(candidate, effects)];
  const plugged = ownerIn(machine, candidate.region);
  const isClear = isController || effects.bad.has('acknowledge');
  const check = plugged === undefined || isClear ? undefined : run(plugged);
  const ofCheck = plugged === undefined ? [] : checkReasons(plugged, check);
  const judged = (verdict: AdviceVerdict, ...reasons: readonly string[]) => ({
    verdict,
    reasons,
    against,
    effects,
    check,
  });
  if (check?.difference !== undefined) return judged('differs', ...bad, ...ofCheck);
  if (bad.length > 0) return judged('unsound', ...bad);
  const kept = [...sentences(candidate, effects, effects.harmless, harmless), ...showReasons(effects)];
  if (plugged !== undefined) {
    const isSame = check !== undefined && check.refused === undefined && check.unseen === undefined;
    return judged(isSame ? 'same' : 'not checked', ...ofCheck, ...(effects.unknown ? [onlyIf] : []), ...kept);
  }
  return effects.unknown ? judged('not modelled', unknownPlace(candidate), ...kept) : judged('waits', ...kept);
}

/** `20 scripts, seed 1, answer the same`. */
export const checkSentence = ({ scripts, seed }: RangeCheck): string =>
  `${scripts} scripts, seed ${seed}, answer the same`;

function checkReasons({ metadata }: PluggedDevice, check: RangeCheck | undefined): string[] {
  const { name } = metadata.deviceClass;
  if (check === undefined) return [`What a write sets off is in the code of ${name}, which was not run.`];
  if (check.refused !== undefined) return [`${name} cannot be run by itself: ${check.refused}`];
  if (check.difference !== undefined) return [`${name}, run with it and without: ${check.difference.message}`];
  const same = `${checkSentence(check)}, with it and without: ${name} by itself.`;
  if (check.unseen === undefined) return [same];
  return [
    same,
    `None of them shows what a write to ${listed(check.unseen)} does: a script without the write comes out the same.`,
  ];
}

function unknownPlace({ isPort, start }: Candidate): string {
  const name = ioMapEntryAt(isPort, start)?.name;
  const what =
    name === undefined
      ? 'What a PC has here is not known'
      : `A PC has its ${name} here, and what a write does depends on more`;
  return `${what}. ${onlyIf}`;
}

const onlyIf = 'It may wait only if it sends, starts and acknowledges nothing, and moves no interrupt line.';

/** What would come late, a sentence for each effect but one. */
export function lateSentences(candidate: Candidate, effects: WriteEffects, except?: BadEffect): string[] {
  const bad = new Map([...effects.bad].filter(([effect]) => effect !== except));
  return sentences(candidate, effects, bad, lateEffects);
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

/** What the machine knows because it models the device. */
function machineReasons(candidate: Candidate, targets: readonly WriteTarget[], machine: Machine): string[] {
  const { region, offset, size } = candidate;
  if (region === undefined) return [];
  const id = region.owner?.id ?? '';
  // A wider write to the same register counts too.
  const own = targets.filter(
    (one) => one.region === region && one.offset < offset + size && offset < one.offset + one.size,
  );
  const sum = (count: (target: WriteTarget) => number) => own.reduce((total, target) => total + count(target), 0);
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
  controllerIds(definition.interruptController);

function showReasons({ partners }: WriteEffects): string[] {
  if (partners.length === 0) return [];
  const ranges = partners.map(([first, last]) => (first === last ? hex(first) : `${hex(first)}-${hex(last)}`));
  return [`Reads of ${listed(ranges)} show it: one region for all of them delivers the queue by itself.`];
}

/** Regions of the same device that can be read, and do not deliver the queue yet. */
export function otherReaders(region: MemoryRegion | undefined, machine: Machine): MemoryRegion[] {
  return (ownerIn(machine, region)?.regions ?? []).filter(
    (other) => other !== region && other.ops.reads.handlers.length > 0 && !other.flushCoalescedIo,
  );
}

export const ownerIn = (machine: Machine, region: MemoryRegion | undefined): PluggedDevice | undefined =>
  region === undefined ? undefined : machine.devices.find(({ device }) => device === region.owner);

const listed = (names: readonly string[]) =>
  names.length < 4 ? names.join(', ') : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`;
