import { SECOND } from 'backplane';
import { I2cBus } from 'backplane/i2c';
import { testBench } from 'backplane/testing';
import { describe, expect, it } from 'vitest';
import { Ds1307 } from '../../devices/index.ts';

const At = 0x68;

function setUp(date = '2026-11-29T17:45:58Z') {
  const bus = new I2cBus();
  const bench = testBench(Ds1307, { options: { date: new Date(date) } });
  bus.attach(bench.device, At);
  const read = (pointer: number, count: number) => bus.transfer(At, [pointer], count);
  const write = (...bytes: number[]) => void bus.transfer(At, bytes, 0);
  return { bus, bench, read, write };
}

describe('the time of a DS1307', () => {
  it('is shown in decimal digits, weekday and all', () => {
    const { read } = setUp();
    expect(read(0, 7)).toEqual([0x58, 0x45, 0x17, 0x01, 0x29, 0x11, 0x26]);
  });

  it('goes on by seconds, minutes, hours, days, months and years', () => {
    const { read, bench } = setUp('2027-12-31T23:59:58Z');
    bench.clock.advance(1 * SECOND);
    expect(read(0, 7)).toEqual([0x59, 0x59, 0x23, 0x06, 0x31, 0x12, 0x27]);
    bench.clock.advance(1 * SECOND);
    expect(read(0, 7)).toEqual([0x00, 0x00, 0x00, 0x07, 0x01, 0x01, 0x28]);
  });

  it('knows the 29th of February', () => {
    const { read, bench } = setUp('2028-02-28T23:59:59Z');
    bench.clock.advance(1 * SECOND);
    expect(read(3, 4)).toEqual([0x03, 0x29, 0x02, 0x28]);
  });

  it('does not change while it is read, and is that of the start', () => {
    const { bus, bench } = setUp('2026-01-01T00:59:59Z');
    bus.start(At, 'write');
    bus.write(0);
    bus.start(At, 'read');
    const seconds = bus.read();
    bench.clock.advance(1 * SECOND);
    expect([seconds, bus.read(), bus.read(false)]).toEqual([0x59, 0x59, 0x00]);
    bus.stop();
  });

  it('is copied again when the pointer goes round to the seconds', () => {
    const { bus, bench } = setUp('2026-01-01T00:00:59Z');
    bus.transfer(At, [0x3f], 0);
    bus.start(At, 'read');
    bus.read();
    bench.clock.advance(1 * SECOND);
    expect(bus.read(false)).toBe(0x59);
    bus.stop();
    bus.transfer(At, [0x3e], 0);
    bus.start(At, 'read');
    bus.read();
    bench.clock.advance(1 * SECOND);
    expect([bus.read(), bus.read(false)]).toEqual([0x00, 0x01]);
  });

  it('is set byte by byte', () => {
    const { read, write, bench } = setUp();
    write(0, 0x50, 0x59, 0x23, 0x05, 0x28, 0x02, 0x27);
    expect(read(0, 7)).toEqual([0x50, 0x59, 0x23, 0x05, 0x28, 0x02, 0x27]);
    bench.clock.advance(10 * SECOND);
    expect(read(0, 7)).toEqual([0x00, 0x00, 0x00, 0x06, 0x01, 0x03, 0x27]);
  });

  it('begins a new second where the seconds are written, and only there', () => {
    const { read, write, bench } = setUp('2026-01-01T00:00:00Z');
    bench.clock.advance(0.75 * SECOND);
    write(1, 0x30);
    bench.clock.advance(0.5 * SECOND);
    expect(read(0, 2)).toEqual([0x01, 0x30]);
    write(0, 0x10);
    bench.clock.advance(0.875 * SECOND);
    expect(read(0, 1)).toEqual([0x10]);
    bench.clock.advance(0.125 * SECOND);
    expect(read(0, 1)).toEqual([0x11]);
  });

  it('reads bits that are not there as zero (datasheet, table 2)', () => {
    const { read, write } = setUp();
    write(0, 0x30, 0xd9, 0x97, 0xfa, 0xd5, 0xf1, 0x26);
    expect(read(0, 7)).toEqual([0x30, 0x59, 0x17, 0x02, 0x15, 0x11, 0x26]);
  });

  it('can be of twelve hours', () => {
    const { read, write, bench } = setUp('2026-01-01T00:00:00Z');
    write(2, 0x40 | 0x20 | 0x11);
    expect(read(2, 1)).toEqual([0x71]);
    write(0, 0x59, 0x59);
    bench.clock.advance(1 * SECOND);
    expect(read(0, 5)).toEqual([0x00, 0x00, 0x52, 0x06, 0x02]);
    write(2, 0x72);
    write(2, 0x12);
    expect(read(2, 1)).toEqual([0x12]);
  });

  it('stands still while the halt bit is set, and goes on from there', () => {
    const { read, write, bench } = setUp();
    write(0, 0x80 | 0x30);
    bench.clock.advance(100 * SECOND);
    expect(read(0, 1)).toEqual([0xb0]);
    write(0, 0x30);
    bench.clock.advance(1 * SECOND);
    expect(read(0, 1)).toEqual([0x31]);
  });

  it('survives a reset, as the battery has it, and the RAM does', () => {
    const { read, write, bench } = setUp();
    write(0x08, 0x12, 0x34);
    write(0, 0x01);
    bench.clock.advance(1 * SECOND);
    bench.reset();
    expect([read(0, 1), read(0x08, 2)]).toEqual([[0x02], [0x12, 0x34]]);
  });
});

describe('the RAM and the control register of a DS1307', () => {
  it('hold what is written, and go round behind byte 0x3f', () => {
    const { read, write } = setUp();
    write(0x3e, 0xaa, 0xbb, 0x45);
    expect(read(0x3e, 3)).toEqual([0xaa, 0xbb, 0x45]);
    write(0x07, 0x90);
    expect(read(0x07, 1)).toEqual([0x90]);
  });

  it('are reached by the lower six bits of the pointer', () => {
    const { read, write } = setUp();
    write(0x48, 0x77);
    expect(read(0x08, 1)).toEqual([0x77]);
  });
});
