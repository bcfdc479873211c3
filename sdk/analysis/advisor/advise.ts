import type { RecordedTrace } from '../../accelerator/index.ts';
import { BackplaneError } from '../../base/errors.ts';
import { ResetController } from '../../bus/index.ts';
import { VirtualClock } from '../../clock/index.ts';
import type { Machine, MachineDefinition } from '../../machine/index.ts';
import type { MemoryRegion } from '../../memory/index.ts';
import type { ReplaySetup } from '../replay.ts';
import { type Candidate, candidatesOf } from './candidates.ts';
import { declarationOf, signalDeclarationOf, withSuggestion } from './changes.ts';
import { type ObservedReplay, observeReplay } from './observation.ts';
import { ioMapEntryAt } from './pc-io-map.ts';
import { predict } from './prediction.ts';
import { judgeSignal, type SignalCandidate, signalCandidateOf, valuesOf } from './signals.ts';
import { type Advice, type CheckRange, mayWait, mustNotWait, type Prediction, type Suggestion } from './suggestion.ts';
import { type Judgement, judge, otherReaders, ownerIn } from './verdict.ts';
import type { WriteEffects } from './write-effects.ts';

export interface AdviseOptions {
  /** Called before each place that is tried on the whole recording. */
  readonly onProgress?: (tried: number, total: number) => void;
  /** Runs a device by itself, with a range coalesced and without. Without it no device is run. */
  readonly check?: CheckRange;
}

/** For all writes of a recording outside of coalesced zones: what coalescing them would save. */
export function advise(trace: RecordedTrace, setup: ReplaySetup, { onProgress, check }: AdviseOptions = {}): Advice {
  const observed = observeReplay(trace, setup);
  const { machine, statistics } = observed.replay;
  const today = predict(observed);
  if (today.userspaceExits !== statistics.userspaceExits) throw unpredictable(setup.definition, today, statistics);
  const { tried, untried } = candidatesOf(observed);
  const candidates = tried.filter((candidate) => isFree(machine, candidate));
  const ioeventfds: Suggestion[] = [];
  let runs = 0;
  const coalesce = candidates.map((candidate, index) => {
    onProgress?.(index, candidates.length);
    const range = rangeOf(observed, candidate);
    const judgement = judge(candidate, observed.targets, machine, (plugged) =>
      ++runs > MostRuns ? undefined : check?.(plugged, range),
    );
    const signal = signalCandidateOf(observed, candidate);
    if (signal !== undefined)
      ioeventfds.push(predicted(observed, setup, suggestSignal(signal, judgement, machine), candidate));
    return predicted(observed, setup, suggest(candidate, judgement, machine), candidate);
  });
  return {
    recording: trace.name,
    machine: machine.definition.name,
    accesses: trace.length,
    today,
    coalesce: coalesce.filter(({ saved }) => saved > 0).sort(bestFirst),
    ioeventfds: ioeventfds.filter(({ saved }) => saved > 0).sort(bestFirst),
    untried,
    unreachable: observed.targets.reduce((sum, { whole, writes }) => sum + (whole ? 0 : writes), 0),
  };
}

const MostValues = 16;
/** Each takes about a second. Those with the most writes are run. */
const MostRuns = 64;

function rangeOf(observed: ObservedReplay, candidate: Candidate) {
  const { region, start, offset, size } = candidate;
  const { machine } = observed.replay;
  const values = valuesOf(observed, candidate).slice(0, MostValues);
  const flushes = otherReaders(region, machine).map(({ name }) => name);
  const addresses = addressesOf(ownerIn(machine, region)?.regions ?? [], machine);
  if (region !== undefined) addresses.set(region.name, start - offset);
  return { region: region?.name ?? '', offset, size, flushes, values: values.map(([value]) => value), addresses };
}

/** Where regions show at the end of the recording, if they do. */
function addressesOf(regions: readonly MemoryRegion[], { io, memory }: Machine): Map<string, number> {
  const shown = [...io.flatView.ranges, ...memory.flatView.ranges].filter((range) => regions.includes(range.region));
  return new Map(shown.map(({ region, delta }) => [region.name, -delta]));
}

const rank = ({ verdict }: Suggestion): number => (mayWait(verdict) ? 0 : mustNotWait(verdict) ? 2 : 1);

/** Sound suggestions first, then unknown ones, then unsound ones. Within each, the most saved, then the narrower range. */
function bestFirst(a: Suggestion, b: Suggestion): number {
  return rank(a) - rank(b) || b.saved - a.saved || a.size - b.size || a.start - b.start;
}

type Unpredicted = Omit<Suggestion, 'prediction' | 'saved'>;

function suggest(candidate: Candidate, judgement: Judgement, machine: Machine): Unpredicted {
  const { verdict, reasons, check, effects } = judgement;
  const declaration = mustNotWait(verdict) ? '' : declarationOf(candidate, judgement, machine);
  const suggestion = { ...placeOf(candidate, effects), writes: candidate.writes, verdict, reasons, declaration };
  return { kind: 'coalesce', ...suggestion, ...(check === undefined ? {} : { check }) };
}

function suggestSignal(signal: SignalCandidate, judgement: Judgement, machine: Machine): Unpredicted {
  const { candidate, match, writes } = signal;
  const { verdict, reasons } = judgeSignal(signal, judgement);
  const declaration = mustNotWait(verdict) ? '' : signalDeclarationOf(signal, machine);
  return { kind: 'ioeventfd', ...placeOf(candidate, judgement.effects), match, writes, verdict, reasons, declaration };
}

/**
 * KVM's rules alone predict writes that have no effect on exits. Writes that may move a timer or the map are
 * delivered late. For them the recording is replayed on a machine with the zone in force.
 */
function predicted(
  observed: ObservedReplay,
  setup: ReplaySetup,
  suggestion: Unpredicted,
  candidate: Candidate,
): Suggestion {
  const targets = new Uint8Array(observed.targets.length);
  for (const index of candidate.targets) targets[index] = 1;
  const { match } = suggestion;
  const { replay } = observed;
  const taken = { targets, ...(match === undefined ? {} : { match }) };
  let prediction: Prediction;
  if (hasEffects(observed, candidate)) {
    const definition = withSuggestion(setup.definition, suggestion);
    const { trace, outcome, timer, splits, replay } = observeReplay(observed.trace, { ...setup, definition });
    replay.machine.dispose();
    prediction = predict({ ...observed, trace, outcome, timer, splits }, { ...taken, by: 'already' });
  } else prediction = predict(observed, { ...taken, by: suggestion.kind === 'coalesce' ? 'zone' : 'ioeventfd' });
  return { ...suggestion, prediction, saved: replay.statistics.userspaceExits - prediction.userspaceExits };
}

/** The writes moved the map, or go to a device that keeps time or can reset the machine. */
function hasEffects({ targets, replay }: ObservedReplay, { targets: own, region }: Candidate): boolean {
  if (region === undefined) return false;
  const plugged = replay.machine.devices.find(({ device }) => device === region.owner);
  const services: readonly unknown[] = plugged?.metadata.injections.map(({ token }) => token) ?? [];
  return (
    services.includes(VirtualClock) ||
    services.includes(ResetController) ||
    own.some((index) => targets[index]!.mapMoves > 0 || targets[index]!.timerMoves > 0)
  );
}

function placeOf({ isPort, start, size, region, offset }: Candidate, { bad, harmless, unknown }: WriteEffects) {
  const place = { isPort, start, size, offset };
  if (region?.owner !== undefined) return { ...place, device: region.owner.id, region: region.name, what: region.name };
  const names = [...new Set([...harmless.values(), ...bad.values()].flat())];
  const known = ioMapEntryAt(isPort, start)?.name ?? 'not modelled';
  return { ...place, what: unknown || names.length === 0 ? known : commonName(names) };
}

/** `VGA CRT` of `VGA CRT index` and `VGA CRT data`; of names that begin otherwise the first, and how many more. */
function commonName(names: readonly string[]): string {
  const [first = '', ...others] = names;
  const words = first.split(' ');
  let same = words.length;
  const begin = (name: string) => name.replaceAll(',', '').split(' ').slice(0, same).join(' ');
  while (same > 0 && !others.every((name) => begin(name) === begin(first))) same--;
  return same > 0 ? words.slice(0, same).join(' ').replace(/,$/, '') : `${first} and ${others.length} more`;
}

/** A range outside of all devices must not cover a device or RAM. */
function isFree(machine: Machine, { isPort, start, size, region }: Candidate): boolean {
  if (region !== undefined) return true;
  return (isPort ? machine.io : machine.memory).flatView.ranges.every(
    (range) =>
      (range.region.owner === undefined && range.region.ram === undefined) ||
      range.start + range.size <= start ||
      start + size <= range.start,
  );
}

function unpredictable(
  definition: MachineDefinition,
  today: Prediction,
  { userspaceExits }: { readonly userspaceExits: number },
): BackplaneError {
  return new BackplaneError(
    'unpredictable-recording',
    `the recording cannot be predicted on '${definition.name}': by KVM's rules it has ${today.userspaceExits} userspace exits, ` +
      `and its replay has ${userspaceExits}. Replay with drain=every-exit a recording that neither resets nor halts the machine in its middle.`,
  );
}
