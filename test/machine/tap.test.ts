import { describe, expect, it } from 'vitest';
import { isapc, pcI440fx } from '../../machines/index.ts';
import { MiB } from '../../sdk/index.ts';
import { type AccessTap, type GuestBody, guestProgram, Machine, tap } from '../../sdk/runtime.ts';
import { expectRefusal } from '../refusal.ts';

const built = () => Machine.create(isapc, { ram: 1 * MiB });

/** Writes the index of the clock, and reads a byte of its RAM that was written before. */
function clockGuest() {
  const read: number[] = [];
  const body: GuestBody = function* (guest) {
    yield* guest.out8(0x70, 0x40);
    yield* guest.out8(0x71, 0x55);
    yield* guest.out8(0x70, 0x40);
    read.push(yield* guest.in8(0x71));
  };
  return { guest: guestProgram('clock', body), read };
}

describe('a tap', () => {
  it('changes what the guest reads, and what it writes', () => {
    const machine = built();
    const { guest, read } = clockGuest();
    tap(machine, { space: 'ports', start: 0x71, size: 1, read: (_address, _size, carryOut) => Number(carryOut()) ^ 1 });
    machine.run(guest);
    tap(machine, {
      space: 'ports',
      start: 0x71,
      size: 1,
      write: (_address, value, _size, carryOut) => carryOut(Number(value) + 0x200 + 2),
    });
    machine.run(guest);
    expect(read).toEqual([0x54, 0x56]);
  });

  it('drops an access: the device does not notice it', () => {
    const machine = built();
    const { guest, read } = clockGuest();
    const seen: string[] = [];
    const untap = tap(machine, {
      space: 'ports',
      start: 0x70,
      size: 2,
      write: (address, value) => void seen.push(`${address.toString(16)}=${value.toString(16)}`),
      read: () => 0xff,
    });
    machine.run(guest);
    untap();
    machine.run(guest);
    expect(seen).toEqual(['70=40', '71=55', '70=40']);
    expect(read).toEqual([0xff, 0x55]);
  });

  it('leaves the map, the coalescing and the counts as they are, and costs nothing once it is gone', () => {
    const counts = [true, false].map((tapped) => {
      const machine = built();
      const untap = tapped
        ? tap(machine, { space: 'ports', start: 0, size: 0x1_0000, read: (_a, _s, carryOut) => carryOut() })
        : () => {};
      const { guest } = clockGuest();
      machine.run(guest);
      untap();
      untap();
      machine.run(guest);
      return machine.accelerator.statistics.summary();
    });
    expect(counts[0]).toEqual(counts[1]);
  });

  it('stands before another one, and is seen by observers as the guest sees it', () => {
    const machine = built();
    const { guest, read } = clockGuest();
    const order: string[] = [];
    const through = (name: string): AccessTap => ({
      space: 'ports',
      start: 0x71,
      size: 1,
      read(_address, _size, carryOut) {
        order.push(name);
        return Number(carryOut()) + 1;
      },
    });
    tap(machine, through('first'));
    tap(machine, through('second'));
    machine.run(guest);
    expect(order).toEqual(['second', 'first']);
    expect(read).toEqual([0x57]);
  });

  it('sees memory of every width, also across pages', () => {
    const machine = Machine.create(pcI440fx, { ram: 1 * MiB });
    const seen: string[] = [];
    tap(machine, {
      space: 'memory',
      start: 0xfd00_0000,
      size: 0x2000,
      write: (address, value, size) => void seen.push(`${address.toString(16)}/${size}=${value.toString(16)}`),
      read: (_address, size) => (size === 8 ? 0x1122_3344_5566_7788n : 0xaabb_ccdd),
    });
    const read: (number | bigint)[] = [];
    machine.run(
      guestProgram('memory', function* (guest) {
        yield* guest.store32(0xfd00_0ffd, 0x1234_5678);
        yield* guest.store64(0xfd00_0010, 0x0102_0304_0506_0708n);
        read.push(yield* guest.load16(0xfd00_0000), yield* guest.load64(0xfd00_0000));
      }),
    );
    expect(seen).toEqual(['fd000ffd/3=345678', 'fd001000/1=12', 'fd000010/8=102030405060708']);
    expect(read).toEqual([0xccdd, 0x1122_3344_5566_7788n]);
  });

  it('is refused without a range, and while the machine is recorded', () => {
    const machine = built();
    for (const wrong of [{ start: -1 }, { size: 0 }, { start: 0xffff, size: 2 }, { space: 'pci' as never }]) {
      const given = { space: 'ports', start: 0, size: 1, ...wrong } as AccessTap;
      expectRefusal(() => tap(machine, given), 'invalid-tap', 'size');
    }
    machine.inbox.recorder = () => {};
    expectRefusal(() => tap(machine, { space: 'ports', start: 0, size: 1 }), 'tap-while-recording', 'isapc');
  });
});
