import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KiB, MemoryRegion, MiB } from '../../sdk/index.ts';
import { PcBoard } from './pc-board.ts';

const Slot = 0;

describe('the memory controller in configuration space', () => {
  it('says who it is, and how much RAM there is in units of 8 MiB', () => {
    const board = new PcBoard({ ramSize: 128 * MiB });
    const words = [0x00, 0x04, 0x08, 0x0c, 0x2c, 0x3c, 0x54, 0x70].map((at) => board.readConfig(Slot, at, 4));
    expect(words).toEqual([0x1237_8086, 0, 0x0600_0002, 0, 0x1100_1af4, 0, 0x1000_0000, 0x0002_0000]);
  });

  it('lets the guest change the command, the cache line, the interrupt line and everything from 0x40', () => {
    const board = new PcBoard();
    for (let at = 0; at < 256; at += 4) board.writeConfig(Slot, at, 0xffff_ffff, 4);
    const header = [0x00, 0x04, 0x08, 0x0c, 0x10, 0x2c, 0x3c].map((at) => board.readConfig(Slot, at, 4));
    expect(header).toEqual([0x1237_8086, 0x0507, 0x0600_0002, 0xff, 0, 0x1100_1af4, 0xff]);
    for (let at = 0x40; at < 256; at += 4) expect(board.readConfig(Slot, at, 4)).toBe(0xffff_ffff);
  });

  it('loses the header and keeps PAM and SMRAM at a reset', () => {
    const board = new PcBoard();
    board.writeConfig(Slot, 0x04, 0x0107, 2);
    board.writeConfig(Slot, 0x5a, 0x33, 1);
    board.writeConfig(Slot, 0x72, 0x4a, 1);
    board.ram.ram?.bytes.fill(0x11);
    board.reset();
    expect(board.readConfig(Slot, 0x04, 2)).toBe(0);
    expect([board.readConfig(Slot, 0x5a, 1), board.readConfig(Slot, 0x72, 1)]).toEqual([0x33, 0x4a]);
    expect([board.memory.read(0xc_0000, 1), board.memory.read(0xa_0000, 1)]).toEqual([0x11, 0x11]);
  });
});

/** Every window by its register and nibble, from the datasheet's table and not from the device's arithmetic. */
const windows = [
  [0x59, 4, 0xf_0000, 64],
  [0x5a, 0, 0xc_0000, 16],
  [0x5a, 4, 0xc_4000, 16],
  [0x5b, 0, 0xc_8000, 16],
  [0x5b, 4, 0xc_c000, 16],
  [0x5c, 0, 0xd_0000, 16],
  [0x5c, 4, 0xd_4000, 16],
  [0x5d, 0, 0xd_8000, 16],
  [0x5d, 4, 0xd_c000, 16],
  [0x5e, 0, 0xe_0000, 16],
  [0x5e, 4, 0xe_4000, 16],
  [0x5f, 0, 0xe_8000, 16],
  [0x5f, 4, 0xe_c000, 16],
] as const;

describe('the PAM registers', () => {
  it.each(windows)('%x bits from %i show RAM or the bus at %x', (register, shift, start, kilobytes) => {
    const board = new PcBoard();
    board.ram.ram?.bytes.fill(0x11);
    const end = start + kilobytes * KiB;
    const look = () => [start - 1, start, end - 1, end].map((address) => board.memory.read(address, 1));
    const before = look();
    expect([before[1], before[2]]).toEqual([0xee, 0xee]);
    board.writeConfig(Slot, register, 3 << shift, 1);
    expect(look()).toEqual([before[0], 0x11, 0x11, before[3]]);
    board.writeConfig(Slot, register, 0, 1);
    expect(look()).toEqual(before);
  });

  it('at 3 and at 2 give RAM that can be read and written, over the ROM that stays as it is', () => {
    for (const mode of [2, 3]) {
      const board = new PcBoard();
      board.writeConfig(Slot, 0x59, mode << 4, 1);
      board.memory.write(0xf_fff0, 0x55, 1);
      expect(board.memory.read(0xf_fff0, 1)).toBe(0x55);
      expect(board.ram.ram?.bytes[0xf_fff0]).toBe(0x55);
      board.writeConfig(Slot, 0x59, 0, 1);
      expect(board.memory.read(0xf_fff0, 1)).toBe(0xee);
    }
  });

  it('at 1 give RAM that is marked read-only in the map, and that DMA can write all the same', () => {
    const board = new PcBoard();
    board.ram.ram?.bytes.fill(0x11);
    board.writeConfig(Slot, 0x59, 1 << 4, 1);
    const section = board.memory.lookup(0xf_0000);
    expect([section?.region.name, section?.readOnly, section?.size]).toEqual(['pc.ram', true, 64 * KiB]);
    expect(board.memory.read(0xf_0000, 1)).toBe(0x11);
    board.memory.write(0xf_0000, 0x22, 1);
    expect(board.memory.read(0xf_0000, 1)).toBe(0x22);
    expect(board.rom.ram?.bytes[0x3_0000]).toBe(0xee);
  });

  it('are all rearranged in one change of the map', () => {
    const board = new PcBoard();
    let commits = 0;
    board.topology.addListener({ name: 'counter', priority: 0, commit: () => commits++ });
    commits = 0;
    board.writeConfig(Slot, 0x5c, 0x3333_3333, 4);
    expect(commits).toBe(1);
    board.writeConfig(Slot, 0x50, 0x3333_3333, 4);
    expect(commits).toBe(1);
  });

  it('with any contents show in every window what its two bits say', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 7, maxLength: 7 }), (bytes) => {
        const board = new PcBoard();
        board.ram.ram?.bytes.fill(0x11);
        for (const [at, byte] of bytes.entries()) board.writeConfig(Slot, 0x59 + at, byte, 1);
        for (const [register, shift, start] of windows) {
          const mode = ((bytes[register - 0x59] as number) >> shift) & 3;
          expect(board.memory.read(start, 1)).toBe(mode === 0 ? 0xee : 0x11);
          expect(board.memory.lookup(start)?.readOnly).toBe(mode <= 1);
        }
      }),
      { numRuns: 20 },
    );
  });
});

describe('the SMRAM register', () => {
  it('opens the RAM behind the VGA window', () => {
    const board = new PcBoard();
    board.ram.ram?.bytes.fill(0x11);
    const vga = MemoryRegion.rom(board.topology, 'vga', 128 * KiB);
    vga.ram?.bytes.fill(0x77);
    board.pci.memory.addSubregion(0xa_0000, vga, 1);
    const look = () => [0x9_ffff, 0xa_0000, 0xb_ffff].map((address) => board.memory.read(address, 1));
    expect(look()).toEqual([0x11, 0x77, 0x77]);
    board.writeConfig(Slot, 0x72, 0x42, 1);
    expect(look()).toEqual([0x11, 0x11, 0x11]);
    board.writeConfig(Slot, 0x72, 0x02, 1);
    expect(look()).toEqual([0x11, 0x77, 0x77]);
  });
});

describe('a memory controller taken out of the machine', () => {
  it('leaves plain RAM behind', () => {
    const board = new PcBoard();
    board.ram.ram?.bytes.fill(0x11);
    board.writeConfig(Slot, 0x5a, 0x33, 1);
    board.controller.unrealize();
    expect([0xa_0000, 0xc_0000, 0xf_0000].map((at) => board.memory.read(at, 1))).toEqual([0x11, 0x11, 0x11]);
  });
});
