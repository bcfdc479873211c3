import { ringBuffer } from 'backplane/backend';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defineMachine, isaIrq, MiB, use } from '../../sdk/index.ts';
import {
  type DrainPolicy,
  defineObserver,
  formatSnapshot,
  type GuestProgram,
  guestProgram,
  Machine,
  type MachineEvent,
  type RunOutcome,
  simulatedAccelerator,
} from '../../sdk/runtime.ts';
import { Line } from '../backend/uart.ts';
import { isapc } from '../small-machines.ts';

/** A line on an ISA machine. */
const board = defineMachine({
  ...isapc,
  name: 'lines',
  devices: [...isapc.devices, use(Line, { id: 'line0', options: { chardev: 'c0' }, interrupts: { irq: isaIrq(10) } })],
});

type Step = readonly [what: 'pause' | 'store' | 'index' | 'read' | 'hlt' | 'cli' | 'sti' | 'string', value: number];

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(fc.constant('pause' as const), fc.integer({ min: 0, max: 3_000_000 })),
  fc.tuple(fc.constantFrom('store' as const, 'index' as const, 'read' as const), fc.integer({ min: 0, max: 255 })),
  fc.tuple(fc.constantFrom('hlt' as const, 'cli' as const, 'sti' as const), fc.constant(0)),
  fc.tuple(fc.constant('string' as const), fc.integer({ min: 0, max: 40 })),
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
    if (!isFirst) {
      for (const [what, value] of script) {
        if (what === 'index') yield* guest.out8(0x70, value & 0x7f);
        else if (what === 'read') yield* guest.in8(0x71);
        else if (what === 'pause') yield* guest.pause(value);
        else yield* guest.store8(0x5000 + value, value);
      }
      return;
    }
    for (const [where, value] of setup) yield* guest.out8(where, value);
    let count = 0;
    const serve = function* (value: number) {
      yield* guest.store32(0x8000 + 4 * (count++ % 64), value);
      yield* guest.out8(0xa0, 0x20);
      yield* guest.out8(0x20, 0x20);
    };
    for (let vector = 0; vector < 256; vector++) guest.onInterrupt(vector, () => serve(vector));
    guest.onInterrupt(0x28, function* () {
      yield* guest.out8(0x70, 0x0c);
      yield* serve(yield* guest.in8(0x71));
    });
    guest.onInterrupt(0x2a, function* () {
      const byte = yield* guest.in8(0x3f8);
      yield* guest.out8(0x3f8, byte);
      yield* serve(byte + 0x100);
    });
    yield* guest.sti();
    for (const [what, value] of script) {
      if (what === 'pause') yield* guest.pause(value);
      else if (what === 'store') yield* guest.store8(0x6000 + value, value);
      else if (what === 'index') yield* guest.out8(0x70, value & 0x7f);
      else if (what === 'read') yield* guest.store8(0x6100 + value, yield* guest.in8(value & 1 ? 0x3f9 : 0x71));
      else if (what === 'string') yield* guest.repIns8(0x3f8, value, { destination: 0x7000 });
      else if (what === 'hlt') {
        yield* guest.sti();
        yield* guest.hlt();
      } else if (what === 'cli') yield* guest.cli();
      else yield* guest.sti();
    }
  });
}

/** A slice of the run, and what comes from outside after it. */
interface Slice {
  readonly operations: number;
  readonly time: number;
  readonly bytes: readonly number[];
}

const slices: fc.Arbitrary<readonly Slice[]> = fc.array(
  fc.record({
    operations: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 200 })),
    time: fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.integer({ min: 0, max: 2_000_000 })),
    bytes: fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 5 }),
  }),
  { minLength: 1, maxLength: 10 },
);

function machineOf(drain: DrainPolicy, seed: number) {
  const ring = ringBuffer({ id: 'c0' });
  const accelerator = simulatedAccelerator({ drain, kickAfter: 300_000, seed });
  const machine = Machine.create(board, { ram: 1 * MiB, defaults: false, accelerator, backends: [ring] });
  const events: MachineEvent[] = [];
  const observe = (event: MachineEvent): void => void events.push(event);
  const watch = defineObserver({ name: 'watch', start: () => ({ observe }) });
  machine.observe(watch);
  return { ring, accelerator, machine, events };
}

function leftBy({ ring, machine, events }: ReturnType<typeof machineOf>, outcome: RunOutcome) {
  const snapshot = formatSnapshot(machine.save());
  machine.backends.flush();
  const text = [...ring.bytes];
  machine.dispose();
  return { outcome, events, text, snapshot };
}

const options = { operationLimit: 600, timerLimit: 400 };

describe('what comes from outside', () => {
  it('is delivered by a replay at its operation and its guest time: both runs are the same to the last event', () => {
    const scripts = fc.array(fc.array(step, { minLength: 1, maxLength: 40 }), { minLength: 1, maxLength: 3 });
    const drains = fc.constantFrom<DrainPolicy>('every-exit', 'on-access');
    fc.assert(
      fc.property(scripts, slices, drains, fc.integer({ min: 0, max: 99 }), (programs, cuts, drain, seed) => {
        const guests = programs.map((script, index) => programOf(script, index === 0));
        const live = machineOf(drain, seed);
        live.accelerator.load(guests, { savable: true });
        live.accelerator.begin(options);
        let outcome: RunOutcome | undefined;
        for (let slice = 0; outcome === undefined; slice++) {
          const { operations, time, bytes } = cuts[slice % cuts.length] as Slice;
          const waits = slice < 60;
          const end = live.accelerator.runSlice(slice < 3000 ? { operations, time, waits } : { operations: 100 });
          if (typeof end !== 'string') outcome = end;
          else if (waits) live.ring.send(bytes);
        }
        const first = leftBy(live, outcome);

        const again = machineOf(drain, seed);
        for (const event of first.events) {
          if (event.kind !== 'inbox') continue;
          again.machine.inbox.post(event.event, event.operations, BigInt(event.time));
        }
        const second = leftBy(again, again.machine.run(guests, { ...options, savable: true }));
        expect(second.events).toEqual(first.events);
        expect(second).toEqual(first);
      }),
      { numRuns: 20 },
    );
  });
});
