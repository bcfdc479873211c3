import { describe, expect, it } from 'vitest';
import { Vga } from '../../devices/index.ts';
import { MILLISECOND, SECOND } from '../../sdk/index.ts';
import { testBench } from '../../sdk/testing/index.ts';
import {
  chainedMode,
  planarMode,
  print,
  setAttribute,
  setCrt,
  setGraphics,
  setMode,
  setSequencer,
  textMode,
  type VgaBench,
} from './vga-guest.ts';

const Planes = 0xa_0000;
const Text = 0xb_8000;
const Status = 0x3da;
const Retrace = 0x08;
const Border = 0x01;

function inMode(mode: typeof textMode): VgaBench {
  const bench = testBench(Vga);
  setMode(bench, mode);
  return bench;
}

const planesAt = ({ device }: VgaBench, address: number): number[] =>
  [0, 1, 2, 3].map((plane) => device.planes.byteAt(address, plane));

describe('the text screen', () => {
  it('shows what is written at 0xb8000, without the blanks at the ends of lines', () => {
    const bench = inMode(textMode);
    print(bench, 0, 0, 'SeaBIOS (version 1.16)  ');
    print(bench, 24, 78, 'OK');
    const lines = bench.device.screenText();
    expect(lines).toHaveLength(25);
    expect([lines[0], lines[1], lines[24]]).toEqual(['SeaBIOS (version 1.16)', '', `${' '.repeat(78)}OK`]);
    expect(bench.device.text().split('\n')).toEqual(lines);
    expect([bench.load16(Text), bench.load8(Text + 2)]).toEqual([0x0753, 0x65]);
  });

  it('shows the characters of code page 437', () => {
    const bench = inMode(textMode);
    for (const [at, code] of [0x01, 0x80, 0xb0, 0xcd, 0xe1, 0xfe].entries()) bench.store8(Text + 2 * at, code);
    expect(bench.device.screenText()[0]).toBe('☺Ç░═ß■');
  });

  it('has the colours of its cells, and blinking where the attribute controller says so', () => {
    const bench = inMode(textMode);
    bench.store16(Text, 0x9f41);
    bench.store16(Text + 2, 0x4e42);
    setCrt(bench, 0x0f, 80);
    const shown = bench.device.textScreen();
    expect(shown?.rows[0]).toBe(`AB${' '.repeat(78)}`);
    expect([...(shown?.colours.subarray(0, 2) ?? [])]).toEqual([0x1f, 0x4e]);
    expect(shown?.cursor).toEqual({ row: 1, column: 0 });
    setAttribute(bench, 0x10, 0x04);
    expect(bench.device.textScreen()?.colours[0]).toBe(0x9f);
  });

  it('scrolls by its start address, as consoles do', () => {
    const bench = inMode(textMode);
    print(bench, 0, 0, 'first');
    print(bench, 25, 0, 'below the screen');
    expect(bench.device.screenText().at(-1)).toBe('');
    setCrt(bench, 0x0d, 80);
    expect([bench.device.screenText()[0], bench.device.screenText().at(-1)]).toEqual(['', 'below the screen']);
  });

  it('has as many rows as the height of characters allows, and the offset register parts them', () => {
    const bench = inMode(textMode);
    setCrt(bench, 0x09, 0x47);
    expect(bench.device.screenText()).toHaveLength(50);
    print(bench, 1, 40, 'here');
    setCrt(bench, 0x13, 60);
    expect(bench.device.screenText()[1]).toBe('here');
  });

  it('is at 0xb0000 and its ports at 0x3b4 in a monochrome mode', () => {
    const bench = inMode(textMode);
    setGraphics(bench, 6, 0x0a);
    bench.out8(0x3c2, 0x66);
    bench.store8(0xb_0000, 0x4d);
    expect(bench.device.screenText()[0]).toBe('M');
    bench.out8(0x3b4, 0x01);
    expect([bench.in8(0x3b5), bench.in8(0x3d5), bench.in8(0x3da)]).toEqual([0x4f, 0xff, 0xff]);
    expect([bench.load8(0xb_0000), bench.load8(Text)]).toEqual([0x4d, 0xff]);
  });

  it('is there after each reset for a guest without a VGA BIOS, if it is to be', () => {
    const bench = testBench(Vga, { options: { textMode: true } });
    print(bench, 2, 3, 'hello');
    expect(bench.device.screenText()[2]).toBe('   hello');
    setGraphics(bench, 6, 0x05);
    expect(bench.load8(Text)).toBe(0xff);
    bench.reset();
    expect([bench.load8(Text + 2 * (2 * 80 + 3)), bench.device.screenText()[2]]).toEqual([0x68, '   hello']);
  });

  it('says where its cursor is, unless that is off or outside', () => {
    const bench = inMode(textMode);
    expect(bench.device.cursor).toEqual({ row: 0, column: 0 });
    setCrt(bench, 0x0f, 3 * 80 + 7);
    expect(bench.device.cursor).toEqual({ row: 3, column: 7 });
    setCrt(bench, 0x0d, 80);
    expect(bench.device.cursor).toEqual({ row: 2, column: 7 });
    setCrt(bench, 0x0a, 0x20);
    expect(bench.device.cursor).toBeUndefined();
    setCrt(bench, 0x0a, 0x0d);
    setCrt(bench, 0x0e, 0x20);
    expect(bench.device.cursor).toBeUndefined();
  });

  it('shows nothing in graphics', () => {
    const bench = inMode(planarMode);
    expect([bench.device.screenText(), bench.device.cursor]).toEqual([[], undefined]);
  });

  it('is bounded, whatever the timing says', () => {
    const bench = inMode(textMode);
    for (let index = 0; index < 0x19; index++) setCrt(bench, index, index === 9 ? 0 : 0xff);
    const lines = bench.device.screenText();
    expect(lines.length).toBeLessThanOrEqual(60);
    expect(lines.every((line) => [...line].length <= 132)).toBe(true);
  });
});

describe('the planes', () => {
  it('get the written byte rotated, where the map mask and the bit mask let it (write mode 0)', () => {
    const bench = inMode(planarMode);
    bench.store8(Planes + 5, 0xf0);
    setSequencer(bench, 2, 0x05);
    setGraphics(bench, 3, 0x04);
    setGraphics(bench, 8, 0x3c);
    bench.load8(Planes + 5);
    bench.store8(Planes + 5, 0xf0);
    expect(planesAt(bench, 5)).toEqual([0xcc, 0xf0, 0xcc, 0xf0]);
  });

  it('get set/reset where it is enabled, combined with the latches', () => {
    const bench = inMode(planarMode);
    bench.store8(Planes, 0x0f);
    bench.load8(Planes);
    setGraphics(bench, 0, 0x0a);
    setGraphics(bench, 1, 0x03);
    setGraphics(bench, 3, 0x18);
    bench.store8(Planes + 1, 0x3c);
    expect(planesAt(bench, 1)).toEqual([0x0f, 0xf0, 0x33, 0x33]);
  });

  it('get the latches, which copies four planes at once (write mode 1)', () => {
    const bench = inMode(planarMode);
    for (let plane = 0; plane < 4; plane++) {
      setSequencer(bench, 2, 1 << plane);
      bench.store8(Planes, 0x11 * (plane + 1));
    }
    setSequencer(bench, 2, 15);
    setGraphics(bench, 5, 0x01);
    bench.load8(Planes);
    bench.store8(Planes + 0x9000, 0xff);
    expect(planesAt(bench, 0x9000)).toEqual([0x11, 0x22, 0x33, 0x44]);
  });

  it('get a colour for the bits of the mask (write mode 2), or for the written bits (write mode 3)', () => {
    const bench = inMode(planarMode);
    setGraphics(bench, 5, 0x02);
    setGraphics(bench, 8, 0x81);
    bench.store8(Planes, 0x06);
    expect(planesAt(bench, 0)).toEqual([0, 0x81, 0x81, 0]);
    setGraphics(bench, 5, 0x03);
    setGraphics(bench, 0, 0x09);
    setGraphics(bench, 8, 0xff);
    bench.load8(Planes);
    bench.store8(Planes, 0x01);
    expect(planesAt(bench, 0)).toEqual([0x01, 0x80, 0x80, 0x01]);
  });

  it('are read one at a time (read mode 0), or compared with a colour (read mode 1)', () => {
    const bench = inMode(planarMode);
    setSequencer(bench, 2, 0x05);
    bench.store8(Planes, 0xf0);
    setGraphics(bench, 4, 2);
    expect(bench.load8(Planes)).toBe(0xf0);
    setGraphics(bench, 4, 1);
    expect(bench.load8(Planes)).toBe(0);
    setGraphics(bench, 5, 0x08);
    setGraphics(bench, 2, 0x05);
    expect(bench.load8(Planes)).toBe(0xf0);
    setGraphics(bench, 7, 0x0a);
    expect(bench.load8(Planes)).toBe(0xff);
  });

  it('are chosen by the lowest address bits in a chain, at any width', () => {
    const bench = inMode(chainedMode);
    bench.store32(Planes + 4, 0x4433_2211);
    expect(planesAt(bench, 4)).toEqual([0x11, 0x22, 0x33, 0x44]);
    expect([bench.load32(Planes + 4), bench.load8(Planes + 6)]).toEqual([0x4433_2211, 0x33]);
  });

  it('keep their contents over a reset, and are out of reach until memory is enabled', () => {
    const bench = inMode(textMode);
    bench.store8(Text, 0x41);
    bench.reset();
    expect(bench.load8(Text)).toBe(0xff);
    setMode(bench, textMode);
    expect(bench.load8(Text)).toBe(0x41);
  });

  it('are reached through the chosen part of the window only', () => {
    const bench = inMode(textMode);
    bench.store8(Planes, 0x12);
    bench.store32(0xb_fffe, 0x1122_3344);
    expect([bench.load8(Planes), bench.load16(0xb_fffe)]).toEqual([0xff, 0x3344]);
    expect(planesAt(bench, 0)).toEqual([0, 0, 0, 0]);
    expect(bench.guestErrors).toEqual([]);
  });
});

describe('the registers', () => {
  it('lock the timing but for a bit of line compare', () => {
    const bench = inMode(textMode);
    setCrt(bench, 0x00, 0x12);
    setCrt(bench, 0x07, 0x00);
    bench.out8(0x3d4, 0x00);
    expect(bench.in8(0x3d5)).toBe(0x5f);
    bench.out8(0x3d4, 0x07);
    expect(bench.in8(0x3d5)).toBe(0x0f);
    setCrt(bench, 0x11, 0x0e);
    setCrt(bench, 0x00, 0x12);
    bench.out8(0x3d4, 0x00);
    expect(bench.in8(0x3d5)).toBe(0x12);
  });

  it('take an address and data in turn at 0x3c0, from an address on after a read of the status', () => {
    const bench = inMode(textMode);
    setAttribute(bench, 0x11, 0x2a);
    bench.in8(Status);
    bench.out8(0x3c0, 0x11);
    bench.in8(Status);
    bench.out8(0x3c0, 0x31);
    expect([bench.in8(0x3c0), bench.in8(0x3c1)]).toEqual([0x31, 0x2a]);
  });

  it('lock the palette while the screen shows memory', () => {
    const bench = inMode(textMode);
    setAttribute(bench, 0x03, 0x15);
    setAttribute(bench, 0x23, 0x2a);
    expect(bench.in8(0x3c1)).toBe(0x15);
  });

  it('load the colour table by components of six bits, and read it back', () => {
    const bench = inMode(textMode);
    bench.out8(0x3c8, 7);
    for (const component of [0xff, 0x12, 0x34, 0x01, 0x02, 0x03]) bench.out8(0x3c9, component);
    expect([bench.in8(0x3c8), bench.in8(0x3c7)]).toEqual([9, 0]);
    bench.out8(0x3c7, 7);
    expect([bench.in8(0x3c7), bench.in8(0x3c8)]).toEqual([3, 8]);
    expect([1, 2, 3, 4, 5, 6].map(() => bench.in8(0x3c9))).toEqual([0x3f, 0x12, 0x34, 1, 2, 3]);
    expect(bench.in8(0x3c8)).toBe(10);
  });
});

it('the bench finds the registers that the card maps into its BAR', () => {
  const bench = testBench(Vga);
  const bar = bench.device.bars.all.find(({ index }) => index === 2)?.address as number;
  expect(bench.register('byteOrder').read()).toBe(0x1e1e_1e1e);
  expect(bench.load32(bar + 0x604)).toBe(0x1e1e_1e1e);
});

describe('the retrace', () => {
  /** Rising edges of the vertical retrace in a second. */
  function frames(bench: VgaBench): number {
    let [edges, last] = [0, true];
    for (let time = 0; time < SECOND; time += 20_000) {
      const now = (bench.in8(Status) & Retrace) !== 0;
      if (now && !last) edges++;
      last = now;
      bench.clock.advance(20_000);
    }
    return edges;
  }

  it('comes 70 times a second in text, 60 times in 640 by 480, and 70 times before a mode is set', () => {
    expect(frames(inMode(textMode))).toBe(70);
    expect(frames(inMode(planarMode))).toBe(60);
    const bench = testBench(Vga);
    bench.out8(0x3c2, 0x67);
    expect(frames(bench)).toBe(70);
  });

  it('and the border take as much of the time as in the timing that is programmed', () => {
    const bench = inMode(textMode);
    const seen = { retrace: 0, border: 0 };
    for (let sample = 0; sample < 10_000; sample++) {
      const status = bench.in8(Status);
      if (status & Retrace) seen.retrace++;
      if (status & Border) seen.border++;
      bench.clock.advance(1427 * 7);
    }
    // 2 of 449 lines; all but 400 lines of 720 of 900 dots.
    expect(seen.retrace / 10_000).toBeCloseTo(2 / 449, 3);
    expect(seen.border / 10_000).toBeCloseTo(1 - (400 * 720) / (449 * 900), 1);
  });

  it('is the same for the same time, however often it is read', () => {
    const bench = inMode(textMode);
    bench.clock.advance(5 * MILLISECOND);
    expect(new Set(Array.from({ length: 20 }, () => bench.in8(Status))).size).toBe(1);
  });
});
