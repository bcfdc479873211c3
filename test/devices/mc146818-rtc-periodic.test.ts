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

  it('at rates 1 and 2 comes 32768 and 16384 times a second at the crystals of 1 and 4 MHz', () => {
    for (const divider of [0x00, 0x10]) {
      for (const [rate, perSecond] of [
        [1, 32_768],
        [2, 16_384],
        [6, 1024],
      ] as const) {
        const bench = rtcBench();
        writeRtc(bench, Rtc.a, divider | rate);
        readRtc(bench, Rtc.c);
        writeRtc(bench, Rtc.b, PeriodicEnabled);
        expect(acknowledgedFor(bench, SECOND / 8)).toBe(perSecond / 8);
      }
    }
  });

  it('comes half a period before an update is announced, whatever the rate, a nanosecond after that edge', () => {
    // The announcement and the update are 73 ticks of the crystal, which the datasheet rounds to 244 and 1984 us.
    const announced = SECOND - (73 * SECOND) / 32_768;
    for (const [rate, ticks] of [
      [3, 4],
      [6, 32],
      [1, 128],
      [15, 16_384],
    ] as const) {
      const bench = rtcBench();
      writeRtc(bench, Rtc.a, 0x20 | rate);
      const edge = Math.floor(announced - (ticks / 2 / 32_768) * SECOND) + 1;
      bench.clock.advance(edge - 1);
      readRtc(bench, Rtc.c);
      writeRtc(bench, Rtc.b, PeriodicEnabled);
      bench.clock.advance(1 * SECOND);
      expect(bench.interrupts.irq.changes).toEqual([{ level: true, at: edge }]);
    }
  });

  it('at rate 0 never comes', () => {
    const bench = rtcBench();
    writeRtc(bench, Rtc.a, 0x20);
    writeRtc(bench, Rtc.b, PeriodicEnabled);
    expect(acknowledgedFor(bench, 2 * SECOND)).toBe(0);
  });

  it('sets its flag at its rate while it is disabled, and no timer runs for that', () => {
    const bench = rtcBench();
    bench.clock.advance(2 * MILLISECOND);
    expect(readRtc(bench, Rtc.c)).toBe(0x40);
    expect(readRtc(bench, Rtc.c)).toBe(0x00);
    bench.clock.advance(100 * MILLISECOND);
    expect(bench.clock.nextDeadline()).toBe(1 * SECOND);
    readRtc(bench, Rtc.c);
    const flags = Array.from({ length: 64 }, () => {
      bench.clock.advance(MILLISECOND / 8);
      return readRtc(bench, Rtc.c) >> 6;
    });
    // Eight milliseconds are eight periods and a little.
    expect(flags.filter((flag) => flag === 1)).toHaveLength(8);
    expect(bench.interrupts.irq.changes).toEqual([]);
  });

  it('interrupts at once when it is enabled after an edge', () => {
    const bench = rtcBench();
    bench.clock.advance(2 * MILLISECOND);
    writeRtc(bench, Rtc.b, PeriodicEnabled);
    expect(bench.interrupts.irq.level).toBe(true);
    expect(readRtc(bench, Rtc.c)).toBe(0xc0);
    expect(bench.interrupts.irq.level).toBe(false);
  });

  it('does not move its edges when it is enabled, disabled, or set under way', () => {
    const edges = (disturb: (bench: RtcBench) => void) => {
      const bench = rtcBench();
      writeRtc(bench, Rtc.a, 0x2d);
      disturb(bench);
      writeRtc(bench, Rtc.a, 0x2d);
      readRtc(bench, Rtc.c);
      writeRtc(bench, Rtc.b, PeriodicEnabled);
      acknowledgedFor(bench, 1 * SECOND);
      return bench.interrupts.irq.changes.filter(({ level }) => level).map(({ at }) => at % (SECOND / 8));
    };
    const [first] = edges(() => {});
    for (const disturb of [
      (bench: RtcBench) => bench.clock.advance(33 * MILLISECOND),
      (bench: RtcBench) => {
        bench.clock.advance(33 * MILLISECOND);
        writeRtc(bench, Rtc.a, 0x26);
        bench.clock.advance(33 * MILLISECOND);
      },
      (bench: RtcBench) => {
        bench.clock.advance(33 * MILLISECOND);
        bench.reset();
        writeRtc(bench, Rtc.b, 0x82);
        writeRtc(bench, Rtc.seconds, 0x17);
        bench.clock.advance(33 * MILLISECOND);
      },
    ])
      expect(new Set(edges(disturb))).toEqual(new Set([first]));
  });

  it.each([0x3f, 0x4f, 0x5f, 0x6f, 0x7f])(
    'has no edges while the divider chain is held or tested: status A %i',
    (a) => {
      const bench = rtcBench();
      writeRtc(bench, Rtc.b, PeriodicEnabled);
      writeRtc(bench, Rtc.a, a);
      readRtc(bench, Rtc.c);
      expect(acknowledgedFor(bench, 2 * SECOND)).toBe(0);
      expect(readRtc(bench, Rtc.c)).toBe(0);
    },
  );

  it('has its edges from the moment on at which the divider chain is let go', () => {
    const bench = rtcBench();
    writeRtc(bench, Rtc.a, 0x66);
    bench.clock.advance(1234 * MILLISECOND);
    readRtc(bench, Rtc.c);
    const start = bench.clock.now;
    writeRtc(bench, Rtc.a, 0x2f);
    writeRtc(bench, Rtc.b, PeriodicEnabled);
    acknowledgedFor(bench, 1 * SECOND);
    const rises = bench.interrupts.irq.changes.filter(({ level }) => level).map(({ at }) => (at - start) / MILLISECOND);
    // An update is announced after half a second less 244 us: a quarter before that, and a quarter after.
    expect(rises.map(Math.round)).toEqual([250, 750]);
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
    bench.interrupts.irq.clear();
    writeRtc(bench, Rtc.b, 0x02);
    readRtc(bench, Rtc.c);
    bench.clock.advance(0.9 * SECOND);
    expect(bench.interrupts.irq.rises).toBe(0);
    expect(readRtc(bench, Rtc.c)).toBe(0x40);
  });

  it('at another rate has the edges of that rate, counted from the same chain', () => {
    const bench = rtcBench();
    writeRtc(bench, Rtc.a, 0x2f);
    writeRtc(bench, Rtc.b, PeriodicEnabled);
    // Half a second each, from 250 ms less 2228 us on.
    bench.clock.advance(400 * MILLISECOND);
    expect(bench.interrupts.irq.rises).toBe(1);
    readRtc(bench, Rtc.c);
    // A quarter of a second each, from 125 ms less 2228 us on.
    writeRtc(bench, Rtc.a, 0x2e);
    bench.clock.advance(222 * MILLISECOND);
    expect(bench.interrupts.irq.level).toBe(false);
    bench.clock.advance(1 * MILLISECOND);
    expect(bench.interrupts.irq.level).toBe(true);
  });

  it('is off after a reset, whose flags begin anew', () => {
    const bench = rtcBench();
    writeRtc(bench, Rtc.b, PeriodicEnabled);
    bench.clock.advance(2 * MILLISECOND);
    bench.reset();
    expect(bench.interrupts.irq.level).toBe(false);
    expect(readRtc(bench, Rtc.c)).toBe(0x00);
    bench.interrupts.irq.clear();
    bench.clock.advance(2 * MILLISECOND);
    expect(readRtc(bench, Rtc.c)).toBe(0x40);
    expect(bench.interrupts.irq.changes).toEqual([]);
  });

  it('stays exact after a hundred days', () => {
    const bench = rtcBench();
    bench.clock.set(100 * 86_400 * SECOND);
    writeRtc(bench, Rtc.a, 0x23);
    readRtc(bench, Rtc.c);
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
    expect(owed).toBe(79);
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
