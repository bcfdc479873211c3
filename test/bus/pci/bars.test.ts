import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { realizeDevice } from '../../../sdk/device/regions/build.ts';
import { containerRegion, device, GiB, KiB, MemoryRegion, MiB, mmioRegion, portRegion } from '../../../sdk/index.ts';
import { bar, expansionRom, PciBus, PciDevice, PciRegister, pci, pciBars } from '../../../sdk/pci.ts';
import { AddressSpace, GuestErrors, MemoryTopology, metadataOf } from '../../../sdk/runtime.ts';
import { expectRefusal } from '../../refusal.ts';

const identity = { vendorId: 0x1234, deviceId: 0x5678, classCode: 0x00ff } as const;
const memory = mmioRegion({ name: 'memory', size: 4 * KiB });
const ports = portRegion({ name: 'ports', size: 32 });
const wide = mmioRegion({ name: 'wide', size: 1 * MiB });
const huge = containerRegion({ name: 'huge', size: 8 * GiB });

@device({ type: 'card', description: 'A function with one BAR of each kind' })
@pci(identity)
@bar(0, memory)
@bar(1, ports)
@bar(2, wide, { is64Bit: true, prefetchable: true })
@bar(4, huge, { is64Bit: true })
@expansionRom({ name: 'card.rom', size: 64 * KiB, image: new Uint8Array([0x55, 0xaa]) })
class Card extends PciDevice {
  @memory.read()
  readMemory(): number {
    return 0x11;
  }

  @ports.read()
  readPorts(): number {
    return 0x22;
  }

  @wide.read()
  readWide(): number {
    return 0x33;
  }
}

let topology: MemoryTopology;
let space: AddressSpace;
let io: AddressSpace;
let bus: PciBus;
let card: Card;
let commits: number;

beforeEach(() => {
  topology = new MemoryTopology();
  const system = MemoryRegion.container(topology, 'pci', 2 ** 64);
  const portRoot = MemoryRegion.unassignedPorts(topology, 'io');
  space = new AddressSpace(topology, 'memory', system);
  io = new AddressSpace(topology, 'I/O', portRoot);
  bus = new PciBus({ io: portRoot, memory: system });
  card = new Card();
  realizeDevice(card, { id: 'card', topology, guestErrors: new GuestErrors() });
  bus.register(card, { slot: 3, function: 0 });
  commits = 0;
  topology.addListener({ name: 'counter', priority: 0, commit: () => commits++ });
  commits = 0;
});

const read = (register: number, size = 4) => bus.readConfig(0x1800 + register, size);
const write = (register: number, value: number, size = 4) => bus.writeConfig(0x1800 + register, value, size);
const decode = (command: number) => write(PciRegister.Command, command, 2);
const registers = [0x10, 0x14, 0x18, 0x1c, 0x20, 0x24, 0x30];

describe('a base address register', () => {
  it('holds its type and nothing else until it is written', () => {
    expect(registers.map((register) => read(register))).toEqual([0, 1, 0xc, 0, 4, 0, 0]);
    expect(
      metadataOf(Card)
        .attribute(pciBars)
        ?.map(({ index }) => index),
    ).toEqual([0, 1, 2, 4]);
  });

  it('written with ones answers which address bits it has', () => {
    for (const register of registers) write(register, 0xffff_ffff);
    expect(registers.map((register) => read(register).toString(16))).toEqual([
      'fffff000',
      'ffffffe1',
      'fff0000c',
      'ffffffff',
      '4',
      'fffffffe',
      'ffff0001',
    ]);
  });

  it('maps its region where it says, while the function decodes that kind of address', () => {
    write(0x10, 0xe000_0000);
    write(0x14, 0xc000);
    expect([space.read(0xe000_0000, 1), io.read(0xc000, 1)]).toEqual([0, 0xff]);
    decode(2);
    expect([space.read(0xe000_0fff, 1), space.read(0xe000_1000, 1), io.read(0xc000, 1)]).toEqual([0x11, 0, 0xff]);
    decode(1);
    expect([space.read(0xe000_0000, 1), io.read(0xc01f, 1), io.read(0xc020, 1)]).toEqual([0, 0x22, 0xff]);
    expect(card.bars.all.map(({ address }) => address)).toEqual([undefined, 0xc000, undefined, undefined, undefined]);
  });

  it('moves its region in one change of the map for each write, and none where nothing moves', () => {
    write(0x10, 0xe000_0000);
    write(0x14, 0xc000);
    write(0x18, 0xd000_0000);
    expect(commits).toBe(0);
    decode(3);
    expect(commits).toBe(1);
    write(0x10, 0xe100_0000);
    expect(commits).toBe(2);
    write(0x10, 0xe100_0fff);
    write(PciRegister.InterruptLine, 5, 1);
    expect(commits).toBe(2);
    expect([space.read(0xe000_0000, 1), space.read(0xe100_0000, 1)]).toEqual([0, 0x11]);
  });

  it.each([
    ['address 0', 0x10, 0],
    ['the end of 4 GiB', 0x10, 0xffff_f000],
    ['ports beyond the last', 0x14, 0x1_0000],
  ])('at %s is nowhere', (_, register, value) => {
    decode(3);
    write(register, value);
    expect(card.bars.all[register === 0x10 ? 0 : 1]?.address).toBeUndefined();
  });

  it('of 64 bits reaches above 4 GiB, half by half', () => {
    decode(2);
    write(0x18, 0xd000_0000);
    expect(space.read(0xd000_0000, 1)).toBe(0x33);
    write(0x1c, 0x12);
    expect([space.read(0xd000_0000, 1), space.read(0x12_d000_0000, 1)]).toEqual([0, 0x33]);
    write(0x1c, 0xffff_ffff);
    expect(card.bars.all[2]?.address).toBeUndefined();
    write(0x24, 0x6);
    expect(card.bars.all[3]?.address).toBe(24 * GiB);
  });

  it('of the expansion ROM has an enable bit of its own', () => {
    decode(2);
    write(0x30, 0xf000_0000);
    expect(space.read(0xf000_0000, 2)).toBe(0);
    write(0x30, 0xf000_0001);
    expect([space.read(0xf000_0000, 2), space.read(0xf000_0002, 2)]).toEqual([0xaa55, 0xffff]);
    space.write(0xf000_0000, 0, 2);
    expect(space.read(0xf000_0000, 2)).toBe(0xaa55);
  });

  it('is cleared by a reset and by unplugging, and the region with it', () => {
    decode(3);
    write(0x10, 0xe000_0000);
    bus.reset();
    expect([read(0x10), space.read(0xe000_0000, 1), read(PciRegister.Command, 2)]).toEqual([0, 0, 0]);
    decode(3);
    write(0x10, 0xe000_0000);
    expect(space.read(0xe000_0000, 1)).toBe(0x11);
    bus.unregister(card);
    expect(space.read(0xe000_0000, 1)).toBe(0);
    bus.register(card, { slot: 3, function: 0 });
    expect(space.read(0xe000_0000, 1)).toBe(0x11);
  });

  it('lies over what the bus has there, and the BAR that was mapped last over the others', () => {
    const rom = MemoryRegion.rom(topology, 'rom', 4 * KiB);
    bus.memory.addSubregion(0xe000_0000, rom);
    decode(2);
    write(0x10, 0xe000_0000);
    expect(space.lookup(0xe000_0000)?.region.name).toBe('memory');
    write(0x18, 0xe000_0000);
    expect(space.lookup(0xe000_0000)?.region.name).toBe('wide');
    expect(card.bars.all[0]?.address).toBe(0xe000_0000);
  });

  it('does what a model does that recomputes everything, whatever is written in whatever pieces', () => {
    const access = fc.record({
      register: fc.oneof(fc.constantFrom(...registers, 4, 4), fc.integer({ min: 4, max: 0x33 })),
      size: fc.constantFrom(1, 2, 4, 4, 4),
      value: fc.oneof(
        fc.constantFrom(0, 3, 7, 0xffff_ffff, 0xe000_0000, 0xe000_0001, 0xc000, 0xfff0_0000, 0xffff_0000),
        fc.nat({ max: 0xffff_ffff }),
      ),
    });
    fc.assert(
      fc.property(fc.array(access, { maxLength: 40 }), (accesses) => {
        bus.reset();
        const model = new NaiveBars();
        for (const { register, size, value } of accesses) {
          write(register, value, size);
          model.write(register, value, size);
          expect(registers.map((one) => read(one))).toEqual(registers.map((one) => model.read(one)));
          expect(card.bars.all.map(({ address }) => address)).toEqual(model.addresses());
        }
      }),
      { numRuns: 150 },
    );
  });
});

/** The rules of base address registers, in whole 64-bit numbers and with nothing remembered but what was written. */
class NaiveBars {
  private readonly bytes = new Uint8Array(0x100);
  private readonly bars = [
    { register: 0x10, size: 0x1000n, type: 0n, width: 4 },
    { register: 0x14, size: 0x20n, type: 1n, width: 4 },
    { register: 0x18, size: 0x10_0000n, type: 0xcn, width: 8 },
    { register: 0x20, size: 0x2_0000_0000n, type: 4n, width: 8 },
    { register: 0x30, size: 0x1_0000n, type: 0n, width: 4, rom: true },
  ];

  write(register: number, value: number, size: number): void {
    for (let i = 0; i < size; i++) this.bytes[register + i] = (value >>> (8 * i)) & 0xff;
  }

  read(register: number): number {
    const bar = this.bars.find((one) => register >= one.register && register < one.register + one.width);
    if (bar === undefined) return 0;
    return Number(BigInt.asUintN(32, this.value(bar) >> BigInt(8 * (register - bar.register))));
  }

  addresses(): (number | undefined)[] {
    return this.bars.map((bar) => {
      const isPort = bar.type === 1n;
      const value = this.value(bar);
      const address = value - (value % bar.size);
      const last = address + bar.size - 1n;
      const decodes = ((this.bytes[4] as number) & (isPort ? 1 : 2)) !== 0 && (!bar.rom || (value & 1n) === 1n);
      const end = isPort ? 0xffffn + 1n : bar.width === 8 ? 2n ** 53n - 1n : 0xffff_ffffn;
      return decodes && address !== 0n && last < end ? Number(address) : undefined;
    });
  }

  private value({ register, size, type, width, rom }: (typeof this.bars)[number]): bigint {
    let written = 0n;
    for (let i = width - 1; i >= 0; i--) written = written * 256n + BigInt(this.bytes[register + i] as number);
    return BigInt.asUintN(8 * width, (written & -size) | type | (rom ? written & 1n : 0n));
  }
}

describe('what no hardware could have is refused when the class is defined:', () => {
  const define = (index: number, region: Parameters<typeof bar>[1], spec = {}) => {
    abstract class Bad extends PciDevice {}
    return () => bar(index, region, spec)(Bad);
  };

  it.each([
    [6, memory, {}, 'unknown-bar', '0 to 5'],
    [5, wide, { is64Bit: true }, 'unknown-bar', '0 to 4'],
    [0, ports, { is64Bit: true }, 'invalid-bar-kind', 'is64Bit'],
    [0, ports, { prefetchable: true }, 'invalid-bar-kind', 'prefetchable'],
    [0, huge, {}, 'invalid-bar-size', '0x200000000'],
    [0, mmioRegion({ name: 'odd', size: 0x1800 }), {}, 'invalid-bar-size', '0x2000 bytes'],
    [0, portRegion({ name: 'tiny', size: 2 }), {}, 'invalid-bar-size', '0x4 bytes'],
    [0, memory, { is64bit: true } as never, 'unknown-word', "'is64Bit'"],
    [0, portRegion({ name: 'all', size: 0x1_0000 }), {}, 'invalid-bar-size', '0x8000'],
    [0, mmioRegion({ name: 'placed', base: 0xfe00_0000, size: 16 }), {}, 'bar-with-base', '0xfe000000'],
  ])('BAR %i, case %#', (index, region, spec, code, named) => {
    expectRefusal(define(index, region, spec), code, 'Class Bad', `@bar(${index}, ${region.name})`, named);
  });

  it('two BARs with one register or one region, in a subclass too', () => {
    abstract class Twice extends PciDevice {}
    bar(2, wide, { is64Bit: true })(Twice);
    expectRefusal(() => bar(3, memory)(Twice), 'bar-register-taken', '@bar(3, memory)', '@bar(2, wide)');
    expectRefusal(() => bar(0, wide)(Twice), 'bar-region-twice', '@bar(0, wide)', 'BAR 2');
    class Derived extends Card {}
    const more = portRegion({ name: 'more', size: 4 });
    expectRefusal(() => bar(5, more)(Derived), 'bar-register-taken', 'Class Derived', '@bar(5, more)', '@bar(4, huge)');
  });

  it('an expansion ROM that is no power of two, or too small for its image', () => {
    abstract class Rom extends PciDevice {}
    expectRefusal(
      () => expansionRom({ name: 'a', size: 1024 })(Rom),
      'invalid-expansion-rom',
      'Class Rom',
      "'a'",
      '1024',
    );
    const image = new Uint8Array(2049);
    expectRefusal(() => expansionRom({ name: 'a', size: 2048, image })(Rom), 'invalid-expansion-rom', '2048', '2049');
  });
});

describe('BARs made by hand', () => {
  it('behave as declared ones, and are refused for the same reasons', () => {
    @device({ type: 'by-hand', description: 'BARs that depend on something' })
    @pci(identity)
    @bar(0, memory)
    class ByHand extends PciDevice {
      protected override onRealize(): void {
        this.bars.addRegion(2, MemoryRegion.ram(this.topology, 'ram', 64 * KiB), { prefetchable: true });
        this.bars.addRom(MemoryRegion.rom(this.topology, 'rom', 2 * KiB));
      }
    }
    const made = new ByHand();
    realizeDevice(made, { id: 'made', topology, guestErrors: new GuestErrors() });
    bus.register(made, { slot: 4, function: 0 });
    bus.writeConfig(0x2018, 0x8000_0000, 4);
    bus.writeConfig(0x2004, 2, 2);
    space.write(0x8000_0010, 0x1234, 2);
    expect([space.read(0x8000_0010, 2), bus.readConfig(0x2018, 4)]).toEqual([0x1234, 0x8000_0008]);
    const add = (index: number, size: number) => () =>
      made.bars.addRegion(index, MemoryRegion.ram(topology, 'more', size), {});
    expectRefusal(add(2, 4096), 'bar-register-taken', "'more'", 'BAR 2');
    expectRefusal(add(3, 24), 'invalid-bar-size', 'BAR 3', "'more'", '0x18');
    const addRom = (name: string, size: number) => () => made.bars.addRom(MemoryRegion.rom(topology, name, size));
    expectRefusal(addRom('second', 2048), 'expansion-rom-twice', "'second'");
    expectRefusal(addRom('odd', 3000), 'invalid-expansion-rom', "'odd'", '3000');
    bus.unregister(made);
    made.unrealize();
    expect(made.bars.all.map(({ index }) => index)).toEqual([0]);
  });
});
