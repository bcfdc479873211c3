import { ContainerModule } from 'inversify';
import { describe, expect, it } from 'vitest';
import { board, busBehindBridge, commonServices, isapc, PciMemory, pcI440fx, pcMemory } from '../../machines/index.ts';
import { KiB, MiB, SystemBus } from '../../sdk/index.ts';
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

  it.each([-1, Number.NaN, 1.5, 0, 100, 4097, 16 * MiB + 4 * KiB, 2 ** 32])(
    'has a ROM of whole pages up to 16 MiB, and a layout with %d bytes is refused in one sentence',
    (biosSize) => {
      const message = expectRefusal(
        () => pcMemory({ biosSize, hasPci: true }),
        'bad-definition',
        `${biosSize}`,
      ).message;
      expect(message.split('. ').length).toBe(2);
    },
  );

  it('fits a ROM of each size that a layout may have', () => {
    for (const biosSize of [4 * KiB, 64 * KiB, 16 * MiB]) {
      const services = [commonServices, pcMemory({ biosSize, hasPci: true }), busBehindBridge];
      const machine = Machine.create({ ...pcI440fx, services }, { firmware: image.subarray(-4 * KiB) });
      expect(machine.memory.read(2 ** 32 - 1, 1)).toBe(image.at(-1));
      machine.dispose();
    }
  });

  it('is not blamed where the board could not be made: that is told, once', () => {
    const broken = new ContainerModule(({ bind }) => {
      bind(PciMemory).toResolvedValue(() => {
        throw new Error('the ROM has been sold');
      });
      bind(SystemBus).toResolvedValue((memory) => memory as never, [PciMemory]);
    });
    const services = [commonServices, broken, busBehindBridge];
    for (const request of [{}, { firmware: image }]) {
      const refused = expectRefusal(() => Machine.create({ ...pcI440fx, services }, request), 'service-failure');
      expect(refused.message.match(/has been sold/g)).toHaveLength(1);
      expect(refused.message).not.toContain('firmware');
    }
  });
});
