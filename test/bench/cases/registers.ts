import {
  bit,
  bits,
  device,
  IsaDevice,
  indexedRegisters,
  mmioRegion,
  portRegion,
  reserved,
  SystemDevice,
} from '../../../sdk/index.ts';
import type { AddressSpace } from '../../../sdk/runtime.ts';
import { DeviceBench } from '../../device/device-bench.ts';
import { interpreted } from '../../device/interpreted.ts';
import type { BenchCase, Subject } from '../bench-case.ts';

// Each pair is one device written twice: its registers declared, and every one of them with handlers by hand, as a careful
// author would write them. Both do the same; the ratio is what the declaration costs.

const Register = {
  Data: 0x00,
  Status: 0x04,
  Control: 0x08,
  Pending: 0x0c,
  Wide: 0x10,
  Odd: 0x18,
  Slots: 0x20,
} as const;
const StatusBits = { Mode: 0x70, Enable: 0x80 } as const;
const operations = 8192;

const declared = mmioRegion({ name: 'declared', base: 0x1000, size: 0x40, accessSizes: [4, 8] });
const byHand = mmioRegion({ name: 'by-hand', base: 0x2000, size: 0x40, accessSizes: [4, 8] });

const control = declared.register(Register.Control, {
  width: 32,
  fields: { mode: bits(4, 6), enable: bit(7), rest: reserved([0, 3], [8, 31]) },
});

@device({ type: 'declared', description: 'registers declared' })
class Declared extends SystemDevice {
  hooks = 0;

  @declared.register(Register.Data, { width: 32 })
  data = 0;

  @declared.register(Register.Status, {
    width: 32,
    reset: 0x8000_0000,
    fields: {
      ready: bit(31, 'read-only'),
      mode: bits(4, 6),
      enable: bit(7),
      fixed: bits(0, 3, 'constant'),
      none: bits(8, 30, 'read-only'),
    },
  })
  status = 0x8000_0000;

  @control control = 0;
  @declared.register(Register.Pending, { width: 32, access: 'write-one-to-clear' }) pending = 0;
  @declared.register(Register.Wide, { width: 64 }) wide = 0n;
  @declared.register(Register.Odd, { width: 32, access: 'unimplemented' }) odd = 0;
  @declared.register(Register.Slots, { width: 32, count: 8 }) readonly slots = new Uint32Array(8);

  @control.onWrite('mode')
  changeMode(value: number, previous: number): void {
    this.hooks += value ^ previous;
  }
}

/** A class of its own, so that its registers can be interpreted beside compiled ones. */
@device({ type: 'interpreted', description: 'the same registers, interpreted' })
class Interpreted extends Declared {}

@device({ type: 'by-hand', description: 'the same, every handler written by hand' })
class ByHand extends SystemDevice {
  hooks = 0;
  data = 0;
  status = 0x8000_0000;
  control = 0;
  pending = 0;
  wide = 0n;
  odd = 0;
  said = false;
  readonly slots = new Uint32Array(8);

  @byHand.read(Register.Data)
  readData(): number {
    return this.data;
  }

  @byHand.write(Register.Data)
  writeData(value: number): void {
    this.data = value;
  }

  @byHand.read(Register.Status)
  readStatus(): number {
    return this.status;
  }

  @byHand.write(Register.Status)
  writeStatus(value: number): void {
    const writable = StatusBits.Mode | StatusBits.Enable;
    this.status = ((this.status & ~writable) | (value & writable)) >>> 0;
  }

  @byHand.read(Register.Control)
  readControl(): number {
    return this.control;
  }

  @byHand.write(Register.Control)
  writeControl(value: number): void {
    const previous = this.control;
    if (value & ~(StatusBits.Mode | StatusBits.Enable)) this.guestError('reserved bits');
    this.control = value & (StatusBits.Mode | StatusBits.Enable);
    this.changeMode((value & StatusBits.Mode) >> 4, (previous & StatusBits.Mode) >> 4);
  }

  @byHand.read(Register.Pending)
  readPending(): number {
    return this.pending;
  }

  @byHand.write(Register.Pending)
  writePending(value: number): void {
    this.pending = (this.pending & ~value) >>> 0;
  }

  @byHand.read64(Register.Wide, { size: 8 })
  readWide(): bigint {
    return this.wide;
  }

  @byHand.write64(Register.Wide, { size: 8 })
  writeWide(value: bigint): void {
    this.wide = value;
  }

  @byHand.read(Register.Odd)
  readOdd(): number {
    this.sayOnce();
    return this.odd;
  }

  @byHand.write(Register.Odd)
  writeOdd(value: number): void {
    this.sayOnce();
    this.odd = value;
  }

  sayOnce(): void {
    if (this.said) return;
    this.said = true;
    this.guestError('not implemented');
  }

  @byHand.read(Register.Slots, { length: 0x20 })
  readSlot(offset: number): number {
    return this.slots[(offset - Register.Slots) >> 2] as number;
  }

  @byHand.write(Register.Slots, { length: 0x20 })
  writeSlot(value: number, offset: number): void {
    this.slots[(offset - Register.Slots) >> 2] = value;
  }

  changeMode(value: number, previous: number): void {
    this.hooks += value ^ previous;
  }
}

const Port = { Index: 0, Data: 1 } as const;
const declaredPorts = portRegion({ name: 'declared', base: 0x70, size: 2, accessSizes: [1] });
const portsByHand = portRegion({ name: 'by-hand', base: 0x80, size: 2, accessSizes: [1] });
const index = declaredPorts.register(Port.Index, { width: 8 });
const indexed = indexedRegisters({ index, data: Port.Data });

@device({ type: 'indexed', description: 'registers behind an index, declared' })
class Indexed extends IsaDevice {
  @index index = 0;
  @indexed.register(0x0a, { width: 8 }) statusA = 0;
  @indexed.register(0x0b, { width: 8 }) statusB = 0;
  @indexed.register(0x0e, { width: 8, count: 114 }) readonly ram = new Uint8Array(114);
}

@device({ type: 'indexed-by-hand', description: 'registers behind an index, by hand' })
class IndexedByHand extends IsaDevice {
  index = 0;
  statusA = 0;
  statusB = 0;
  readonly ram = new Uint8Array(114);

  @portsByHand.read(Port.Index)
  readIndex(): number {
    return this.index;
  }

  @portsByHand.write(Port.Index)
  writeIndex(value: number): void {
    this.index = value;
  }

  @portsByHand.read(Port.Data)
  readSelected(): number {
    switch (this.index) {
      case 0x0a:
        return this.statusA;
      case 0x0b:
        return this.statusB;
      default:
        return this.index >= 0x0e && this.index < 0x80 ? (this.ram[this.index - 0x0e] as number) : 0xff;
    }
  }

  @portsByHand.write(Port.Data)
  writeSelected(value: number): void {
    if (this.index === 0x0a) this.statusA = value;
    else if (this.index === 0x0b) this.statusB = value;
    else if (this.index >= 0x0e && this.index < 0x80) this.ram[this.index - 0x0e] = value;
  }
}

const declaredBytes = mmioRegion({ name: 'declared', base: 0x3000, size: 4, accessSizes: [1, 2, 4] });
const bytesByHand = mmioRegion({ name: 'by-hand', base: 0x4000, size: 4, accessSizes: [1, 2, 4] });

@device({ type: 'narrow', description: 'a register that takes narrow accesses, declared' })
class Narrow extends SystemDevice {
  @declaredBytes.register(0, { width: 32 }) data = 0;
}

@device({ type: 'narrow-by-hand', description: 'the same by hand' })
class NarrowByHand extends SystemDevice {
  data = 0;

  @bytesByHand.read(0)
  readData(offset: number): number {
    return this.data >>> (8 * offset);
  }

  @bytesByHand.write(0)
  writeData(value: number, offset: number, size: number): void {
    if (size === 4) this.data = value;
    else {
      const lanes = (size === 1 ? 0xff : 0xffff) << (8 * offset);
      this.data = ((this.data & ~lanes) | ((value << (8 * offset)) & lanes)) >>> 0;
    }
  }
}

type Loop = (space: AddressSpace, base: number) => () => unknown;

const readLoop =
  (offset: number): Loop =>
  (space, base) =>
  () => {
    let sum = 0;
    for (let round = 0; round < operations; round++) sum += space.read(base + offset, 4);
    return sum;
  };

const writeLoop =
  (offset: number, mask = -1): Loop =>
  (space, base) =>
  () => {
    for (let round = 0; round < operations; round++) space.write(base + offset, round & mask, 4);
  };

const slotLoop: Loop = (space, base) => () => {
  let sum = 0;
  for (let round = 0; round < operations; round += 2) {
    const address = base + Register.Slots + 4 * (round & 7);
    space.write(address, round, 4);
    sum += space.read(address, 4);
  }
  return sum;
};

const wideLoop: Loop = (space, base) => () => {
  let last = 0n;
  for (let round = 0; round < operations; round += 2) {
    space.write64(base + Register.Wide, 0x1234_5678_9abc_def0n);
    last = space.read64(base + Register.Wide);
  }
  return last;
};

/** A driver's mixture: all registers in turn, so that the access path has seen every one of them. */
const mixedLoop: Loop = (space, base) => () => {
  let sum = 0;
  for (let round = 0; round < operations; round += 4) {
    const offset = round & 0x0c;
    space.write(base + offset, round & 0xf0, 4);
    sum += space.read(base + offset, 4) + space.read(base + Register.Slots + (round & 0x1c), 4);
    space.write(base + Register.Slots + (round & 0x1c), round, 4);
  }
  return sum;
};

function pair(loop: Loop): Subject {
  const bench = new DeviceBench();
  bench.realize(new Declared(), 'declared');
  bench.realize(new ByHand(), 'by-hand');
  const run = loop(bench.memory, 0x1000);
  const baseline = loop(bench.memory, 0x2000);
  // Both have been everywhere before either is measured.
  const everywhere = [mixedLoop(bench.memory, 0x1000), mixedLoop(bench.memory, 0x2000), run, baseline];
  for (let round = 0; round < 40; round++) for (const one of everywhere) one();
  return { operations, run, baseline };
}

/** What an access costs where `new Function` is forbidden. */
function interpretedPair(loop: Loop): Subject {
  const [interpretedBench, compiledBench] = [new DeviceBench(), new DeviceBench()];
  interpreted(() => interpretedBench.realize(new Interpreted(), 'interpreted'));
  compiledBench.realize(new Declared(), 'compiled');
  const [run, baseline] = [interpretedBench, compiledBench].map(({ memory }) => loop(memory, 0x1000));
  const everywhere = [interpretedBench, compiledBench].flatMap(({ memory }) => [
    mixedLoop(memory, 0x1000),
    wideLoop(memory, 0x1000),
    loop(memory, 0x1000),
  ]);
  for (let round = 0; round < 40; round++) for (const one of everywhere) one();
  return { operations, run: run as () => unknown, baseline: baseline as () => unknown };
}

function indexedPair(register: (round: number) => number): Subject {
  const bench = new DeviceBench();
  bench.realize(new Indexed(), 'declared');
  bench.realize(new IndexedByHand(), 'by-hand');
  const loop = (base: number) => () => {
    let sum = 0;
    for (let round = 0; round < operations; round += 4) {
      bench.io.write(base, register(round >> 2), 1);
      bench.io.write(base + 1, round & 0xff, 1);
      bench.io.write(base, register(round >> 2), 1);
      sum += bench.io.read(base + 1, 1);
    }
    return sum;
  };
  const run = loop(0x70);
  const baseline = loop(0x80);
  for (let round = 0; round < 40; round++) for (const one of [run, baseline]) one();
  return { operations, run, baseline };
}

function narrowPair(): Subject {
  const bench = new DeviceBench();
  bench.realize(new Narrow(), 'declared');
  bench.realize(new NarrowByHand(), 'by-hand');
  const loop = (base: number) => () => {
    let sum = 0;
    for (let round = 0; round < operations; round += 2) {
      const size = 1 << ((round >> 1) % 3);
      const address = base + ((round >> 3) & 3 & -size);
      bench.memory.write(address, round & 0xff, size);
      sum += bench.memory.read(address, size);
    }
    return sum;
  };
  const run = loop(0x3000);
  const baseline = loop(0x4000);
  for (let round = 0; round < 40; round++) for (const one of [run, baseline]) one();
  return { operations, run, baseline };
}

const table = 'Registers, declared against written by hand';
const targetRatio = 1.5;
const row = (name: string, prepare: () => Subject): BenchCase => ({ table, name, targetRatio, prepare });

export const cases: readonly BenchCase[] = [
  row('plain register, read', () => pair(readLoop(Register.Data))),
  row('plain register, write', () => pair(writeLoop(Register.Data))),
  row('fields of five modes, read', () => pair(readLoop(Register.Status))),
  row('fields of five modes, write', () => pair(writeLoop(Register.Status))),
  row('reserved bits and a field hook, write', () => pair(writeLoop(Register.Control, 0xf0))),
  row('write-one-to-clear, write', () => pair(writeLoop(Register.Pending))),
  row('64-bit register, write and read', () => pair(wideLoop)),
  row('array of registers, write and read', () => pair(slotLoop)),
  row('bytes, words and all of a register', narrowPair),
  row('unimplemented, said already, read', () => pair(readLoop(Register.Odd))),
  row('unimplemented, said already, write', () => pair(writeLoop(Register.Odd))),
  row('every register in turn', () => pair(mixedLoop)),
  row('index and data port, status register', () => indexedPair(() => 0x0b)),
  row('index and data port, RAM', () => indexedPair((round) => 0x0e + (round & 63))),
  ...(
    [
      ['plain register, read', readLoop(Register.Data)],
      ['plain register, write', writeLoop(Register.Data)],
      ['reserved bits and a field hook, write', writeLoop(Register.Control, 0xf0)],
      ['64-bit register, write and read', wideLoop],
      ['array of registers, write and read', slotLoop],
      ['every register in turn', mixedLoop],
    ] as const
  ).map(([name, loop]) => ({
    table: 'Registers, interpreted against compiled',
    name,
    // A hook costs two looks up by name more, of the field before and of the method.
    targetRatio: name.includes('hook') ? 3.5 : 3,
    prepare: () => interpretedPair(loop),
  })),
];
