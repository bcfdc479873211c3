import { simulatedAccelerator } from '../../../accelerator/index.ts';
import { SystemBus } from '../../../bus/index.ts';
import { MICROSECOND, MILLISECOND } from '../../../clock/index.ts';
import type { Device } from '../../../device/index.ts';
import type { AddressRange, CoalescedRange } from '../../../memory/index.ts';
import type { TestBench } from '../../bench/test-bench.ts';
import type { Random } from '../../random.ts';
import type { Finding } from '../check.ts';
import { difference, type Outcome, outcomeDifference, outcomeOf, threw } from '../differential.ts';
import { legalWidths } from '../layout.ts';
import { randomValue, selectionOf, writeStep } from '../random-script.ts';
import type { ScriptStep, Space } from '../script.ts';
import { asGuestProgram } from '../script-formats.ts';
import type { Check, Subject } from '../subject.ts';

interface Zone extends AddressRange {
  readonly space: Space;
}

/** What one run came to, with the moments at which pins changed. */
export interface CoalescedOutcome extends Outcome {
  readonly interrupts: string;
}

/** Guest time between a queued write and the read that follows it: what the write started ends meanwhile. */
const Pauses = [1 * MICROSECOND, 100 * MICROSECOND, 1 * MILLISECOND, 100 * MILLISECOND];

type Drain = 'every-exit' | 'on-access';
const PageSize = 0x1000;
/** What a program can do on a bench, which has no bridge to configuration space. */
const GuestCode: readonly ScriptStep['kind'][] = ['read', 'write', 'wait'];
/** Nothing takes time but waiting: otherwise the two runs would differ because one has fewer exits. */
const Timeless = { costs: { kernel: 0, userspace: 0 }, plainCost: 0 } as const;

/** A late delivery of queued writes changes no value, no interrupt and no final state that a guest sees. */
export const coalescedEqualsUncoalesced: Check = {
  name: 'with its writes coalesced it answers and ends as without',
  applies: ({ metadata }) => metadata.regions.some(({ coalesced }) => coalesced.length > 0),
  find(subject) {
    return findDifference(subject, this.name);
  },
};

/** A range that no class declares, and the names of the regions that deliver its queue. */
export interface AddedRange extends CoalescedRange {
  readonly region: string;
  readonly flushes: readonly string[];
}

/** Compares a device with its coalesced ranges, `added` among them, with the same device without any. */
export function findDifference(subject: Subject, check: string, added?: AddedRange): Finding | undefined {
  return subject.search(check, scriptsFor(subject, added), (script) => {
    const plain = outcome(subject, script, undefined);
    const queued = (drain: Drain) => outcome(subject, script, drain, added);
    return (
      compare(script, plain, queued('every-exit'), 'every exit drains the queue') ??
      compare(script, plain, queued('on-access'), 'only flushing regions drain the queue')
    );
  });
}

/** Programs with many writes to coalesced ranges, each followed by a read. */
export function scriptsFor(subject: Subject, added?: AddedRange): (random: Random) => ScriptStep[] {
  const zones = zonesOf(subject, added);
  return (random) =>
    withLooks(subject, zones, random).filter((step) => GuestCode.includes(step.kind) && !halfCoalesced(step, zones));
}

function addRange(bench: TestBench<Device>, { region: name, offset, size, flushes }: AddedRange): void {
  for (const { template } of bench.device.metadata.regions) {
    const region = bench.device.region(template);
    if (flushes.includes(region.name)) region.setFlushCoalescedIo();
    if (region.name === name) region.replaceCoalescedIo({ offset, size });
  }
}

function compare(
  script: readonly ScriptStep[],
  plain: CoalescedOutcome,
  queued: CoalescedOutcome,
  how: string,
): string | undefined {
  const names = ['without coalescing', `with it, where ${how}`] as const;
  const found =
    plain.interrupts === queued.interrupts
      ? outcomeDifference(script, plain, queued, names)
      : (difference(script, plain.answers, queued.answers, names) ??
        `interrupts are ${plain.interrupts} ${names[0]}, and ${queued.interrupts} ${names[1]}.`);
  return (
    found && `${found} A write that has an effect of its own must not wait; what its effect is read from must flush.`
  );
}

/** Runs the script as a guest program, with or without coalescing. */
export function outcome(
  subject: Subject,
  script: readonly ScriptStep[],
  drain: Drain | undefined,
  added?: AddedRange,
): CoalescedOutcome {
  const accelerator = simulatedAccelerator({
    coalescedMmio: drain !== undefined,
    coalescedPio: drain !== undefined,
    drain: drain ?? 'every-exit',
    ...Timeless,
  });
  const bench = subject.bench({ allocateRam: (size, name) => accelerator.allocateRam(size, name) });
  if (added !== undefined) addRange(bench, added);
  const { clock, memory, io } = bench;
  const { topology } = bench.service(SystemBus);
  const answers: (string | undefined)[] = script.map(() => undefined);
  accelerator.attach({ topology, memory, io, clock, reset: () => bench.reset() });
  accelerator.load([asGuestProgram(script, answers)]);
  try {
    accelerator.run();
    accelerator.settle();
  } catch (error) {
    answers[script.length - 1] = threw(error);
  }
  const recorders = bench.interrupts as Readonly<Record<string, { changes: readonly object[] }>>;
  const interrupts = Object.entries(recorders).map(([name, { changes }]) => `${name} ${JSON.stringify(changes)}`);
  const result = { ...outcomeOf(bench, answers), interrupts: interrupts.join(', ') };
  accelerator.detach();
  return result;
}

/** A random program with writes to coalesced ranges, and reads of other places right afterwards. */
function withLooks(subject: Subject, zones: readonly Zone[], random: Random): ScriptStep[] {
  const { targets } = subject.layout;
  const waiting = targets.filter((target) =>
    legalWidths(target.region, target.offset).some((size) => waits(zones, target, target.address + size)),
  );
  const others = targets.filter((target) => !waiting.some(({ region }) => region === target.region));
  return subject.script(random).flatMap((step): ScriptStep[] => {
    if (waiting.length === 0 || !random.oneIn(5)) return [step];
    const first = random.pick(waiting);
    const width =
      legalWidths(first.region, first.offset).find((size) => waits(zones, first, first.address + size)) ?? 1;
    const value = randomValue(random, width, first, subject.values);
    const { space, address, region, offset } = random.pick(others.length > 0 && !random.oneIn(4) ? others : targets);
    const size = legalWidths(region, offset)[0] ?? 1;
    const look: ScriptStep = { kind: 'read', space, address, size };
    const pause: ScriptStep[] = random.oneIn(2) ? [{ kind: 'wait', nanoseconds: random.pick(Pauses) }] : [];
    return [step, ...selectionOf(first), writeStep(first, 0, width, value), ...pause, look];
  });
}

function zonesOf({ metadata, layout }: Subject, added?: AddedRange): Zone[] {
  return layout.regions.flatMap(({ region, space, address }) => {
    const more = added?.region === region.name ? [added] : [];
    const ranges = [...(metadata.region(region)?.coalesced ?? []), ...more];
    return ranges.map(({ offset, size }) => ({ space, start: address + offset, size }));
  });
}

/** A store over a page boundary is two accesses. If only one is queued, their order is not defined. */
function halfCoalesced(step: ScriptStep, zones: readonly Zone[]): boolean {
  if (step.kind !== 'write' || step.space !== 'memory') return false;
  const end = step.address + step.size;
  const boundary = Math.ceil((step.address + 1) / PageSize) * PageSize;
  if (end <= boundary) return false;
  return waits(zones, step, boundary) !== waits(zones, { ...step, address: boundary }, end);
}

/** Whether the access from its address up to `end` lies in one zone. */
function waits(zones: readonly Zone[], { space, address }: { space: Space; address: number }, end: number): boolean {
  return zones.some((zone) => zone.space === space && zone.start <= address && end <= zone.start + zone.size);
}
