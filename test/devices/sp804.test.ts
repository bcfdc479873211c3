import { describe, expect, it } from 'vitest';
import { Sp804, sp804Registers } from '../../devices/sp804.ts';
import { MICROSECOND, SECOND } from '../../sdk/index.ts';
import { testBench } from '../../sdk/testing/index.ts';

const Load = 0x00;
const Value = 0x04;
const Control = 0x08;
const Clear = 0x0c;
const Raw = 0x10;
const Masked = 0x14;
const Background = 0x18;
const Second = 0x20;
const Enable = 0x80;
const Periodic = 0x40;
const Interrupt = 0x20;
const Wide = 0x02;
const OneShot = 0x01;

/** TIMCLK has 1 MHz: a tick is a microsecond. */
function board() {
  const bench = testBench(Sp804);
  const window = bench.at(sp804Registers);
  return {
    bench,
    read: (offset: number) => window.read32(offset),
    write: (offset: number, value: number) => window.write32(offset, value),
    pass: (ticks: number) => bench.clock.advance(ticks * MICROSECOND),
    get pins() {
      const { 'timer1.irq': timint1, 'timer2.irq': timint2, timintc } = bench.interrupts;
      return [timint1.level, timint2.level, timintc.level];
    },
  };
}

describe('SP804', () => {
  it('has the reset values of the manual, and its identification (Arm DDI 0271, 3.2)', () => {
    const { read } = board();
    expect([Load, Value, Control, Raw, Masked, Background].map(read)).toEqual([0, 0xffff_ffff, 0x20, 0, 0, 0]);
    const identification = Array.from({ length: 8 }, (_, index) => read(0xfe0 + 4 * index));
    expect(identification).toEqual([0x04, 0x18, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1]);
  });

  it('counts down from the load register, and starts again in periodic mode (2.2, "Periodic timer mode")', () => {
    const timer = board();
    timer.write(Load, 100);
    timer.write(Control, Enable | Periodic | Interrupt | Wide);
    timer.pass(99);
    expect([timer.read(Value), timer.read(Raw), timer.pins]).toEqual([1, 0, [false, false, false]]);
    timer.pass(1);
    expect([timer.read(Value), timer.read(Raw), timer.pins]).toEqual([100, 1, [true, false, true]]);
    timer.write(Clear, 0);
    expect([timer.read(Raw), timer.read(Masked), timer.pins]).toEqual([0, 0, [false, false, false]]);
    timer.pass(100);
    expect(timer.pins).toEqual([true, false, true]);
  });

  it('wraps to its largest value when it is free-running: 32 or 16 bits (2.2, "Free-running mode")', () => {
    for (const [size, largest] of [
      [Wide, 0xffff_ffff],
      [0, 0xffff],
    ] as const) {
      const timer = board();
      timer.write(Load, 5);
      timer.write(Control, Enable | size);
      timer.pass(5);
      expect([timer.read(Value), timer.read(Raw)]).toEqual([0, 1]);
      timer.pass(1);
      expect(timer.read(Value)).toBe(largest);
    }
  });

  it('stops at zero in one-shot mode, until it is loaded again (2.2, "One-shot timer mode")', () => {
    const timer = board();
    timer.write(Load, 10);
    timer.write(Control, Enable | OneShot | Interrupt);
    timer.pass(1000);
    expect([timer.read(Value), timer.read(Raw)]).toEqual([0, 1]);
    timer.write(Clear, 1);
    timer.write(Control, Enable | OneShot | Interrupt);
    timer.pass(1000);
    expect(timer.read(Raw)).toBe(0);
    timer.write(Load, 10);
    timer.pass(10);
    expect(timer.read(Raw)).toBe(1);
  });

  it.each([
    [0, 1],
    [1, 16],
    [2, 256],
  ])('prescaler %i divides by %i (3.3.3 "Control Register")', (prescale, divisor) => {
    const timer = board();
    timer.write(Load, 100);
    timer.write(Control, Enable | Periodic | (prescale << 2));
    timer.pass(10 * divisor - 1);
    expect(timer.read(Value)).toBe(91);
    timer.pass(1);
    expect(timer.read(Value)).toBe(90);
  });

  it('takes the background load at the next zero, and both load registers read it (3.3.7)', () => {
    const timer = board();
    timer.write(Load, 100);
    timer.write(Control, Enable | Periodic);
    timer.pass(50);
    timer.write(Background, 7);
    expect([timer.read(Load), timer.read(Background), timer.read(Value)]).toEqual([7, 7, 50]);
    timer.pass(50);
    expect(timer.read(Value)).toBe(7);
    timer.pass(6);
    expect(timer.read(Value)).toBe(1);
  });

  it.each([
    ['free-running', Wide],
    ['free-running with 16 bits', 0],
    ['periodic', Periodic],
    ['one-shot', OneShot],
  ])(
    'interrupts at once when it is loaded with 0 while it is %s, each time, and not while disabled (3.3.1)',
    (_, mode) => {
      const timer = board();
      timer.write(Control, mode | Interrupt);
      timer.write(Load, 0);
      expect([timer.read(Raw), timer.pins]).toEqual([0, [false, false, false]]);
      timer.write(Load, 9);
      timer.write(Control, Enable | mode | Interrupt);
      for (let time = 0; time < 2; time++) {
        expect([timer.read(Raw), timer.pins]).toEqual([0, [false, false, false]]);
        timer.write(Load, 0);
        expect([timer.read(Raw), timer.pins]).toEqual([1, [true, false, true]]);
        timer.write(Clear, 0);
      }
    },
  );

  it('interrupts when it is enabled with a load of 0, and not again when control is written while it is enabled', () => {
    const timer = board();
    timer.write(Load, 0);
    const raws = [Enable, Enable, Enable | Wide, 0, Enable].map((control) => {
      timer.write(Control, control | OneShot | Interrupt);
      const raw = timer.read(Raw);
      timer.write(Clear, 0);
      return raw;
    });
    expect(raws).toEqual([1, 0, 0, 0, 1]);
  });

  it('masks an interrupt, and shows it when the mask goes (3.3.6)', () => {
    const timer = board();
    timer.write(Second + Load, 10);
    timer.write(Second + Control, Enable | Periodic);
    timer.pass(10);
    expect([timer.read(Second + Raw), timer.read(Second + Masked), timer.pins]).toEqual([1, 0, [false, false, false]]);
    timer.write(Second + Control, Enable | Periodic | Interrupt);
    expect([timer.read(Second + Masked), timer.pins]).toEqual([1, [false, true, true]]);
  });

  it('keeps two timers apart, and combines their interrupts (2.2)', () => {
    const timer = board();
    for (const [base, ticks] of [
      [0, 30],
      [Second, 20],
    ] as const) {
      timer.write(base + Load, ticks);
      timer.write(base + Control, Enable | Periodic | Interrupt);
    }
    timer.pass(20);
    expect(timer.pins).toEqual([false, true, true]);
    timer.write(Second + Clear, 0);
    timer.pass(10);
    expect(timer.pins).toEqual([true, false, true]);
  });

  it('costs nothing while a guest ignores it, and floods nobody at 1 GHz with a load of 1', () => {
    const bench = testBench(Sp804, { options: { frequency: 1_000_000_000 } });
    const window = bench.at(sp804Registers);
    window.write32(Load, 1);
    window.write32(Control, Enable | Periodic | Interrupt);
    bench.clock.advance(1000 * SECOND);
    expect([window.read32(Value), bench.interrupts['timer1.irq'].rises]).toEqual([1, 1]);
  });
});
