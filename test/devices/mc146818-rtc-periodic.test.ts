import { describe, expect, it } from 'vitest';
import { MILLISECOND, SECOND } from '../../sdk/index.ts';
import { Rtc, type RtcBench, readRtc, rtcBench, writeRtc } from './rtc-guest.ts';

const PeriodicEnabled = 0x42;

/** Advances in small steps with a guest that acknowledges every interrupt at once. Answers how many there were. */
function acknowledgedFor(bench: RtcBench, duration: number): number {
  const end = bench.clock.now + duration;
  let interrupts = 0;
  while (bench.clock.nextDeadline() <= end) {
    bench.clock.advanceTo(bench.clock.nextDeadline());
    while (bench.interrupts.irq.level && interrupts < 100_000) {
      if (readRtc(bench, Rtc.c) & 0x40) interrupts++;
    }
  }
  bench.clock.advanceTo(end);
  return interrupts;
}

describe('the periodic interrupt', () => {
  it.each([
    [1, 256],
    [2, 128],
    [3, 8192],
    [4, 4096],
    [5, 2048],
    [6, 1024],
    [7, 512],
    [8, 256],
    [9, 128],
    [10, 64],
    [11, 32],
    [12, 16],
    [13, 8],
    [14, 4],
    [15, 2],
  ])('at rate %i comes %i times a second, and does not drift', (rate, perSecond) => {
    const bench = rtcBench();
    writeRtc(bench, Rtc.a, 0x20 | rate);
    writeRtc(bench, Rtc.b, PeriodicEnabled);
    expect(acknowledgedFor(bench, 3 * SECOND + 1)).toBe(3 * perSecond);
  });

  it('comes a nanosecond after the tick of the crystal', () => {
    const bench = rtcBench();
    writeRtc(bench, Rtc.b, PeriodicEnabled);
    bench.clock.advance(1 * SECOND);
    expect(bench.interrupts.irq.changes).toEqual([{ level: true, at: Math.floor((32 * SECOND) / 32_768) + 1 }]);
    expect(readRtc(bench, Rtc.c)).toBe(0xd0);
  });

  it('at rate 0 never comes', () => {
    const bench = rtcBench();
    writeRtc(bench, Rtc.a, 0x20);
    writeRtc(bench, Rtc.b, PeriodicEnabled);
    expect(acknowledgedFor(bench, 2 * SECOND)).toBe(0);
  });

  it('sets no flag while it is disabled', () => {
    const bench = rtcBench();
    bench.clock.advance(2 * SECOND);
    expect(readRtc(bench, Rtc.c)).toBe(0x10);
  });

  it('does not ask the divider chain', () => {
    const bench = rtcBench();
    writeRtc(bench, Rtc.a, 0x6f);
    writeRtc(bench, Rtc.b, PeriodicEnabled);
    expect(acknowledgedFor(bench, 2 * SECOND + 1)).toBe(4);
  });

  it('is one interrupt until status C is read, with the policy to discard', () => {
    const bench = rtcBench();
    writeRtc(bench, Rtc.b, PeriodicEnabled);
    bench.clock.advance(1 * SECOND);
    expect(bench.interrupts.irq.rises).toBe(1);
    expect(readRtc(bench, Rtc.c) & 0x40).toBe(0x40);
    expect(readRtc(bench, Rtc.c)).toBe(0);
    expect(bench.device.periodic.backlog).toBe(0);
  });

  it('stops when it is disabled', () => {
    const bench = rtcBench();
    writeRtc(bench, Rtc.b, PeriodicEnabled);
    bench.clock.advance(1.5 * MILLISECOND);
    writeRtc(bench, Rtc.b, 0x02);
    readRtc(bench, Rtc.c);
    bench.clock.advance(0.9 * SECOND);
    expect(readRtc(bench, Rtc.c)).toBe(0);
  });

  it('credits what passed of the old period when the rate changes', () => {
    const bench = rtcBench();
    writeRtc(bench, Rtc.a, 0x2f);
    writeRtc(bench, Rtc.b, PeriodicEnabled);
    bench.clock.advance(400 * MILLISECOND);
    writeRtc(bench, Rtc.a, 0x2e);
    bench.clock.advance(1 * MILLISECOND);
    expect(bench.interrupts.irq.rises).toBe(1);
    readRtc(bench, Rtc.c);
    bench.clock.advance(248 * MILLISECOND);
    expect(bench.interrupts.irq.level).toBe(false);
    bench.clock.advance(2 * MILLISECOND);
    expect(bench.interrupts.irq.level).toBe(true);
  });

  it('credits the part that passed towards a longer period too', () => {
    const bench = rtcBench();
    writeRtc(bench, Rtc.a, 0x2e);
    writeRtc(bench, Rtc.b, PeriodicEnabled);
    bench.clock.advance(200 * MILLISECOND);
    writeRtc(bench, Rtc.a, 0x2f);
    bench.clock.advance(299 * MILLISECOND);
    expect(bench.interrupts.irq.level).toBe(false);
    bench.clock.advance(2 * MILLISECOND);
    expect(bench.interrupts.irq.level).toBe(true);
  });

  it('under way at a reset still sets its flag once, raises nothing, and was the last', () => {
    const bench = rtcBench();
    writeRtc(bench, Rtc.b, PeriodicEnabled);
    bench.reset();
    bench.clock.advance(0.5 * SECOND);
    expect(bench.interrupts.irq.changes).toEqual([]);
    expect(readRtc(bench, Rtc.c)).toBe(0x40);
    bench.clock.advance(0.4 * SECOND);
    expect(readRtc(bench, Rtc.c)).toBe(0);
  });

  it('stays exact after a hundred days', () => {
    const bench = rtcBench();
    bench.clock.set(100 * 86_400 * SECOND);
    writeRtc(bench, Rtc.a, 0x23);
    writeRtc(bench, Rtc.b, PeriodicEnabled);
    expect(acknowledgedFor(bench, 1 * SECOND + 1)).toBe(8192);
  });
});

const slewing = () => rtcBench({ options: { lostTickPolicy: 'slew' } });

describe('the policy to slew', () => {
  it('counts the ticks that the guest could not notice', () => {
    const bench = slewing();
    writeRtc(bench, Rtc.a, 0x2a);
    writeRtc(bench, Rtc.b, PeriodicEnabled);
    bench.clock.advance(0.5 * SECOND + 1);
    expect(bench.device.periodic.backlog).toBe(31);
  });

  it('sends the next one as soon as one is acknowledged, at most twenty in a row', () => {
    const bench = slewing();
    writeRtc(bench, Rtc.a, 0x2a);
    writeRtc(bench, Rtc.b, PeriodicEnabled);
    bench.clock.advance(0.5 * SECOND + 1);
    let inARow = 0;
    while (bench.interrupts.irq.level) {
      expect(readRtc(bench, Rtc.c) & 0xc0).toBe(0xc0);
      inARow++;
    }
    expect(inARow).toBe(21);
    expect(bench.device.periodic.backlog).toBe(11);
  });

  it('sends the rest between the ticks, so that none is lost in the end', () => {
    const bench = slewing();
    writeRtc(bench, Rtc.a, 0x2a);
    writeRtc(bench, Rtc.b, PeriodicEnabled);
    bench.clock.advance(1 * SECOND);
    expect(acknowledgedFor(bench, 1 * SECOND + 1)).toBe(128);
    expect(bench.device.periodic.backlog).toBe(0);
  });

  it('sends them up to seven times faster than they came', () => {
    const bench = slewing();
    writeRtc(bench, Rtc.a, 0x2e);
    writeRtc(bench, Rtc.b, PeriodicEnabled);
    bench.clock.advance(20 * SECOND);
    const owed = bench.device.periodic.backlog;
    expect(owed).toBe(78);
    for (let read = 0; read < 30; read++) readRtc(bench, Rtc.c);
    expect(bench.device.periodic.backlog).toBe(owed - 20);
    const before = bench.clock.now;
    readRtc(bench, Rtc.c);
    const next = bench.clock.nextDeadline() - before;
    expect(next).toBeLessThanOrEqual(Math.ceil(SECOND / 4 / 8));
  });

  it('converts what it owes when the rate changes', () => {
    const bench = slewing();
    writeRtc(bench, Rtc.a, 0x2a);
    writeRtc(bench, Rtc.b, PeriodicEnabled);
    bench.clock.advance(0.5 * SECOND + 1);
    expect(bench.device.periodic.backlog).toBe(31);
    writeRtc(bench, Rtc.a, 0x2b);
    expect(bench.device.periodic.backlog).toBe(15);
    writeRtc(bench, Rtc.a, 0x29);
    expect(bench.device.periodic.backlog).toBe(62);
  });

  it('forgets what it owes at a reset, and when the guest turns the interrupt off', () => {
    for (const forget of [(bench: RtcBench) => bench.reset(), (bench: RtcBench) => writeRtc(bench, Rtc.b, 0x02)]) {
      const bench = slewing();
      writeRtc(bench, Rtc.b, PeriodicEnabled);
      bench.clock.advance(1 * SECOND);
      expect(bench.device.periodic.backlog).toBeGreaterThan(0);
      forget(bench);
      expect(bench.device.periodic.backlog).toBe(0);
    }
  });
});
