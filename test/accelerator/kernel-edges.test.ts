import { describe, expect, it } from 'vitest';
import { OperationKind } from '../../sdk/accelerator/guest/operation.ts';
import { guestProgram } from '../../sdk/accelerator/guest/program.ts';
import {
  DirtyLog,
  Errno,
  ExitReason,
  IoeventfdFlag,
  IoeventfdLayout,
  KvmRun,
  MemoryRegionFlag,
  VcpuRequest,
  VmRequest,
} from '../../sdk/accelerator/kvm/abi.ts';
import { Interruption } from '../../sdk/accelerator/kvm/scheduled/kernel.ts';
import { PageRows } from '../../sdk/accelerator/kvm/scheduled/kernel-exit-statistics.ts';
import { KernelBench } from './kernel-bench.ts';

const Page = 4096;
const why = (bench: KernelBench) => bench.kernel.processor(bench.vcpuFds[0]!).interruption;
const interrupt = (bench: KernelBench, vector: number) =>
  bench.request(bench.vcpuFds[0]!, VcpuRequest.Interrupt, new Uint8Array([vector, 0, 0, 0]));

function ioeventfd(bench: KernelBench, address: number, length: number, flags = 0, datamatch = 0n): number {
  const request = new DataView(new ArrayBuffer(IoeventfdLayout.size));
  const fd = bench.kernel.eventfd();
  request.setBigUint64(IoeventfdLayout.datamatch, datamatch, true);
  request.setBigUint64(IoeventfdLayout.address, BigInt(address), true);
  request.setUint32(IoeventfdLayout.length, length, true);
  request.setInt32(IoeventfdLayout.fd, fd, true);
  request.setUint32(IoeventfdLayout.flags, flags, true);
  expect(bench.request(bench.vmFd, VmRequest.Ioeventfd, request)).toBe(0);
  return fd;
}

describe('rep outs', () => {
  it('that never exits goes back to the guest at every 1024th element left, where a kick can stop it', () => {
    const bench = new KernelBench();
    const fd = ioeventfd(bench, 0x80, 1, IoeventfdFlag.Pio);
    bench.attach(function* (guest) {
      yield* guest.repOuts8(0x80, new Uint8Array(2100));
    });
    bench.kernel.kickAt(100);
    expect([bench.run(), bench.kernel.processor(bench.vcpuFds[0]!).operations]).toEqual([Errno.EINTR, 2100 - 2048]);
    bench.kernel.kickAt(Infinity);
    bench.run();
    expect(bench.kernel.readEventfd(fd)).toBe(2100n);
    expect(bench.kernel.counts).toMatchObject({ vmExits: 3, userspaceExits: 0 });
  });

  it('that overflows the ring costs one exit to userspace and 10 ns for each element before it', () => {
    const bench = new KernelBench();
    bench.zone(0x70, 1, 1);
    bench.attach(function* (guest) {
      yield* guest.repOuts8(0x70, new Uint8Array(170));
    });
    expect([bench.run(), bench.exit]).toEqual([0, 'out 0x70/1']);
    expect(bench.kernel.now).toBe(3410 + 168 * 10);
  });
});

describe('zones and ioeventfds', () => {
  it('give back their place on the bus when they are removed', () => {
    const bench = new KernelBench();
    for (let port = 0; port < 1000; port++) expect(bench.zone(port, 1, 1)).toBe(0);
    expect(bench.zone(5000, 1, 1)).toBe(Errno.ENOSPC);
    bench.zone(7, 1, 1, VmRequest.UnregisterCoalescedMmio);
    expect([bench.zone(5000, 1, 1), bench.zone(5001, 1, 1)]).toEqual([0, Errno.ENOSPC]);
  });

  it('match all 64 bits of a value in memory', () => {
    const bench = new KernelBench();
    const fd = ioeventfd(bench, 0xd0000, 8, IoeventfdFlag.Datamatch, 0x1_0000_0005n);
    bench.attach(function* (guest) {
      yield* guest.store64(0xd0000, 0x1_0000_0005n);
      yield* guest.store64(0xd0000, 0x2_0000_0005n);
    });
    expect([bench.run(), bench.exit]).toEqual([0, 'write 0xd0000/8']);
    expect([bench.kernel.readEventfd(fd), bench.kernel.readEventfd(fd)]).toEqual([1n, 0n]);
  });

  it('without a length take a whole store that begins there, also one that crosses a page', () => {
    const bench = new KernelBench();
    const fd = ioeventfd(bench, 0xd0ffe, 0);
    bench.attach(function* (guest) {
      yield* guest.store32(0xd0ffe, 1);
    });
    expect([bench.run(), bench.kernel.readEventfd(fd)]).toEqual([Errno.EINTR, 1n]);
  });

  it('without a length are no faster than a zone for the second half of a store', () => {
    const bench = new KernelBench();
    bench.zone(0xd1000, Page, 0);
    const fd = ioeventfd(bench, 0xd1000, 0);
    bench.attach(function* (guest) {
      yield* guest.store32(0xd0ffe, 0x0403_0201);
    });
    expect([bench.run(), bench.exit]).toEqual([0, 'write 0xd0ffe/2']);
    expect([bench.drain(), bench.kernel.readEventfd(fd)]).toEqual([[{ address: 0xd1000, value: 0x0403 }], 0n]);
  });
});

describe('the dirty log', () => {
  it('moves with its slot', () => {
    const bench = new KernelBench();
    const ram = bench.kernel.allocateGuestMemory(4 * Page);
    const bitmap = bench.kernel.allocateGuestMemory(8);
    const slot = { flags: MemoryRegionFlag.LogDirtyPages, size: 4 * Page, userspace: ram.hostAddress };
    bench.memorySlot(slot);
    bench.attach(function* (guest) {
      yield* guest.store8(2 * Page, 1);
    });
    bench.run();
    bench.memorySlot({ ...slot, address: 0x10_0000 });
    const request = new DataView(new ArrayBuffer(DirtyLog.size));
    request.setBigUint64(DirtyLog.bitmap, BigInt(bitmap.hostAddress), true);
    expect(bench.request(bench.vmFd, VmRequest.GetDirtyLog, request)).toBe(0);
    expect(bitmap.bytes[0]).toBe(1 << 2);
  });
});

describe('a vCPU', () => {
  it('does not ask a guest that has finished again', () => {
    const bench = new KernelBench();
    let asked = 0;
    bench.attach({ name: 'once more', next: () => ++asked > 1, interrupt: () => {} });
    expect([bench.run(), bench.run(), asked]).toEqual([Errno.EINTR, Errno.EINTR, 1]);
  });

  it('forgets a queued interrupt when it is given another guest', () => {
    const bench = new KernelBench();
    interrupt(bench, 0x70);
    bench.attach(function* (guest) {
      yield* guest.hlt();
    });
    expect([bench.run(), bench.exitReason]).toEqual([0, ExitReason.Hlt]);
  });

  it('comes back for whichever is first, a timer or a queued write', () => {
    const bench = new KernelBench();
    bench.zone(0x70, 1, 1);
    bench.attach(function* (guest) {
      yield* guest.out8(0x70, 1);
      yield* guest.pause(1_000_000);
    });
    bench.kernel.kickWhenQueuedFor(500_000);
    bench.kernel.kickAt(200_000);
    expect([bench.run(), why(bench), bench.kernel.now]).toEqual([Errno.EINTR, Interruption.Deadline, 200_000]);
    bench.kernel.kickAt(900_000);
    expect([bench.run(), why(bench), bench.kernel.now]).toEqual([Errno.EINTR, Interruption.Queued, 500_000]);
  });

  it('at a deadline that is set, or drawn nearer, while the guest runs', () => {
    const bench = new KernelBench();
    bench.zone(0x70, 1, 1);
    bench.attach(function* (guest) {
      yield* guest.out8(0x70, 1);
      bench.kernel.kickAt(1_000);
      yield* guest.pause(10_000);
      yield* guest.out8(0x70, 2);
      bench.kernel.kickWhenQueuedFor(5_000);
      yield* guest.pause(10_000);
    });
    const returns = [[bench.run(), why(bench), bench.kernel.now]];
    bench.kernel.kickAt(Infinity);
    returns.push([bench.run(), why(bench), bench.kernel.now], [bench.run(), why(bench), bench.kernel.now]);
    expect(returns).toEqual([
      [Errno.EINTR, Interruption.Deadline, 1_000],
      [Errno.EINTR, Interruption.Queued, 11_320],
      [Errno.EINTR, Interruption.Queued, 11_320],
    ]);
    expect(bench.drain().map(({ value }) => value)).toEqual([1, 2]);
    expect([bench.run(), why(bench)]).toEqual([Errno.EINTR, Interruption.GuestFinished]);
  });

  it('shadows the instruction behind STI only if interrupts were masked', () => {
    const bench = new KernelBench();
    bench.attach(function* (guest) {
      yield* guest.sti();
      yield* guest.pause(1);
      yield* guest.sti();
      yield* guest.pause(1);
      yield* guest.hlt();
    });
    const [vcpu] = bench.vcpuFds;
    bench.kernel.processor(vcpu!).slice = 3;
    expect(bench.run()).toBe(Errno.EINTR);
    bench.kernel.processor(vcpu!).slice = Infinity;
    bench.runPage.setUint8(KvmRun.requestInterruptWindow, 1);
    expect([bench.run(), bench.exitReason]).toEqual([0, ExitReason.IrqWindowOpen]);
    expect(bench.kernel.processor(vcpu!).operations).toBe(3);
  });

  it('shadows no more of a pause behind STI than its first instruction: the interrupt comes within the pause', () => {
    const bench = new KernelBench();
    const handled: number[] = [];
    const program = guestProgram(function* (guest) {
      guest.onInterrupt(0x21, function* () {
        handled.push(bench.kernel.now);
        yield* guest.cli();
      });
      yield* guest.sti();
      yield* guest.pause(1_000_000);
      yield* guest.out8(0x80, 1);
    });
    bench.attach(program.start());
    bench.runPage.setUint8(KvmRun.requestInterruptWindow, 1);
    expect([bench.run(), bench.exitReason]).toEqual([0, ExitReason.IrqWindowOpen]);
    const opened = bench.kernel.now;
    expect(opened).toBeLessThan(10_000);
    bench.runPage.setUint8(KvmRun.requestInterruptWindow, 0);
    interrupt(bench, 0x21);
    expect([bench.run(), bench.exit]).toEqual([0, 'out 0x80/1']);
    expect(handled).toEqual([opened]);
    // The rest of the pause follows.
    expect(bench.kernel.now).toBeGreaterThanOrEqual(1_000_000);
  });

  it('runs deterministically beside another one, slice by slice, through one ring', () => {
    const order = (slices: readonly (readonly [number, number])[]) => {
      const bench = new KernelBench({ vcpus: 2 });
      bench.zone(0x70, 1, 1);
      for (const vcpu of [0, 1]) {
        const program = guestProgram(`vcpu ${vcpu}`, function* (guest) {
          for (let index = 0; index < 4; index++) yield* guest.out8(0x70, vcpu * 16 + index);
        });
        bench.attach(program.start(), vcpu);
      }
      for (const [vcpu, count] of slices) {
        bench.kernel.processor(bench.vcpuFds[vcpu]!).slice = count;
        bench.run(vcpu);
      }
      return bench.drain().map(({ value }) => value);
    };
    expect(
      order([
        [0, 2],
        [1, 3],
        [0, 9],
        [1, 9],
      ]),
    ).toEqual([0, 1, 16, 17, 18, 2, 3, 19]);
    expect(
      order([
        [1, 1],
        [0, 1],
        [1, 9],
        [0, 9],
      ]),
    ).toEqual([16, 0, 17, 18, 19, 1, 2, 3]);
  });

  it('does not even run while its program runs it: that is a failure of the program', () => {
    const bench = new KernelBench();
    bench.attach(function* (guest) {
      yield* guest.cli();
      bench.run();
      yield* guest.cli();
    });
    expect([bench.run(), bench.exitReason]).toEqual([0, ExitReason.InternalError]);
  });
});

describe('rows of pages', () => {
  const rows = (pages: PageRows) => {
    const seen: (readonly [number, number])[] = [];
    pages.forEach((page, _isWrite, samples) => {
      seen.push([page, samples]);
    });
    return seen;
  };

  it('start from nothing after a reset, the page used last included', () => {
    const pages = new PageRows();
    pages.sample(0xa0000, true);
    pages.reset();
    pages.sample(0xa0000, true);
    expect(rows(pages)).toEqual([[0xa0000, 1]]);
  });

  it('keep every count while their table grows, and share a row for each direction when it is full', () => {
    const pages = new PageRows();
    for (const isWrite of [false, true]) {
      for (let page = 0; page < 5000; page++) {
        for (let times = 0; times <= page % 3; times++) pages.sample(page * Page, isWrite);
        if (page % 2 === 1) pages.exit(page * Page, isWrite);
      }
    }
    const totals = { rows: 0, samples: 0, exits: 0, elsewhere: 0, wrong: 0 };
    pages.forEach((address, _isWrite, samples, exits) => {
      if (address < 0) totals.elsewhere++;
      else if (samples !== ((address / Page) % 3) + 1 || exits !== (address / Page) % 2) totals.wrong++;
      totals.rows++;
      totals.samples += samples;
      totals.exits += exits;
    });
    expect(totals).toEqual({ rows: 8192 + 1, samples: 2 * 9999, exits: 5000, elsewhere: 1, wrong: 0 });
  });

  it('look no further than 32 steps for pages that a guest chose to collide', () => {
    const slotOf = (key: number) => Math.imul(key, 0x9e37_79b1) >>> 18;
    const colliding: number[] = [];
    for (let page = 0; colliding.length < 50; page++) if (slotOf(page * 2) === 0) colliding.push(page);
    const pages = new PageRows();
    for (const page of colliding) pages.sample(page * Page, false);
    const seen = rows(pages);
    expect(seen.at(-1)).toEqual([-1, 50 - 33]);
    expect(seen).toHaveLength(33 + 1);
  });
});

it('an operation kind that only ends handlers is harmless outside of one', () => {
  const bench = new KernelBench();
  let done = false;
  bench.attach({
    name: 'iret',
    next: (operation) => {
      if (done) return false;
      done = true;
      operation.kind = OperationKind.InterruptReturn;
      return true;
    },
    interrupt: () => {},
  });
  expect([bench.run(), why(bench)]).toEqual([Errno.EINTR, Interruption.GuestFinished]);
});
