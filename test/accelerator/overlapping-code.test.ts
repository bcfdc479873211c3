import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { empty } from '../../machines/index.ts';
import { refuseOverlaps } from '../../sdk/accelerator/guest/overlaps.ts';
import { FlatBinary, type GuestCode, simulatedAccelerator } from '../../sdk/accelerator/index.ts';
import { Machine } from '../../sdk/runtime.ts';
import { expectRefusal } from '../refusal.ts';
import { scriptedCode } from './scripted-processor.ts';

const binary = (name: string, address: number, ...bytes: number[]) =>
  new FlatBinary({ name, address, bytes: Uint8Array.from(bytes) });

describe('guests in machine code', () => {
  it('are refused where one would overwrite another, with both names and the range that both have', () => {
    const [first, second] = [binary('a.bin', 0x1000, 1, 2, 3, 4), binary('b.bin', 0x1002, 9, 9, 9)];
    for (const guests of [
      [first, second],
      [second, first],
    ])
      expectRefusal(
        () => refuseOverlaps(guests),
        'overlapping-code',
        "'a.bin' at 0x1000..0x1003",
        "'b.bin' at 0x1002..0x1004",
        'overlap at 0x1002..0x1003',
      );
    expectRefusal(() => refuseOverlaps([first, binary('c.bin', 0x1003, 9)]), 'overlapping-code', 'overlap at 0x1003,');
  });

  it('may touch each other, and may have the same bytes at the same place', () => {
    const first = binary('a.bin', 0x1000, 1, 2, 3, 4);
    refuseOverlaps([first, binary('b.bin', 0x1004, 9), binary('c.bin', 0xfff, 9)]);
    refuseOverlaps([first, { ...first, name: 'again', pieces: first.pieces, start: first.start }]);
    refuseOverlaps([first, binary('b.bin', 0x1002, 3, 4, 5)]);
  });

  it('are refused exactly if the order in which they are put into memory decides what is there', () => {
    const piece = fc.record({
      address: fc.integer({ min: 0, max: 12 }),
      bytes: fc.uint8Array({ min: 0, max: 1, maxLength: 6 }),
    });
    const put = (pieces: readonly { address: number; bytes: Uint8Array }[]) => {
      const memory = new Uint8Array(20);
      for (const { address, bytes } of pieces) memory.set(bytes, address);
      return [...memory].join('');
    };
    // With two pieces and with all: any two of them in either order.
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 5 }), (pieces) => {
        const differs = pieces.some((one) => pieces.some((other) => put([one, other]) !== put([other, one])));
        const guests = pieces.map((one): GuestCode => ({ name: 'g', pieces: [one], start: 'reset' }));
        const refuse = () => refuseOverlaps(guests);
        if (differs) expectRefusal(refuse, 'overlapping-code');
        else expect(refuse).not.toThrow();
      }),
      { numRuns: 500 },
    );
  });

  it('are refused before they are put into memory, also where one guest has both pieces', () => {
    const machine = Machine.create(empty, {
      ram: 0x1_0000,
      accelerator: simulatedAccelerator({ machineCode: scriptedCode([]) }),
    });
    const pieces = [
      { address: 0x100, bytes: Uint8Array.of(7, 7) },
      { address: 0x101, bytes: Uint8Array.of(8) },
    ];
    const guest: GuestCode = { name: 'boot.elf', pieces, start: { mode: 'real', entry: 0x100 } };
    expectRefusal(() => machine.run(guest), 'overlapping-code', "'boot.elf' at 0x101");
    expect(machine.memory.read(0x100, 2)).toBe(0);
  });
});
