import { describe, expect, it } from 'vitest';
import { Vga, VgaText } from '../../devices/index.ts';
import { pcI440fx } from '../../machines/index.ts';
import { memoryImage } from '../../sdk/backend.ts';
import { defineMachine, KiB, MiB, use } from '../../sdk/index.ts';
import { explainCoalescedIo, type Guest, type GuestStep, guestProgram, Machine } from '../../sdk/runtime.ts';
import { testBench } from '../../sdk/testing/index.ts';
import { expectRefusal } from '../refusal.ts';
import { textMode } from './vga-guest.ts';

const FrameBuffer = 0xe000_0000;
const Registers = 0xe100_0000;
const Rom = 0xe200_0000;
const CardAddress = 0x8000_1000;
const Vbe = { width: 1, height: 2, depth: 3, enable: 4, bank: 5, virtualWidth: 6, memory: 10 } as const;
const Enabled = 0x41;
const EnabledUncleared = 0xc1;

/** The pc with the card in place of its text window. */
const pcWithVga = defineMachine({
  ...pcI440fx,
  devices: pcI440fx.devices.map((one) =>
    one.device === VgaText ? use(Vga, { id: 'vga', addr: '02.0', options: { romfile: 'vgabios' } }) : one,
  ),
});

function machineWith(...images: readonly Uint8Array[]): Machine {
  const backends = images.map((bytes) => memoryImage({ id: 'vgabios', bytes }));
  return Machine.create(pcWithVga, { ram: 16 * MiB, backends });
}

const out8 = ({ io }: Machine, port: number, value: number) => io.write(port, value, 1);
const out16 = ({ io }: Machine, port: number, value: number) => io.write(port, value, 2);
const setCrt = (machine: Machine, index: number, value: number) => out16(machine, 0x3d4, index | (value << 8));

function configure({ io }: Machine, register: number, value: number): number {
  io.write(0xcf8, CardAddress | register, 4);
  io.write(0xcfc, value, 4);
  return io.read(0xcfc, 4);
}

function setVbe(machine: Machine, index: number, value: number): void {
  out16(machine, 0x1ce, index);
  out16(machine, 0x1d0, value);
}

function getVbe(machine: Machine, index: number): number {
  out16(machine, 0x1ce, index);
  return machine.io.read(0x1cf, 2);
}

function map(machine: Machine): void {
  configure(machine, 0x10, FrameBuffer);
  configure(machine, 0x18, Registers);
  configure(machine, 0x04, 0x0007);
}

function setTextMode(machine: Machine): void {
  out8(machine, 0x3c2, textMode.miscellaneous);
  for (const [index, value] of textMode.sequencer.entries()) out16(machine, 0x3c4, index | (value << 8));
  for (const [index, value] of textMode.crt.entries()) setCrt(machine, index, value);
  for (const [index, value] of textMode.graphics.entries()) out16(machine, 0x3ce, index | (value << 8));
}

function setLinearMode(machine: Machine, enable = Enabled): void {
  setVbe(machine, Vbe.width, 640);
  setVbe(machine, Vbe.height, 480);
  setVbe(machine, Vbe.depth, 32);
  setVbe(machine, Vbe.enable, enable);
}

describe('a VGA card on a pc', () => {
  it('is the standard card of QEMU, with a frame buffer, registers in memory and a ROM', () => {
    const machine = machineWith(new Uint8Array(1));
    const identity = [0x00, 0x08, 0x2c].map((register) => configure(machine, register, 0));
    expect(identity).toEqual([0x1111_1234, 0x0300_0002, 0x1100_1af4]);
    const sizes = [0x10, 0x14, 0x18, 0x30].map((register) => configure(machine, register, 0xffff_ffff));
    expect(sizes).toEqual([0xff00_0008, 0, 0xffff_f000, 0xffff_f801]);
  });

  it('carries its VGA BIOS, filled up to a power of two', () => {
    const image = Uint8Array.from({ length: 3000 }, (_, at) => at & 0xff).fill(0x55, 0, 1);
    const machine = machineWith(image);
    expect(configure(machine, 0x30, 0xffff_ffff)).toBe(0xffff_f001);
    configure(machine, 0x30, Rom | 1);
    configure(machine, 0x04, 0x0002);
    const bytes = [0, 1, 2999, 3000, 4095].map((at) => machine.memory.read(Rom + at, 1));
    expect(bytes).toEqual([0x55, 0x01, 2999 & 0xff, 0xff, 0xff]);
    machine.memory.write(Rom + 1, 0x99, 1);
    expect(machine.memory.read(Rom + 1, 1)).toBe(0x01);
  });

  it('has no ROM without an image, and refuses one that is too large', () => {
    const machine = Machine.create(defineMachine({ ...pcWithVga, devices: [...withoutRom] }), { ram: 16 * MiB });
    expect(configure(machine, 0x30, 0xffff_ffff)).toBe(0);
    expectRefusal(
      () => testBench(Vga, { images: { romfile: 17 * MiB } }),
      'image-of-wrong-size',
      'VGA',
      'romfile',
      '16 MiB',
    );
  });

  it('shows the frame buffer through its window, bank by bank, while VBE is enabled', () => {
    const machine = machineWith(new Uint8Array(1));
    map(machine);
    setTextMode(machine);
    machine.memory.write(0xb_8000, 0x0741, 2);
    setLinearMode(machine);
    setVbe(machine, Vbe.bank, 3);
    machine.memory.write(0xa_0010, 0x1122_3344, 4);
    expect(machine.memory.read(FrameBuffer + 3 * 64 * KiB + 0x10, 4)).toBe(0x1122_3344);
    expect(machine.device(Vga).screenText()).toEqual([]);
    setVbe(machine, Vbe.enable, 0);
    expect([machine.memory.read(0xb_8000, 2), machine.device(Vga).screenText()[0]]).toEqual([0x0741, 'A']);
  });

  it('clears what a VBE mode shows, unless it is asked not to, and says what its memory allows', () => {
    const machine = machineWith(new Uint8Array(1));
    map(machine);
    machine.memory.write(FrameBuffer, 0x55, 1);
    machine.memory.write(FrameBuffer + 4 * 640 * 480, 0x66, 1);
    setLinearMode(machine, EnabledUncleared);
    expect(machine.memory.read(FrameBuffer, 1)).toBe(0x55);
    setVbe(machine, Vbe.enable, 0);
    setLinearMode(machine);
    expect([0, 4 * 640 * 480].map((at) => machine.memory.read(FrameBuffer + at, 1))).toEqual([0, 0x66]);
    expect([getVbe(machine, 0), getVbe(machine, Vbe.virtualWidth), getVbe(machine, Vbe.memory)]).toEqual([
      0xb0c5, 640, 256,
    ]);
    setVbe(machine, Vbe.virtualWidth, 1000);
    expect([getVbe(machine, Vbe.virtualWidth), getVbe(machine, 7)]).toEqual([1000, Math.floor((16 * MiB) / 4000)]);
  });

  it('has its ports and VBE in memory too', () => {
    const machine = machineWith(new Uint8Array(1));
    map(machine);
    setTextMode(machine);
    machine.memory.write(Registers + 0x414, 0x0f, 1);
    machine.memory.write(Registers + 0x415, 0x2a, 1);
    out8(machine, 0x3d4, 0x0f);
    expect([machine.io.read(0x3d5, 1), machine.memory.read(Registers + 0x40c, 1)]).toEqual([0x2a, 0x67]);
    machine.memory.write(Registers + 0x502, 800, 2);
    expect([getVbe(machine, Vbe.width), machine.memory.read(Registers + 0x514, 2)]).toEqual([800, 256]);
    expect([0x600, 0x604].map((at) => machine.memory.read(Registers + at, 4))).toEqual([8, 0x1e1e_1e1e]);
  });
});

const withoutRom = pcI440fx.devices.map((one) =>
  one.device === VgaText ? use(Vga, { id: 'vga', addr: '02.0' }) : one,
);

describe('coalesced I/O of a VGA card', () => {
  /** What Linux's console does for a line and its cursor. */
  const console = guestProgram('console', function* (guest: Guest): GuestStep<void> {
    yield* guest.out8(0x3c2, 0x67);
    for (let column = 0; column < 80; column++) yield* guest.store16(0xb_8000 + 2 * column, 0x0741);
    yield* guest.out16(0x3d4, 0x000e);
    yield* guest.out16(0x3d4, 0x500f);
    yield* guest.out8(0x3d4, 0x0f);
    yield* guest.in8(0x3d5);
  });

  it('is alive in every declared range', () => {
    const machine = machineWith(new Uint8Array(1));
    out8(machine, 0x3c2, 0x67);
    const reports = explainCoalescedIo(machine).filter(({ device }) => device === 'vga');
    expect(reports.length).toBeGreaterThan(4);
    expect(new Set(reports.map(({ verdict }) => verdict))).toEqual(new Set(['alive']));
  });

  it('prints a line and moves the cursor with the two exits that are not queued', () => {
    const machine = machineWith(new Uint8Array(1));
    machine.run(console);
    const { statistics } = machine.accelerator;
    expect([statistics.userspaceExits, statistics.vmExits]).toEqual([2, 85]);
    out8(machine, 0x3d4, 0x0f);
    expect(machine.io.read(0x3d5, 1)).toBe(0x50);
  });
});

describe('a snapshot of a VGA card', () => {
  it('in the middle of an address, a colour, a latch and a bank goes on as the card does', () => {
    const machine = machineWith(new Uint8Array(1));
    map(machine);
    setTextMode(machine);
    machine.memory.write(0xb_8000, 0x0741, 2);
    machine.memory.read(0xb_8000, 1);
    out8(machine, 0x3c0, 0x11);
    out8(machine, 0x3c8, 9);
    out8(machine, 0x3c9, 0x15);
    setLinearMode(machine);
    setVbe(machine, Vbe.bank, 2);
    machine.memory.write(0xa_0000, 0x77, 1);
    machine.clock.advance(1_234_567);
    const backends = [memoryImage({ id: 'vgabios', bytes: new Uint8Array(1) })];
    const restored = Machine.restore(pcWithVga, machine.save(), { ram: 16 * MiB, backends });
    const [one, other] = [machine, restored].map(goOn);
    expect(other).toEqual(one);
    expect(one?.slice(0, 4)).toEqual([0x77, 0x77, 0x2a, 0x15]);
  });
});

/** What the guest finds when it goes on: all that was half done. */
function goOn(machine: Machine): number[] {
  const { io, memory } = machine;
  const found = [memory.read(0xa_0000, 1), memory.read(FrameBuffer + 2 * 64 * KiB, 1)];
  out8(machine, 0x3c0, 0x2a);
  found.push(io.read(0x3c1, 1));
  for (const component of [0x16, 0x17]) out8(machine, 0x3c9, component);
  out8(machine, 0x3c7, 9);
  for (let component = 0; component < 3; component++) found.push(io.read(0x3c9, 1));
  setVbe(machine, Vbe.enable, 0);
  out16(machine, 0x3ce, 0x1105);
  memory.write(0xb_8010, 0xff, 1);
  out16(machine, 0x3ce, 0x1005);
  found.push(memory.read(0xb_8010, 1), io.read(0x3da, 1), io.read(0x3d4, 2));
  return [
    ...found,
    ...machine
      .device(Vga)
      .text()
      .split('')
      .map((character) => character.charCodeAt(0)),
  ];
}
