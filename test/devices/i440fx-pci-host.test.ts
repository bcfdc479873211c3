import { describe, expect, it } from 'vitest';
import { MemoryRegion } from '../../sdk/index.ts';
import { RegionOps } from '../../sdk/runtime.ts';
import { PcBoard } from './pc-board.ts';

const HostBridge = 0x1237_8086;

describe.each([{ overlay: false }, { overlay: true }])('configuration mechanism #1 (overlay: $overlay)', (map) => {
  it('reads and writes the register that the address port names', () => {
    const board = new PcBoard(map);
    board.out(0xcf8, 0x8000_0000, 4);
    expect(board.in(0xcfc, 4)).toBe(HostBridge);
    expect([board.in(0xcfc, 2), board.in(0xcfe, 2)]).toEqual([0x8086, 0x1237]);
    expect([board.in(0xcfc, 1), board.in(0xcfd, 1), board.in(0xcff, 1)]).toEqual([0x86, 0x80, 0x12]);
    board.out(0xcf8, 0x8000_0050, 4);
    board.out(0xcfe, 0xbeef, 2);
    expect(board.controller.config.get(0x50, 4)).toBe(0xbeef_0000);
    expect(board.in(0xcfc, 4)).toBe(0xbeef_0000);
  });

  it('keeps every bit of the address and does not look at bits 30 to 24', () => {
    const board = new PcBoard(map);
    board.out(0xcf8, 0xff00_0000, 4);
    expect(board.in(0xcf8, 4)).toBe(0xff00_0000);
    expect(board.in(0xcfc, 4)).toBe(HostBridge);
  });

  it('ORs the two low bits of address and data port, instead of adding them', () => {
    const board = new PcBoard(map);
    board.out(0xcf8, 0x8000_0001, 4);
    expect(board.in(0xcfc, 4)).toBe(0x0012_3780);
    expect(board.in(0xcfd, 1)).toBe(0x80);
    board.out(0xcf8, 0x8000_0003, 4);
    expect(board.in(0xcfe, 1)).toBe(0x12);
  });

  it('splits what is not aligned at the data port', () => {
    const board = new PcBoard(map);
    board.out(0xcf8, 0x8000_0000, 4);
    expect(board.in(0xcfd, 2)).toBe(0x3780);
    expect(board.in(0xcff, 2)).toBe(0xff12);
  });

  it('answers all ones, and drops writes, while bit 31 is clear', () => {
    const board = new PcBoard(map);
    board.out(0xcf8, 0x0000_0050, 4);
    board.out(0xcfc, 0x1234_5678, 4);
    expect(board.in(0xcfc, 4)).toBe(0xffff_ffff);
    expect(board.in(0xcfc, 2)).toBe(0xffff);
    expect(board.controller.config.get(0x50, 4)).toBe(0);
  });

  it('answers all ones for slots, functions and buses with nobody there', () => {
    const board = new PcBoard(map);
    for (const address of [0x8000_1000, 0x8000_0100, 0x8001_0000, 0x80ff_ff00]) {
      board.out(0xcf8, address, 4);
      board.out(0xcfc, 0, 4);
      expect([board.in(0xcfc, 4), board.in(0xcfc, 1)]).toEqual([0xffff_ffff, 0xff]);
      expect(board.bridge.configuration.selectedDevice).toBeUndefined();
    }
    expect(board.readConfig(0, 0, 4)).toBe(HostBridge);
    expect(board.bridge.configuration.selectedDevice).toBe('I440fx');
  });

  it('cuts an access at the end of the 256 bytes', () => {
    const board = new PcBoard(map);
    board.writeConfig(1, 0xfc, 0xa5a5_a5a5, 4);
    board.out(0xcf8, 0x8000_08ff, 4);
    expect(board.in(0xcfc, 4)).toBe(0xa5);
    board.out(0xcfc, 0x1122_3344, 4);
    expect(board.readConfig(1, 0xfc, 4)).toBe(0x44a5_a5a5);
  });

  it('survives a reset with its address', () => {
    const board = new PcBoard(map);
    board.out(0xcf8, 0x8000_0844, 4);
    board.reset();
    expect(board.in(0xcf8, 4)).toBe(0x8000_0844);
  });

  it('delivers what is queued before any access to the data port, and before narrow ones to the address port', () => {
    const board = new PcBoard(map);
    let flushes = 0;
    board.topology.coalescedIoFlusher = { flushCoalescedIo: () => flushes++ };
    board.in(0xcfc, 4);
    board.out(0xcfe, 0, 1);
    expect(flushes).toBe(2);
    board.in(0xcf8, 1);
    expect(flushes).toBe(3);
    board.in(0x80, 1);
    expect(flushes).toBe(3);
  });
});

/** Somebody behind the bridge who remembers what arrives at a port. */
function listen(board: PcBoard, port: number, size: number): string[] {
  const heard: string[] = [];
  const hex = (value: number) => value.toString(16);
  const ops = new RegionOps({
    device: null,
    routes: [
      {
        offset: 0,
        size: Number.POSITIVE_INFINITY,
        read: (offset: number, width: number) => {
          heard.push(`in ${hex(port + offset)}/${width}`);
          return 0x5555_5555;
        },
        write: (value: number, offset: number, width: number) => {
          heard.push(`out ${hex(port + offset)}/${width} ${hex(value)}`);
        },
      },
    ],
  });
  board.isa.io.addSubregion(port, MemoryRegion.io(board.topology, 'listener', size, ops), 2);
  return heard;
}

describe('the bridge in front of the bus', () => {
  it('takes 32 bits at 0xcf8 and hands everything narrower on as it is', () => {
    const board = new PcBoard();
    const heard = listen(board, 0xcf8, 4);
    board.out(0xcf8, 0x8000_0000, 4);
    expect(board.in(0xcf8, 4)).toBe(0x8000_0000);
    expect(heard).toEqual([]);
    board.out(0xcf8, 0x1234, 2);
    board.out(0xcfb, 0x56, 1);
    expect(board.in(0xcfa, 2)).toBe(0x5555);
    expect(heard).toEqual(['out cf8/2 1234', 'out cfb/1 56', 'in cfa/2']);
    expect(board.bridge.configuration.address).toBe(0x8000_0000);
  });

  it('leaves the flat view of its ports whole, though a reset register lies behind them', () => {
    const board = new PcBoard();
    const ranges = board.io.flatView.ranges.filter(({ start }) => start >= 0xcf8 && start < 0xd00);
    expect(ranges.map(({ region, start, size }) => [region.name, start, size])).toEqual([
      ['pci-conf-idx', 0xcf8, 4],
      ['pci-conf-data', 0xcfc, 4],
    ]);
  });

  it('cannot be split by what is mapped behind it, whatever its priority there', () => {
    const board = new PcBoard();
    const bar = MemoryRegion.reservation(board.topology, 'bar', 2);
    board.pci.io.addSubregion(0xcfa, bar, 1000);
    expect(board.io.lookup(0xcfa)?.region.name).toBe('pci-conf-idx');
    expect(board.io.lookup(0xcfa)?.size).toBe(4);
  });

  it('lets a byte through to the reset register, and reads it', () => {
    const board = new PcBoard();
    board.out(0xcf9, 0x02, 1);
    expect(board.in(0xcf9, 1)).toBe(0x02);
    board.out(0xcf9, 0x06, 1);
    expect(board.resets.count).toBe(1);
  });

  it('answers all ones where nobody is behind', () => {
    const board = new PcBoard();
    board.out(0xcf8, 0x8000_1234, 4);
    expect([board.in(0xcf8, 1), board.in(0xcf8, 2), board.in(0xcfb, 1)]).toEqual([0xff, 0xffff, 0xff]);
  });

  it('hands a word at 0xcf8 on as a word at 0xcf8, so that the reset register does not see it', () => {
    const board = new PcBoard();
    board.out(0xcf8, 0x0600, 2);
    expect(board.resets.count).toBe(0);
    expect(board.in(0xcf9, 1)).toBe(0);
  });

  it('splits a word at 0xcf9 into bytes, of which the first is the reset register', () => {
    const board = new PcBoard();
    const heard = listen(board, 0xcfa, 1);
    board.out(0xcf9, 0x0602, 2);
    expect(heard).toEqual(['out cfa/1 6']);
    expect(board.in(0xcf9, 1)).toBe(0x02);
    expect(board.resets.count).toBe(0);
  });

  it('splits an access over 0xcfb/0xcfc: what lies beyond is data', () => {
    const board = new PcBoard();
    const heard = listen(board, 0xcfb, 1);
    board.out(0xcf8, 0x8000_0050, 4);
    board.out(0xcfb, 0x5a77, 2);
    expect(heard).toEqual(['out cfb/1 77']);
    expect(board.controller.config.get(0x50, 1)).toBe(0x5a);
  });

  it('gets an access that begins before 0xcf8 in aligned pieces, which are narrow and go on', () => {
    const board = new PcBoard();
    board.out(0xcf8, 0x8000_0050, 4);
    const heard = listen(board, 0xcf8, 4);
    board.out(0xcf7, 0x3322_1100, 4);
    board.out(0xcf6, 0x3322_1100, 4);
    expect(heard).toEqual(['out cf8/2 2211', 'out cfa/1 33', 'out cf8/2 3322']);
    expect(board.bridge.configuration.address).toBe(0x8000_0050);
  });
});

describe('the bridge under the overlay', () => {
  it('drops narrow writes, and reads the low bytes of the address wherever they are read', () => {
    const board = new PcBoard({ overlay: true });
    board.out(0xcf8, 0x8000_1234, 4);
    for (const [port, size] of [
      [0xcf8, 1],
      [0xcf8, 2],
      [0xcfa, 1],
      [0xcfa, 2],
      [0xcfb, 1],
    ] as const) {
      board.out(port, 0xffff, size);
      expect(board.in(port, size)).toBe(size === 1 ? 0x34 : 0x1234);
    }
    expect(board.in(0xcf8, 4)).toBe(0x8000_1234);
  });

  it('has the reset register over one of its ports, and gets all of a word that begins there', () => {
    const board = new PcBoard({ overlay: true });
    board.out(0xcf8, 0x8000_1234, 4);
    expect([board.in(0xcf9, 1), board.in(0xcf9, 2), board.in(0xcf9, 4)]).toEqual([0, 0, 0]);
    board.out(0xcf9, 0x0002, 2);
    expect(board.in(0xcf9, 1)).toBe(0);
    board.out(0xcf9, 0x0602, 2);
    expect(board.in(0xcf9, 1)).toBe(0x02);
    expect(board.resets.count).toBe(1);
  });

  it('is split by it in the flat view: no 32-bit access lies inside one range', () => {
    const board = new PcBoard({ overlay: true });
    const ranges = board.io.flatView.ranges.filter(({ start }) => start >= 0xcf8 && start < 0xcfc);
    expect(ranges.map(({ region, start, size }) => [region.name, start, size])).toEqual([
      ['pci-conf-idx', 0xcf8, 1],
      ['piix3-reset-control', 0xcf9, 1],
      ['pci-conf-idx', 0xcfa, 2],
    ]);
  });

  it('answers accesses over its edges as QEMU does', () => {
    const board = new PcBoard({ overlay: true });
    board.out(0xcf8, 0x8000_1234, 4);
    expect([board.in(0xcfa, 4), board.in(0xcf7, 4), board.in(0xcf6, 4)]).toEqual([
      0xffff_1234, 0x3412_34ff, 0x1234_ffff,
    ]);
  });
});
