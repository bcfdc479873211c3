import { describe, expect, it } from 'vitest';
import { Ds1307, MmioConsole, Pl022, Pl061, SpiFlash } from '../../devices/index.ts';
import boardGuest from '../../examples/board-guest.ts';
import { BoardMap, board } from '../../machines/index.ts';
import { IsaBus, KiB } from '../../sdk/index.ts';
import { PciBus } from '../../sdk/pci.ts';
import { guestProgram, infoMtree, infoQtree, Machine } from '../../sdk/runtime.ts';

describe('the board', () => {
  it('has no ISA bus, no PCI bus and no VGA, and none in its trees', () => {
    const machine = Machine.create(board);
    expect([machine.service(IsaBus), machine.service(PciBus)]).toEqual([undefined, undefined]);
    const trees = `${infoQtree(machine)}\n${infoMtree(machine)}`;
    expect(trees).not.toMatch(/isa|pci|vga/i);
    expect(trees).toMatch(/bus: sbcon\.i2c\n.*\n.*dev: ds1307/);
    expect(trees).toContain('0000000080000000-0000000080ffffff (prio 0, ram)');
  });

  it('has its RAM at 0x80000000, and as much as was asked for', () => {
    const machine = Machine.create(board, { ram: 64 * KiB });
    machine.memory.write(BoardMap.Ram + 64 * KiB - 4, 0x1234_5678, 4);
    expect(machine.memory.read(BoardMap.Ram + 64 * KiB - 4, 4)).toBe(0x1234_5678);
    expect(machine.memory.read(0, 4)).not.toBe(0x1234_5678);
  });

  it('runs a guest of loads and stores: it reads the flash, prints, and takes an interrupt by the PLIC', () => {
    const machine = Machine.create(board);
    expect(machine.run(boardGuest).reason).toBe('finished');
    expect(machine.device(MmioConsole).text).toBe('flash ef4012\ninterrupt of source 2\n');
    expect(machine.guestErrors).toEqual([]);
  });

  it('selects the flash while output 0 of the GPIO is high', () => {
    const machine = Machine.create(board);
    const flash = machine.device(SpiFlash);
    const set = (register: number, value: number) => machine.memory.write(BoardMap.Gpio + register, value, 4);
    expect(flash.selected).toBe(false);
    set(0x400, 1);
    set(0x004, 1);
    expect([flash.selected, machine.device(Pl061).out[0]?.level]).toEqual([true, true]);
    machine.reset();
    expect(flash.selected).toBe(false);
  });

  it('is saved in the middle of a transfer to the flash, and goes on', () => {
    const begin = guestProgram('begin', function* (guest) {
      yield* guest.store32(BoardMap.Gpio + 0x400, 1);
      yield* guest.store32(BoardMap.Spi, 7);
      yield* guest.store32(BoardMap.Spi + 0x10, 2);
      yield* guest.store32(BoardMap.Spi + 0x04, 2);
      yield* guest.store32(BoardMap.Gpio + 0x004, 1);
      yield* guest.store32(BoardMap.Spi + 0x08, 0x9f);
      yield* guest.store32(BoardMap.Spi + 0x08, 0);
    });
    const machine = Machine.create(board);
    machine.run(begin);
    const restored = Machine.restore(board, machine.save());
    for (const one of [machine, restored]) {
      one.clock.advanceTo(one.clock.now + 1_000_000);
      expect([one.device(Pl022).status & 0x10, one.memory.read(BoardMap.Spi + 0x08, 4)]).toEqual([0, 0xff]);
      expect(one.memory.read(BoardMap.Spi + 0x08, 4)).toBe(0xef);
    }
  });

  it('has a clock and a memory on the bus of its SBCON', () => {
    const machine = Machine.create(board);
    expect(machine.device(Ds1307)).toBeDefined();
    expect(machine.deviceById('eeprom')?.id).toBe('eeprom');
  });
});
