import { describe, expect, it } from 'vitest';
import { Errno } from '../../sdk/accelerator/kvm/abi.ts';
import { Interruption } from '../../sdk/accelerator/kvm/scheduled/kernel.ts';
import { SECOND } from '../../sdk/clock/index.ts';
import { EpochMovesAt } from '../../sdk/clock/time.ts';
import { KernelBench } from './kernel-bench.ts';

const Step = 2 ** 22 * SECOND;

describe('a kernel whose guest time comes near 2^53 ns', () => {
  it('comes back for it in the middle of a pause, counts nothing, and goes on once times have moved', () => {
    const bench = new KernelBench();
    const why = () => bench.kernel.processor(bench.vcpuFds[0]!).interruption;
    bench.kernel.kickAt(Number.POSITIVE_INFINITY);
    bench.attach(function* (guest) {
      yield* guest.pause(5);
      yield* guest.pause(2 ** 52);
      yield* guest.out8(0x80, 1);
    });
    expect([bench.run(), why(), bench.kernel.now]).toEqual([Errno.EINTR, Interruption.Epoch, EpochMovesAt]);
    // Userspace that does not obey gets nowhere.
    expect([bench.run(), why(), bench.kernel.now]).toEqual([Errno.EINTR, Interruption.Epoch, EpochMovesAt]);
    bench.kernel.rebase(Step);
    bench.kernel.kickAt(Number.POSITIVE_INFINITY);
    expect([bench.run(), bench.exit]).toEqual([0, 'out 0x80/1']);
    expect(bench.kernel.now).toBe(EpochMovesAt - Step + 5 + 3410);
    expect(bench.kernel.counts).toMatchObject({ interruptions: 0, userspaceExits: 1 });
  });

  it('a deadline before that is a deadline, and moves with the rest', () => {
    const bench = new KernelBench();
    bench.kernel.sleepUntil(100 * SECOND);
    bench.kernel.kickAt(130 * SECOND);
    bench.kernel.rebase(90 * SECOND);
    bench.attach((guest) => guest.pause(60 * SECOND));
    expect([bench.run(), bench.kernel.now]).toEqual([Errno.EINTR, 40 * SECOND]);
    expect(bench.kernel.processor(bench.vcpuFds[0]!).interruption).toBe(Interruption.Deadline);
  });

  it('knows since when a write is queued, also since before the epoch', () => {
    const bench = new KernelBench();
    bench.zone(0x70, 1, 1);
    bench.kernel.sleepUntil(10 * SECOND);
    bench.attach(function* (guest) {
      yield* guest.out8(0x70, 1);
      yield* guest.pause(20 * SECOND);
    });
    expect(bench.kernel.queuedSince(bench.vcpuFds[0]!, 0)).toBeUndefined();
    bench.run();
    bench.kernel.rebase(25 * SECOND);
    const since = bench.kernel.queuedSince(bench.vcpuFds[0]!, 0);
    expect(since).toBeLessThan(0);
    // Queued, and then the kernel's own exit is over.
    expect(bench.kernel.now - (since ?? 0)).toBe(660 + 20 * SECOND);
    expect(bench.kernel.queuedSince(bench.vcpuFds[0]!, 1)).toBeUndefined();
  });
});
