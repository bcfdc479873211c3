import { MILLISECOND } from 'backplane';
import { I2cBus } from 'backplane/i2c';
import { testBench } from 'backplane/testing';
import { describe, expect, it } from 'vitest';
import { Eeprom } from '../../devices/index.ts';

const At = 0x50;
const Cycle = 5 * MILLISECOND;

function setUp(part: '24c01' | '24c02' | '24c16' | '24c256' | '24c512' = '24c256') {
  const bus = new I2cBus();
  const bench = testBench(Eeprom, { options: { part } });
  bus.attach(bench.device, At);
  const write = (...bytes: number[]) => {
    bus.transfer(At, bytes, 0);
    bench.clock.advance(Cycle);
  };
  return { bus, bench, write, read: (address: readonly number[], count: number) => bus.transfer(At, address, count) };
}

describe('an EEPROM with addresses of 16 bits', () => {
  it('is erased at first, keeps what is written, and reads on over page and chip', () => {
    const { read, write } = setUp();
    expect(read([0, 0], 2)).toEqual([0xff, 0xff]);
    write(0x12, 0x34, 0xaa, 0xbb);
    expect(read([0x12, 0x33], 4)).toEqual([0xff, 0xaa, 0xbb, 0xff]);
    write(0x7f, 0xff, 0x11);
    write(0x00, 0x00, 0x22);
    expect(read([0x7f, 0xff], 2)).toEqual([0x11, 0x22]);
  });

  it('drops upper bits of the address that it does not have', () => {
    const { read, write } = setUp();
    write(0x80, 0x01, 0x77);
    expect(read([0x00, 0x01], 1)).toEqual([0x77]);
  });

  it('goes on from its own address without one', () => {
    const { bus, read, write } = setUp();
    write(0x00, 0x10, 1, 2, 3);
    read([0x00, 0x10], 1);
    expect(bus.transfer(At, [], 2)).toEqual([2, 3]);
  });

  it('wraps a write round in its page', () => {
    const { read, write, bench } = setUp();
    write(0x00, 0x7e, 1, 2, 3);
    expect([...bench.device.memory.subarray(0x40, 0x42)]).toEqual([3, 0xff]);
    expect(read([0x00, 0x7e], 3)).toEqual([1, 2, 0xff]);
  });

  it('keeps the last 64 bytes of a longer write', () => {
    const { write, bench } = setUp();
    write(0, 0, ...Array.from({ length: 66 }, (_, n) => n));
    expect([...bench.device.memory.subarray(0, 3), bench.device.memory[64]]).toEqual([64, 65, 2, 0xff]);
  });

  it('acknowledges nothing until the write cycle is over', () => {
    const { bus, bench } = setUp();
    bus.transfer(At, [0, 0, 0x55], 0);
    expect([bus.start(At, 'write'), bus.start(At, 'read')]).toEqual([false, false]);
    bench.clock.advance(Cycle - 1);
    expect(bus.start(At, 'write')).toBe(false);
    bench.clock.advance(1);
    expect(bus.start(At, 'write')).toBe(true);
    bus.stop();
    expect(bus.transfer(At, [0, 0], 1)).toEqual([0x55]);
  });

  it('has no write cycle where no data came, and polling leaves its address alone', () => {
    const { bus, write, read } = setUp();
    write(0, 0x20, 0x66);
    read([0, 0x20], 0);
    expect([bus.transfer(At, [], 0), bus.transfer(At, [], 1)]).toEqual([[], [0x66]]);
  });

  it('drops a write that a start ends instead of a stop', () => {
    const { bus, read } = setUp();
    bus.start(At, 'write');
    for (const byte of [0, 0, 0x55]) bus.write(byte);
    bus.start(At, 'write');
    bus.stop();
    expect(read([0, 0], 1)).toEqual([0xff]);
  });

  it('takes and drops bytes while WP is high, and has no write cycle', () => {
    const { bus, bench, read } = setUp();
    bench.pins.wp.set(true);
    bus.start(At, 'write');
    expect([0, 0, 0x55].map((byte) => bus.write(byte))).toEqual([true, true, true]);
    bus.stop();
    expect(read([0, 0], 1)).toEqual([0xff]);
    bench.pins.wp.set(false);
    bus.transfer(At, [0, 0, 0x55], 0);
    bench.clock.advance(Cycle);
    expect(read([0, 0], 1)).toEqual([0x55]);
  });

  it('keeps its bytes over a reset', () => {
    const { write, bench, read } = setUp();
    write(0, 0, 0x55);
    bench.reset();
    expect(read([0, 0], 1)).toEqual([0x55]);
  });
});

describe('an EEPROM with addresses of 8 bits', () => {
  it('has one byte of address, and pages of 8 bytes', () => {
    const { read, write } = setUp('24c02');
    write(0x0f, 0x11, 0x22);
    expect([read([0x0f], 1), read([0x08], 1), read([0xff], 2)]).toEqual([[0x11], [0x22], [0xff, 0xff]]);
  });

  it('of 2 KiB takes three bits from the address on the bus', () => {
    const { bus, bench, write } = setUp('24c16');
    write(0x00, 0x10);
    bus.transfer(0x57, [0x00, 0x17], 0);
    bench.clock.advance(Cycle);
    expect([bench.device.memory[0], bench.device.memory[0x700]]).toEqual([0x10, 0x17]);
    expect([bus.transfer(0x57, [0x00], 1), bus.transfer(At, [0x00], 1)]).toEqual([[0x17], [0x10]]);
  });

  it('of 128 bytes drops the upper bit', () => {
    const { read, write } = setUp('24c01');
    write(0x85, 0x31);
    expect(read([0x05], 1)).toEqual([0x31]);
  });
});

describe('an EEPROM with an image', () => {
  it('reads what is in it, and a page is in the file when the write cycle begins', () => {
    const bytes = new Uint8Array(256).fill(0x11);
    const bench = testBench(Eeprom, { options: { part: '24c02' }, images: { drive: bytes } });
    expect(bench.transfer([0x10], 2)).toEqual([0x11, 0x11]);
    bench.transfer([0x10, 1, 2], 0);
    expect([...bench.backend('drive').bytes.subarray(0x0f, 0x13), bench.backend('drive').flushed]).toEqual([
      0x11, 1, 2, 0x11, 1,
    ]);
  });

  it.each([
    ['the host fails', false],
    ['it is read-only', true],
  ])('leaves the page as it was where %s, and has no write cycle', (_, isReadOnly) => {
    const bytes = new Uint8Array(256);
    const bench = testBench(Eeprom, { options: { part: '24c02' }, images: { drive: { bytes, isReadOnly } } });
    if (!isReadOnly) bench.backend('drive').failNext('input-output');
    bench.transfer([0x10, 1, 2], 0);
    expect([bench.transfer([0x10], 2), bench.backend('drive').bytes[0x10]]).toEqual([[0, 0], 0]);
  });
});
