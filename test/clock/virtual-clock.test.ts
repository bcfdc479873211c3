import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  afterHostTime,
  HostPacedClock,
  hostNanoseconds,
  ManualClock,
  MILLISECOND,
  SECOND,
  type Timer,
} from '../../sdk/clock/index.ts';
import { expectRefusal } from '../refusal.ts';

describe('a timer', () => {
  it('fires once, at the time it was armed for, and sees exactly that time', () => {
    const clock = new ManualClock();
    const seen: number[] = [];
    const timer = clock.timer('tick', () => seen.push(clock.now));
    timer.arm(3 * MILLISECOND);
    expect(timer.pending).toBe(true);
    clock.advance(1 * SECOND);
    expect(seen).toEqual([3 * MILLISECOND]);
    expect(timer.pending).toBe(false);
    expect(timer.deadline).toBe(Number.POSITIVE_INFINITY);
  });

  it('does nothing until it is armed, and nothing once it is cancelled', () => {
    const clock = new ManualClock();
    let fired = 0;
    const timer = clock.timer('tick', () => fired++);
    clock.advance(SECOND);
    timer.arm(2 * SECOND);
    timer.cancel();
    clock.advance(5 * SECOND);
    expect(fired).toBe(0);
    expect(clock.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
  });

  it('moves when it is armed again instead of firing twice', () => {
    const clock = new ManualClock();
    const seen: number[] = [];
    const timer = clock.timer('tick', () => seen.push(clock.now));
    timer.arm(10);
    timer.arm(30);
    timer.arm(20);
    clock.advance(100);
    expect(seen).toEqual([20]);
  });

  it('armed for the past fires at the next look, with the present as its time', () => {
    const clock = new ManualClock(500);
    const seen: number[] = [];
    clock.timer('late', () => seen.push(clock.now)).arm(100);
    expect(clock.runDue()).toBe(1);
    expect(seen).toEqual([500]);
  });

  it('may arm itself from its callback and then keeps its period without drift', () => {
    const clock = new ManualClock();
    const seen: number[] = [];
    const timer: Timer = clock.timer('period', () => {
      seen.push(clock.now);
      timer.arm(clock.now + 7);
    });
    timer.arm(7);
    clock.advance(30);
    expect(seen).toEqual([7, 14, 21, 28]);
    expect(timer.deadline).toBe(35);
  });

  it('that arms itself at the present for ever is named in an error instead of hanging the machine', () => {
    const clock = new ManualClock();
    const timer: Timer = clock.timer('rtc-periodic', () => timer.arm(clock.now));
    timer.arm(5);
    expectRefusal(() => clock.advance(10), 'endless-timer', "'rtc-periodic'", '10000', '5 ns');
  });

  it('fires at a whole nanosecond: a fraction of one counts as a whole', () => {
    const clock = new ManualClock();
    const fired: number[] = [];
    const timer = clock.timer('tick', () => fired.push(clock.now));
    timer.arm(1e9 / 3);
    expect(timer.deadline).toBe(333_333_334);
    clock.advance(1e9);
    expect(fired).toEqual([333_333_334]);
  });

  it('cannot be armed at NaN, which would never be due', () => {
    const timer = new ManualClock().timer('tick', () => {});
    expectRefusal(() => timer.arm(Number.NaN), 'invalid-time', "'tick'", 'NaN');
  });

  it('of a test fires a delay from now', () => {
    const clock = new ManualClock(1000);
    const seen: number[] = [];
    clock.after(50, () => seen.push(clock.now));
    clock.advance(49);
    expect(seen).toEqual([]);
    clock.advance(1);
    expect(seen).toEqual([1050]);
  });
});

describe('a manual clock', () => {
  it('refuses to go back', () => {
    const clock = new ManualClock(100);
    expectRefusal(() => clock.advanceTo(99), 'time-goes-back', '100 ns', '99 ns');
    expectRefusal(() => clock.advance(Number.NaN), 'time-goes-back');
  });

  it('is set without firing anything, for a snapshot', () => {
    const clock = new ManualClock();
    let fired = 0;
    clock.timer('tick', () => fired++).arm(10);
    clock.set(100);
    expect([clock.now, fired]).toEqual([100, 0]);
  });

  it('fires what any naive reading of the list would fire, in that order, whatever is armed, moved and cancelled', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('arm' as const), timer: fc.nat(7), at: fc.nat(200) }),
      fc.record({ kind: fc.constant('cancel' as const), timer: fc.nat(7) }),
      fc.record({ kind: fc.constant('advance' as const), by: fc.nat(60) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const clock = new ManualClock();
        const fired: string[] = [];
        const timers = Array.from({ length: 8 }, (_, n) =>
          clock.timer(`t${n}`, () => fired.push(`t${n}@${clock.now}`)),
        );
        const expected: string[] = [];
        let armed: { n: number; at: number }[] = [];
        let now = 0;
        for (const one of steps) {
          if (one.kind === 'arm') {
            timers[one.timer]?.arm(one.at);
            armed = [...armed.filter(({ n }) => n !== one.timer), { n: one.timer, at: one.at }];
          } else if (one.kind === 'cancel') {
            timers[one.timer]?.cancel();
            armed = armed.filter(({ n }) => n !== one.timer);
          } else {
            const target = now + one.by;
            const due = armed.filter(({ at }) => at <= target);
            due.sort((a, b) => a.at - b.at);
            for (const { n, at } of due) expected.push(`t${n}@${Math.max(now, at)}`);
            armed = armed.filter((timer) => !due.includes(timer));
            now = target;
            clock.advance(one.by);
          }
          expect(clock.nextDeadline()).toBe(Math.min(Number.POSITIVE_INFINITY, ...armed.map(({ at }) => at)));
          expect(clock.pendingTimers.length).toBe(armed.length);
        }
        expect(fired).toEqual(expected);
        expect(clock.now).toBe(now);
      }),
      { numRuns: 300 },
    );
  });
});

describe('a host-paced clock', () => {
  it('runs with the host from zero, stands still while paused, and goes on where it stood', () => {
    let host = 1000;
    const clock = new HostPacedClock(() => host);
    expect(clock.now).toBe(0);
    host = 1700;
    expect(clock.now).toBe(700);
    clock.pause();
    host = 9000;
    expect([clock.now, clock.paused]).toEqual([700, true]);
    clock.resume();
    clock.resume();
    host = 9300;
    expect([clock.now, clock.paused]).toEqual([1000, false]);
  });

  it('fires what has become due when it is looked at', () => {
    let host = 0;
    const clock = new HostPacedClock(() => host);
    const seen: number[] = [];
    clock.timer('tick', () => seen.push(clock.now)).arm(100);
    expect(clock.runDue()).toBe(0);
    host = 250;
    expect(clock.runDue()).toBe(1);
    expect(seen).toEqual([250]);
  });

  it('by default is paced by the real host', () => {
    const clock = new HostPacedClock();
    const before = clock.now;
    let rounds = 0;
    while (clock.now === before && rounds < 1e8) rounds++;
    expect(clock.now).toBeGreaterThan(before);
  });
});

describe('the time of the host', () => {
  it('is a count that grows, and a wait that can be called off', async () => {
    const before = hostNanoseconds();
    let calledOff = false;
    const callOff = afterHostTime(1, () => {
      calledOff = true;
    });
    callOff();
    await new Promise<void>((resolve) => afterHostTime(5, resolve));
    expect(hostNanoseconds() - before).toBeGreaterThan(2 * MILLISECOND);
    expect(calledOff).toBe(false);
  });
});
