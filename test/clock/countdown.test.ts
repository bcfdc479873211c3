import { describe, expect, it } from 'vitest';
import { ManualClock, MICROSECOND, SECOND } from '../../sdk/clock/index.ts';
import { expectRefusal } from '../refusal.ts';

const MHz = 1_000_000;

describe('a countdown', () => {
  it('stands still until it is started, and again once it is stopped', () => {
    const clock = new ManualClock();
    const timer = clock.countdown('timer', { frequency: MHz, reload: 100 });
    clock.advance(50 * MICROSECOND);
    expect([timer.value, timer.running]).toEqual([100, false]);
    timer.start();
    clock.advance(10.5 * MICROSECOND);
    expect(timer.value).toBe(90);
    timer.stop();
    clock.advance(1 * SECOND);
    expect(timer.value).toBe(90);
    timer.start();
    clock.advance(0.5 * MICROSECOND);
    expect(timer.value).toBe(89);
  });

  it('calls at zero, and starts again from the reload value', () => {
    const clock = new ManualClock();
    const calls: number[] = [];
    const timer = clock.countdown('timer', { frequency: MHz, reload: 100 }, () => calls.push(clock.now));
    timer.start();
    clock.advance(250 * MICROSECOND);
    expect(calls).toEqual([100 * MICROSECOND, 200 * MICROSECOND]);
    expect(timer.value).toBe(50);
  });

  it('shows zero for a tick, and has a longer period, where a chip reloads after zero', () => {
    const clock = new ManualClock();
    const calls: number[] = [];
    const options = { frequency: MHz, reload: 99, reloads: 'after-zero' } as const;
    const timer = clock.countdown('timer', options, () => calls.push(clock.now));
    timer.start();
    clock.advance(99 * MICROSECOND);
    expect(timer.value).toBe(0);
    clock.advance(1 * MICROSECOND);
    expect(timer.value).toBe(99);
    clock.advance(99 * MICROSECOND);
    expect(calls).toEqual([99 * MICROSECOND, 199 * MICROSECOND]);
  });

  it('stops at zero after one run, and runs on from the largest value when it is free-running', () => {
    const clock = new ManualClock();
    const once = clock.countdown('once', { frequency: MHz, width: 8, reload: 10, mode: 'one-shot' });
    const free = clock.countdown('free', { frequency: MHz, width: 8, reload: 10, mode: 'free-running' });
    once.start();
    free.start();
    clock.advance(11 * MICROSECOND);
    expect([once.value, once.running, once.expired]).toEqual([0, false, true]);
    expect([free.value, free.running, free.expired]).toEqual([255, true, true]);
  });

  it('has no drift at a frequency whose period is no whole number of nanoseconds', () => {
    const clock = new ManualClock();
    let calls = 0;
    const timer = clock.countdown('pit', { frequency: 1_193_182, reload: 59_659 }, () => calls++);
    timer.start();
    clock.advance(3600 * SECOND);
    const ticks = 1_193_182 * 3600;
    expect(calls).toBe(Math.floor(ticks / 59_659));
    expect(timer.value).toBe(59_659 - (ticks % 59_659));
  });

  it('goes on with another frequency from the part of a tick that has passed', () => {
    const clock = new ManualClock();
    const timer = clock.countdown('timer', { frequency: 1000, reload: 100 });
    timer.start();
    clock.advance(2.5e6);
    timer.frequency = 2000;
    expect(timer.value).toBe(98);
    clock.advance(0.25e6);
    expect(timer.value).toBe(97);
    timer.frequency = 0;
    clock.advance(1 * SECOND);
    expect(timer.value).toBe(97);
  });

  it('is exact after years in which it was not read, and over moves of the epoch', () => {
    const clock = new ManualClock();
    const timer = clock.countdown('timer', { frequency: 999_999_937, width: 31, mode: 'free-running' });
    timer.start();
    const years = 1000n;
    for (let year = 0n; year < years; year++) clock.advance(365 * 86_400 * SECOND);
    const ticks = (365n * 86_400n * years * 1_000_000_000n * 999_999_937n) / 1_000_000_000n;
    expect(BigInt(timer.value)).toBe(BigInt.asUintN(31, 2n ** 31n - 1n - ticks));
  });

  it('of a hostile guest, with reload 0 or 1, calls once in 10 us and says how often it expired', () => {
    for (const reload of [0, 1]) {
      const clock = new ManualClock();
      const times: number[] = [];
      const timer = clock.countdown('flood', { frequency: 1000 * MHz, reload }, (count) => times.push(count));
      timer.start();
      clock.advance(1000 * MICROSECOND);
      expect(times.length).toBeLessThanOrEqual(101);
      expect(times.reduce((sum, count) => sum + count, 0)).toBe(990_001);
      expect(timer.value).toBe(reload);
      timer.stop();
      clock.advance(10 * MICROSECOND);
      expect(times.reduce((sum, count) => sum + count, 0)).toBe(1_000_000);
    }
  });

  it('that is latched calls once until it is acknowledged, however often it expires', () => {
    const clock = new ManualClock();
    let calls = 0;
    const timer = clock.countdown('latched', { frequency: 1000 * MHz, reload: 1, latched: true }, () => calls++);
    timer.start();
    clock.advance(100 * SECOND);
    expect([calls, timer.expired]).toEqual([1, true]);
    timer.acknowledge();
    expect(timer.expired).toBe(false);
    clock.advance(1);
    expect([calls, timer.expired]).toEqual([2, true]);
  });

  it('knows that it has expired before its timer has run, where a clock goes on by itself', () => {
    const clock = new ManualClock();
    let calls = 0;
    const timer = clock.countdown('late', { frequency: MHz, reload: 10, latched: true }, () => calls++);
    timer.start();
    clock.set(25 * MICROSECOND);
    expect([timer.value, timer.expired, calls]).toEqual([5, true, 0]);
    clock.runDue();
    expect(calls).toBe(1);
  });

  it('that expires after 2^53 ns does so at the exact time', () => {
    const clock = new ManualClock();
    const timer = clock.countdown('slow', { frequency: 1, reload: 40_000_001 });
    timer.start();
    clock.advance(40_000_000 * SECOND);
    clock.advance(1 * SECOND - 1);
    expect(timer.expired).toBe(false);
    clock.advance(1);
    expect(timer.expired).toBe(true);
  });

  it('expires at once when it is triggered, and calls within that instant', () => {
    const clock = new ManualClock();
    const calls: number[] = [];
    const timer = clock.countdown('timer', { frequency: MHz, latched: true }, () => calls.push(clock.now));
    timer.trigger();
    expect(timer.expired).toBe(true);
    clock.runDue();
    clock.advance(1 * SECOND);
    expect(calls).toEqual([0]);
  });

  it('goes back to what it was made as', () => {
    const clock = new ManualClock();
    const timer = clock.countdown('timer', { frequency: MHz, reload: 5 });
    timer.mode = 'one-shot';
    timer.prescaler = 16;
    timer.width = 8;
    timer.reload = 3;
    timer.load(7);
    timer.start();
    clock.advance(1 * SECOND);
    timer.reset();
    const { mode, prescaler, width, reload, value, running, expired } = timer;
    expect([mode, prescaler, width, reload, value]).toEqual(['periodic', 1, 32, 5, 5]);
    expect([running, expired, clock.pendingTimers.length]).toEqual([false, false, 0]);
  });

  it('loses what is wider than it is', () => {
    const timer = new ManualClock().countdown('timer', { frequency: MHz, width: 16 });
    timer.load(0x1_2345);
    expect(timer.value).toBe(0x2345);
    timer.width = 8;
    expect([timer.value, timer.reload]).toEqual([0x45, 0xff]);
  });

  it.each([
    ['a part of a hertz', { frequency: 0.5 }, 'frequency 0.5'],
    ['more than 1 GHz', { frequency: 2e9 }, 'frequency 2000000000'],
    ['no prescaler', { frequency: 1, prescaler: 0 }, 'prescaler 0'],
    ['more bits than are exact', { frequency: 1, width: 53 }, '53 bits'],
    ['a part of a tick', { frequency: 1, reload: 0.5 }, '0.5 is none'],
  ])('with %s is refused', (_, options, text) => {
    expectRefusal(() => new ManualClock().countdown('wrong', options), 'invalid-count', text);
  });
});

describe('a counter', () => {
  it('counts up, and expires where it overflows', () => {
    const clock = new ManualClock();
    const counter = clock.counter('counter', { frequency: MHz, width: 8 });
    counter.start();
    clock.advance(255 * MICROSECOND);
    expect([counter.value, counter.expired]).toEqual([255, false]);
    clock.advance(1 * MICROSECOND);
    expect([counter.value, counter.expired]).toEqual([0, true]);
  });

  it('expires at a match, and starts again behind its top', () => {
    const clock = new ManualClock();
    const calls: number[] = [];
    const options = { frequency: MHz, width: 16, top: 99, match: 50 };
    const counter = clock.counter('counter', options, () => calls.push(clock.now / MICROSECOND));
    counter.start();
    clock.advance(260 * MICROSECOND);
    expect(calls).toEqual([50, 150, 250]);
    expect(counter.value).toBe(60);
    counter.match = 100;
    clock.advance(1 * SECOND);
    expect(calls).toHaveLength(3);
  });

  it('counts the seconds of a clock chip: at 1 Hz it shows seconds since 1970', () => {
    const clock = new ManualClock();
    const seconds = clock.counter('seconds', { frequency: 1, width: 48 });
    seconds.load(1_700_000_000);
    seconds.start();
    clock.advance(100 * 365 * 86_400 * SECOND + 0.9 * SECOND);
    expect(seconds.value).toBe(1_700_000_000 + 100 * 365 * 86_400);
  });
});
