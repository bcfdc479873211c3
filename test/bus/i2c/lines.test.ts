import { type I2cBus, I2cLines } from 'backplane/i2c';
import { describe, expect, it } from 'vitest';
import { LineGuest } from './line-guest.ts';
import { busWith, plug } from './toys.ts';

/** The guest, and the lines that it moves. */
class Guest extends LineGuest<I2cLines> {
  constructor(bus: I2cBus) {
    super(new I2cLines(bus));
  }
}

describe('lines that a guest moves', () => {
  it('become transfers', () => {
    const { bus, targets } = busWith(0x68);
    const guest = new Guest(bus);
    guest.start();
    expect([guest.write(0xd0), guest.write(0x07)]).toEqual([true, true]);
    guest.start();
    expect(guest.write(0xd1)).toBe(true);
    expect([guest.read(true), guest.read(false)]).toEqual([0x10, 0x11]);
    guest.stop();
    expect(targets[0].seen).toEqual(['write 0x68', '07', 'read 0x68', 'stop']);
    expect(bus.isBusy).toBe(false);
  });

  it('are not acknowledged where no target is, and nothing follows until the next start', () => {
    const { bus, targets } = busWith(0x68);
    const guest = new Guest(bus);
    guest.start();
    expect([guest.write(0xd2), guest.write(0x00)]).toEqual([false, false]);
    guest.stop();
    expect(targets[0].seen).toEqual([]);
  });

  it('read as ones after the controller has not acknowledged', () => {
    const { bus } = busWith(0x68);
    const guest = new Guest(bus);
    guest.start();
    guest.write(0xd1);
    expect([guest.read(false), guest.read(true)]).toEqual([0x10, 0xff]);
  });

  it('drop a byte that a start or a stop cuts short', () => {
    const { bus, targets } = busWith(0x68);
    const guest = new Guest(bus);
    guest.start();
    guest.write(0xd0);
    for (const level of [true, false, true]) guest.bit(level);
    guest.start();
    guest.write(0xd0);
    for (const level of [true, false, true]) guest.bit(level);
    guest.stop();
    expect(targets[0].seen).toEqual(['write 0x68', 'write 0x68', 'stop']);
  });

  it('move the clock first where both change at once', () => {
    const { bus, targets } = busWith(0x68);
    const guest = new Guest(bus);
    guest.start();
    guest.write(0xd0);
    guest.lines.set(false, false);
    guest.lines.set(true, true);
    expect(targets[0].seen.at(-1)).toBe('stop');
  });

  it('have no start and no stop while a target pulls the data line low', () => {
    const { bus, targets } = busWith(0x68);
    const guest = new Guest(bus);
    guest.start();
    for (const bit of '11010000') guest.bit(bit === '1');
    guest.lines.set(true, false);
    expect(guest.lines.data).toBe(false);
    guest.lines.set(true, true);
    expect([bus.isBusy, targets[0].seen]).toEqual([true, ['write 0x68']]);
  });

  it('acknowledge nothing for a target that was removed between two bits', () => {
    const { bus } = busWith(0x50);
    const { unplug } = plug(bus, 0x68);
    const guest = new Guest(bus);
    guest.start();
    guest.write(0xd0);
    guest.bit(true);
    unplug();
    for (let bit = 0; bit < 7; bit++) guest.bit(true);
    expect(guest.bit(true)).toBe(true);
  });

  it('are released by a reset', () => {
    const { bus } = busWith(0x68);
    const guest = new Guest(bus);
    guest.start();
    guest.lines.reset();
    expect([guest.lines.clockAt(0), guest.lines.data]).toEqual([true, true]);
  });
});
