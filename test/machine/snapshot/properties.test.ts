import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OperationKind } from '../../../sdk/accelerator/guest/operation.ts';
import type { MachineDefinition } from '../../../sdk/index.ts';
import {
  defineObserver,
  formatSnapshot,
  type GuestImage,
  Machine,
  type RecordedTrace,
  simulatedAccelerator,
  TraceGuest,
} from '../../../sdk/runtime.ts';
import { type Board, boards } from './boards.ts';
import { programOf, SmallRam, type Step, stepsWith } from './programs.ts';

/** Enough for every program here, and an end for one that a broken clock interrupts for ever. */
const Enough = 1500;
/** A guest that halts with its interrupts closed is given up after so many ticks of its clock. */
const timerLimit = 5000;

/** Where the machine is saved: behind so many operations, or in the middle of an access: an exit's, or a queued one's. */
type Point = { readonly after: 'operation' | 'access'; readonly count: number };

const point: fc.Arbitrary<Point> = fc.record({
  after: fc.constantFrom('operation', 'access'),
  count: fc.integer({ min: 1, max: 120 }),
});

function runTo({ after, count }: Point, machine: Machine, guests: readonly GuestImage[]): void {
  let seen = 0;
  const watcher = defineObserver({
    name: 'stops in the middle',
    start: () => ({ observe: ({ kind }) => void (kind === 'access' && ++seen === count && machine.pause()) }),
  });
  const off = after === 'access' ? machine.observe(watcher) : () => {};
  machine.run(guests, { operationLimit: after === 'operation' ? count : Enough, timerLimit, savable: true });
  off();
}

/**
 * Runs guests to a point, saves there, and goes on: in the machine that was saved, in a fresh one that has read the text of the
 * snapshot, and in a third one that was only drained. All must end in the same state, down to each counter.
 */
function goOn(definition: MachineDefinition, guests: () => readonly GuestImage[], where: Point, seed: number) {
  const create = () => Machine.create(definition, { ram: SmallRam, accelerator: simulatedAccelerator({ seed }) });
  const [machine, drained] = [create(), create()];
  for (const one of [machine, drained]) runTo(where, one, guests());
  drained.settle();
  const snapshot = machine.save();
  expect(machine.save()).toEqual(snapshot);
  const text = formatSnapshot(snapshot);
  const restored = Machine.restore(definition, JSON.parse(text), { guests: guests() });
  expect(formatSnapshot(restored.save())).toBe(text);
  return [machine, restored, drained].map((one) => {
    const { reason, message } = one.resume({ operationLimit: Enough, timerLimit });
    const end = { reason, message, saved: formatSnapshot(one.save()) };
    one.dispose();
    return end;
  });
}

const programsOf = ({ setup }: Board, scripts: readonly (readonly Step[])[]) => {
  const programs = scripts.map((script) => programOf(script, setup));
  return () => programs;
};

/** Accesses as somebody recorded them, some nanoseconds or some milliseconds apart. */
const recording = fc
  .array(
    fc.record({
      kind: fc.constantFrom(OperationKind.Out, OperationKind.In, OperationKind.Store, OperationKind.Load),
      port: fc.constantFrom(0x70, 0x71, 0x20, 0xcf8, 0xcfc, 0x402),
      address: fc.constantFrom(0xb_8000, 0xb_8ffe, 0xa_0fff, 0x2000, 0x2ffe),
      size: fc.constantFrom(1, 2, 4),
      value: fc.integer({ min: 0, max: 0xff }),
      gap: fc.constantFrom(0, 700, 5000, 90_000_000),
    }),
    { minLength: 2, maxLength: 60 },
  )
  .map((accesses): RecordedTrace => {
    let time = 0;
    const isPort = (kind: number) => kind === OperationKind.Out || kind === OperationKind.In;
    return {
      name: 'recorded',
      header: [],
      length: accesses.length,
      at: Float64Array.from(accesses, ({ gap }) => (time += gap)),
      kind: Uint8Array.from(accesses, ({ kind }) => kind),
      address: Float64Array.from(accesses, ({ kind, port, address }) => (isPort(kind) ? port : address)),
      size: Uint8Array.from(accesses, ({ size }) => size),
      value: Uint32Array.from(accesses, ({ value }) => value),
      valueHigh: new Uint32Array(accesses.length),
    };
  });

it.each<['ports' | 'memory' | undefined]>([[undefined], ['ports'], ['memory']])(
  'a machine saved in the middle of a recording goes on with it where it was: %s',
  (only) => {
    const [{ definition }] = boards as [Board];
    fc.assert(
      fc.property(recording, point, (trace, where) => {
        const options = only === undefined ? {} : { only };
        const [saved, restored, drained] = goOn(definition, () => [new TraceGuest(trace, options)], where, 0);
        expect(restored).toEqual(saved);
        expect(restored).toEqual(drained);
      }),
      { numRuns: 3 },
    );
  },
);

/** A PIC is sent to begin anew and gets no more than its vectors, and then a line stays high: the guest does nothing else any more. */
const storm: Step[] = [['out16', 0xa0, 0x4310], ['sti'], ['store32', 0xfe00_0060, 1]];

describe.each(boards.map((board) => [board.name, board] as const))('a %s with its cards', (_, board) => {
  const steps = stepsWith(board.step);

  it('saved anywhere and restored in a fresh machine ends as the one that was saved, and as one that was only drained', () => {
    fc.assert(
      fc.property(steps, point, (script, where) => {
        const [saved, restored, drained] = goOn(board.definition, programsOf(board, [script]), where, 0);
        expect(restored).toEqual(saved);
        expect(restored).toEqual(drained);
      }),
      { numRuns: 4, examples: [[storm, { after: 'operation', count: 1 }]] },
    );
  });

  it('so does one of several processors, whose turns go on as they would have', () => {
    fc.assert(
      fc.property(
        fc.array(steps, { minLength: 2, maxLength: 3 }),
        point,
        fc.integer({ min: 0, max: 1000 }),
        (scripts, where, seed) => {
          const [saved, restored, drained] = goOn(board.definition, programsOf(board, scripts), where, seed);
          expect(restored).toEqual(saved);
          expect(restored).toEqual(drained);
        },
      ),
      { numRuns: 2 },
    );
  });
});
