import { ringBuffer } from 'backplane/backend';
import { describe, expect, it } from 'vitest';
import { simulatedAccelerator, TraceParser } from '../../sdk/accelerator/index.ts';
import { defineMachine, isaIrq, use } from '../../sdk/index.ts';
import { recordRun } from '../../sdk/recording/recorder.ts';
import { replayRun } from '../../sdk/recording/replay.ts';
import { type GuestProgram, guestProgram, Machine, type RunOutcome } from '../../sdk/runtime.ts';
import { Line } from '../backend/uart.ts';
import { isapc } from '../small-machines.ts';

const board = defineMachine({
  ...isapc,
  name: 'line',
  devices: [...isapc.devices, use(Line, { options: { chardev: 'c0' }, interrupts: { irq: isaIrq(10) } })],
});

/** What a run does between two of its slices: bytes arrive, or nothing does. */
type Slice = readonly [operations: number, time: number, bytes?: string];

/** Records a run of these slices, paused behind the last one unless it has ended, and replays it. */
function replayOf(guest: GuestProgram, slices: readonly Slice[]) {
  const ring = ringBuffer({ id: 'c0' });
  const accelerator = simulatedAccelerator();
  const machine = Machine.create(board, { defaults: false, accelerator, backends: [ring] });
  const lines: string[] = [];
  const recording = recordRun(machine, guest, { write: (text) => lines.push(text) });
  accelerator.load(recording.guests);
  accelerator.begin();
  let outcome: RunOutcome | undefined;
  for (const [operations, time, bytes = ''] of slices) {
    if (outcome !== undefined) break;
    const end = accelerator.runSlice({ operations, time, waits: true });
    if (typeof end === 'string') ring.send(bytes);
    else outcome = end;
  }
  if (outcome === undefined) accelerator.pause();
  const end = outcome ?? accelerator.runSlice({ operations: 1 });
  if (typeof end === 'string') throw new Error(`It goes on: ${end}.`);
  recording.end(end);
  const parser = new TraceParser('ends');
  parser.push(new TextEncoder().encode(lines.join('')));
  const arrivals = lines.filter((line) => / IN /.test(line)).length;
  return {
    recorded: end,
    operations: accelerator.operations,
    arrivals,
    replay: replayRun(parser.end(), { definition: board }),
  };
}

function expectRepeated({ recorded, operations, arrivals, replay }: ReturnType<typeof replayOf>): void {
  expect(replay.outcome.reason).toBe(recorded.reason);
  expect(replay.machine.accelerator).toMatchObject({ operations });
  expect(replay).toMatchObject({ arrivals: { delivered: arrivals, left: 0 }, differences: [], endsAlike: true });
}

const Millisecond = 1_000_000;

const reader = guestProgram('reader', function* (guest) {
  for (let round = 0; round < 3; round++) yield* guest.in8(0x3f8);
});

/** Sleeps until the clock's next second, does something, and sleeps on. */
const sleeper = guestProgram('sleeper', function* (guest) {
  for (const base of [0x20, 0xa0]) {
    yield* guest.out8(base, 0x11);
    yield* guest.out8(base + 1, base === 0x20 ? 0x20 : 0x28);
    yield* guest.out8(base + 1, base === 0x20 ? 4 : 2);
    yield* guest.out8(base + 1, 1);
  }
  yield* guest.out8(0x21, 0xfb);
  yield* guest.out8(0xa1, 0xfa);
  // An interrupt with each update of the clock.
  yield* guest.out8(0x70, 0x0b);
  yield* guest.out8(0x71, 0x12);
  for (const vector of [0x28, 0x2a])
    guest.onInterrupt(vector, function* () {
      if (vector === 0x2a) yield* guest.in8(0x3f8);
      yield* guest.out8(0x70, 0x0c);
      yield* guest.in8(0x71);
      yield* guest.out8(0xa0, 0x20);
      yield* guest.out8(0x20, 0x20);
    });
  for (;;) {
    yield* guest.sti();
    yield* guest.hlt();
  }
});

describe('what comes from outside at the end of a recorded run', () => {
  it('is replayed where the run is paused before its first operation', () => {
    const run = replayOf(reader, [
      [1, 0, 'a'],
      [1, 0, 'b'],
      [1, 0],
    ]);
    expect(run).toMatchObject({ operations: 0, arrivals: 2 });
    expectRepeated(run);
  });

  it('is replayed where the guest has done its last operation, and has not finished', () => {
    const run = replayOf(reader, [
      [3, 10 * Millisecond, 'a'],
      [1, 0, 'b'],
      [1, 10 * Millisecond],
    ]);
    expect(run).toMatchObject({ recorded: { reason: 'finished' }, operations: 3, arrivals: 2 });
    expectRepeated(run);
  });

  it('is replayed where a guest sleeps that nothing else wakes, and is paused in its sleep', () => {
    const asleep = guestProgram('asleep', function* (guest) {
      for (const mask of [0x21, 0xa1]) yield* guest.out8(mask, 0xff);
      yield* guest.sti();
      yield* guest.hlt();
    });
    const run = replayOf(asleep, [
      [10, 300 * Millisecond, 'a'],
      [10, 0, 'b'],
      [10, 400 * Millisecond, 'c'],
    ]);
    expect(run).toMatchObject({ recorded: { reason: 'paused' }, operations: 4, arrivals: 2 });
    expectRepeated(run);
  });

  it('is replayed behind long sleeps that timers end', () => {
    const run = replayOf(sleeper, [
      [1000, 1500 * Millisecond],
      [1000, 1600 * Millisecond, 'a'],
      [1000, 700 * Millisecond, 'b'],
      [1000, 0],
    ]);
    expect(run).toMatchObject({ recorded: { reason: 'paused' }, arrivals: 2 });
    expect(run.operations).toBeGreaterThan(25);
    expectRepeated(run);
  });
});
