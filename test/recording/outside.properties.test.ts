// @module-tag slow
import { ringBuffer } from 'backplane/backend';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isapc } from '../../machines/index.ts';
import { TraceParser } from '../../sdk/accelerator/index.ts';
import { defineMachine, isaIrq, MiB, use } from '../../sdk/index.ts';
import { recordRun } from '../../sdk/recording/recorder.ts';
import { replayRun } from '../../sdk/recording/replay.ts';
import {
  type DrainPolicy,
  type GuestProgram,
  guestProgram,
  Machine,
  type RunOutcome,
  saveDevice,
  simulatedAccelerator,
} from '../../sdk/runtime.ts';
import { Line } from '../backend/uart.ts';

/** A line on an ISA machine. */
const board = defineMachine({
  ...isapc,
  name: 'lines',
  devices: [...isapc.devices, use(Line, { id: 'line0', options: { chardev: 'c0' }, interrupts: { irq: isaIrq(10) } })],
});

type Step = readonly [
  what: 'pause' | 'store' | 'index' | 'read' | 'hlt' | 'cli' | 'sti' | 'ins' | 'outs',
  value: number,
];

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(fc.constant('pause' as const), fc.integer({ min: 0, max: 3_000_000 })),
  fc.tuple(fc.constantFrom('store' as const, 'index' as const, 'read' as const), fc.integer({ min: 0, max: 255 })),
  fc.tuple(fc.constantFrom('hlt' as const, 'cli' as const, 'sti' as const), fc.constant(0)),
  fc.tuple(fc.constantFrom('ins' as const, 'outs' as const), fc.integer({ min: 0, max: 40 })),
);

const setup: readonly (readonly [port: number, value: number])[] = [
  ...[0x20, 0xa0].flatMap((base) => [
    [base, 0x11] as const,
    [base + 1, base === 0x20 ? 0x20 : 0x28] as const,
    [base + 1, base === 0x20 ? 4 : 2] as const,
    [base + 1, 1] as const,
  ]),
  [0x21, 0xfb],
  [0xa1, 0xfa],
  // The clock in binary, with periodic interrupts at 1024 Hz.
  [0x70, 0x0b],
  [0x71, 0x46],
];

function programOf(script: readonly Step[], isFirst: boolean): GuestProgram {
  return guestProgram(isFirst ? 'first' : 'other', function* (guest) {
    if (isFirst) {
      for (const [where, value] of setup) yield* guest.out8(where, value);
      for (let vector = 0; vector < 256; vector++)
        guest.onInterrupt(vector, function* () {
          if (vector === 0x28) {
            yield* guest.out8(0x70, 0x0c);
            yield* guest.in8(0x71);
          } else if (vector === 0x2a) yield* guest.out8(0x3f8, yield* guest.in8(0x3f8));
          yield* guest.out8(0xa0, 0x20);
          yield* guest.out8(0x20, 0x20);
        });
      yield* guest.sti();
    }
    for (const [what, value] of script) {
      if (what === 'pause') yield* guest.pause(value);
      else if (what === 'index') yield* guest.out8(0x70, value & 0x7f);
      else if (what === 'read') yield* guest.in8(value & 1 ? 0x3f9 : 0x71);
      else if (what === 'ins') yield* guest.repIns8(0x3f8, value, { destination: 0x7000 });
      else if (what === 'outs') yield* guest.repOuts8(0x3f8, new Uint8Array(value).fill(value));
      else if (!isFirst || what === 'store') yield* guest.store8(0x6000 + value, value & 0xff);
      else if (what === 'hlt') {
        yield* guest.sti();
        yield* guest.hlt();
      } else if (what === 'cli') yield* guest.cli();
      else yield* guest.sti();
    }
  });
}

const slices = fc.array(
  fc.record({
    operations: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 200 })),
    time: fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.integer({ min: 0, max: 2_000_000 })),
    bytes: fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 5 }),
  }),
  { minLength: 1, maxLength: 10 },
);

/** All that a run leaves behind, but for how the guests are saved. */
function leftBy(machine: Machine) {
  const { statistics } = machine.accelerator;
  const counts = { ...statistics.summary(), ports: statistics.portRows(), pages: statistics.memoryRows() };
  const time = machine.clock.absolute();
  const devices = machine.devices.map(({ id, device }) => [id, saveDevice(device)]);
  const memory = new Uint8Array(0x8000);
  machine.memory.readBytes(0, memory);
  const timers = machine.clock.pendingTimers.map(({ name, deadline }) => [name, deadline]);
  machine.dispose();
  return { counts, time, devices, timers, memory };
}

const parse = (text: string) => {
  const parser = new TraceParser('lines');
  parser.push(new TextEncoder().encode(text));
  return parser.end();
};

describe('a recorded run with arrivals from outside', () => {
  it('replays with equal counts, time, devices and output, also if it was stopped anywhere', () => {
    const scripts = fc.array(fc.array(step, { minLength: 1, maxLength: 40 }), { minLength: 1, maxLength: 3 });
    const drains = fc.constantFrom<DrainPolicy>('every-exit', 'on-access');
    const stops = fc.oneof(fc.constant(60), fc.integer({ min: 1, max: 30 }));
    fc.assert(
      fc.property(
        scripts,
        slices,
        drains,
        fc.integer({ min: 0, max: 99 }),
        stops,
        (programs, cuts, drain, seed, stop) => {
          const ring = ringBuffer({ id: 'c0' });
          const accelerator = simulatedAccelerator({ drain, kickAfter: 300_000, seed });
          const machine = Machine.create(board, { defaults: false, ram: 1 * MiB, accelerator, backends: [ring] });
          const lines: string[] = [];
          const guests = programs.map((script, index) => programOf(script, index === 0));
          const recording = recordRun(machine, guests, { write: (line) => lines.push(line) });
          accelerator.load(recording.guests);
          accelerator.begin();
          let outcome: RunOutcome | undefined;
          for (let slice = 0; outcome === undefined; slice++) {
            const { operations, time, bytes } = cuts[slice % cuts.length]!;
            if (slice === stop) accelerator.pause();
            const end = accelerator.runSlice({ operations, time, waits: slice < stop });
            if (typeof end !== 'string') outcome = end;
            else ring.send(bytes);
          }
          machine.backends.flush();
          recording.end(outcome);
          const sent = [...ring.bytes];
          const first = leftBy(machine);

          const replay = replayRun(parse(lines.join('')), { definition: board, keepOutput: 100_000 });
          expect(replay.differences).toEqual([]);
          expect(replay.arrivals.left).toBe(0);
          expect(replay.outputs.map(({ isSame, kept }) => [isSame, ...kept])).toEqual([[true, ...sent]]);
          expect(leftBy(replay.machine)).toEqual(first);
        },
      ),
      { numRuns: 12, seed: 1 },
    );
  });
});
