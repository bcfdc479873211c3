import { describe, expect, it } from 'vitest';
import { board, isapc, pcI440fx } from '../../machines/index.ts';
import { KiB } from '../../sdk/index.ts';
import { guestProgram, Machine } from '../../sdk/runtime.ts';
import { expectRefusal } from '../refusal.ts';

const image = Uint8Array.from({ length: 64 * KiB }, (_, index) => (index * 7) & 0xff);
const lastOf = (end: number, length: number) => end - length;

describe('the firmware of a machine', () => {
  for (const definition of [pcI440fx, isapc]) {
    it(`ends with its last byte below 4 GiB and below 1 MiB, as the guest reads it: ${definition.name}`, () => {
      const machine = Machine.create(definition, { firmware: image });
      const read: number[] = [];
      machine.run(
        guestProgram(function* (guest) {
          for (const end of [2 ** 32, 2 ** 20]) {
            read.push(yield* guest.load8(lastOf(end, 1)), yield* guest.load32(lastOf(end, image.length)));
            read.push(yield* guest.load8(lastOf(end, image.length) - 1));
          }
        }),
      );
      const first = new DataView(image.buffer).getUint32(0, true);
      expect(read).toEqual([image.at(-1), first, 0xff, image.at(-1), first, 0xff]);
    });
  }

  it('is erased flash where none was given', () => {
    const { memory } = Machine.create(pcI440fx);
    expect(memory.read(2 ** 32 - 4, 4)).toBe(0xffff_ffff);
  });

  it('is in a snapshot, with which a machine needs no image', () => {
    const snapshot = Machine.create(pcI440fx, { firmware: image }).save();
    const machine = Machine.restore(pcI440fx, JSON.parse(JSON.stringify(snapshot)));
    expect(machine.memory.read(lastOf(2 ** 32, image.length) + 5, 1)).toBe(image[5]);
  });

  it('is refused in one sentence when it is empty, larger than the ROM, or the machine has no ROM', () => {
    for (const length of [0, 256 * KiB + 1])
      expectRefusal(
        () => Machine.create(pcI440fx, { firmware: new Uint8Array(length) }),
        'bad-firmware',
        `Machine 'pc-i440fx': its firmware has ${length} bytes`,
      );
    expectRefusal(() => Machine.create(board, { firmware: image }), 'no-rom', 'board');
    expectRefusal(() => Machine.create(pcI440fx, { firmware: 'bios.bin' as never }), 'bad-request', 'Uint8Array');
  });
});
