import { describe, expect, it } from 'vitest';
import { pulseAt, timeOf } from '../../devices/i8254/clk.ts';
import { I8254 } from '../../devices/index.ts';
import { isapc } from '../../machines/index.ts';
import { MICROSECOND, MILLISECOND, SECOND, use } from '../../sdk/index.ts';
import { guestProgram, Machine } from '../../sdk/runtime.ts';
import { testBench } from '../../sdk/testing/index.ts';

const Control = 0x43;
const SystemControl = 0x61;
const Gate2 = 1;
const Out2 = 0x20;
const Low = 1;
const High = 2;
const Both = 3;

/** Channel 2 as a guest has it: its gate and its output are at port 0x61. Time is counted in pulses of CLK. */
function board(startAt = 0) {
  const bench = testBench(I8254, { startAt });
  const first = pulseAt(bench.clock.now);
  let pulses = 0;
  const self = {
    bench,
    control: (counter: number, mode: number, access = Both, isDecimal = 0) =>
      bench.out8(Control, (counter << 6) | (access << 4) | (mode << 1) | isDecimal),
    write: (counter: number, ...bytes: number[]) => {
      for (const byte of bytes) bench.out8(0x40 + counter, byte);
    },
    /** So many pulses go by. */
    pass: (count: number) => {
      pulses += count;
      bench.clock.advance(timeOf(first + pulses) - bench.clock.now);
    },
    gate: (level: number) => bench.out8(SystemControl, level),
    count: (counter: number) => {
      bench.out8(Control, counter << 6);
      return bench.in8(0x40 + counter) | (bench.in8(0x40 + counter) << 8);
    },
    status: (counter: number) => {
      bench.out8(Control, 0xe0 | (2 << counter));
      return bench.in8(0x40 + counter);
    },
    out: () => ((bench.in8(SystemControl) & Out2) !== 0 ? 1 : 0),
    /** OUT 2 and the count after each of so many pulses. */
    trace: (count: number) =>
      Array.from({ length: count }, () => {
        self.pass(1);
        return [self.out(), self.count(2)];
      }),
  };
  return self;
}

type Board = ReturnType<typeof board>;

/** A count of two bytes in a mode. The gate of channel 2 is high. */
function counting(mode: number, count: number, pit: Board = board()): Board {
  pit.gate(Gate2);
  pit.control(2, mode);
  pit.write(2, count & 0xff, count >> 8);
  return pit;
}

const outs = (trace: readonly (readonly number[])[]) => trace.map(([out]) => out).join('');
const counts = (trace: readonly (readonly number[])[]) => trace.map(([, count]) => count);

describe('8254, mode 0 (231164, "Mode 0: Interrupt on Terminal Count")', () => {
  it('loads at the next pulse, and raises OUT N + 1 pulses after the count was written', () => {
    const pit = counting(0, 4);
    expect([pit.out(), pit.status(2) & 0x40]).toEqual([0, 0x40]);
    const trace = pit.trace(7);
    expect(counts(trace)).toEqual([4, 3, 2, 1, 0, 0xffff, 0xfffe]);
    expect(outs(trace)).toBe('0000111');
    expect(pit.status(2) & 0x40).toBe(0);
  });

  it('stops while GATE is low, and OUT stays', () => {
    const pit = counting(0, 3);
    pit.pass(2);
    pit.gate(0);
    expect(counts(pit.trace(3))).toEqual([2, 2, 2]);
    pit.gate(Gate2);
    const trace = pit.trace(3);
    expect([counts(trace), outs(trace)]).toEqual([[1, 0, 0xffff], '011']);
    pit.gate(0);
    expect(outs(pit.trace(2))).toBe('11');
  });

  it('loads a count that is written while GATE is low', () => {
    const pit = board();
    pit.control(2, 0);
    pit.write(2, 3, 0);
    pit.pass(3);
    expect(counts(pit.trace(2))).toEqual([3, 3]);
    pit.gate(Gate2);
    expect(outs(pit.trace(4))).toBe('0011');
  });

  it('stops at the first byte of a new count, with OUT low, and goes on from the second', () => {
    const pit = counting(0, 2);
    pit.pass(4);
    expect(pit.out()).toBe(1);
    pit.write(2, 5);
    expect(pit.out()).toBe(0);
    expect(counts(pit.trace(2))).toEqual([0xffff, 0xffff]);
    pit.write(2, 0);
    const trace = pit.trace(7);
    expect([counts(trace), outs(trace)]).toEqual([[5, 4, 3, 2, 1, 0, 0xffff], '0000011']);
  });
});

describe('8254, mode 1 (231164, "Mode 1: Hardware Retriggerable One-Shot")', () => {
  it('waits for a rising GATE, and then OUT is low for N pulses', () => {
    const pit = counting(1, 3);
    expect(outs(pit.trace(2))).toBe('11');
    pit.gate(0);
    pit.gate(Gate2);
    const trace = pit.trace(5);
    expect([counts(trace), outs(trace)]).toEqual([[3, 2, 1, 0, 0xffff], '00011']);
  });

  it('starts again with a trigger in the middle, with the count that was written last', () => {
    const pit = counting(1, 3);
    pit.gate(0);
    pit.gate(Gate2);
    pit.pass(2);
    pit.write(2, 5, 0);
    expect(counts(pit.trace(1))).toEqual([1]);
    pit.gate(0);
    expect(pit.out()).toBe(0);
    pit.gate(Gate2);
    expect(outs(pit.trace(7))).toBe('0000011');
  });
});

describe('8254, mode 2 (231164, "Mode 2: Rate Generator")', () => {
  it('lowers OUT for the pulse in which the count is 1, with a period of N', () => {
    const trace = counting(2, 3).trace(8);
    expect([counts(trace), outs(trace)]).toEqual([[3, 2, 1, 3, 2, 1, 3, 2], '11011011']);
  });

  it('takes a new count at the end of the period', () => {
    const pit = counting(2, 4);
    pit.pass(2);
    pit.write(2, 3, 0);
    expect(pit.status(2) & 0x40).toBe(0x40);
    expect(counts(pit.trace(6))).toEqual([2, 1, 3, 2, 1, 3]);
    expect(pit.status(2) & 0x40).toBe(0);
  });

  it('raises OUT at once when GATE falls, and starts again with the new count when it rises', () => {
    const pit = counting(2, 3);
    pit.pass(3);
    expect(pit.out()).toBe(0);
    pit.write(2, 4, 0);
    pit.gate(0);
    expect(pit.out()).toBe(1);
    expect(counts(pit.trace(2))).toEqual([1, 1]);
    pit.gate(Gate2);
    const trace = pit.trace(5);
    expect([counts(trace), outs(trace)]).toEqual([[4, 3, 2, 1, 4], '11101']);
  });
});

describe('8254, mode 3 (231164, "Mode 3: Square Wave Mode")', () => {
  it('counts by two, with halves of the same length for an even count', () => {
    const trace = counting(3, 4).trace(8);
    expect([counts(trace), outs(trace)]).toEqual([[4, 2, 4, 2, 4, 2, 4, 2], '11001100']);
  });

  it('is high for one pulse more with an odd count', () => {
    const trace = counting(3, 5).trace(10);
    expect([counts(trace), outs(trace)]).toEqual([[4, 2, 0, 4, 2, 4, 2, 0, 4, 2], '1110011100']);
  });

  it('takes a new count at the end of the half cycle', () => {
    const pit = counting(3, 6);
    pit.pass(2);
    pit.write(2, 4, 0);
    const trace = pit.trace(7);
    expect([counts(trace), outs(trace)]).toEqual([[2, 4, 2, 4, 2, 4, 2], '1001100']);
  });

  it('raises OUT at once when GATE falls, and begins with the high half when it rises', () => {
    const pit = counting(3, 6);
    pit.pass(5);
    expect(pit.out()).toBe(0);
    pit.gate(0);
    expect(pit.out()).toBe(1);
    pit.gate(Gate2);
    expect(outs(pit.trace(7))).toBe('1110001');
  });
});

describe('8254, modes 4 and 5 (231164, "Software Triggered Strobe", "Hardware Triggered Strobe")', () => {
  it('strobe N + 1 pulses after the count was written, once', () => {
    const trace = counting(4, 3).trace(7);
    expect([counts(trace), outs(trace)]).toEqual([[3, 2, 1, 0, 0xffff, 0xfffe, 0xfffd], '1110111']);
  });

  it('strobe once more for each count that is written, as Linux does for each event', () => {
    const pit = counting(4, 2);
    pit.pass(10);
    pit.write(2, 3, 0);
    expect(outs(pit.trace(6))).toBe('111011');
  });

  it('strobe N + 1 pulses after the trigger in mode 5, and start again with each', () => {
    const pit = counting(5, 3);
    expect(outs(pit.trace(5))).toBe('11111');
    pit.gate(0);
    pit.gate(Gate2);
    pit.pass(3);
    pit.gate(0);
    pit.gate(Gate2);
    const trace = pit.trace(5);
    expect([counts(trace), outs(trace)]).toEqual([[3, 2, 1, 0, 0xffff], '11101']);
  });
});

describe('8254', () => {
  it('counts decimal digits in BCD, and a count of zero is 10,000 (231164, "Control Word Format")', () => {
    const pit = board();
    pit.gate(Gate2);
    pit.control(2, 2, Both, 1);
    pit.write(2, 0x00, 0x01);
    expect(counts(pit.trace(3))).toEqual([0x100, 0x99, 0x98]);
    pit.control(2, 0, Both, 1);
    pit.write(2, 0, 0);
    expect(counts(pit.trace(3))).toEqual([0, 0x9999, 0x9998]);
  });

  it('clears the byte that is not written (231164, "Write Operations")', () => {
    const pit = board();
    pit.gate(Gate2);
    pit.control(2, 2);
    pit.write(2, 0x34, 0x12);
    pit.pass(1);
    pit.control(2, 2, Low);
    pit.write(2, 0x80);
    pit.pass(1);
    pit.bench.out8(Control, 0x80);
    expect([pit.bench.in8(0x42), pit.bench.in8(0x42)]).toEqual([0x80, 0x80]);
    pit.control(2, 2, High);
    pit.write(2, 0x80);
    pit.pass(1);
    expect(pit.bench.in8(0x42)).toBe(0x80);
  });

  it('holds the first latched count and status until they are read, status first (231164, "Read-Back Command")', () => {
    const pit = counting(2, 0x1234);
    pit.pass(5);
    pit.bench.out8(Control, 0xc8);
    pit.pass(5);
    pit.bench.out8(Control, 0x80);
    pit.bench.out8(Control, 0xc8);
    expect([0, 0, 0].map(() => pit.bench.in8(0x42))).toEqual([0xb4, 0x30, 0x12]);
    expect(pit.count(2)).toBe(0x122b);
  });

  it('forgets what is latched when it is programmed (231164, "Counter Latch Command")', () => {
    const pit = counting(2, 0x1234);
    pit.pass(5);
    pit.bench.out8(Control, 0x80);
    counting(2, 0x4000, pit);
    pit.pass(1);
    expect(pit.bench.in8(0x42)).toBe(0x00);
  });

  it('keeps reads and writes of a counter apart: they may be interleaved (231164, "Read Operations")', () => {
    const pit = counting(2, 0x1234);
    pit.pass(1);
    expect(pit.bench.in8(0x42)).toBe(0x34);
    pit.write(2, 0x78);
    expect(pit.bench.in8(0x42)).toBe(0x12);
    pit.write(2, 0x56);
    pit.pass(0x1234);
    expect(pit.count(2)).toBe(0x5678);
  });

  it('counts nothing before it is programmed, and after a reset', () => {
    const pit = board();
    expect([pit.status(0), pit.count(2), pit.bench.interrupts.irq.level]).toEqual([0x70, 0, false]);
    pit.control(0, 2);
    pit.write(0, 100, 0);
    expect(pit.bench.interrupts.irq.level).toBe(true);
    pit.bench.reset();
    pit.pass(1000);
    expect([pit.status(0), pit.bench.interrupts.irq.level]).toEqual([0x70, false]);
    expect(pit.bench.clock.pendingTimers).toEqual([]);
  });

  it('does not drive the bus in a read of the control word', () => {
    expect(board().bench.in8(Control)).toBe(0xff);
  });

  it('has the same phase of CLK in each second, so that moves of the epoch change nothing', () => {
    const pit = counting(2, 1000, board(3 * SECOND + 12_345));
    pit.pass(500);
    const before = pit.count(2);
    pit.bench.clock.rebase();
    expect(pit.count(2)).toBe(before);
  });
});

describe('port 0x61', () => {
  it('changes its refresh bit every 15.625 us of guest time, whatever is read', () => {
    const { bench } = board();
    const bits = Array.from({ length: 8 }, () => {
      bench.clock.advance(7_813);
      return (bench.in8(SystemControl) >> 4) & 1;
    });
    expect(bits.join('')).toBe('01100110');
  });

  it('holds what is written to its lower half, and ignores the upper', () => {
    const { bench } = board();
    bench.out8(SystemControl, 0xff);
    expect(bench.in8(SystemControl) & 0xcf).toBe(0x0f);
  });
});

describe('OUT 0', () => {
  it('costs one timer a period in mode 2, and each is a rising edge', () => {
    const pit = board();
    let rises = 0;
    let fired = 0;
    pit.bench.device.irq.observer = (level) => {
      if (level) rises++;
    };
    pit.control(0, 2);
    pit.write(0, 0, 0);
    pit.bench.clock.observer = () => fired++;
    rises = 0;
    pit.bench.clock.advance(SECOND);
    expect([rises, fired, pit.bench.interrupts.irq.level]).toEqual([18, 18, true]);
  });

  it('is a square wave in mode 3, and rises once at the terminal count in mode 0', () => {
    const pit = board();
    const levels: boolean[] = [];
    pit.bench.device.irq.observer = (level) => levels.push(level);
    pit.control(0, 3);
    pit.write(0, 100, 0);
    pit.pass(1 + 100);
    expect(levels).toEqual([true, false, true]);
    pit.control(0, 0);
    pit.write(0, 100, 0);
    pit.pass(100);
    expect(pit.bench.interrupts.irq.level).toBe(false);
    pit.pass(1);
    expect(levels).toEqual([true, false, true, false, true]);
  });

  it('rises no more often than every 10 us, however fast it counts', () => {
    for (const mode of [2, 3]) {
      const pit = board();
      let rises = 0;
      pit.control(0, mode);
      pit.write(0, 2, 0);
      pit.bench.device.irq.observer = (level) => {
        if (level) rises++;
      };
      pit.bench.clock.advance(MILLISECOND);
      expect(rises).toBeGreaterThan(80);
      expect(rises).toBeLessThanOrEqual(101);
    }
  });

  it('never rises for the illegal count of 1', () => {
    const pit = board();
    pit.control(0, 2);
    pit.write(0, 1, 0);
    pit.bench.clock.advance(SECOND);
    expect(pit.bench.clock.pendingTimers).toEqual([]);
  });
});

describe('the timer of a machine', () => {
  const machine = { ...isapc, devices: [...isapc.devices, use(I8254)] };

  /** Waits for OUT 2 as firmware does that measures its processor. Answers how often it had to look. */
  const calibrate = (polls: { count: number }) =>
    guestProgram('calibrate', function* (guest) {
      yield* guest.out8(SystemControl, Gate2);
      yield* guest.out8(Control, 0xb0);
      yield* guest.out8(0x42, 0xff);
      yield* guest.out8(0x42, 0x0f);
      for (polls.count = 1; ((yield* guest.in8(SystemControl)) & Out2) === 0; polls.count++)
        yield* guest.pause(MICROSECOND);
    });

  it('ends the loop of firmware that polls OUT 2', () => {
    const polls = { count: 0 };
    const built = Machine.create(machine);
    expect(built.run(calibrate(polls)).reason).toBe('finished');
    expect(polls.count).toBeGreaterThan(100);
    expect(built.clock.now).toBeGreaterThanOrEqual(timeOf(0x1000));
  });

  it('goes on from a snapshot in the middle of a count as if nothing had happened', () => {
    const left = Machine.create(machine);
    const trace = (one: typeof left) =>
      Array.from({ length: 50 }, () => {
        one.clock.advanceTo(one.clock.now + 7_777);
        return [one.io.read(0x40, 1), one.io.read(SystemControl, 1), one.device(I8254).irq.level];
      });
    left.io.write(Control, 0x36, 1);
    for (const byte of [50, 0]) left.io.write(0x40, byte, 1);
    left.clock.advanceTo(left.clock.now + 123_456);
    const right = Machine.restore(machine, left.save());
    expect(trace(right)).toEqual(trace(left));
  });
});
