import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../sdk/clock/index.ts';

describe('a manual clock that follows another time', () => {
  it('looks the time up when it is asked for it, and stands still afterwards', () => {
    const clock = new ManualClock();
    let [time, asked] = [100, 0];
    clock.follow(() => {
      asked++;
      return time;
    });
    expect(asked).toBe(0);
    expect(clock.now).toBe(100);
    time = 250;
    expect(clock.now).toBe(250);
    clock.follow(undefined);
    time = 900;
    expect(clock.now).toBe(250);
  });

  it('passes no deadline: the timer fires by a call, at its own time', () => {
    const clock = new ManualClock();
    const fired: number[] = [];
    clock.timer('bell', () => fired.push(clock.now)).arm(300);
    clock.follow(() => 1000);
    expect(clock.now).toBe(300);
    expect(fired).toEqual([]);
    clock.follow(undefined);
    clock.advanceTo(1000);
    expect(fired).toEqual([300]);
    expect(clock.now).toBe(1000);
  });

  it('never goes back', () => {
    const clock = new ManualClock(500);
    clock.follow(() => 100);
    expect(clock.now).toBe(500);
  });
});
