import { al, dx, ecx, esi } from '../../sdk/assembler.ts';
import type { Source } from './layout.ts';

const Vga = {
  attribute: 0x3c0,
  miscellaneous: 0x3c2,
  sequencer: 0x3c4,
  colourIndex: 0x3c8,
  colourData: 0x3c9,
  miscellaneousRead: 0x3cc,
  graphics: 0x3ce,
  controller: 0x3d4,
  status1: 0x3da,
  none: 0xff,
} as const;

/** 80 by 25 characters of 9 by 16 pixels, 720 by 400. @see IBM VGA technical reference, BIOS mode 3+ */
const Mode3 = {
  miscellaneous: 0x67,
  sequencer: [0x03, 0x00, 0x03, 0x00, 0x02],
  controller: [
    0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00, 0x4f, 0x2d, 0x0e, 0x00, 0x00, 0x00, 0x00, 0x9c, 0x0e, 0x8f,
    0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff,
  ],
  graphics: [0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x0e, 0x00, 0xff],
  attribute: [
    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14, 0x07, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0x0c, 0x00, 0x0f,
    0x08, 0x00,
  ],
} as const;
const WriteProtect = { index: 0x11, off: 0x00 } as const;
const ScreenOn = 0x20;

/** The 64 colours of EGA: two bits for each of red, green and blue, as 6 bits. */
const colours = Array.from({ length: 64 }, (_, index) =>
  [2, 1, 0].map((colour) => 0x2a * ((index >> colour) & 1) + 0x15 * ((index >> (colour + 3)) & 1)),
).flat();

/** `set-text-mode`: where there is a VGA card, its registers for text. It gets no font: that is in no PC's ROM but the card's. */
export function putTextMode({ a, out }: Source): void {
  /** Registers behind an index: the data port is the next one. */
  const indexed = (port: number, values: readonly number[]) => {
    for (const [index, value] of values.entries()) {
      out(port, index);
      a.inc(dx);
      a.mov(al, value);
      a.out(dx, al);
    }
  };
  a.label('set-text-mode');
  a.mov(dx, Vga.miscellaneousRead);
  a.in(al, dx);
  a.cmp(al, Vga.none);
  a.jz('text-mode.end');
  out(Vga.miscellaneous, Mode3.miscellaneous);
  indexed(Vga.sequencer, Mode3.sequencer);
  out(Vga.controller, WriteProtect.index);
  a.inc(dx);
  a.mov(al, WriteProtect.off);
  a.out(dx, al);
  indexed(Vga.controller, Mode3.controller);
  indexed(Vga.graphics, Mode3.graphics);
  // A read of the status register makes the next write of the attribute port an index.
  a.mov(dx, Vga.status1);
  a.in(al, dx);
  for (const [index, value] of Mode3.attribute.entries()) {
    out(Vga.attribute, index);
    a.mov(al, value);
    a.out(dx, al);
  }
  out(Vga.attribute, ScreenOn);
  out(Vga.colourIndex, 0);
  a.mov(esi, 'colours');
  a.mov(ecx, colours.length);
  a.mov(dx, Vga.colourData);
  a.rep('outsb');
  a.label('text-mode.end');
  a.ret();
  a.label('colours');
  a.db(...colours);
}
