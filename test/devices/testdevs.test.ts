import { beforeEach, describe, expect, it } from 'vitest';
import { PcTestdev } from '../../devices/pc-testdev.ts';
import { PciTestdev } from '../../devices/pci-testdev.ts';
import { defineMachine, IsaBus, KiB, MemTxResult, MiB, use } from '../../sdk/index.ts';
import { guestProgram, Machine } from '../../sdk/runtime.ts';
import { type TestBench, testBench } from '../../sdk/testing/index.ts';
import { expectRefusal } from '../refusal.ts';
import { pcI440fx } from '../small-machines.ts';
import { PciFunction } from './pci-guest.ts';

describe('pc-testdev', () => {
  let bench: TestBench<PcTestdev>;

  beforeEach(() => {
    bench = testBench(PcTestdev);
  });

  it('keeps four bytes behind two banks, of which one takes them byte by byte', () => {
    bench.out32(0xe0, 0x4433_2211);
    expect([bench.in8(0xe1), bench.in16(0xe2), bench.in32(0xe8), bench.in16(0xe9)]).toEqual([
      0x22, 0x4433, 0x4433_2211, 0x3322,
    ]);
    bench.out16(0xea, 0xbbaa);
    bench.out8(0xe3, 0xcc);
    expect(bench.in32(0xe0)).toBe(0xccaa_2211);
  });

  it('takes the page flush by 4 bytes only, and does nothing', () => {
    bench.out32(0xe4, 0xffff_ffff);
    expect([bench.in32(0xe4), bench.in32(0xe0), bench.guestErrors]).toEqual([0, 0, []]);
    bench.out8(0xe4, 1);
    expect(bench.io.result).toBe(MemTxResult.DecodeError);
  });

  it('sets ISA interrupt lines at the guest’s hand, and leaves the others alone', () => {
    const isa = bench.service(IsaBus);
    bench.out8(0x2005, 7);
    expect([isa.line(5).level, isa.line(4).level, bench.in8(0x2005)]).toEqual([true, false, 0]);
    bench.out8(0x2005, 0);
    expect(isa.line(5).level).toBe(false);
    bench.out8(0x2010, 1);
    expect(bench.guestErrors[0]?.message).toContain('16');
    bench.out8(0x200f, 1);
    bench.reset();
    expect(isa.line(15).level).toBe(false);
  });

  it('stores memory at every width', () => {
    bench.store64(0xff00_fff8, 0x1122_3344_5566_7788n);
    expect([bench.load8(0xff00_fff8), bench.load16(0xff00_fffe), bench.load32(0xff00_fffa)]).toEqual([
      0x88, 0x1122, 0x3344_5566,
    ]);
    bench.store8(0xff00_0000, 0x1ff);
    bench.store16(0xff00_0002, 0xabcd);
    bench.store32(0xff00_0004, 0xffff_fffe);
    expect(bench.load64(0xff00_0000)).toBe(0xffff_fffe_abcd_00ffn);
  });
});

describe('pci-testdev', () => {
  const Memory = 0xe000_0000;
  const Ports = 0xc000;
  let bench: TestBench<PciTestdev>;

  beforeEach(() => {
    bench = testBench(PciTestdev);
  });

  const nameAt = (read: (offset: number) => number): string => {
    let name = '';
    for (let at = 0x10; read(at) !== 0; at++) name += String.fromCharCode(read(at));
    return name;
  };

  it('shows zeros until a test is selected, then its header through both BARs', () => {
    expect([bench.load32(Memory), bench.in32(Ports)]).toEqual([0, 0]);
    bench.out8(Ports, 0);
    expect([0, 4, 8, 12].map((at) => bench.in32(Ports + at))).toEqual([0x0103, 0x83, 0xfa, 0]);
    expect(nameAt((at) => bench.load8(Memory + at))).toBe('portio-no-eventfd');
    bench.store8(Memory, 2);
    expect([0, 4, 8].map((at) => bench.load32(Memory + at))).toEqual([0x0102, 0x802, 0xfa]);
    expect(nameAt((at) => bench.in8(Ports + at))).toBe('mmio-datamatch-eventfd');
    bench.store8(Memory, 3);
    expect(bench.load32(Memory)).toBe(0);
  });

  it('counts the writes that reach a test without an eventfd', () => {
    bench.store8(Memory, 0);
    bench.store8(Memory + 0x800, 0xfa);
    bench.store8(Memory + 0x800, 0xfb);
    bench.store8(Memory + 0x801, 0xfa);
    bench.store32(Memory + 0x800, 0xfa);
    expect([bench.load32(Memory + 0x0c), bench.device.notifications]).toEqual([2, 0]);
    bench.store8(Memory, 0);
    expect(bench.load32(Memory + 0x0c)).toBe(0);
  });

  it.each([
    [1, 0x84, 0x77, 2],
    [2, 0x85, 0xfa, 1],
  ])('test %i of ports gives the matching writes to an eventfd', (test, offset, data, notified) => {
    bench.out8(Ports, test);
    bench.out8(Ports + offset, data);
    bench.out8(Ports + offset, 0x01);
    expect([bench.in32(Ports + 0x0c), bench.device.notifications]).toEqual([0, notified]);
    bench.out8(Ports, 0xff);
    bench.out8(Ports + offset, data);
    expect(bench.device.notifications).toBe(notified);
  });

  it('has a third BAR of the size that is asked for, with nothing in it', () => {
    bench = testBench(PciTestdev, { options: { membar: 64 * KiB } });
    const [, , membar] = bench.device.bars.all;
    expect([membar?.size, membar?.is64Bit, membar?.prefetchable]).toEqual([64 * KiB, true, true]);
    expect(bench.load32(membar?.address as number)).toBe(0);
    expectRefusal(() => testBench(PciTestdev, { options: { membar: 3000 } }), 'invalid-bar-size', '0xbb8');
  });

  it('on a PC has its matching writes swallowed by the kernel: they leave guest mode and never come out of it', () => {
    const definition = defineMachine({ ...pcI440fx, devices: [...pcI440fx.devices, use(PciTestdev)] });
    const machine = Machine.create(definition, { ram: 1 * MiB });
    const testdev = machine.device(PciTestdev);
    const exits: number[] = [];
    const program = guestProgram(function* (guest) {
      const card = yield* PciFunction.find(guest, 0x1b36, 0x0005);
      yield* card.enable(guest, Memory);
      for (const test of [0, 2]) {
        yield* guest.store8(Memory, test);
        const before = machine.accelerator.statistics.summary().userspaceExits;
        for (let n = 0; n < 10; n++) yield* guest.store8(Memory + 0x800 + test, 0xfa);
        exits.push(machine.accelerator.statistics.summary().userspaceExits - before);
        yield* guest.load32(Memory + 0x0c);
      }
    });
    expect(machine.run(program).reason).toBe('finished');
    expect(exits[0]).toBeGreaterThanOrEqual(9);
    expect(exits[1]).toBeLessThanOrEqual(1);
    expect(testdev.count).toBe(0);
    expect(testdev.notifications).toBeGreaterThan(0);
  });
});
