import { describe, expect, it } from 'vitest';
import { VgaText } from '../../devices/vga-text.ts';
import { testBench } from '../../sdk/testing/index.ts';

describe('the VGA window', () => {
  it('holds what is written from 0xa0000 to 0xbffff, at any width', () => {
    const bench = testBench(VgaText);
    bench.store32(0xa_0000, 0x1122_3344);
    bench.store16(0xb_fffe, 0xa55a);
    bench.store8(0xb_0001, 0x77);
    expect([bench.load8(0xa_0003), bench.load16(0xa_0000), bench.load32(0xb_0000)]).toEqual([0x11, 0x3344, 0x7700]);
    expect(bench.load16(0xb_fffe)).toBe(0xa55a);
  });

  it('takes stores that are not aligned, and eight bytes', () => {
    const bench = testBench(VgaText);
    bench.store32(0xa_0001, 0x1122_3344);
    expect([bench.load8(0xa_0001), bench.load8(0xa_0004)]).toEqual([0x44, 0x11]);
    bench.store64(0xa_0010, 0x0102_0304_0506_0708n);
    expect(bench.load64(0xa_0010)).toBe(0x0102_0304_0506_0708n);
  });

  it('keeps what runs over its end away from everybody', () => {
    const bench = testBench(VgaText);
    bench.store8(0xc_0000, 0x99);
    bench.store32(0xb_fffe, 0x1122_3344);
    expect(bench.load16(0xb_fffe)).toBe(0x3344);
    expect(bench.guestErrors).toEqual([]);
  });

  it('keeps its contents over a reset', () => {
    const bench = testBench(VgaText);
    bench.store8(0xb_8000, 0x41);
    bench.reset();
    expect(bench.load8(0xb_8000)).toBe(0x41);
  });
});

describe('the text screen', () => {
  it('has the colours of its cells, without blinking and without a cursor', () => {
    const bench = testBench(VgaText);
    bench.store16(0xb_8000, 0x9f41);
    const { rows, colours, cursor } = bench.device.textScreen();
    expect([rows[0]?.[0], rows[0]?.length, colours[0], cursor]).toEqual(['A', 80, 0x1f, undefined]);
  });

  const print = (
    bench: { store16(address: number, value: number): void },
    row: number,
    column: number,
    text: string,
  ) => {
    [...text].forEach((character, at) => {
      bench.store16(0xb_8000 + (row * 80 + column + at) * 2, 0x0700 | character.charCodeAt(0));
    });
  };

  it('shows 25 lines without the blanks at their ends, colours left out', () => {
    const bench = testBench(VgaText);
    print(bench, 0, 0, 'SeaBIOS (version 1.16)  ');
    print(bench, 24, 78, 'OK');
    const lines = bench.device.text().split('\n');
    expect(lines).toHaveLength(25);
    expect(lines[0]).toBe('SeaBIOS (version 1.16)');
    expect(lines[24]).toBe(`${' '.repeat(78)}OK`);
    expect(lines.slice(1, 24).join('')).toBe('');
  });

  it('shows the characters of code page 437', () => {
    const bench = testBench(VgaText);
    [0x01, 0x41, 0x7f, 0x80, 0xb0, 0xcd, 0xe1, 0xf8, 0xfe, 0xff].forEach((code, at) => {
      bench.store8(0xb_8000 + at * 2, code);
    });
    expect(bench.device.text().split('\n')[0]).toBe('☺A⌂Ç░═ß°■');
  });

  it('shows writes that are still queued, because looking delivers them', () => {
    const bench = testBench(VgaText);
    const { topology } = bench.memory;
    topology.coalescedIoFlusher = {
      flushCoalescedIo: () => {
        topology.coalescedIoFlusher = { flushCoalescedIo: () => {} };
        print(bench, 0, 0, 'late');
      },
    };
    expect(bench.device.text().split('\n')[0]).toBe('late');
  });
});
