import { beforeEach, describe, expect, it } from 'vitest';
import { Edu, Ich9Lpc, Mc146818Rtc, VirtioRng } from '../../devices/index.ts';
import { machines, q35, q35PinWiring } from '../../machines/index.ts';
import { defineMachine, GiB, IsaBus, inDeviceEvent, MiB, use } from '../../sdk/index.ts';
import { infoMtree, infoQtree } from '../../sdk/monitor/index.ts';
import { explainCoalescedIo, guestProgram, Machine } from '../../sdk/runtime.ts';
import { readCapture } from '../conformance/mtree/captures.ts';
import { PciFunction, startPics } from '../devices/pci-guest.ts';

const definition = defineMachine({
  ...q35,
  devices: [...q35.devices, use(Edu, { addr: '03.0' }), use(VirtioRng, { addr: '04.0' })],
});

let machine: Machine;
const address = (slot: number, register: number) => 0x8000_0000 + slot * 2048 + register;
const read = (slot: number, register: number, size = 4): number => {
  machine.io.write(0xcf8, address(slot, register & ~3), 4);
  return machine.io.read(0xcfc + (register & 3), size);
};
const write = (slot: number, register: number, value: number, size = 4): void => {
  machine.io.write(0xcf8, address(slot, register & ~3), 4);
  machine.io.write(0xcfc + (register & 3), value, size);
};

beforeEach(() => {
  machine = Machine.create(definition, { ram: 2 * MiB });
});

describe('q35', () => {
  it('has the functions of its chipset, as QEMU does after a reset', () => {
    expect(machines.get('q35')).toBe(q35);
    const nonzero = (slot: number) =>
      Array.from({ length: 64 }, (_, index) => [4 * index, read(slot, 4 * index)] as const)
        .filter(([, value]) => value !== 0)
        .map(([register, value]) => `${register.toString(16)}:${value.toString(16).padStart(8, '0')}`)
        .join(' ');
    // QEMU 7.2 has a TSEG of its own invention in register 0x50 besides.
    expect(nonzero(0)).toBe('0:29c08086 8:06000000 2c:11001af4 60:b0000000 9c:00380200');
    expect(nonzero(0x1f)).toBe('0:29188086 8:06010002 c:00800000 2c:11001af4 40:00000001 60:80808080 68:80808080');
    expect(machine.warnings).toEqual([]);
  });

  it("has QEMU's memory below its devices", () => {
    const linesOf = (text: string) => {
      const lines = text.split('\n');
      const start = lines.indexOf('address-space: memory') + 1;
      return lines.slice(start, lines.indexOf('', start));
    };
    const ours = linesOf(infoMtree(Machine.create(q35, { ram: 128 * MiB })));
    const theirs = linesOf(readCapture('q35').tree);
    expect(theirs.filter((line) => !ours.includes(line)).map((line) => line.split(': ')[1])).toEqual([
      'ioapic',
      'hpet',
      'apic-msi',
    ]);
    expect(ours.filter((line) => !theirs.includes(line)).map((line) => line.split(': ')[1])).toEqual(['vga-lowmem']);
  });

  it('keeps RAM away from the configuration window', () => {
    const large = infoMtree(Machine.create(q35, { ram: 3 * GiB }));
    expect(large).toContain('0000000000000000-000000007fffffff (prio 0, ram): alias ram-below-4g');
    expect(large).toContain('0000000100000000-000000013fffffff (prio 0, ram): alias ram-above-4g');
    const rtc = Machine.create(q35, { ram: 3 * GiB }).device(Mc146818Rtc);
    expect(rtc.ram[0x34]! + 256 * rtc.ram[0x35]!).toBe((2 * GiB - 16 * MiB) / (64 * 1024));
  });

  it('coalesces 32-bit writes at 0xcf8, which the reset register on the bus behind does not split', () => {
    const report = explainCoalescedIo(machine).find(({ region }) => region === 'pci-conf-idx');
    expect(report).toMatchObject({ verdict: 'alive', zones: [{ start: 0xcf8, size: 4 }], culprits: [] });
    const program = guestProgram(function* (guest) {
      for (let times = 0; times < 100; times++) yield* guest.out32(0xcf8, address(0, 4 * (times & 15)));
      expect(yield* guest.in32(0xcfc)).toBe(0);
    });
    expect(machine.run(program).reason).toBe('finished');
    expect(machine.accelerator.statistics.summary().coalescedWrites).toBe(100);
  });

  it('hangs the ISA bus on ICH9, behind the PCI bus', () => {
    const tree = infoQtree(machine);
    expect(tree.indexOf('dev: q35-pcihost')).toBeLessThan(tree.indexOf('dev: ICH9-LPC'));
    expect(tree.indexOf('dev: ICH9-LPC')).toBeLessThan(tree.indexOf('bus: isa.0'));
    expect(tree).toContain('class 0601, addr 00:1f.0, pci id 8086:2918 (sub 1af4:1100)');
  });
});

describe('the configuration window', () => {
  const loadWord = (at: number, size = 4) => machine.memory.read(at, size);

  it('is closed until the guest opens it, and then shows every function', () => {
    expect(loadWord(0xb000_0000)).toBe(0);
    write(0, 0x60, 0xb000_0001);
    expect([loadWord(0xb000_0000), loadWord(0xb00f_8000), loadWord(0xb001_8002, 2)]).toEqual([
      0x29c0_8086, 0x2918_8086, 0x11e8,
    ]);
    expect(machine.memory.read64(0xb000_0000)).toBe(0x0000_0000_29c0_8086n);
    expect([loadWord(0xb000_0100), loadWord(0xb010_0000), loadWord(0xb000_8000, 1)]).toEqual([
      0xffff_ffff, 0xffff_ffff, 0xff,
    ]);
    machine.memory.write(0xb00f_803c, 0x55, 1);
    machine.memory.write(0xb00f_8100, 0x66, 1);
    expect(read(0x1f, 0x3c, 1)).toBe(0x55);
  });

  it.each([
    [0xe000_0001, 0, 0xe000_0000, 256],
    [0xe800_0003, 0, 0xe800_0000, 128],
    [0xe400_0005, 0, 0xe400_0000, 64],
    [0xefff_ffff - 6, 0, 0xe000_0000, 256],
    [0x9000_0001, 0x21, 0x1_9000_0000, 256],
  ])('lies where the register says: %x', (low, high, start, megabytes) => {
    write(0, 0x64, high);
    write(0, 0x60, low);
    const size = megabytes * MiB;
    expect([loadWord(start), loadWord(start - 4), loadWord(start + size - 0x1000)]).toEqual([
      0x29c0_8086, 0, 0xffff_ffff,
    ]);
    expect(loadWord(start + size)).toBe(0);
  });

  it('stays where it is if the guest asks for the reserved length, and closes at a reset', () => {
    write(0, 0x60, 0xd000_0001);
    write(0, 0x60, 0xe000_0007);
    expect([loadWord(0xd000_0000), machine.guestErrors.length]).toEqual([0x29c0_8086, 1]);
    machine.reset();
    expect([loadWord(0xd000_0000), read(0, 0x60)]).toEqual([0, 0xb000_0000]);
  });

  it('is no detour for a guest: the same card by memory and by ports', () => {
    let bar = 0;
    const program = guestProgram(function* (guest) {
      const bridge = yield* PciFunction.find(guest, 0x8086, 0x29c0);
      yield* bridge.write32(guest, 0x60, 0xb000_0001);
      yield* guest.store32(0xb001_8010, 0xfe00_0000);
      yield* guest.store16(0xb001_8004, 2);
      bar = yield* guest.load32(0xfe00_0000);
    });
    expect(machine.run(program).reason).toBe('finished');
    expect([bar, read(3, 0x10)]).toEqual([0x0100_00ed, 0xfe00_0000]);
  });
});

describe('the area below 1 MiB', () => {
  it('is arranged by PAM registers from 0x90 on, which a reset leaves alone', () => {
    expect(machine.memory.read(0xf_fff0, 1)).toBe(0xff);
    write(0, 0x90, 0x30, 1);
    machine.memory.write(0xf_fff0, 0x12, 1);
    expect(machine.memory.read(0xf_fff0, 1)).toBe(0x12);
    write(0, 0x96, 0x03, 1);
    machine.memory.write(0xe_8000, 0x34, 1);
    expect([machine.memory.read(0xe_8000, 1), machine.memory.read(0xe_c000, 1)]).toEqual([0x34, 0xff]);
    machine.reset();
    expect(machine.memory.read(0xf_fff0, 1)).toBe(0x12);
  });

  it('shows RAM instead of the VGA card while SMRAM is open, until it is locked', () => {
    const smram = (value: number) => {
      write(0, 0x9d, value, 1);
      return read(0, 0x9d, 1);
    };
    // QEMU 7.2 answers the same.
    expect([0x40, 0x08, 0x20, 0x00, 0x87].map(smram)).toEqual([0x42, 0x0a, 0x22, 0x02, 0x02]);
    smram(0x40);
    machine.memory.write(0xa_0000, 0x77, 1);
    expect(machine.memory.read(0xa_0000, 1)).toBe(0x77);
    expect([0xff, 0x00, 0x40].map(smram)).toEqual([0x3a, 0x1a, 0x1a]);
    expect(machine.memory.lookup(0xa_0000)?.region.name).toBe('vga-lowmem');
    write(0, 0x9e, 0xff, 1);
    expect(read(0, 0x9e, 1)).toBe(0x38);
    machine.reset();
    expect([read(0, 0x9d, 1), smram(0x40)]).toEqual([0x02, 0x42]);
    write(0, 0x9e, 0xff, 1);
    expect(read(0, 0x9e, 1)).toBe(0xbf);
  });
});

describe('ICH9', () => {
  it('routes eight PCI interrupts, from pins as the board wires them', () => {
    expect(
      [
        [3, 0],
        [4, 0],
        [5, 1],
        [25, 0],
        [30, 2],
        [31, 3],
      ].map(([slot, pin]) => q35PinWiring(slot!, pin!)),
    ).toEqual([7, 4, 6, 0, 6, 3]);
    const isa = machine.service(IsaBus) as IsaBus;
    const edu = machine.device(Edu);
    inDeviceEvent(edu, edu.raiseInterrupt, 1);
    expect(isa.lines.some(({ level }) => level)).toBe(false);
    write(0x1f, 0x6b, 0x0a, 1);
    expect(isa.line(10).level).toBe(true);
    write(0x1f, 0x6b, 0x8a, 1);
    expect(isa.line(10).level).toBe(false);
    write(0x1f, 0x6b, 0x7b, 1);
    expect(isa.line(11).level).toBe(true);
    machine.reset();
    expect(isa.line(11).level).toBe(false);
  });

  it('has its reset register on the bus behind, and keeps two of its bits', () => {
    machine.io.write(0xcf9, 0xfb, 1);
    expect([machine.io.read(0xcf9, 1), machine.device(Ich9Lpc).resetControl]).toEqual([0x0a, 0x0a]);
    const program = guestProgram(function* (guest) {
      yield* guest.out8(0xcf9, 0x06);
    });
    expect(machine.run(program).reason).toBe('reset');
    expect(machine.io.read(0xcf9, 1)).toBe(0);
  });

  it('holds where power management would be', () => {
    write(0x1f, 0x40, 0xffff_ffff);
    expect(read(0x1f, 0x40)).toBe(0xff87);
    machine.reset();
    expect(read(0x1f, 0x40)).toBe(1);
  });

  it('keeps the lock of management interrupts once it is set, over a reset and a snapshot too', () => {
    write(0x1f, 0xa0, 0x10);
    write(0x1f, 0xa0, 0);
    expect(read(0x1f, 0xa0)).toBe(0x10);
    machine.reset();
    write(0x1f, 0xa0, 0x0100);
    expect(read(0x1f, 0xa0)).toBe(0x0110);
    machine = Machine.restore(machine.definition, machine.save());
    write(0x1f, 0xa0, 0);
    expect(read(0x1f, 0xa0)).toBe(0x10);
  });

  it('brings the interrupt of a card to the guest', () => {
    let interrupts = 0;
    const program = guestProgram(function* (guest) {
      const card = yield* PciFunction.find(guest, 0x1234, 0x11e8);
      yield* card.enable(guest, 0xe000_0000);
      const bridge = yield* PciFunction.find(guest, 0x8086, 0x2918);
      yield* bridge.write32(guest, 0x68, 0x0b80_8080);
      yield* guest.out8(0x4d1, 1 << 3);
      yield* startPics(guest, 2, 11);
      guest.onInterrupt(0x2b, function* (handler) {
        interrupts++;
        yield* handler.store32(0xe000_0064, 1);
        yield* handler.out8(0xa0, 0x20);
        yield* handler.out8(0x20, 0x20);
      });
      yield* guest.store32(0xe000_0020, 0x80);
      yield* guest.store32(0xe000_0008, 6);
      yield* guest.sti();
      yield* guest.hlt();
      expect(yield* guest.load32(0xe000_0008)).toBe(720);
    });
    expect(machine.run(program).reason).toBe('finished');
    expect(interrupts).toBe(1);
  });
});

describe('a snapshot of q35', () => {
  it('has its memory map and its locks back', () => {
    write(0, 0x60, 0xd000_0001);
    write(0, 0x90, 0x30, 1);
    write(0, 0x9d, 0x50, 1);
    const saved = machine.save();
    const restored = Machine.restore(definition, JSON.parse(JSON.stringify(saved)));
    expect(restored.memory.read(0xd000_0000, 4)).toBe(0x29c0_8086);
    expect(infoMtree(restored)).toBe(infoMtree(machine));
    machine = restored;
    write(0, 0x9d, 0x40, 1);
    expect(read(0, 0x9d, 1)).toBe(0x12);
  });
});
