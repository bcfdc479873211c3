import { describe, expect, it } from 'vitest';
import { EpochMovesAt } from '../../sdk/clock/time.ts';
import {
  device,
  guestTime,
  InterruptPin,
  IsaDevice,
  inject,
  isaIrq,
  MILLISECOND,
  MiB,
  portRegion,
  SECOND,
  state,
  use,
  VirtualClock,
} from '../../sdk/index.ts';
import {
  defineObserver,
  type GuestBody,
  guestProgram,
  Machine,
  type MachineEvent,
  simulatedAccelerator,
  TraceGuest,
  TraceParser,
} from '../../sdk/runtime.ts';
import { expectRefusal } from '../refusal.ts';
import { isapc as isapcWithMuchRam } from '../small-machines.ts';

const Day = 86_400 * SECOND;
const isapc = { ...isapcWithMuchRam, defaultRam: 1 * MiB };
const Century = BigInt(99 * 365 + 364) * BigInt(Day);
/** Where numbers would no longer be exact, and a second before the epoch moves. */
const starts = [EpochMovesAt - SECOND, 2 ** 53 - SECOND, Century] as const;

const ports = portRegion({ name: 'alarm', base: 0x300, size: 8, accessSizes: [1, 2, 4] });

/** Rings so many days after it was told, and knows for how many days it has waited. */
@device({ type: 'alarm', description: 'an alarm of days' })
class Alarm extends IsaDevice {
  readonly irq = new InterruptPin();
  @state({ as: guestTime }) set = 0;
  private readonly bell;

  constructor(@inject(VirtualClock) private readonly clock: VirtualClock) {
    super();
    this.bell = clock.timer('bell', () => this.irq.set(true));
  }

  @ports.write(0)
  arm(days: number): void {
    this.set = this.clock.now;
    this.irq.set(false);
    this.bell.arm(this.clock.now + days * Day + 1);
  }

  /** The same for very long times: each unit is 34 years. */
  @ports.write(4)
  armFar(units: number): void {
    this.set = this.clock.now + units * 2 ** 30 * SECOND;
    this.irq.set(false);
    this.bell.arm(this.set);
  }

  @ports.read(0)
  waited(): number {
    return Math.floor((this.clock.now - this.set) / Day);
  }
}

const withAlarm = { ...isapc, devices: [...isapc.devices, use(Alarm, { interrupts: { irq: isaIrq(5) } })] };

const rtc = {
  *write(guest: Parameters<GuestBody>[0], register: number, value: number) {
    yield* guest.out8(0x70, register);
    yield* guest.out8(0x71, value);
  },
  *read(guest: Parameters<GuestBody>[0], register: number) {
    yield* guest.out8(0x70, register);
    return yield* guest.in8(0x71);
  },
};

/** Sets both interrupt controllers up, with their lines on 0x20 and 0x28, and lets all of them in. */
function* setUpControllers(guest: Parameters<GuestBody>[0]) {
  for (const [port, value] of [
    [0x20, 0x11],
    [0x21, 0x20],
    [0x21, 4],
    [0x21, 1],
    [0xa0, 0x11],
    [0xa1, 0x28],
    [0xa1, 2],
    [0xa1, 1],
  ] as const)
    yield* guest.out8(port, value);
  yield* guest.out8(0x21, 0);
  yield* guest.out8(0xa1, 0);
}

/** Everything that an observer hears, with the time since the machine was started. */
function watched(machine: Machine): { readonly events: readonly (MachineEvent & { readonly at: bigint })[] } {
  const events: (MachineEvent & { readonly at: bigint })[] = [];
  machine.observe(
    defineObserver({
      name: 'all',
      start: () => ({
        observe: (event) => void events.push({ ...event, at: event.epoch * 1_000_000_000n + BigInt(event.time) }),
      }),
    }),
  );
  return { events };
}

describe('a machine that runs for years', () => {
  it('five pauses of 22 days: saves, restores, and goes on with periodic interrupts', () => {
    const program = guestProgram('sleeper', function* (guest) {
      for (let pause = 0; pause < 5; pause++) yield* guest.pause(22 * Day);
      yield* rtc.write(guest, 0x0b, 0x42);
      for (let tick = 0; tick < 50; tick++) {
        yield* guest.pause(2 * MILLISECOND);
        yield* guest.out8(0x80, yield* rtc.read(guest, 0x0c));
      }
      yield* rtc.write(guest, 0x09, 0x31);
      yield* guest.pause(1 * Day);
    });
    const machine = Machine.create(isapc);
    machine.run(program, { savable: true, operationLimit: 5 });
    expect(machine.clock.absolute()).toBe(110n * BigInt(Day));
    const saved = JSON.parse(JSON.stringify(machine.save()));
    expect(saved.clock).toMatchObject({ epoch: '8388608', now: 110 * Day - 8_388_608 * SECOND });
    const restored = Machine.restore(isapc, saved, { guests: program });
    expect(restored.save()).toEqual(saved);
    const [first, second] = [watched(machine), watched(restored)];
    for (const one of [machine, restored])
      expect(one.resume({ operationLimit: 2 + 50 * 4 + 2 }).reason).toBe('operation-limit');
    expect(second.events).toEqual(first.events);
    // At 1,024 Hz each look finds that a period is over, and that the chip asks for an interrupt.
    const found = first.events.flatMap((event) =>
      event.kind === 'access' && event.address === 0x80 ? [event.value] : [],
    );
    expect(found.map((value) => Number(value) & 0xc0)).toEqual(new Array(50).fill(0xc0));
    expect(restored.save()).toEqual(machine.save());
  });

  it('shows the right date after a century of pauses, and is restored exactly there', () => {
    const program = guestProgram('century', function* (guest) {
      for (let month = 0; month < 1200; month++) yield* guest.pause(30 * Day + 1);
      for (const register of [0x32, 9, 8, 7, 4, 2, 0]) yield* guest.out8(0x80, yield* rtc.read(guest, register));
    });
    const machine = Machine.create(isapc);
    machine.run(program, { savable: true, operationLimit: 1200 });
    const passed = 1200n * (30n * BigInt(Day) + 1n);
    // Each operation before it costs time too: none did.
    expect(machine.clock.absolute()).toBe(passed);
    const restored = Machine.restore(isapc, JSON.parse(JSON.stringify(machine.save())), { guests: program });
    expect(restored.clock.absolute()).toBe(passed);
    const date = new Date(Date.UTC(2026, 0, 1) + Number(passed / 1_000_000n));
    for (const one of [machine, restored]) {
      const { events } = watched(one);
      one.resume();
      const shown = events.flatMap((event) => (event.kind === 'access' && event.address === 0x80 ? [event.value] : []));
      const digits = shown.map((value) => Number(value).toString(16).padStart(2, '0'));
      expect(digits.slice(1, 7)).toEqual(date.toISOString().slice(2, 19).split(/[-T:]/));
    }
  });

  it.each(starts)('started at %s ns, everything is as it is in a machine that was just started', (startAt) => {
    const program = guestProgram('busy', function* (guest) {
      guest.onInterrupt(0x28, function* () {
        yield* guest.out8(0x80, yield* rtc.read(guest, 0x0c));
        yield* guest.out8(0xa0, 0x20);
        yield* guest.out8(0x20, 0x20);
      });
      yield* setUpControllers(guest);
      yield* rtc.write(guest, 0x0a, 0x2a);
      yield* rtc.write(guest, 0x0b, 0x72);
      yield* guest.sti();
      for (let round = 0; round < 40; round++) {
        yield* guest.out8(0x70, round & 7);
        yield* guest.pause(37_000_001);
        yield* guest.in8(0x71);
        if (round % 3 === 0) yield* guest.hlt();
      }
    });
    const run = (at: number | bigint) => {
      const machine = Machine.create(isapc, { startAt: at });
      const { events } = watched(machine);
      const outcome = machine.run(program);
      const { statistics } = machine.accelerator;
      return {
        outcome,
        events: events.map(({ epoch: _epoch, time: _time, at: when, ...event }) => ({
          ...event,
          at: when - BigInt(at),
        })),
        exits: [statistics.summary(), statistics.portRows()],
      };
    };
    // As many whole seconds earlier, so that the crystal's ticks fall on the same nanoseconds.
    const moved = run(startAt);
    expect(moved).toEqual(run(BigInt(startAt) % BigInt(SECOND)));
    expect(moved.events.filter(({ kind }) => kind === 'vector').length).toBeGreaterThan(50);
    expect(moved.events.at(-1)?.at).toBeGreaterThan(BigInt(SECOND));
  });

  it.each([1, 60, 600, 36_500])('sleeps through a HLT of %s days and wakes at the nanosecond', (days) => {
    const machine = Machine.create(withAlarm);
    const { events } = watched(machine);
    const outcome = machine.run(
      guestProgram('sleeper', function* (guest) {
        guest.onInterrupt(0x25, () => guest.out8(0x20, 0x20));
        yield* setUpControllers(guest);
        yield* guest.out32(0x300, days);
        yield* guest.sti();
        yield* guest.hlt();
        yield* guest.in32(0x300);
      }),
    );
    expect(outcome).toMatchObject({ reason: 'finished' });
    const accesses = events.flatMap((event) => (event.kind === 'access' && event.address === 0x300 ? [event] : []));
    expect(accesses.map(({ value }) => value)).toEqual([days, days]);
    const rings = events.filter((event) => event.kind === 'interrupt' && event.device === 'alarm' && event.level);
    // The number that the device gave, although it lies beyond those that are exact.
    expect(rings.map(({ at }) => at)).toEqual([BigInt((accesses[0]?.time ?? 0) + days * Day + 1)]);
  });

  it('a timer that a guest puts millions of years away neither throws nor hangs', () => {
    const machine = Machine.create(withAlarm);
    const alarm = machine.deviceById('alarm')?.device as Alarm;
    const far = machine.clock.timer('far', () => {});
    far.arm(1e24);
    const outcome = machine.run(
      guestProgram('sleeper', function* (guest) {
        yield* guest.sti();
        yield* guest.hlt();
      }),
    );
    expect(outcome).toMatchObject({ reason: 'halted' });
    expect(machine.clock.absolute()).toBe(BigInt(1e24));
    expect(alarm.irq.level).toBe(false);
  });

  it.each([
    { name: 'beyond the latest time, once', periods: 0xffff_ffff, hops: 1, b: 0x02 },
    { name: 'as far as a timer goes, six times', periods: 2 ** 20, hops: 6, b: 0x02 },
    { name: 'as far, with daylight saving', periods: 2 ** 20, hops: 6, b: 0x03 },
  ])('a guest that sleeps $name, can be saved and restored where it is, and reads the right time', (row) => {
    const program = guestProgram('late', function* (guest) {
      guest.onInterrupt(0x25, () => guest.out8(0x20, 0x20));
      yield* setUpControllers(guest);
      yield* rtc.write(guest, 0x0b, row.b);
      for (let hop = 0; hop < row.hops; hop++) {
        yield* guest.cli();
        yield* guest.out32(0x304, row.periods);
        yield* guest.sti();
        yield* guest.hlt();
      }
    });
    const awake = guestProgram('awake', function* (guest) {
      const seconds = yield* rtc.read(guest, 0);
      yield* guest.pause(3 * SECOND);
      yield* guest.out8(0x80, ((yield* rtc.read(guest, 0)) - seconds + 60) % 60);
    });
    const machine = Machine.create(withAlarm);
    const outcome = machine.run(program, { savable: true });
    expect(outcome.reason).toBe('halted');
    expect(outcome.message).toContain(
      "no interrupt is pending and timer 'bell' is armed for a time that never comes, 4503599627370496 s after the start or later",
    );
    expect(machine.clock.absolute()).toBeLessThan(2n ** 52n * BigInt(SECOND));
    expect(machine.clock.absolute()).toBeGreaterThan(row.hops === 1 ? 0n : 3n * 2n ** 50n * BigInt(SECOND));
    const saved = JSON.parse(JSON.stringify(machine.save()));
    const restored = Machine.restore(withAlarm, saved, { guests: program });
    expect(restored.save()).toEqual(saved);
    for (const one of [machine, restored]) {
      one.io.write(0x70, 0x0b, 1);
      one.io.write(0x71, 0x06, 1);
      const { events } = watched(one);
      expect(one.run(awake).reason).toBe('finished');
      const shown = events.flatMap((event) => (event.kind === 'access' && event.address === 0x80 ? [event.value] : []));
      expect(shown).toEqual([3]);
    }
  });

  it('a guest that runs on after the latest time neither throws nor hangs, and is restored wherever it is', () => {
    const latest = 2n ** 52n * BigInt(SECOND);
    const program = guestProgram('eternal', function* (guest) {
      yield* setUpControllers(guest);
      yield* rtc.write(guest, 0x0a, 0x2a);
      yield* rtc.write(guest, 0x0b, 0x73);
      for (let pause = 0; ; pause++) {
        yield* rtc.read(guest, 0x0c);
        yield* guest.out32(0x304, pause);
        yield* guest.pause(2 ** 52);
      }
    });
    const machine = Machine.create(withAlarm, { startAt: latest });
    expect(machine.run(program, { savable: true, operationLimit: 60 }).reason).toBe('operation-limit');
    for (let look = 0; look < 8; look++) {
      const saved = JSON.parse(JSON.stringify(machine.save()));
      const restored = Machine.restore(withAlarm, saved, { guests: program });
      expect(restored.save()).toEqual(saved);
      for (const one of [machine, restored])
        expect(one.resume({ operationLimit: 7 + look }).reason).toBe('operation-limit');
      expect(restored.save()).toEqual(machine.save());
    }
    expect(machine.clock.epoch).toBe(2n ** 52n);
  });

  it('a halted machine is given up with its time in full', () => {
    const machine = Machine.create(isapc, { startAt: Century + 12n });
    const outcome = machine.run(guestProgram('stuck', (guest) => guest.hlt()));
    expect(outcome.message).toContain(`HLT at ${Century + 12n + 3410n} ns of guest time with interrupts disabled`);
  });

  it.each([EpochMovesAt - 20_000_000, Century])(
    'from %s ns, timers without end are given up at the same moments',
    (startAt) => {
      const run = (at: number | bigint) => {
        const machine = Machine.create(isapc, { startAt: at });
        const tick = machine.clock.timer('tick', () => tick.arm(machine.clock.now + 1 * MILLISECOND));
        tick.arm(machine.clock.now);
        const { reason, message } = machine.run(
          guestProgram('stuck', (guest) => guest.pause(1 * SECOND)),
          { timerLimit: 50 },
        );
        const [, from = '', to = ''] =
          /while 50 timers expired, from (\d+) ns to (\d+) ns of guest time/.exec(message) ?? [];
        return [reason, BigInt(from) - BigInt(at), BigInt(to) - BigInt(at)];
      };
      expect(run(startAt)).toEqual(run(BigInt(startAt) % BigInt(SECOND)));
      expect(run(startAt)[2]).toBeGreaterThan(40_000_000n);
    },
  );

  it('guest time is whole nanoseconds, whatever a guest, a model of costs or a test asks for: it can be saved', () => {
    const program = guestProgram('halves', function* (guest) {
      yield* guest.pause(0.5);
      yield* guest.out8(0x70, 1);
      yield* guest.pause(20.25);
      yield* guest.in8(0x71);
    });
    const accelerator = () =>
      simulatedAccelerator({ kickAfter: 10.5, plainCost: 0.3, costs: { kernel: 660.2, userspace: 3410.7 } });
    const machine = Machine.create(isapc, { accelerator: accelerator() });
    machine.clock.advanceTo(0.5);
    machine.run(program, { savable: true });
    // 1 of the test, 1 and 21 of the pauses, 660 and 3,411 of the accesses.
    expect(machine.clock.now).toBe(1 + 1 + 660 + 21 + 3411);
    const saved: unknown = JSON.parse(JSON.stringify(machine.save()));
    const restored = Machine.restore(isapc, saved, { guests: program, accelerator: accelerator() });
    expect(restored.clock.now).toBe(machine.clock.now);
  });

  it('whose clock went on without it for years begins at that time', () => {
    const machine = Machine.create(isapc);
    machine.clock.advance(800 * Day);
    const { events } = watched(machine);
    machine.run(guestProgram('late', (guest) => rtc.write(guest, 0x0b, 0x02)));
    expect(events.find(({ kind }) => kind === 'access')?.at).toBe(800n * BigInt(Day) + 660n + 3410n);
  });

  it('a queued write waits as long as it is told, also across a move of the epoch', () => {
    const run = (startAt: number) => {
      const machine = Machine.create(isapc, { startAt });
      const { events } = watched(machine);
      machine.run(
        guestProgram('queue', function* (guest) {
          yield* guest.out8(0x70, 1);
          yield* guest.pause(SECOND);
          yield* guest.out8(0x70, 2);
        }),
      );
      const waits = events.flatMap((event) => (event.kind === 'coalesced-write' ? [event.waited] : []));
      return [waits, machine.accelerator.statistics.longestWait];
    };
    expect(run(EpochMovesAt - 5_000_000)).toEqual(run(0));
    expect(run(EpochMovesAt - 5_000_000)[1]).toBe(10_000_000);
  });
});

describe('a recording with times beyond 2^53', () => {
  const text = (at: bigint) => `# iotrace v1
${at} PW 70 1 a
${at + 1n} PR 71 1 26
${at + 4_000_000_000_000_000n} PW 80 1 1
${at + 10_000_000_000_000_003n} PW 80 1 2
${at + 10_000_000_000_000_004n} PW 80 1 3
`;
  const parse = (at: bigint) => {
    const parser = new TraceParser('long');
    parser.push(new TextEncoder().encode(text(at)));
    return parser.end();
  };

  it.each([0n, 4_503_599_627_370_490n, 9_007_199_254_740_993n, 3_153_513_600_000_000_007n])(
    'from %s ns is played at these times exactly, after a snapshot too',
    (at) => {
      const wanted = [at + 1n, at + 4_000_000_000_000_000n, at + 10_000_000_000_000_003n, at + 10_000_000_000_000_004n];
      const timesOf = (events: ReturnType<typeof watched>['events']) =>
        events.flatMap((event) => (event.kind === 'access' && !event.queued ? [event.at] : []));
      const machine = Machine.create(isapc);
      const { events } = watched(machine);
      machine.run(new TraceGuest(parse(at)), { operationLimit: 3 });
      const saved: unknown = JSON.parse(JSON.stringify(machine.save()));
      expect(machine.resume().reason).toBe('finished');
      expect(timesOf(events)).toEqual(wanted);
      const restored = Machine.restore(isapc, saved, { guests: new TraceGuest(parse(at)) });
      const later = watched(restored);
      restored.resume();
      expect(timesOf(later.events)).toEqual(wanted.slice(2));
    },
  );

  it('begins at a guest time beyond 2^53 where it is told to', () => {
    const machine = Machine.create(isapc, { startAt: Century });
    const { events } = watched(machine);
    machine.run(new TraceGuest(parse(5n), { startAt: Century + 7n }));
    expect(events.filter(({ kind }) => kind === 'access').at(-1)?.at).toBe(Century + 12n + 10_000_000_000_000_004n);
  });

  it('does not go back, and has no more than 19 digits', () => {
    const lines = (...times: string[]) => {
      const parser = new TraceParser('t');
      parser.push(new TextEncoder().encode(`# iotrace v1\n${times.map((time) => `${time} PW 80 1 1\n`).join('')}`));
      return () => parser.end();
    };
    const back = () => lines('9007199254740995', '9007199254740994');
    expectRefusal(back, 'trace-malformed', 'line 3', '9007199254740995', "'9007199254740994 PW 80 1 1'");
    expectRefusal(() => lines('12345678901234567890'), 'trace-malformed', 'line 2', '19');
    expect(lines('9007199254740994', '9007199254740994', '9007199254740995')().length).toBe(3);
  });
});
