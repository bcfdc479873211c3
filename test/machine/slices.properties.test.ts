import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readTrace } from '../../sdk/cli/replay/trace-file.ts';
import { MiB } from '../../sdk/index.ts';
import {
  type DrainPolicy,
  defineObserver,
  formatSnapshot,
  type GuestImage,
  Machine,
  type MachineEvent,
  type RunOptions,
  type RunOutcome,
  simulatedAccelerator,
  TraceGuest,
} from '../../sdk/runtime.ts';
import { times } from '../depth.ts';
import { pcI440fx } from '../small-machines.ts';
import { boards } from './snapshot/boards.ts';
import { programOf, SmallRam, stepsWith } from './snapshot/programs.ts';

type Run = (machine: Machine, guests: readonly GuestImage[], options: RunOptions) => RunOutcome;

const uncut: Run = (machine, guests, options) => machine.run(guests, { ...options, savable: true });

/** The lengths are used in turn. The most that can happen is a slice for each operation and each timer. */
const cutBy =
  (lengths: readonly number[]): Run =>
  ({ accelerator }, guests, options) => {
    accelerator.load(guests, { savable: true });
    accelerator.begin(options);
    for (let slice = 0; slice < 50_000; slice++) {
      const end = accelerator.runSlice({ operations: lengths[slice % lengths.length] as number });
      if (typeof end !== 'string') return end;
    }
    throw new Error('the run does not end');
  };

const lengths = fc.array(fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 300 })), {
  minLength: 1,
  maxLength: 8,
});

describe.each(boards.map((board) => [board.name, board] as const))('a run on a %s', (name, board) => {
  const scripts = fc.array(stepsWith(board.step), { minLength: 1, maxLength: 4 });
  const drains = fc.constantFrom<DrainPolicy>('every-exit', name === 'isapc' ? 'on-access' : 'every-exit');
  const limits = fc.record({
    operationLimit: fc.constantFrom(1500, 137),
    timerLimit: fc.constantFrom(5000, 40),
    progressEvery: fc.constantFrom(7, 100),
  });

  it('cut into slices has the outcome, the events, the times and the snapshot of the uncut run', () => {
    fc.assert(
      fc.property(scripts, lengths, drains, limits, fc.boolean(), (programs, slices, drain, options, observed) => {
        const [whole, cut] = [uncut, cutBy(slices)].map((run) => {
          const accelerator = simulatedAccelerator({ drain, kickAfter: 5_000_000, seed: programs.length });
          const machine = Machine.create(board.definition, { ram: SmallRam, accelerator });
          const events: MachineEvent[] = [];
          const observe = (event: MachineEvent) => events.push(event);
          const watch = defineObserver({ name: 'watch', start: () => ({ observe: (event) => void observe(event) }) });
          const unobserve = observed ? machine.observe(watch) : () => {};
          const progress: number[] = [];
          const guests = programs.map((script) => programOf(script, board.setup));
          const outcome = run(machine, guests, { ...options, onProgress: (done) => progress.push(done) });
          const { statistics } = machine.accelerator;
          const counts = { summary: statistics.summary(), ports: statistics.portRows() };
          const left = { outcome, progress, events, counts, queued: accelerator.queuedWrites, now: machine.clock.now };
          unobserve();
          const snapshot = formatSnapshot(machine.save());
          machine.dispose();
          return { left, snapshot };
        });
        expect(cut!.left).toEqual(whole!.left);
        expect(cut!.snapshot).toBe(whole!.snapshot);
      }),
      { numRuns: times(6, 12) },
    );
  });
});

describe('a recording', () => {
  it('that is played in slices has the counts, the times and the snapshot of one that is played at once', async () => {
    const file = new URL('../../examples/recordings/seabios-pc-tcg.iotrace.gz', import.meta.url);
    const trace = await readTrace(fileURLToPath(file), { name: 'boot' });
    const [whole, cut] = [uncut, cutBy([1, 700, 13, 64, 2500, 3])].map((run) => {
      const machine = Machine.create(pcI440fx, { ram: 16 * MiB });
      const outcome = run(machine, [new TraceGuest(trace)], { operationLimit: 20_000 });
      const summary = machine.accelerator.statistics.summary();
      const snapshot = formatSnapshot(machine.save());
      machine.dispose();
      return { outcome, summary, snapshot };
    });
    expect(cut!.outcome.operations).toBe(20_000);
    expect(cut).toEqual(whole);
  });
});
