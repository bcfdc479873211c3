import { describe, expect, it } from 'vitest';
import { Errno, ExitReason, IoExit, KvmRun, MmioExit } from '../../sdk/accelerator/kvm/abi.ts';
import { Interruption } from '../../sdk/accelerator/kvm/scheduled/kernel.ts';
import { expectRefusal } from '../refusal.ts';
import { KernelBench } from './kernel-bench.ts';

const setImmediateExit = (bench: KernelBench, on: boolean) => bench.runPage.setUint8(KvmRun.immediateExit, on ? 1 : 0);
const why = (bench: KernelBench) => bench.kernel.processor(bench.vcpuFds[0]!).interruption;

describe('KVM_RUN completes what userspace has served', () => {
  it('gives an IN the bytes of the port page', () => {
    const bench = new KernelBench();
    const seen: number[] = [];
    bench.attach(function* (guest) {
      seen.push(yield* guest.in8(0x71));
      seen.push(yield* guest.in16(0x1f0));
      seen.push(yield* guest.in32(0xcfc));
    });
    for (const exit of ['in 0x71/1', 'in 0x1f0/2', 'in 0xcfc/4']) {
      expect([bench.run(), bench.exit]).toEqual([0, exit]);
      expect(bench.runPage.getBigUint64(IoExit.dataOffset, true)).toBe(4096n);
      bench.portPage.setUint32(0, 0x8012_3456, true);
    }
    expect(bench.run()).toBe(Errno.EINTR);
    expect(seen).toEqual([0x56, 0x3456, 0x8012_3456]);
  });

  it('gives a rep insb the bytes of the port page, batch by batch, and puts them where the guest wanted them', () => {
    const bench = new KernelBench();
    const ram = bench.kernel.allocateGuestMemory(0x4000);
    bench.memorySlot({ size: 0x4000, userspace: ram.hostAddress });
    let seen = new Uint8Array(0);
    bench.attach(function* (guest) {
      seen = Uint8Array.from(yield* guest.repIns8(0x511, 1100, { destination: 0x1c00 }));
    });
    const exits: string[] = [];
    for (let next = 0; bench.run() === 0; ) {
      exits.push(bench.exit);
      const count = bench.runPage.getUint32(IoExit.count, true);
      for (let index = 0; index < count; index++) bench.portPage.setUint8(index, next++ & 0xff);
    }
    expect(exits).toEqual(['in 0x511/1 x1024', 'in 0x511/1 x76']);
    expect(seen).toEqual(Uint8Array.from({ length: 1100 }, (_, index) => index & 0xff));
    expect(ram.bytes.subarray(0x1c00, 0x1c00 + 1100)).toEqual(seen);
    expect(bench.kernel.counts.vmExits).toBe(2);
  });

  it.each([
    [1, 0x1f80, ['in 0x70/1 x128', 'in 0x70/1 x1024', 'in 0x70/1 x848']],
    [2, 0x1000, ['in 0x70/2 x512', 'in 0x70/2 x512', 'in 0x70/2 x512', 'in 0x70/2 x464']],
    [4, 0x1ffe, ['in 0x70/4 x2', 'in 0x70/4 x256', 'in 0x70/4 x256', 'in 0x70/4 x256', 'in 0x70/4 x230']],
  ] as const)(
    'a rep ins of width %i to %i fetches 1024 bytes, and as many elements as the page has bytes left',
    (size, destination, expected) => {
      const bench = new KernelBench();
      const ram = bench.kernel.allocateGuestMemory(0x8000);
      bench.memorySlot({ size: 0x8000, userspace: ram.hostAddress });
      const count = size === 4 ? 1000 : 2000;
      bench.attach(function* (guest) {
        const read = { 1: guest.repIns8, 2: guest.repIns16, 4: guest.repIns32 }[size];
        yield* read.call(guest, 0x70, count, { destination });
      });
      const exits: string[] = [];
      while (bench.run() === 0) exits.push(bench.exit);
      expect(exits).toEqual(expected);
    },
  );

  it('gives an MMIO load the bytes of kvm_run, and joins a load that crosses a page', () => {
    const bench = new KernelBench();
    const seen: (number | bigint)[] = [];
    bench.attach(function* (guest) {
      seen.push(yield* guest.load32(0xd0000));
      seen.push(yield* guest.load64(0xd0ffd));
    });
    const exits: string[] = [];
    while (bench.run() === 0) {
      exits.push(bench.exit);
      bench.runPage.setBigUint64(MmioExit.data, 0x8877_6655_4433_2211n, true);
    }
    expect(exits).toEqual(['read 0xd0000/4', 'read 0xd0ffd/3', 'read 0xd1000/5']);
    expect(seen).toEqual([0x4433_2211, 0x5544_3322_1133_2211n]);
    expect(bench.kernel.counts).toMatchObject({ vmExits: 2, userspaceExits: 3 });
  });

  it('with immediate_exit, completes it and answers EINTR without running the guest', () => {
    const bench = new KernelBench();
    const seen: number[] = [];
    bench.attach(function* (guest) {
      seen.push(yield* guest.in8(0x71));
      yield* guest.out8(0x80, 1);
    });
    bench.run();
    bench.portPage.setUint8(0, 0x42);
    setImmediateExit(bench, true);
    expect([bench.run(), why(bench)]).toEqual([Errno.EINTR, Interruption.ImmediateExit]);
    bench.portPage.setUint8(0, 0x99);
    expect([bench.run(), seen]).toEqual([Errno.EINTR, []]);
    setImmediateExit(bench, false);
    expect([bench.run(), bench.exit]).toEqual([0, 'out 0x80/1']);
    expect(seen).toEqual([0x42]);
  });

  it('with immediate_exit, answers 0 and the next part of a store that crosses a page before EINTR', () => {
    const bench = new KernelBench();
    bench.attach(function* (guest) {
      yield* guest.store32(0xd0ffe, 0x0403_0201);
      yield* guest.hlt();
    });
    expect([bench.run(), bench.exit]).toEqual([0, 'write 0xd0ffe/2']);
    setImmediateExit(bench, true);
    expect([bench.run(), bench.exit]).toEqual([0, 'write 0xd1000/2']);
    expect(bench.runPage.getUint16(MmioExit.data, true)).toBe(0x0403);
    expect([bench.run(), bench.kernel.counts.haltExits]).toEqual([Errno.EINTR, 0]);
  });

  it('goes on behind a HLT when it is called again: holding a halted vCPU is userspace’s work', () => {
    const bench = new KernelBench();
    bench.attach(function* (guest) {
      yield* guest.hlt();
      yield* guest.out8(0x80, 1);
    });
    expect([bench.run(), bench.exit]).toEqual([0, 'exit 5']);
    expect([bench.run(), bench.exit]).toEqual([0, 'out 0x80/1']);
  });
});

describe('KVM_RUN is interrupted', () => {
  it('by a deadline, before the first operation at or past it, and at the deadline exactly while it pauses', () => {
    const bench = new KernelBench();
    let reached = false;
    bench.attach(function* (guest) {
      yield* guest.pause(1_000_000);
      reached = true;
      yield* guest.hlt();
    });
    bench.kernel.kickAt(400_000);
    expect([bench.run(), bench.exitReason, why(bench)]).toEqual([Errno.EINTR, ExitReason.Intr, Interruption.Deadline]);
    expect(bench.kernel.now).toBe(400_000);
    bench.kernel.kickAt(1_000_000);
    expect([bench.run(), bench.kernel.now, reached]).toEqual([Errno.EINTR, 1_000_000, false]);
    bench.kernel.kickAt(Infinity);
    expect([bench.run(), bench.exit, reached]).toEqual([0, 'exit 5', true]);
  });

  it('when the oldest queued write has waited long enough, no earlier', () => {
    const bench = new KernelBench();
    bench.zone(0x70, 1, 1);
    bench.attach(function* (guest) {
      yield* guest.pause(5000);
      yield* guest.out8(0x70, 1);
      yield* guest.pause(2000);
      yield* guest.out8(0x70, 2);
      yield* guest.pause(100_000_000);
    });
    bench.kernel.kickWhenQueuedFor(10_000_000);
    expect([bench.run(), why(bench)]).toEqual([Errno.EINTR, Interruption.Queued]);
    const [vcpu] = bench.vcpuFds;
    expect(bench.kernel.queuedSince(vcpu!, 0)).toBe(5000);
    expect(bench.kernel.queuedSince(vcpu!, 1)).toBe(5000 + 660 + 2000);
    expect(bench.kernel.queuedSince(vcpu!, 2)).toBeUndefined();
    expect(bench.kernel.now).toBe(10_005_000);
    bench.drain();
    expect([bench.run(), why(bench)]).toEqual([Errno.EINTR, Interruption.GuestFinished]);
  });

  it('after a slice of operations, and stays so until it is given another', () => {
    const bench = new KernelBench();
    bench.attach(function* (guest) {
      for (let index = 0; index < 5; index++) yield* guest.cli();
      yield* guest.hlt();
    });
    const [vcpu] = bench.vcpuFds;
    bench.kernel.processor(vcpu!).slice = 3;
    expect([bench.run(), bench.kernel.processor(vcpu!).operations, why(bench)]).toEqual([
      Errno.EINTR,
      3,
      Interruption.Slice,
    ]);
    expect([bench.run(), bench.kernel.processor(vcpu!).operations]).toEqual([Errno.EINTR, 3]);
    bench.kernel.processor(vcpu!).slice = Infinity;
    expect([bench.run(), bench.exit]).toEqual([0, 'exit 5']);
  });

  it('at the end of the guest, again and again', () => {
    const bench = new KernelBench();
    bench.attach(function* () {});
    for (let time = 0; time < 3; time++) {
      expect([bench.run(), why(bench)]).toEqual([Errno.EINTR, Interruption.GuestFinished]);
      expect(bench.kernel.processor(bench.vcpuFds[0]!).guestFinished).toBe(true);
    }
    expect(bench.kernel.counts.userspaceExits).toBe(0);
  });
});

describe('guest time of a program', () => {
  it('is the modelled cost of each operation: 660 ns in the kernel, 3410 ns to userspace, 10 ns without an exit', () => {
    const bench = new KernelBench();
    const ram = bench.kernel.allocateGuestMemory(0x1000);
    bench.memorySlot({ size: 0x1000, userspace: ram.hostAddress });
    bench.zone(0x70, 1, 1);
    const times: number[] = [];
    bench.attach(function* (guest) {
      const note = () => times.push(bench.kernel.now);
      yield* guest.out8(0x70, 1);
      note();
      yield* guest.out8(0x80, 1);
      note();
      yield* guest.store32(0x10, 1);
      note();
      yield* guest.repOuts8(0x70, [1, 2, 3, 4, 5]);
      note();
      yield* guest.store8(0xd0000, 1);
      note();
    });
    while (bench.run() === 0);
    expect(times).toEqual([660, 660 + 3410, 4080, 4080 + 660 + 4 * 10, 4780 + 3410]);
  });

  it('has costs that can be set, and refuses those that no operation has', () => {
    const bench = new KernelBench({ costs: { userspace: 5, plain: 1 } });
    bench.attach(function* (guest) {
      yield* guest.cli();
      yield* guest.out8(0x80, 1);
    });
    bench.run();
    expect(bench.kernel.now).toBe(6);
    expectRefusal(() => new KernelBench({ costs: { kernel: -1 } }), 'invalid-accelerator-option', "'kernel'", '-1');
  });

  it('passes while nobody runs, and never goes back', () => {
    const { kernel } = new KernelBench();
    kernel.sleepUntil(1000);
    kernel.sleepUntil(500);
    expect(kernel.now).toBe(1000);
  });
});

describe('exit statistics', () => {
  it('count a rep string into a zone as one VM exit and one sample per element', () => {
    const bench = new KernelBench();
    bench.zone(0x70, 1, 1);
    bench.attach(function* (guest) {
      yield* guest.repOuts8(0x70, new Uint8Array(8));
      yield* guest.repOuts8(0x71, new Uint8Array(8));
    });
    while (bench.run() === 0);
    const { counts: statistics } = bench.kernel;
    expect(statistics).toMatchObject({ vmExits: 1 + 8, userspaceExits: 8, coalescedWrites: 8 });
    const rows: unknown[] = [];
    statistics.forEachPort((...row) => rows.push(row));
    expect(rows).toEqual([
      [0x70, true, 8, 0],
      [0x71, true, 8, 8],
    ]);
  });

  it('count a string over a full ring as one VM exit for each time it leaves the guest', () => {
    const bench = new KernelBench();
    bench.zone(0x70, 1, 1);
    bench.attach(function* (guest) {
      yield* guest.repOuts8(0x70, new Uint8Array(320));
    });
    while (bench.run() === 0) bench.drain();
    expect(bench.kernel.counts).toMatchObject({
      vmExits: 2,
      userspaceExits: 1,
      ringFullExits: 1,
      coalescedWrites: 319,
    });
  });

  it('keep bounded tables under a guest that touches every port and more pages than there are rows', () => {
    const bench = new KernelBench();
    bench.zone(0, 0x10000, 1);
    bench.zone(0x100000, 0x1000_0000, 0);
    bench.attach(function* (guest) {
      for (let port = 0; port < 0x10000; port++) yield* guest.out8(port, 1);
      for (let page = 0; page < 10_000; page++) yield* guest.store8(0x100000 + page * 4096, 1);
    });
    while (bench.run() === 0) bench.drain();
    const { counts: statistics } = bench.kernel;
    let ports = 0;
    const pages = new Map<number, number>();
    statistics.forEachPort(() => ports++);
    statistics.forEachPage((page, isWrite, samples) => pages.set(isWrite ? page : -2, samples));
    expect(ports).toBe(0x10000);
    expect(pages.size).toBe(8192 + 1);
    expect([pages.get(0x100000), pages.get(-1)]).toEqual([1, 10_000 - 8192]);
    statistics.reset();
    statistics.forEachPage(() => expect.unreachable('a row after reset'));
    expect(statistics.vmExits).toBe(0);
  });

  it('tell reads and writes of a page apart, and count the parts of a crossing access each on its page', () => {
    const bench = new KernelBench();
    bench.attach(function* (guest) {
      yield* guest.store32(0xd0ffe, 1);
      yield* guest.load8(0xd0000);
    });
    while (bench.run() === 0);
    const rows: unknown[] = [];
    bench.kernel.counts.forEachPage((...row) => rows.push(row));
    expect(rows).toEqual([
      [0xd0000, false, 1, 1],
      [0xd0000, true, 1, 1],
      [0xd1000, true, 1, 1],
    ]);
    expect(bench.kernel.counts.vmExits).toBe(2);
  });
});
