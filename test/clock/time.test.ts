import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HostPacedClock, ManualClock, SECOND } from '../../sdk/clock/index.ts';
import { EpochMovesAt, LatestSecond, LatestTime } from '../../sdk/clock/time.ts';
import { expectRefusal } from '../refusal.ts';

const Day = 86_400 * SECOND;
/** 99 years and 364 days, in nanoseconds. */
const NearlyACentury = BigInt(99 * 365 + 364) * BigInt(Day);
const starts: readonly (readonly [string, number | bigint])[] = [
  ['from the beginning', 0],
  ['a second before the epoch moves', EpochMovesAt - SECOND],
  ['2^53 ns less a second', 2 ** 53 - SECOND],
  ['at 99 years and 364 days', NearlyACentury],
];

describe('guest time far from its epoch', () => {
  it.each(starts)('%s, times are numbers that are exact, and the epoch makes them absolute', (_name, start) => {
    const clock = new ManualClock(start);
    expect(clock.now).toBeLessThan(EpochMovesAt);
    expect(clock.epoch * 1_000_000_000n + BigInt(clock.now)).toBe(BigInt(start));
    for (let day = 1; day <= 120; day++) {
      clock.advance(Day + 1);
      expect(Number.isSafeInteger(clock.now)).toBe(true);
    }
    expect(clock.absolute()).toBe(BigInt(start) + 120n * BigInt(Day) + 120n);
    expect(clock.absolute(clock.now - 7)).toBe(clock.absolute() - 7n);
  });

  it.each(starts)('%s, a timer of odd nanoseconds keeps its period for two years', (_name, start) => {
    const clock = new ManualClock(start);
    const period = 11 * Day + 1;
    const seen: bigint[] = [];
    const tick = clock.timer('tick', () => {
      seen.push(clock.absolute());
      tick.arm(clock.now + period);
    });
    tick.arm(clock.now + period);
    for (let week = 0; week < 104; week++) clock.advance(7 * Day);
    expect(seen).toEqual(seen.map((_at, index) => BigInt(start) + BigInt(index + 1) * BigInt(period)));
    expect(seen).toHaveLength(66);
  });

  it('one step may be longer than numbers are exact: the epoch moves on the way', () => {
    const clock = new ManualClock();
    let fired = 0n;
    clock.timer('in a year', () => (fired = clock.absolute())).arm(365 * Day);
    clock.advance(100 * 365 * Day);
    expect(clock.absolute()).toBe(36_500n * BigInt(Day));
    expect(fired).toBe(365n * BigInt(Day));
  });

  it('a deadline 2^53 ns and more after the epoch is kept exactly', () => {
    const clock = new ManualClock(5);
    const far = [2 ** 53, 2 ** 53 + 2, 2 ** 54 + 4, 2 ** 61 + 512, 2 ** 61 + 1024];
    const seen: bigint[] = [];
    for (const at of far) clock.timer(`at ${at}`, () => seen.push(clock.absolute())).arm(at);
    while (clock.nextDeadline() < Number.POSITIVE_INFINITY) clock.advance(365 * Day);
    expect(seen).toEqual(far.map(BigInt));
  });

  it('two timers that are armed for one moment fire in the order of arming, before and after the epoch has moved', () => {
    const clock = new ManualClock(EpochMovesAt - 10);
    const seen: string[] = [];
    clock.timer('first', () => seen.push('first')).arm(EpochMovesAt + 90);
    clock.advance(20);
    clock.advance(1);
    expect(clock.epoch).toBeGreaterThan(0n);
    clock.timer('second', () => seen.push('second')).arm(clock.now + 79);
    clock.advance(79);
    expect(seen).toEqual(['first', 'second']);
  });

  it('whenever the epoch is moved, timers fire at the same moments', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 5 * SECOND }), fc.boolean()), { maxLength: 30 }),
        fc.constantFrom(...starts.map(([, start]) => start)),
        (steps, start) => {
          const run = (moves: boolean) => {
            const clock = new ManualClock(start);
            const seen: bigint[] = [];
            const tick = clock.timer('tick', () => {
              seen.push(clock.absolute());
              tick.arm(clock.now + 700_000_001);
            });
            tick.arm(clock.now + 1);
            for (const [step, here] of steps) {
              if (moves && here) clock.rebase();
              clock.advance(step);
            }
            return [...seen, clock.absolute()];
          };
          expect(run(true)).toEqual(run(false));
        },
      ),
      { numRuns: 100 },
    );
  });

  it('does not move in the middle of a callback, whose variables hold times', () => {
    const clock = new ManualClock(EpochMovesAt - 5);
    const epochs: bigint[] = [];
    clock
      .timer('tick', () => {
        clock.advance(10);
        clock.advance(10);
        epochs.push(clock.epoch);
      })
      .arm(EpochMovesAt - 1);
    clock.advance(4);
    expect(epochs).toEqual([0n]);
    clock.advance(1);
    expect(clock.absolute()).toBe(BigInt(EpochMovesAt + 20));
    expect(clock.epoch).toBeGreaterThan(0n);
  });

  it('tells each keeper of times by how much they become smaller, until they have enough', () => {
    const clock = new ManualClock(90 * SECOND);
    const heard: number[] = [];
    const leave = clock.onRebase((nanoseconds) => heard.push(nanoseconds));
    clock.rebase(60);
    clock.rebase();
    leave();
    clock.advance(1 * SECOND);
    clock.rebase();
    expect(heard).toEqual([60 * SECOND, 30 * SECOND]);
    expect([clock.epoch, clock.now]).toEqual([91n, 0]);
  });

  it('cannot go where numbers are not exact, start before its beginning, or move its epoch by halves', () => {
    const clock = new ManualClock();
    expectRefusal(() => clock.advanceTo(2 ** 53), 'time-beyond-epoch', '9007199254740992 ns');
    expectRefusal(() => clock.advance(Number.POSITIVE_INFINITY), 'time-too-late', 'Infinity ns');
    expectRefusal(() => clock.advance(Number.NaN), 'time-goes-back', 'NaN ns');
    for (const start of ['x', null, true, 0.5, Number.NaN, -1n, 2 ** 53])
      expectRefusal(() => new ManualClock(start as number), 'invalid-time', `${start} ns`);
    const latest = 2n ** 52n * 1_000_000_000n;
    expectRefusal(() => new ManualClock(latest + 1n), 'time-too-late', `${latest + 1n} ns`);
    expect(new ManualClock(latest).absolute()).toBe(latest);
    for (const move of [0.5, -1, Number.NaN])
      expectRefusal(() => clock.rebase(move), 'invalid-epoch-move', `${move} s`);
  });

  it('of a clock that follows the host moves when the clock looks for what is due', () => {
    let host = 0;
    const clock = new HostPacedClock(() => host);
    host = 2 ** 53 - SECOND;
    const timer = clock.timer('tick', () => {});
    timer.arm(clock.now + 3);
    clock.runDue();
    expect(clock.absolute()).toBe(BigInt(2 ** 53 - SECOND));
    expect(clock.now).toBeLessThan(EpochMovesAt);
    expect(timer.deadline).toBe(clock.now + 3);
    clock.pause();
    clock.rebase();
    clock.resume();
    host += 5;
    expect([clock.absolute(), clock.runDue()]).toEqual([BigInt(2 ** 53 - SECOND + 5), 1]);
  });
});

describe('the latest time', () => {
  const latest = BigInt(LatestTime);

  it.each([1e24, LatestTime, 2 ** 80 + 2 ** 40, 365 * Day * 1e6])(
    'is reached in one move, as %s ns are',
    (distance) => {
      for (const first of [0, 1, EpochMovesAt - 1]) {
        const clock = new ManualClock(first);
        const fired: bigint[] = [];
        clock.timer('on the way', () => fired.push(clock.absolute())).arm(distance / 4);
        let moves = 0;
        clock.onRebase(() => moves++);
        const way = distance === LatestTime ? distance - EpochMovesAt : distance;
        clock.advance(way);
        expect(clock.absolute()).toBe(BigInt(first) + BigInt(way));
        expect(fired).toEqual([BigInt(distance / 4)]);
        expect(moves).toBeLessThan(12);
      }
    },
  );

  it.each([1e25, 1e300, Number.MAX_VALUE, Number.POSITIVE_INFINITY])('is not passed: %s ns are refused', (distance) => {
    const clock = new ManualClock(60 * SECOND);
    expectRefusal(() => clock.advance(distance), 'time-too-late', `${distance + 60 * SECOND} ns`, `${LatestSecond} s`);
    expect(clock.now).toBe(60 * SECOND);
    expectRefusal(() => clock.rebase(distance), 'invalid-epoch-move', `${distance} s`);
    expect(clock.absolute()).toBe(60_000_000_000n);
  });

  it('is the epoch that a clock keeps which runs on: no time leaves the numbers that are exact', () => {
    const clock = new ManualClock(latest);
    for (let step = 0; step < 50; step++) {
      clock.advance(12 * Day);
      expect(Number.isSafeInteger(clock.now)).toBe(true);
      expect(clock.epoch <= BigInt(LatestSecond)).toBe(true);
    }
    expect(clock.epoch).toBe(BigInt(LatestSecond));
  });

  it('is where no timer fires, armed for it or for later, from any epoch, while one before it does', () => {
    for (const start of [0n, 2n ** 70n, latest - BigInt(60 * SECOND)]) {
      const clock = new ManualClock(start);
      const fired: string[] = [];
      const arm = (name: string, at: number) => {
        const timer = clock.timer(name, () => fired.push(name));
        timer.arm(at);
        return timer;
      };
      const left = Number(latest - start);
      const never = [left + SECOND, LatestTime, 1e25, 1e300, Number.MAX_VALUE].map((at) =>
        arm(`at ${at}`, clock.now + at),
      );
      expect(clock.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
      arm('before', clock.now + left / 2);
      clock.advance(left);
      for (let step = 0; step < 20; step++) clock.advance(10 * Day);
      expect(fired).toEqual(['before']);
      expect(never.map(({ pending }) => pending)).toEqual(never.map(() => true));
      expect(never.map(({ deadline }) => Number.isInteger(deadline) && deadline > clock.now)).toEqual(
        never.map(() => true),
      );
    }
  });
});

describe('the epoch is not moved inside', () => {
  it('a callback', () => {
    const clock = new ManualClock(90 * SECOND);
    const seen: unknown[] = [];
    clock
      .timer('tick', () => {
        expectRefusal(() => clock.rebase(1), 'epoch-moved-inside');
        seen.push(clock.epoch);
      })
      .arm(91 * SECOND);
    clock.advance(2 * SECOND);
    expect(seen).toEqual([0n]);
    clock.rebase(1);
    expect(clock.epoch).toBe(1n);
  });

  it('a handler, nor by a clock that is near its end', () => {
    const clock = new ManualClock(EpochMovesAt - 1);
    let inside = true;
    clock.insideHandler = () => inside;
    clock.advance(1);
    clock.rebaseWhenNear();
    expectRefusal(() => clock.rebase(1), 'epoch-moved-inside');
    expect([clock.epoch, clock.now]).toEqual([0n, EpochMovesAt]);
    inside = false;
    clock.rebaseWhenNear();
    expect(clock.epoch).toBeGreaterThan(0n);
  });
});
