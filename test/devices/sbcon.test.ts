import { device, inject, MICROSECOND, VirtualClock } from 'backplane';
import { I2cDevice } from 'backplane/i2c';
import { loadDevice, saveDevice } from 'backplane/runtime';
import { type TestBench, testBench } from 'backplane/testing';
import { describe, expect, it } from 'vitest';
import { Ds1307, Sbcon } from '../../devices/index.ts';
import { sbconRegisters } from '../../devices/sbcon.ts';
import { LineGuest, type MovableLines } from '../bus/i2c/line-guest.ts';
import { Recorder } from '../bus/i2c/toys.ts';

const Register = { Control: 0, Set: 0, Clear: 4 } as const;
const Line = { Clock: 1, Data: 2 } as const;

/** The two lines by the registers, as Linux's driver moves them. @see Linux, drivers/i2c/busses/i2c-versatile.c, i2c_versatile_setsda */
class Lines implements MovableLines {
  constructor(private readonly bench: TestBench<Sbcon>) {}

  set(clock: boolean, data: boolean): void {
    this.move(Line.Clock, clock);
    this.move(Line.Data, data);
  }

  get data(): boolean {
    return (this.read() & Line.Data) !== 0;
  }

  read(): number {
    return this.bench.at(sbconRegisters).read32(Register.Control);
  }

  private move(line: number, level: boolean): void {
    this.bench.at(sbconRegisters).write32(level ? Register.Set : Register.Clear, line);
  }
}

function setUp() {
  const bench = testBench(Sbcon);
  return { bench, guest: new LineGuest(new Lines(bench)) };
}

describe('SBCON', () => {
  it('reads a clock by two registers that move the lines', () => {
    const { bench, guest } = setUp();
    bench.device.i2c.attach(testBench(Ds1307).device, 0x68);
    guest.start();
    expect([guest.write(0xd0), guest.write(0x06)]).toEqual([true, true]);
    guest.start();
    expect([guest.write(0xd1), guest.read(false)]).toEqual([true, 0x26]);
    guest.stop();
  });

  it('shows lines that nothing pulls as high', () => {
    const { guest } = setUp();
    expect(guest.lines.read()).toBe(Line.Clock | Line.Data);
    guest.lines.set(false, true);
    expect(guest.lines.read()).toBe(Line.Data);
  });

  it('releases the lines at a reset', () => {
    const { bench, guest } = setUp();
    guest.lines.set(false, false);
    bench.reset();
    expect(guest.lines.read()).toBe(Line.Clock | Line.Data);
  });

  it('goes on in the middle of a transfer from a snapshot', () => {
    const { bench, guest } = setUp();
    const target = testBench(Recorder).device;
    bench.device.i2c.attach(target, 0x50);
    guest.start();
    for (const bit of '1010') guest.bit(bit === '1');
    const other = setUp();
    other.bench.device.i2c.attach(target, 0x50);
    loadDevice(other.bench.device, saveDevice(bench.device));
    for (const bit of '0000') other.guest.bit(bit === '1');
    expect([other.guest.bit(true), target.seen]).toEqual([false, ['write 0x50']]);
  });
});

/** Holds the clock from each start. */
@device({ type: 'holding', description: 'Holds the clock' })
class Holding extends I2cDevice {
  constructor(@inject(VirtualClock) private readonly clock: VirtualClock) {
    super();
  }

  override onStart(): void {
    this.holdClock(this.clock.now + 50 * MICROSECOND);
  }
}

describe('a target that holds the clock', () => {
  it('is seen on the clock line, which a driver waits for', () => {
    const { bench, guest } = setUp();
    bench.device.i2c.attach(testBench(Holding).device, 0x50);
    guest.start();
    guest.write(0xa0);
    guest.lines.set(true, true);
    expect(guest.lines.read() & Line.Clock).toBe(0);
    bench.clock.advance(50 * MICROSECOND);
    expect(guest.lines.read() & Line.Clock).toBe(Line.Clock);
  });
});
