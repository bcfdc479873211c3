import type { Vga } from '../../devices/index.ts';
import type { TestBench } from '../../sdk/testing/index.ts';

export type VgaBench = TestBench<Vga>;

/** The colour text mode of 80 by 25 characters, as a VGA BIOS sets it. @see IBM, PS/2 Technical Reference, mode 3+ */
export const textMode = {
  miscellaneous: 0x67,
  sequencer: [0x03, 0x00, 0x03, 0x00, 0x02],
  crt: [
    ...[0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00, 0x4f, 0x0d, 0x0e, 0x00],
    ...[0x00, 0x00, 0x00, 0x9c, 0x8e, 0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff],
  ],
  graphics: [0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x0e, 0x00, 0xff],
  attributeMode: 0x0c,
};

/** 640 by 480 in 16 colours: planes. */
export const planarMode = {
  miscellaneous: 0xe3,
  sequencer: [0x03, 0x01, 0x0f, 0x00, 0x06],
  crt: [
    ...[0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0x0b, 0x3e, 0x00, 0x40, 0x00, 0x00, 0x00],
    ...[0x00, 0x00, 0x00, 0xea, 0x8c, 0xdf, 0x28, 0x00, 0xe7, 0x04, 0xe3, 0xff],
  ],
  graphics: [0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05, 0x0f, 0xff],
  attributeMode: 0x01,
};

/** 320 by 200 in 256 colours: four planes in a chain. */
export const chainedMode = {
  miscellaneous: 0x63,
  sequencer: [0x03, 0x01, 0x0f, 0x00, 0x0e],
  crt: [
    ...[0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0x00, 0x41, 0x00, 0x00, 0x00],
    ...[0x00, 0x00, 0x00, 0x9c, 0x8e, 0x8f, 0x28, 0x40, 0x96, 0xb9, 0xa3, 0xff],
  ],
  graphics: [0x00, 0x00, 0x00, 0x00, 0x00, 0x40, 0x05, 0x0f, 0xff],
  attributeMode: 0x41,
};

export const AttributeMode = 0x10;
const ShowMemory = 0x20;

/** In the order of a VGA BIOS: the CRT controller is unlocked first. */
export function setMode(bench: VgaBench, mode: typeof textMode): void {
  bench.out8(0x3c2, mode.miscellaneous);
  for (const [index, value] of mode.sequencer.entries()) setSequencer(bench, index, value);
  setCrt(bench, 0x11, 0);
  for (const [index, value] of mode.crt.entries()) setCrt(bench, index, value);
  for (const [index, value] of mode.graphics.entries()) setGraphics(bench, index, value);
  setAttribute(bench, AttributeMode, mode.attributeMode);
  bench.out8(0x3c0, ShowMemory);
}

export function setSequencer(bench: VgaBench, index: number, value: number): void {
  bench.out16(0x3c4, index | (value << 8));
}

export function setGraphics(bench: VgaBench, index: number, value: number): void {
  bench.out16(0x3ce, index | (value << 8));
}

export function setCrt(bench: VgaBench, index: number, value: number): void {
  bench.out16(0x3d4, index | (value << 8));
}

export function setAttribute(bench: VgaBench, index: number, value: number): void {
  bench.in8(0x3da);
  bench.out8(0x3c0, index);
  bench.out8(0x3c0, value);
}

/** White on black, from a place on the screen of the text mode. */
export function print(bench: VgaBench, row: number, column: number, text: string): void {
  [...text].forEach((character, at) => {
    bench.store16(0xb_8000 + 2 * (80 * row + column + at), 0x0700 | character.charCodeAt(0));
  });
}
