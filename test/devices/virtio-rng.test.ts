import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { VirtioRng } from '../../devices/virtio-rng.ts';
import { defineMachine, KiB, MICROSECOND, MILLISECOND, MiB, use } from '../../sdk/index.ts';
import { PciCommand, PciRegister } from '../../sdk/pci.ts';
import {
  explainCoalescedIo,
  type Guest,
  type GuestStep,
  guestProgram,
  Machine,
  simulatedAccelerator,
} from '../../sdk/runtime.ts';
import { type TestBench, testBench } from '../../sdk/testing/index.ts';
import { pcI440fx } from '../small-machines.ts';
import { PciFunction } from './pci-guest.ts';

const Ports = 0xc000;
const Port = { Features: 0, Page: 8, Size: 0x0c, Select: 0x0e, Notify: 0x10, Status: 0x12, Isr: 0x13 } as const;
const Queue = 0x4000;
const Available = Queue + 8 * 16;
const Used = Queue + 0x1000;
const Next = 1;
const Write = 2;
const Indirect = 4;
const DriverReady = 0x07;
/** Indirect descriptors and event indexes. */
const Offered = 0x3000_0000;

interface Descriptor {
  readonly address: number | bigint;
  readonly length: number;
  readonly flags?: number;
  readonly next?: number;
}

let bench: TestBench<VirtioRng>;

function describeBuffer(index: number, { address, length, flags = Write, next = 0 }: Descriptor): void {
  bench.store64(Queue + 16 * index, BigInt(address));
  bench.store32(Queue + 16 * index + 8, length);
  bench.store16(Queue + 16 * index + 12, flags);
  bench.store16(Queue + 16 * index + 14, next);
}

/** Puts requests into the ring of what is available, and tells the device. */
function ask(...heads: readonly number[]): void {
  let index = bench.load16(Available + 2);
  for (const head of heads) bench.store16(Available + 4 + 2 * (index++ % 8), head);
  bench.store16(Available + 2, index & 0xffff);
  bench.out16(Ports + Port.Notify, 0);
}

/** As a driver begins. */
function start(): void {
  bench.out8(Ports + Port.Status, 3);
  bench.out16(Ports + Port.Select, 0);
  bench.out32(Ports + Port.Page, Queue >>> 12);
  bench.out8(Ports + Port.Status, DriverReady);
}

const bytesAt = (address: number, length: number): number[] =>
  Array.from({ length }, (_, at) => bench.load8(address + at));

beforeEach(() => {
  bench = testBench(VirtioRng, { ram: 256 * KiB });
});

describe('the registers', () => {
  it('say which queues there are', () => {
    expect([bench.in32(Ports + Port.Features), bench.in16(Ports + Port.Size)]).toEqual([Offered, 8]);
    bench.out16(Ports + Port.Select, 1);
    bench.out32(Ports + Port.Page, 5);
    expect([bench.in16(Ports + Port.Size), bench.in32(Ports + Port.Page), bench.in16(Ports + Port.Select)]).toEqual([
      0, 0, 1,
    ]);
    bench.out16(Ports + Port.Select, 1024);
    expect(bench.in16(Ports + Port.Select)).toBe(1);
    bench.out16(Ports + Port.Select, 0);
    bench.out32(Ports + Port.Page, 5);
    expect([bench.in16(Ports + Port.Size), bench.in32(Ports + Port.Page)]).toEqual([8, 5]);
  });

  it('belong to the access that begins at them, whatever its width, as in QEMU', () => {
    start();
    describeBuffer(0, { address: 0x1_0000, length: 4 });
    bench.store16(Available + 2, 1);
    bench.out32(Ports + Port.Notify, 0);
    expect([bench.load16(Used + 2), bench.in8(Ports + Port.Status)]).toEqual([1, DriverReady]);
    expect([bench.in32(Ports + Port.Status), bench.in16(Ports + Port.Status)]).toEqual([0xffff_0007, 0x0007]);
    expect([bench.in16(Ports + Port.Isr), bench.interrupts.interrupt.level]).toEqual([0xff01, false]);
    bench.out8(Ports + Port.Page, 0x05);
    bench.out8(Ports + Port.Page + 1, 0x07);
    expect([bench.in32(Ports + Port.Page), bench.in8(Ports + Port.Page + 1)]).toEqual([5, 0xff]);
    bench.out32(Ports + Port.Select, 0x0009_0001);
    expect([bench.in16(Ports + Port.Select), bench.in32(Ports + Port.Size)]).toEqual([1, 0]);
    bench.out8(Ports + Port.Page, 0);
    expect(bench.in8(Ports + Port.Status)).toBe(0);
  });

  it('take no feature that was not offered', () => {
    bench.out32(Ports + Port.Features + 4, 0xffff_ffff);
    expect(bench.in32(Ports + Port.Features + 4)).toBe(Offered);
    expect(bench.guestErrors).toHaveLength(1);
    bench.out32(Ports + Port.Features + 4, 0);
    expect(bench.guestErrors.map(({ count }) => count)).toEqual([1]);
  });

  it.each([Port.Status, Port.Page])('reset the device by a zero at %i', (port) => {
    start();
    describeBuffer(0, { address: 0x1_0000, length: 4 });
    ask(0);
    expect(bench.interrupts.interrupt.level).toBe(true);
    if (port === Port.Status) bench.out8(Ports + port, 0);
    else bench.out32(Ports + port, 0);
    expect([bench.in32(Ports + Port.Page), bench.in8(Ports + Port.Status), bench.in8(Ports + Port.Isr)]).toEqual([
      0, 0, 0,
    ]);
    expect(bench.interrupts.interrupt.level).toBe(false);
  });
});

describe('a request', () => {
  it('is answered with random bytes, an entry in the ring of what is used, and an interrupt', () => {
    start();
    describeBuffer(3, { address: 0x1_0000, length: 16 });
    ask(3);
    const bytes = bytesAt(0x1_0000, 17);
    expect(new Set(bytes.slice(0, 16)).size).toBeGreaterThan(8);
    expect(bytes[16]).toBe(0);
    expect([bench.load16(Used + 2), bench.load32(Used + 4), bench.load32(Used + 8)]).toEqual([1, 3, 16]);
    expect([bench.interrupts.interrupt.level, bench.in8(Ports + Port.Isr), bench.in8(Ports + Port.Isr)]).toEqual([
      true,
      1,
      0,
    ]);
    expect(bench.interrupts.interrupt.level).toBe(false);
  });

  it('gets the same bytes from the same seed, and others from another', () => {
    const bytesOf = (seed: number) => {
      bench = testBench(VirtioRng, { ram: 256 * KiB, options: { seed } });
      start();
      describeBuffer(0, { address: 0x1_0000, length: 32 });
      ask(0);
      return bytesAt(0x1_0000, 32).join();
    };
    expect(bytesOf(7)).toBe(bytesOf(7));
    expect(bytesOf(7)).not.toBe(bytesOf(8));
  });

  it('may be many buffers, of which those to read are left alone', () => {
    start();
    describeBuffer(0, { address: 0x1_0000, length: 8, flags: Next, next: 5 });
    describeBuffer(5, { address: 0x1_1000, length: 3, flags: Write | Next, next: 1 });
    describeBuffer(1, { address: 0x1_2000, length: 5 });
    ask(0);
    expect([bytesAt(0x1_0000, 8).every((byte) => byte === 0), bench.load32(Used + 8)]).toEqual([true, 8]);
    expect(
      bytesAt(0x1_1000, 3)
        .concat(bytesAt(0x1_2000, 5))
        .filter((byte) => byte !== 0).length,
    ).toBeGreaterThan(4);
  });

  it('comes with others in one notification, and the rings go round', () => {
    start();
    for (let index = 0; index < 8; index++)
      describeBuffer(index, { address: 0x1_0000 + 16 * index, length: index + 1 });
    for (let round = 0; round < 3; round++) ask(0, 1, 2, 3, 4);
    expect(bench.load16(Used + 2)).toBe(15);
    expect([0, 1, 2, 3, 4, 5, 6].map((entry) => bench.load32(Used + 4 + 8 * entry))).toEqual([3, 4, 0, 1, 2, 3, 4]);
    expect(bench.load32(Used + 4 + 8 * 6 + 4)).toBe(5);
  });

  it('gets at most 64 KiB, however large its buffer is', () => {
    start();
    describeBuffer(0, { address: 0x1_0000, length: 0xffff_ffff });
    ask(0);
    bench.clock.advance(1 * MILLISECOND);
    expect([bench.load16(Used + 2), bench.load32(Used + 8), bench.device.broken]).toEqual([1, 64 * KiB, false]);
  });

  it('costs no instruction more than 4 KiB of random bytes: the rest comes by a timer, and the guest hears at the end', () => {
    start();
    for (let at = 0x1_0000; at < 0x1_6000; at += 4) bench.store32(at, 0);
    describeBuffer(0, { address: 0x1_0000, length: 6000, flags: Write | Next, next: 1 });
    describeBuffer(1, { address: 0x1_2000, length: 6000 });
    describeBuffer(2, { address: 0x1_4000, length: 8 });
    const written = (address: number, length: number) => bytesAt(address, length).filter((byte) => byte !== 0).length;
    const seen = () => [bench.load16(Used + 2), bench.interrupts.interrupt.level];
    ask(0, 2);
    expect([written(0x1_0000, 4096) > 3900, written(0x1_1000, 0x5000), ...seen()]).toEqual([true, 0, 0, false]);
    bench.clock.advance(10 * MICROSECOND);
    expect([written(0x1_1000, 6000 - 4096) > 1800, written(0x1_4000, 8), ...seen()]).toEqual([true, 0, 0, false]);
    bench.clock.advance(10 * MICROSECOND);
    expect([written(0x1_2000, 6000) > 5800, written(0x1_4000, 8) > 4, ...seen()]).toEqual([true, true, 2, true]);
    expect([bench.load32(Used + 8), bench.load32(Used + 16)]).toEqual([12_000, 8]);
    expect(bench.clock.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
  });

  it('is given up by a reset in the middle, and its memory is left alone from then on', () => {
    start();
    describeBuffer(0, { address: 0x1_0000, length: 0x4000 });
    ask(0);
    bench.out8(Ports + Port.Status, 0);
    bench.store32(0x1_1000, 0);
    bench.clock.advance(1 * MILLISECOND);
    expect([bench.load32(0x1_1000), bench.load16(Used + 2)]).toEqual([0, 0]);
    bench.store16(Available + 2, 0);
    describeBuffer(0, { address: 0x1_8000, length: 4 });
    start();
    ask(0);
    expect([bench.load16(Used + 2), bench.load32(Used + 8)]).toEqual([1, 4]);
  });

  it('may shrink while it is being answered, by a guest that does not keep still', () => {
    start();
    describeBuffer(0, { address: 0x1_0000, length: 0x4000 });
    ask(0);
    describeBuffer(0, { address: 0x1_0000, length: 16 });
    bench.clock.advance(1 * MILLISECOND);
    expect([bench.load16(Used + 2), bench.load32(Used + 8), bench.device.broken]).toEqual([1, 16, false]);
  });

  it('is never answered as longer than its buffers are at the end, whichever of them shrank or is no longer to be written', () => {
    const changes: readonly (readonly [number, () => void])[] = [
      [0x1810, () => describeBuffer(1, { address: 0x1_2000, length: 16 })],
      [0x1800, () => describeBuffer(0, { address: 0x1_0000, length: 0x1800 })],
      [0, () => describeBuffer(0, { address: 0x1_0000, length: 0x1800, flags: 0 })],
    ];
    for (const [length, change] of changes) {
      bench = testBench(VirtioRng, { ram: 1 * MiB });
      start();
      describeBuffer(0, { address: 0x1_0000, length: 0x1800, flags: Write | Next, next: 1 });
      describeBuffer(1, { address: 0x1_2000, length: 0x4000 });
      ask(0);
      bench.clock.advance(15 * MICROSECOND);
      change();
      bench.clock.advance(1 * MILLISECOND);
      expect([bench.load16(Used + 2), bench.load32(Used + 8)]).toEqual([1, length]);
      // The next request begins with nothing: what the one before had got is not counted again.
      describeBuffer(2, { address: 0x1_8000, length: 4 });
      ask(2);
      expect([bench.load16(Used + 2), bench.load32(Used + 16)]).toEqual([2, 4]);
    }
  });

  it('does not interrupt a guest that asked not to be', () => {
    start();
    bench.store16(Available, 1);
    describeBuffer(0, { address: 0x1_0000, length: 4 });
    ask(0);
    expect([bench.load16(Used + 2), bench.interrupts.interrupt.level, bench.in8(Ports + Port.Isr)]).toEqual([
      1,
      false,
      0,
    ]);
  });

  it('waits until the driver says that it is ready', () => {
    bench.out32(Ports + Port.Page, Queue >>> 12);
    describeBuffer(0, { address: 0x1_0000, length: 4 });
    ask(0);
    expect(bench.load16(Used + 2)).toBe(0);
    bench.out8(Ports + Port.Status, DriverReady);
    expect(bench.load16(Used + 2)).toBe(1);
  });
});

describe('a queue that cannot be', () => {
  const ring = { address: 0x1_0000, length: 4 };
  it.each([
    [
      'has a loop',
      () => [
        describeBuffer(0, { ...ring, flags: Write | Next, next: 1 }),
        describeBuffer(1, { ...ring, flags: Write | Next, next: 0 }),
      ],
      'loop',
    ],
    [
      'names a descriptor beyond its size',
      () => [describeBuffer(0, { ...ring, flags: Write | Next, next: 8 })],
      'descriptor 8',
    ],
    ['has a buffer outside memory', () => [describeBuffer(0, { address: 2n ** 63n, length: 4 })], '0x8000000000000000'],
    ['has a buffer over the end of memory', () => [describeBuffer(0, { address: 256 * KiB - 2, length: 4 })], 'buffer'],
    ['has a buffer of no bytes', () => [describeBuffer(0, { ...ring, length: 0 })], 'buffer'],
    ['is indirect', () => [describeBuffer(0, { ...ring, flags: Indirect })], 'indirect'],
    [
      'reads after it writes',
      () => [describeBuffer(0, { ...ring, flags: Write | Next, next: 1 }), describeBuffer(1, { ...ring, flags: 0 })],
      'writable',
    ],
    ['has more requests than descriptors', () => [bench.store16(Available + 2, 8)], '9 requests'],
  ])('because it %s stops the device until a reset', (_, build, named) => {
    start();
    build();
    ask(0);
    expect(bench.device.broken).toBe(true);
    expect(bench.guestErrors[0]?.message).toContain(named);
    expect(bench.interrupts.interrupt.level).toBe(false);
    describeBuffer(0, ring);
    ask(0);
    expect(bench.load16(Used + 2)).toBe(0);
    bench.out8(Ports + Port.Status, 0);
    bench.store16(Available + 2, 0);
    start();
    ask(0);
    expect([bench.device.broken, bench.load16(Used + 2)]).toEqual([false, 1]);
  });

  it('because it is outside memory, or the device is no bus master, stops the device too', () => {
    start();
    bench.out32(Ports + Port.Page, 0xffff_ffff);
    bench.out16(Ports + Port.Notify, 0);
    expect(bench.guestErrors[0]?.message).toContain('0xffffffff082');
    bench.out8(Ports + Port.Status, 0);
    start();
    bench.device.writeConfig(PciRegister.Command, PciCommand.Io, 2);
    bench.out16(Ports + Port.Notify, 0);
    expect(bench.device.broken).toBe(true);
  });

  it('may be of a driver that forgets to make the device a bus master: the device does it', () => {
    const isMaster = () => (bench.device.readConfig(PciRegister.Command, 2) & PciCommand.Master) !== 0;
    bench.device.writeConfig(PciRegister.Command, PciCommand.Io, 2);
    bench.out8(Ports + Port.Status, 1);
    expect(isMaster()).toBe(false);
    start();
    describeBuffer(0, ring);
    ask(0);
    expect([isMaster(), bench.device.broken, bench.load16(Used + 2)]).toEqual([true, false, 1]);
  });

  it('never throws nor hangs, whatever is in memory and in the registers', () => {
    const word = fc.oneof(fc.constantFrom(0, 1, 2, 3, 7, 8, 0xffff, Queue, 0x1_0000), fc.nat(0xffff_ffff));
    const step = fc.oneof(
      fc.record({ port: fc.integer({ min: 0, max: 0x1f }), value: word, size: fc.constantFrom(1, 2, 4) }),
      fc.record({ at: fc.integer({ min: 0, max: 0x60 }), value: word }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        bench = testBench(VirtioRng, { ram: 128 * KiB });
        start();
        for (const one of steps) {
          if ('port' in one) bench.io.write(Ports + one.port, one.value, one.size);
          else bench.store32(Queue + 4 * one.at, one.value);
          bench.out16(Ports + Port.Notify, 0);
          bench.in32(Ports + Port.Size);
        }
        bench.out8(Ports + Port.Status, 0);
        expect([bench.device.broken, bench.interrupts.interrupt.level]).toEqual([false, false]);
      }),
      { numRuns: 100 },
    );
  });
});

describe('on a PC', () => {
  const pc = defineMachine({ ...pcI440fx, devices: [...pcI440fx.devices, use(VirtioRng, { addr: '04.0' })] });

  function* probe(guest: Guest, results: number[]): GuestStep<void> {
    const card = yield* PciFunction.find(guest, 0x1af4, 0x1005);
    yield* card.enable(guest, Ports);
    for (let queue = 2; queue >= 0; queue--) {
      yield* guest.out16(Ports + Port.Select, queue);
      results.push(yield* guest.in16(Ports + Port.Size));
    }
    for (let times = 0; times < 100; times++) yield* guest.out16(Ports + Port.Select, times & 1);
    yield* guest.out16(Ports + Port.Select, 0);
    yield* guest.out32(Ports + Port.Page, Queue >>> 12);
    yield* guest.out8(Ports + Port.Status, DriverReady);
    yield* guest.store64(Queue, 0x1_0000n);
    yield* guest.store32(Queue + 8, 8);
    yield* guest.store16(Queue + 12, Write);
    yield* guest.store16(Available + 2, 1);
    yield* guest.out16(Ports + Port.Notify, 0);
    results.push(yield* guest.load32(0x1_0000), yield* guest.load16(Used + 2));
  }

  const run = (coalescedPio: boolean) => {
    const accelerator = simulatedAccelerator({ coalescedPio });
    const machine = Machine.create(pc, { ram: 1 * MiB, accelerator });
    const results: number[] = [];
    const program = guestProgram((guest) => probe(guest, results));
    expect(machine.run(program).reason).toBe('finished');
    return { results, summary: accelerator.statistics.summary(), machine };
  };

  it('selects queues without leaving for userspace, and everything else comes out as without coalescing', () => {
    const fast = run(true);
    const slow = run(false);
    expect(fast.results).toEqual(slow.results);
    expect(fast.results.slice(0, 3)).toEqual([0, 0, 8]);
    expect(fast.results[4]).toBe(1);
    expect(slow.summary.userspaceExits - fast.summary.userspaceExits).toBeGreaterThan(100);
    expect(fast.machine.guestErrors).toEqual([]);
  });

  it('goes on after a restore in the middle of an answer, to the same bytes', () => {
    const machine = Machine.create(pc, { ram: 1 * MiB });
    const config = (register: number, value: number) => {
      machine.io.write(0xcf8, 0x8000_2000 + register, 4);
      machine.io.write(0xcfc, value, 4);
    };
    config(0x10, Ports);
    config(0x04, 7);
    machine.memory.write64(Queue, 0x1_0000n);
    machine.memory.write(Queue + 8, 0x4000, 4);
    machine.memory.write(Queue + 12, Write, 2);
    machine.memory.write(Available + 2, 1, 2);
    machine.io.write(Ports + Port.Page, Queue >>> 12, 4);
    machine.io.write(Ports + Port.Status, DriverReady, 1);
    expect([machine.memory.read(0x1_0ffc, 4) > 0, machine.memory.read(0x1_1000, 4)]).toEqual([true, 0]);
    const restored = Machine.restore(pc, machine.save(), {});
    const ends = [machine, restored].map(({ clock, memory }) => {
      clock.advanceTo(clock.now + 1 * MILLISECOND);
      const bytes = new Uint8Array(0x4000);
      memory.readBytes(0x1_0000, bytes);
      return [memory.read(Used + 8, 4), Buffer.from(bytes).toString('base64')];
    });
    expect(ends[0]?.[0]).toBe(0x4000);
    expect(ends[1]).toEqual(ends[0]);
  });

  it('shows the selector as a live coalesced range that its own region flushes', () => {
    const { machine } = run(true);
    const reports = explainCoalescedIo(machine).filter(({ device }) => device === 'virtio-rng-pci');
    expect(reports).toMatchObject([
      {
        region: 'virtio-pci',
        declared: { offset: 0x0e, size: 2 },
        start: Ports + 0x0e,
        verdict: 'alive',
        flushPartners: ['virtio-pci', 'virtio-pci-common'],
      },
    ]);
    machine.reset();
    expect(explainCoalescedIo(machine).find(({ device }) => device === 'virtio-rng-pci')?.verdict).toBe('unmapped');
  });
});
