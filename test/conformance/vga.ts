import { Vga, VgaText } from '../../devices/index.ts';
import { pcI440fx } from '../../machines/index.ts';
import { defineMachine, use } from '../../sdk/index.ts';
import type { Random } from '../../sdk/testing/random.ts';
import type { Chip } from './chip.ts';
import { pciConfig } from './pci-config.ts';
import { load, type Operation, out, out8, portOrPlace, read, read8, store, type Width } from './script.ts';

export const Port = {
  Attribute: 0x3c0,
  AttributeData: 0x3c1,
  Miscellaneous: 0x3c2,
  Sequencer: 0x3c4,
  PixelMask: 0x3c6,
  PixelReadAddress: 0x3c7,
  PixelWriteAddress: 0x3c8,
  PixelData: 0x3c9,
  FeatureControl: 0x3ca,
  MiscellaneousRead: 0x3cc,
  Graphics: 0x3ce,
  Crt: 0x3d4,
  Status: 0x3da,
  MonochromeCrt: 0x3b4,
  MonochromeStatus: 0x3ba,
  VbeIndex: 0x1ce,
  VbeData: 0x1d0,
} as const;
export const Window = 0xa_0000;

type Add = (...operations: Operation[]) => void;

/** Index and data in one access, as drivers write them. */
export const set = (port: number, index: number, value: number): Operation => out(port, 2, index | (value << 8));
export const get = (port: number, index: number): Operation[] => [out8(port, index), read8(port + 1)];

export function setAttribute(index: number, value: number): Operation[] {
  return [read8(Port.Status), out8(Port.Attribute, index), out8(Port.Attribute, value)];
}

/** Memory is enabled, and the CRT controller is at the colour ports. */
export const colour: Operation = out8(Port.Miscellaneous, 0x67);

/** Modes in which drivers use the window: text, planes, 256 colours. Sequencer 2 and 4, graphics 5 and 6, and the window's place. */
const modes = [
  { sequencer: [3, 2], graphics: [0x10, 0x0e], start: 0x1_8000, size: 0x8000 },
  { sequencer: [3, 2], graphics: [0x10, 0x0a], start: 0x1_0000, size: 0x8000 },
  { sequencer: [15, 6], graphics: [0x00, 0x05], start: 0, size: 0x1_0000 },
  { sequencer: [15, 14], graphics: [0x40, 0x05], start: 0, size: 0x1_0000 },
] as const;

export type Mode = (typeof modes)[number];
export const setWindow = ({ sequencer, graphics }: Mode): Operation[] => [
  colour,
  ...[set(Port.Sequencer, 2, sequencer[0]), set(Port.Sequencer, 4, sequencer[1])],
  ...[set(Port.Graphics, 5, graphics[0]), set(Port.Graphics, 6, graphics[1])],
  set(Port.Graphics, 8, 0xff),
];
export const [textMode, , planarMode, chainedMode] = modes;

function setMode(random: Random, add: Add): void {
  add(...setWindow(random.pick(modes)));
}

function indexed(random: Random, port: number, count: number, add: Add): void {
  const index = random.oneIn(8) ? random.byte() : random.below(count);
  if (random.oneIn(2)) add(out8(port, index), out8(port + 1, random.byte()), read8(port + 1), read(port, 2));
  else add(set(port, index, random.byte()), ...get(port, random.below(count)));
}

function attribute(random: Random, add: Add): void {
  const index = random.below(0x20) | (random.oneIn(3) ? 0x20 : 0) | (random.oneIn(8) ? 0xc0 : 0);
  if (random.oneIn(3)) add(out8(Port.Attribute, index));
  else add(...setAttribute(index, random.byte()), read8(Port.AttributeData));
  add(read8(random.pick([Port.Attribute, Port.AttributeData])));
}

function palette(random: Random, add: Add): void {
  const start = random.byte();
  add(out8(Port.PixelWriteAddress, start));
  for (let components = random.below(8); components > 0; components--) add(out8(Port.PixelData, random.byte()));
  add(read8(Port.PixelWriteAddress), read8(Port.PixelReadAddress));
  add(out8(Port.PixelReadAddress, (start + random.below(2)) & 0xff), read8(Port.PixelReadAddress));
  for (let components = random.below(8); components > 0; components--) add(read8(Port.PixelData));
  if (random.oneIn(4)) add(read8(Port.PixelWriteAddress), out8(Port.PixelData, random.byte()), read8(Port.PixelData));
  if (random.oneIn(4)) add(out8(Port.PixelMask, random.byte()), read8(Port.PixelMask));
}

/** A few bytes near one another, so that latches and earlier writes are met again. */
function memory(random: Random, add: Add): void {
  const { start, size } = random.pick(modes);
  const base = Window + start + random.pick([0, 0x10, size - 8]);
  for (let accesses = 1 + random.below(6); accesses > 0; accesses--) {
    const width = random.pick<Width>([1, 1, 2, 4]);
    const address = base + random.below(9 - width);
    add(random.oneIn(2) ? store(address, width, random.bits()) : load(address, width));
  }
}

function dataPath(random: Random, add: Add): void {
  const index = random.below(9);
  const value = index === 5 ? random.pick([0, 1, 2, 3, 8, 9, 0x10, 0x13]) : random.byte();
  add(set(Port.Graphics, index, value), set(Port.Sequencer, 2, random.pick([15, random.below(16)])));
  memory(random, add);
}

/** In either byte, the bits of the feature control in which both sides differ. */
const withoutSync = (value: number): number => value & 0xe7e7;

function miscellaneous(random: Random, add: Add): void {
  add(out8(Port.Miscellaneous, random.oneIn(2) ? random.byte() : 0x67), read8(Port.MiscellaneousRead));
  for (const port of [Port.Crt, Port.Crt + 1, Port.MonochromeCrt, Port.MonochromeCrt + 1]) add(read8(port));
  add(read8(random.pick([Port.Status, Port.MonochromeStatus])), out8(Port.Status, withoutSync(random.byte())));
  add(read8(Port.FeatureControl), read8(Port.Miscellaneous));
}

/** While no mode is enabled, the registers of VBE hold what is written. */
function vbe(random: Random, add: Add): void {
  const index = random.pick([0, 1, 2, 3, 10, 11, 30]);
  const value = index === 0 ? random.pick([0xb0c0, 0xb0c5, 0xb0c6, random.bits()]) : random.bits();
  add(out(Port.VbeIndex, 2, index), read(Port.VbeIndex, 2), out(random.pick([0x1cf, 0x1d0]), 2, value));
  add(read(Port.VbeData, 2), read(0x1cf, 2), read(0x1d1, 2), read8(0x1ce + random.below(4)));
}

/** Ports that nothing has, and accesses that run over the ends of registers. Wide ones where a read changes nothing. */
function oddAccess(random: Random, add: Add): void {
  const port = random.oneIn(2) ? 0x3b0 + random.below(12) : 0x3c0 + random.below(32);
  if (random.oneIn(8)) add(read(random.pick([Port.Sequencer, Port.FeatureControl, Port.MiscellaneousRead]), 4));
  else if (random.oneIn(3)) add(read(port, random.pick<Width>([1, 2])));
  else if (port >= Port.Sequencer && random.oneIn(2)) add(out(port, 2, withoutSync(random.bits())), read(port & ~1, 2));
  else add(read(port, 2));
}

function configuration(random: Random, add: Add): void {
  const register = random.pick([0x00, 0x04, 0x08, 0x0c, 0x10, 0x14, 0x18, 0x2c, 0x3c]);
  const isBar = register >= 0x10 && register <= 0x18;
  add(out(0xcf8, 4, 0x8000_1000 | register));
  if (isBar && random.oneIn(2)) add(out(0xcfc, 4, 0xffff_ffff));
  add(read(0xcfc, 4));
}

export const onPc = defineMachine({
  ...pcI440fx,
  devices: pcI440fx.devices.map((one) => (one.device === VgaText ? use(Vga, { id: 'vga', addr: '02.0' }) : one)),
});

export const vga: Chip = {
  ...pciConfig,
  name: 'vga',
  title: 'VGA: registers, planes and VBE of the standard card',
  machine: onPc,
  qemu: { arguments: ['-device', 'VGA,addr=02.0,romfile='] },
  registerNames: () => (operation) =>
    'port' in operation || !('address' in operation) ? portOrPlace(operation) : 'window',
  act(random, add) {
    random.weighted([
      [8, () => setMode(random, add)],
      [14, () => indexed(random, Port.Sequencer, 8, add)],
      [14, () => indexed(random, Port.Graphics, 9, add)],
      [20, () => indexed(random, random.oneIn(8) ? Port.MonochromeCrt : Port.Crt, 0x19, add)],
      [14, () => attribute(random, add)],
      [14, () => palette(random, add)],
      [30, () => memory(random, add)],
      [30, () => dataPath(random, add)],
      [6, () => miscellaneous(random, add)],
      [6, () => vbe(random, add)],
      [10, () => oddAccess(random, add)],
      [3, () => configuration(random, add)],
      [1, () => add({ kind: 'reset' }, colour)],
    ]);
  },
};
