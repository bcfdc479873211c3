import { describe, expect, it } from 'vitest';
import { FwCfg } from '../../devices/index.ts';
import { MILLISECOND, MiB, use } from '../../sdk/index.ts';
import { guestProgram, loadDevice, Machine, saveDevice } from '../../sdk/runtime.ts';
import { type TestBench, testBench } from '../../sdk/testing/index.ts';
import { expectRefusal } from '../refusal.ts';
import { isapc } from '../small-machines.ts';

const Port = { Selector: 0x510, Data: 0x511, DmaHigh: 0x514, DmaLow: 0x518 } as const;
const Control = { Error: 1, Read: 2, Skip: 4, Select: 8, Write: 16 } as const;
const Descriptor = 0x1000;
const Target = 0x2000;
const KiB = 1024;

type Bench = TestBench<FwCfg>;

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const swapped = (value: number): number => new DataView(Uint32Array.of(value).buffer).getUint32(0);

function makeBench(): Bench {
  const bench = testBench(FwCfg, { ram: 4 * MiB });
  bench.device.addItem(0x05, Uint8Array.of(1, 0));
  bench.device.addFile('etc/second', bytesOf('two'));
  bench.device.addFile('bootorder', bytesOf('first'));
  return bench;
}

function select(bench: Bench, key: number): void {
  bench.out16(Port.Selector, key);
}

const read = (bench: Bench, count: number): number[] => Array.from({ length: count }, () => bench.in8(Port.Data));
const text = (bench: Bench, key: number, count: number): string => {
  select(bench, key);
  return String.fromCharCode(...read(bench, count));
};

/** The control field of a descriptor in memory. */
const control = (bench: Bench, at = Descriptor): number => swapped(bench.load32(at));

function writeDescriptor(bench: Bench, control: number, length: number, address: number, at = Descriptor): void {
  bench.store32(at, swapped(control));
  bench.store32(at + 4, swapped(length));
  bench.store32(at + 8, swapped(Math.floor(address / 2 ** 32)));
  bench.store32(at + 12, swapped(address >>> 0));
}

/** Answers the control field that the guest sees right afterwards. */
function transfer(bench: Bench, control_: number, length: number, address: number, at = Descriptor): number {
  writeDescriptor(bench, control_, length, address, at);
  bench.out32(Port.DmaLow, swapped(at));
  return control(bench, at);
}

describe('the firmware configuration device', () => {
  it('says QEMU, and that it has both interfaces', () => {
    const bench = makeBench();
    expect(text(bench, 0x00, 5)).toBe('QEMU\0');
    select(bench, 0x01);
    expect(read(bench, 5)).toEqual([3, 0, 0, 0, 0]);
    expect([bench.in32(Port.DmaHigh), bench.in32(Port.DmaLow)]).toEqual([0x554d_4551, 0x4746_4320]);
    expect([bench.in8(0x517), bench.in16(0x51a)]).toEqual([0x55, 0x4746]);
  });

  it('gives an item byte by byte at both ports, and zeros after its end', () => {
    const bench = makeBench();
    select(bench, 0x05);
    expect([bench.in8(Port.Selector), bench.in8(Port.Data), ...read(bench, 3)]).toEqual([1, 0, 0, 0, 0]);
    bench.out8(Port.Data, 0xff);
    select(bench, 0x05);
    expect(read(bench, 1)).toEqual([1]);
  });

  it('lists files in order of their names, with big-endian sizes and keys', () => {
    const bench = makeBench();
    select(bench, 0x19);
    expect(read(bench, 4)).toEqual([0, 0, 0, 2]);
    const [first, second] = [read(bench, 64), read(bench, 64)];
    expect(first.slice(0, 8)).toEqual([0, 0, 0, 5, 0, 0x20, 0, 0]);
    expect(String.fromCharCode(...first.slice(8))).toBe('bootorder'.padEnd(56, '\0'));
    expect(second.slice(0, 8)).toEqual([0, 0, 0, 3, 0, 0x21, 0, 0]);
    expect([text(bench, 0x20, 6), text(bench, 0x21, 3)]).toEqual(['first\0', 'two']);
  });

  it.each([0x02, 0x22, 0x3f, 0x40, 0x1234, 0x3fff, 0x8005, 0xffff])('has nothing at key %i but zeros', (key) => {
    const bench = makeBench();
    select(bench, key);
    expect(read(bench, 3)).toEqual([0, 0, 0]);
  });

  it('tells items of the architecture from the others, and ignores the write channel', () => {
    const bench = makeBench();
    bench.device.addItem(0x8005, Uint8Array.of(0x77));
    expect([text(bench, 0x8005, 1), text(bench, 0xc005, 1), text(bench, 0x4005, 1)]).toEqual(['w', 'w', '\u0001']);
  });

  it('is at the signature again after a reset', () => {
    const bench = makeBench();
    select(bench, 0x20);
    read(bench, 2);
    bench.reset();
    expect(read(bench, 4)).toEqual([...bytesOf('QEMU')]);
  });
});

describe('its DMA', () => {
  it('selects and copies a file, and clears the control field', () => {
    const bench = makeBench();
    bench.memory.writeBytes(Target, new Uint8Array(8).fill(0xee));
    expect(transfer(bench, (0x20 << 16) | Control.Select | Control.Read, 7, Target)).toBe(0);
    const copied = new Uint8Array(8);
    bench.memory.readBytes(Target, copied);
    expect([...copied]).toEqual([...bytesOf('first'), 0, 0, 0xee]);
  });

  it('goes on where the last read of any kind has ended', () => {
    const bench = makeBench();
    select(bench, 0x20);
    read(bench, 1);
    transfer(bench, Control.Skip, 1, 0);
    transfer(bench, Control.Read, 1, Target);
    expect([bench.load8(Target), bench.in8(Port.Data)]).toEqual(['r'.charCodeAt(0), 's'.charCodeAt(0)]);
  });

  it('takes an address of 64 bits in two words, and forgets its upper half when it has used it', () => {
    const bench = makeBench();
    bench.out32(Port.DmaHigh, swapped(1));
    expect(transfer(bench, Control.Skip, 0, 0)).toBe(Control.Skip);
    expect(transfer(bench, Control.Skip, 0, 0)).toBe(0);
  });

  it('refuses to write, and an address at which nothing is, by the error bit', () => {
    const bench = makeBench();
    const before = text(bench, 0x20, 5);
    select(bench, 0x20);
    expect(transfer(bench, Control.Write, 5, Target)).toBe(Control.Error);
    expect(text(bench, 0x20, 5)).toBe(before);
    expect(transfer(bench, Control.Read, 4, 2 ** 40)).toBe(Control.Error);
    expect(transfer(bench, Control.Read, 4, 0xffff_fff0 * 2 ** 32)).toBe(Control.Error);
    bench.out32(Port.DmaHigh, 0xffff_ffff);
    bench.out32(Port.DmaLow, 0xffff_ffff);
    expect(bench.guestErrors).toEqual([]);
  });

  it('copies the first 64 KiB at once, the rest at 1 GB a second, and shows meanwhile that it is not done', () => {
    const bench = makeBench();
    const image = Uint8Array.from({ length: 300 * KiB }, (_, at) => at % 251);
    bench.device.addFile('opt/image', image);
    const asked = (0x22 << 16) | Control.Select | Control.Read;
    expect(transfer(bench, asked, image.length + 1, Target)).toBe(asked);
    const byteAt = (at: number) => bench.load8(Target + at);
    expect([byteAt(64 * KiB - 1), byteAt(64 * KiB)]).toEqual([(64 * KiB - 1) % 251, 0]);
    // The guest reads on while it is copied: the copy has its own place.
    expect([bench.in8(Port.Data), text(bench, 0x20, 5)]).toEqual([0, 'first']);
    bench.clock.advance(1 * MILLISECOND);
    expect(control(bench)).toBe(0);
    const copied = new Uint8Array(image.length);
    bench.memory.readBytes(Target, copied);
    expect(copied).toEqual(image);
  });

  it('ends 4 GiB at the end of memory, with the error bit', () => {
    const bench = makeBench();
    const asked = (0x3000 << 16) | Control.Select | Control.Read;
    expect(transfer(bench, asked, 0xffff_ffff, 0x1_0000)).toBe(asked);
    bench.clock.advance(10 * MILLISECOND);
    expect([control(bench), bench.clock.pendingTimers.length]).toEqual([Control.Error, 0]);
    expect(bench.load8(4 * MiB - 1)).toBe(0);
  });

  it('refuses another transfer until it is done, and a reset ends it', () => {
    const bench = makeBench();
    const other = 0x1800;
    transfer(bench, Control.Read, 128 * KiB, 0x1_0000);
    expect(transfer(bench, Control.Skip, 0, 0, other)).toBe(Control.Error);
    expect(bench.guestErrors[0]?.message).toContain('before the last one was done');
    bench.reset();
    expect(bench.clock.pendingTimers).toEqual([]);
    expect(transfer(bench, Control.Skip, 0, 0, other)).toBe(0);
  });

  it('may copy over its own descriptor', () => {
    const bench = makeBench();
    expect(transfer(bench, (0x20 << 16) | Control.Select | Control.Read, 5, Descriptor)).toBe(0);
    expect(bench.load8(Descriptor + 4)).toBe('t'.charCodeAt(0));
  });

  it('goes on in another machine, in the middle of a transfer', () => {
    const bench = makeBench();
    const image = Uint8Array.from({ length: 200 * KiB }, (_, at) => at % 253);
    bench.device.addFile('opt/image', image);
    transfer(bench, (0x22 << 16) | Control.Select | Control.Read, image.length, Target);
    select(bench, 0x20);
    read(bench, 2);
    const other = makeBench();
    other.device.addFile('opt/image', image);
    const memory = new Uint8Array(4 * MiB);
    bench.memory.readBytes(0, memory);
    other.memory.writeBytes(0, memory);
    loadDevice(other.device, JSON.parse(JSON.stringify(saveDevice(bench.device))));
    expect(read(other, 3)).toEqual([...bytesOf('rst')]);
    other.clock.advance(1 * MILLISECOND);
    const copied = new Uint8Array(image.length);
    other.memory.readBytes(Target, copied);
    expect([control(other), copied]).toEqual([0, image]);
  });
});

describe('what a machine tells its firmware', () => {
  it.each([0x00, 0x01, 0x19, 0x20, 0x3f, 0x7fff, 0x8040, -1, 1.5])('has no item at key %d', (key) => {
    expectRefusal(() => makeBench().device.addItem(key, Uint8Array.of(1)), 'fw-cfg-refused');
  });

  it('has each item and each file once, and 32 files at most', () => {
    const { device } = makeBench();
    expectRefusal(() => device.addItem(0x05, Uint8Array.of(1)), 'fw-cfg-refused');
    expectRefusal(() => device.addFile('bootorder', Uint8Array.of(1)), 'fw-cfg-refused');
    for (let file = 2; file < 32; file++) device.addFile(`opt/${file}`, Uint8Array.of(file));
    expectRefusal(() => device.addFile('opt/32', Uint8Array.of(32)), 'fw-cfg-refused');
  });

  it.each(['', 'x'.repeat(56), 'a b', 'ä'])('has no file by the name %j', (name) => {
    expectRefusal(() => makeBench().device.addFile(name, new Uint8Array(0)), 'fw-cfg-refused');
  });
});

it('waits with keys and upper halves of addresses until the guest reads or starts', () => {
  const machine = Machine.create({ ...isapc, prepare() {}, devices: [...isapc.devices, use(FwCfg)] });
  machine.device(FwCfg).addFile('opt/x', bytesOf('x'));
  const seen: number[] = [];
  const program = guestProgram('keys', function* (guest) {
    for (let turn = 0; turn < 10; turn++) {
      yield* guest.out16(Port.Selector, 0x20);
      seen.push(yield* guest.in8(Port.Data));
      yield* guest.out32(Port.DmaHigh, 0);
    }
  });
  expect(machine.run(program).reason).toBe('finished');
  expect(seen).toEqual(new Array(10).fill('x'.charCodeAt(0)));
  const { userspaceExits, coalescedWrites } = machine.accelerator.statistics.summary();
  expect({ userspaceExits, coalescedWrites }).toEqual({ userspaceExits: 10, coalescedWrites: 20 });
});
