import type { RecordedTrace } from '../accelerator/index.ts';
import type { Machine, MachineDefinition } from '../machine/index.ts';
import { BackplaneError, type MemoryRegion } from '../memory/index.ts';
import { type Candidate, candidatesOf } from './advise-candidates.ts';
import { declarationOf, signalDeclarationOf } from './advise-declaration.ts';
import { type Evidence, gatherEvidence } from './advise-evidence.ts';
import { type ObservedReplay, observeReplay } from './advise-observation.ts';
import { type Prediction, predict } from './advise-prediction.ts';
import { judgeSignal, type SignalCandidate, signalCandidatesOf } from './advise-signals.ts';
import { type AdviceVerdict, type Judgement, judge } from './advise-verdict.ts';
import { landmarkAt } from './pc-landmarks.ts';
import type { ReplaySetup } from './replay.ts';

/** One range to coalesce, or one write to turn into a signal, and what comes of it. Plain data. */
export interface Suggestion {
  readonly kind: 'coalesce' | 'ioeventfd';
  readonly isPort: boolean;
  /** Guest addresses. */
  readonly start: number;
  readonly size: number;
  /** The device and the region that take the writes; absent where the machine models nobody. */
  readonly device?: string;
  readonly region?: string;
  /** In the region, or the address itself. */
  readonly offset: number;
  /** What it is, in a word or two. */
  readonly what: string;
  /** The value that an ioeventfd takes. */
  readonly match?: number;
  /** Writes that leave for userspace today. */
  readonly writes: number;
  readonly prediction: Prediction;
  /** Userspace exits that vanish: exactly this many. */
  readonly saved: number;
  readonly verdict: AdviceVerdict;
  readonly reasons: readonly string[];
  /** Ports and addresses whose reads must flush. */
  readonly flushPartners: readonly { readonly isPort: boolean; readonly address: number; readonly reads: number }[];
  /** What to paste into the device's file. */
  readonly declaration: string;
}

export interface Advice {
  readonly recording: string;
  readonly machine: string;
  readonly accesses: number;
  /** What the recording comes to on this machine as it is. */
  readonly today: Prediction;
  readonly coalesce: readonly Suggestion[];
  readonly ioeventfds: readonly Suggestion[];
  /** Writes that run over the end of what takes them: no zone can hold them. */
  readonly unreachable: number;
}

/** Says of everything that a recording writes outside of all zones what coalescing it would save. */
export function advise(trace: RecordedTrace, setup: ReplaySetup): Advice {
  const observed = observeReplay(trace, setup);
  const { machine, statistics } = observed.replay;
  const today = predict(observed);
  if (today.userspaceExits !== statistics.userspaceExits) throw unpredictable(setup.definition, today, statistics);
  const regionAt = (isPort: boolean, address: number) => ownedRegion(machine, isPort, address);
  const candidates = candidatesOf(observed).filter((candidate) => isFree(machine, candidate));
  const evidence = gatherEvidence(observed, candidates, regionAt);
  const coalesce = candidates.map((candidate, index) => {
    const judgement = judge(candidate, evidence[index]!, observed.shapes, machine);
    return suggest(observed, today, candidate, judgement, machine);
  });
  const ioeventfds = signalCandidatesOf(observed, candidates, evidence).map((signal) =>
    suggestSignal(observed, today, signal, evidence[candidates.indexOf(signal.candidate)]!, machine),
  );
  return {
    recording: trace.name,
    machine: machine.definition.name,
    accesses: trace.length,
    today,
    coalesce: coalesce.filter(({ saved }) => saved > 0).sort(bestFirst),
    ioeventfds: ioeventfds.filter(({ saved }) => saved > 0).sort(bestFirst),
    unreachable: observed.shapes.reduce((sum, { whole, writes }) => sum + (whole ? 0 : writes), 0),
  };
}

const rank: Readonly<Record<AdviceVerdict, number>> = { sound: 0, flush: 1, unsound: 2 };

/** What may be done before what may not, and there what saves most; of equals, the narrower range. */
function bestFirst(a: Suggestion, b: Suggestion): number {
  const unsound = Number(a.verdict === 'unsound') - Number(b.verdict === 'unsound');
  return unsound || b.saved - a.saved || rank[a.verdict] - rank[b.verdict] || a.size - b.size || a.start - b.start;
}

function suggest(
  observed: ObservedReplay,
  today: Prediction,
  candidate: Candidate,
  { verdict, reasons, partners }: Judgement,
  machine: Machine,
): Suggestion {
  const shapes = chosen(observed, candidate);
  const prediction = predict(observed, { shapes, by: 'zone' });
  return {
    kind: 'coalesce',
    ...placeOf(candidate),
    writes: candidate.writes,
    prediction,
    saved: today.userspaceExits - prediction.userspaceExits,
    verdict,
    reasons,
    flushPartners: partners.map(({ isPort, address, count }) => ({ isPort, address, reads: count })),
    declaration: declarationOf(candidate, partners, machine),
  };
}

function suggestSignal(
  observed: ObservedReplay,
  today: Prediction,
  signal: SignalCandidate,
  evidence: Evidence,
  machine: Machine,
): Suggestion {
  const { candidate, match, writes } = signal;
  const prediction = predict(observed, { shapes: chosen(observed, candidate), by: 'ioeventfd', match });
  return {
    kind: 'ioeventfd',
    ...placeOf(candidate),
    match,
    writes,
    prediction,
    saved: today.userspaceExits - prediction.userspaceExits,
    ...judgeSignal(signal, evidence, observed.shapes, machine),
    flushPartners: [],
    declaration: signalDeclarationOf(signal, machine),
  };
}

function chosen({ shapes }: ObservedReplay, candidate: Candidate): Uint8Array {
  const flags = new Uint8Array(shapes.length);
  for (const index of candidate.shapes) flags[index] = 1;
  return flags;
}

function placeOf({ isPort, start, size, region, offset }: Candidate) {
  const what = region?.owner === undefined ? landmarkAt(isPort, start)?.name : undefined;
  const owner = region?.owner === undefined ? {} : { device: region.owner.id, region: region.name };
  return { isPort, start, size, offset, ...owner, what: what ?? region?.name ?? 'not modelled' };
}

/** The region of a device at an address; undefined where the machine models nobody. */
function ownedRegion(machine: Machine, isPort: boolean, address: number): MemoryRegion | undefined {
  const region = (isPort ? machine.io : machine.memory).lookup(address)?.region;
  return region?.owner === undefined ? undefined : region;
}

/** Where the machine models nobody, a range must not cover what it does model. */
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
    `the recording cannot be predicted on '${definition.name}': by KVM's rules it has ${today.userspaceExits} userspace exits, ` +
      `and its replay has ${userspaceExits}. A machine that resets or halts in the middle of a recording is not covered.`,
  );
}
