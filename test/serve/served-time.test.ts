import { describe, expect, it } from 'vitest';
import { ManualClock, MILLISECOND, SECOND } from '../../sdk/clock/index.ts';
import { ServedTime } from '../../sdk/serve/served-time.ts';

const Hour = 3600 * SECOND;
const Day = 24 * Hour;

describe('the time of a served device', () => {
  it('follows the host’s exactly, and over moves of the epoch', () => {
    const clock = new ManualClock();
    let host = 7;
    const time = new ServedTime(clock, () => host);
    for (host = 7; host < 100 * Day; host += 10 * Hour + 1) {
      time.catchUp();
      expect(clock.absolute()).toBe(BigInt(host) - 7n);
    }
    expect(clock.epoch).toBeGreaterThan(0n);
    time.catchUp();
    const before = clock.absolute();
    clock.rebase();
    time.catchUp();
    expect(clock.absolute()).toBe(before);
    host += SECOND;
    time.catchUp();
    expect(clock.absolute()).toBe(before + BigInt(SECOND));
  });

  it('knows how far the next timer is, and that there is none', () => {
    const clock = new ManualClock();
    let host = 0;
    const time = new ServedTime(clock, () => host);
    expect(time.untilTimer).toBe(Number.POSITIVE_INFINITY);
    let fired = 0;
    clock.timer('tick', () => fired++).arm(5 * MILLISECOND);
    host = 2 * MILLISECOND;
    expect(time.untilTimer).toBe(3 * MILLISECOND);
    host = 6 * MILLISECOND;
    expect([time.untilTimer, fired]).toEqual([0, 0]);
    time.catchUp();
    expect([clock.now, fired]).toEqual([6 * MILLISECOND, 1]);
  });

  it('is given up where a timer is more than a second late, and goes on from there', () => {
    const clock = new ManualClock();
    let host = 0;
    const time = new ServedTime(clock, () => host);
    clock.timer('tick', () => {}).arm(1 * SECOND);
    host = 10 * SECOND;
    time.catchUp();
    expect(clock.now).toBe(2 * SECOND);
    host += 3 * SECOND;
    time.catchUp();
    expect(clock.now).toBe(5 * SECOND);
  });
});
