import { device } from 'backplane';
import { I2cBus, I2cDevice, tenBit } from 'backplane/i2c';
import { testBench } from 'backplane/testing';
import { describe, expect, it } from 'vitest';
import { expectRefusal } from '../../refusal.ts';
import { busWith, plug, Recorder } from './toys.ts';

const Released = 0xff;

describe('a transfer on I2C', () => {
  it('goes to the target at the address, byte by byte, and ends with a stop', () => {
    const { bus, targets } = busWith(0x50, 0x68);
    expect(bus.start(0x68, 'write')).toBe(true);
    expect([bus.write(0x00), bus.write(0x59)]).toEqual([true, true]);
    expect(bus.isBusy).toBe(true);
    bus.stop();
    expect(bus.isBusy).toBe(false);
    expect(targets[1].seen).toEqual(['write 0x68', '00', '59', 'stop']);
    expect(targets[0].seen).toEqual([]);
  });

  it('changes its direction with a repeated start, without a stop between', () => {
    const { bus, targets } = busWith(0x68);
    bus.start(0x68, 'write');
    bus.write(0x00);
    expect(bus.start(0x68, 'read')).toBe(true);
    expect([bus.read(), bus.read(false)]).toEqual([0x10, 0x11]);
    bus.stop();
    expect(targets[0].seen).toEqual(['write 0x68', '00', 'read 0x68', 'stop']);
  });

  it('goes on with another target after a repeated start, and the first one is no longer addressed', () => {
    const { bus, targets } = busWith(0x50, 0x68);
    bus.start(0x68, 'write');
    bus.start(0x50, 'write');
    bus.write(0x01);
    bus.stop();
    expect(targets[1].seen).toEqual(['write 0x68']);
    expect(targets[0].seen).toEqual(['write 0x50', '01', 'stop']);
  });

  it('is acknowledged by nothing where no target is, and reads the released line', () => {
    const { bus, targets } = busWith(0x68);
    expect(bus.start(0x69, 'read')).toBe(false);
    expect([bus.read(), bus.write(1)]).toEqual([Released, false]);
    bus.stop();
    expect(targets[0].seen).toEqual([]);
  });

  it('is not acknowledged where the target refuses the start or a byte', () => {
    const { bus, targets } = busWith(0x50);
    targets[0].isAway = true;
    expect([bus.start(0x50, 'write'), bus.write(1)]).toEqual([false, false]);
    bus.stop();
    expect(targets[0].seen).toEqual([]);
    targets[0].isAway = false;
    targets[0].takes = 1;
    bus.start(0x50, 'write');
    expect([bus.write(1), bus.write(2)]).toEqual([true, false]);
  });

  it('reads the released line after the byte that the controller did not acknowledge', () => {
    const { bus, targets } = busWith(0x50);
    bus.start(0x50, 'read');
    bus.read(false);
    expect([bus.read(), targets[0].next]).toEqual([Released, 0x11]);
  });

  it('cannot go against the direction of its start', () => {
    const { bus, targets } = busWith(0x50);
    bus.start(0x50, 'write');
    expect(bus.read()).toBe(Released);
    bus.start(0x50, 'read');
    expect(bus.write(1)).toBe(false);
    expect([targets[0].next, targets[0].seen]).toEqual([0x10, ['write 0x50', 'read 0x50']]);
  });

  it('can be made at once, from the first start to the stop', () => {
    const { bus, targets } = busWith(0x50);
    expect(bus.transfer(0x50, [1, 2], 3)).toEqual([0x10, 0x11, 0x12]);
    expect(targets[0].seen).toEqual(['write 0x50', '01', '02', 'read 0x50', 'stop']);
    expect([bus.transfer(0x51, [1], 3), bus.isBusy]).toEqual([[], false]);
    expect(bus.transfer(0x50, [], 1)).toEqual([0x13]);
  });
});

describe('an address of ten bits', () => {
  it('is sent as two bytes, and is another one than the same number in seven', () => {
    const { bus, targets } = busWith(0x50, tenBit(0x50), tenBit(0x150));
    expect(bus.start(tenBit(0x150), 'write')).toBe(true);
    bus.write(0xaa);
    bus.stop();
    expect(targets.map(({ seen }) => seen)).toEqual([[], [], ['write 0xa150', 'aa', 'stop']]);
    expect(bus.start(tenBit(0x250), 'write')).toBe(false);
  });

  it('can be sent by a controller that knows only bytes; a read repeats the first of them', () => {
    const { bus, targets } = busWith(tenBit(0x150), tenBit(0x151));
    expect([bus.start(0x79, 'write'), bus.write(0x51)]).toEqual([true, true]);
    expect(bus.start(0x79, 'read')).toBe(true);
    expect(bus.read(false)).toBe(0x10);
    bus.stop();
    expect(targets[1].seen).toEqual(['write 0xa151', 'read 0xa151', 'stop']);
    expect(targets[0].seen).toEqual([]);
  });

  it('is not read without having been written first', () => {
    const { bus } = busWith(tenBit(0x150));
    expect(bus.start(0x79, 'read')).toBe(false);
    bus.stop();
    expect(bus.transfer(tenBit(0x150), [], 1)).toEqual([0x10]);
  });
});

describe('a bus of several targets', () => {
  it('reads a zero where two targets pull at one line', () => {
    const { bus, targets } = busWith(0x50, 0x51);
    targets[1].busAddress = 0x50;
    targets[1].next = 0x31;
    expect(bus.transfer(0x50, [], 1)).toEqual([0x10]);
  });

  it('gives the general call to those that take it', () => {
    const { bus, targets } = busWith(0x50, 0x51);
    targets[1].generalCall = true;
    expect(bus.transfer(0, [0x06], 0)).toEqual([]);
    expect(targets.map(({ seen }) => seen)).toEqual([[], ['write 0x0', '06', 'stop']]);
    expect(bus.start(0, 'read')).toBe(false);
  });

  it('finds a target where it answers now, and after a reset where it was plugged in', () => {
    const { bus, targets } = busWith(0x61);
    targets[0].busAddress = 0x2c;
    expect([bus.start(0x61, 'write'), bus.start(0x2c, 'write')]).toEqual([false, true]);
    bus.stop();
    expect(bus.describe(targets[0], 0x61)).toEqual(['answers at 0x2c']);
    targets[0].reset();
    expect([bus.start(0x2c, 'write'), bus.start(0x61, 'write')]).toEqual([false, true]);
  });

  it('lets a target take part in the transfer in which it changes its address', () => {
    const { bus, targets } = busWith(0x61);
    bus.start(0x61, 'write');
    targets[0].busAddress = 0x2c;
    expect(bus.write(1)).toBe(true);
    bus.stop();
    expect(targets[0].seen.at(-1)).toBe('stop');
  });

  it('does not acknowledge for a target that was removed in mid-transfer', () => {
    const bus = new I2cBus();
    const { target, unplug } = plug(bus, 0x50);
    bus.start(0x50, 'write');
    unplug();
    expect([bus.write(1), bus.start(0x50, 'read'), bus.read()]).toEqual([false, false, Released]);
    bus.stop();
    expect(target.seen).toEqual(['write 0x50']);
  });

  it('does not acknowledge for a target that was reset in mid-transfer, until the next start', () => {
    const { bus, targets } = busWith(0x50);
    bus.start(0x50, 'write');
    targets[0].reset();
    expect(bus.write(1)).toBe(false);
    expect(bus.start(0x50, 'write')).toBe(true);
  });
});

/** Compares only the upper four bits of its address, as a memory of 2 KiB does. */
@device({ type: 'eight', description: 'Takes eight addresses' })
class Eight extends I2cDevice {
  override get addressMask(): number {
    return 0x78;
  }
}

describe('plugging in', () => {
  const eight = () => testBench(Eight).device;

  it('refuses a second target at an address, also where one takes several', () => {
    const { bus } = busWith(0x50);
    const another = testBench(Recorder).device;
    expectRefusal(() => bus.attach(another, 0x50), 'i2c-address-taken', "'recorder'", '0x50');
    expectRefusal(() => bus.attach(eight(), 0x57), 'i2c-address-taken', '0x57', '0x50', 'several');
    expectRefusal(() => busWith(tenBit(0x50), tenBit(0x50)), 'i2c-address-taken', '10bit:0x050');
    bus.attach(eight(), 0x58);
    expect(bus.start(0x5b, 'write')).toBe(true);
  });

  it.each([0x00, 0x07, 0x78, 0x80, 1.5, Number.NaN, tenBit(0x3ff) + 1])('refuses %d, which is no address', (at) => {
    expectRefusal(() => busWith(at), 'invalid-i2c-address', "'recorder'");
  });

  it('reads addresses as people write them', () => {
    const bus = new I2cBus();
    expect(['0x68', '104', '10bit:0x123'].map((text) => bus.parse(text))).toEqual([0x68, 0x68, tenBit(0x123)]);
    const wrong = ['0x78', '7', '0xd0', '10bit:0x400', '10bit:', '68h', '', '-1', '0x', '1e1', ' 0x68'];
    expect(wrong.map((text) => bus.parse(text))).toEqual(wrong.map(() => undefined));
    expect([0x68, tenBit(0x23)].map((at) => bus.format(at))).toEqual(['0x68', '10bit:0x023']);
    expect(bus.parse(bus.format(tenBit(0x23)))).toBe(tenBit(0x23));
  });
});

describe('an observed bus', () => {
  it('puts each transfer into words when it ends', () => {
    const { bus } = busWith(0x50, 0x68);
    const words: string[] = [];
    bus.observer = (line) => words.push(line);
    bus.transfer(0x68, [0], 3);
    bus.transfer(0x69, [0], 1);
    bus.start(0x68, 'write');
    bus.start(0x50, 'read');
    bus.read(false);
    bus.stop();
    bus.stop();
    expect(words).toEqual([
      'i2c 0x68 write 00, read 10 11 12',
      'i2c 0x69 write: no acknowledge',
      'i2c 0x68 write, 0x50 read 10',
    ]);
  });

  it('keeps its words short, however long a transfer is, and whether or not it ends', () => {
    const { bus } = busWith(0x68);
    const words: string[] = [];
    bus.observer = (line) => words.push(line);
    bus.transfer(
      0x68,
      Array.from({ length: 1000 }, () => 0xaa),
      0,
    );
    for (let n = 0; n < 1000; n++) bus.start(0x68, 'write');
    expect(words[0]?.endsWith('aa ... (1000 bytes)')).toBe(true);
    expect(Math.max(...words.map(({ length }) => length))).toBeLessThan(300);
    expect(words.length).toBeGreaterThan(60);
  });
});
