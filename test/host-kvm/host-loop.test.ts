import { describe, expect, it } from 'vitest';
import { FlatBinary } from '../../sdk/accelerator/guest/flat-binary.ts';
import {
  EmulationFailure,
  Errno,
  ExitReason,
  InternalErrorExit,
  IoDirection,
  IoExit,
  KvmRun,
  Registers,
} from '../../sdk/accelerator/kvm/abi.ts';
import { MILLISECOND } from '../../sdk/clock/index.ts';
import { acceleratorOver } from '../../sdk/host-kvm/accelerator.ts';
import { device, IsaDevice, portRegion, use } from '../../sdk/index.ts';
import { Machine } from '../../sdk/machine/index.ts';
import { expectRefusal } from '../refusal.ts';
import { isapc } from '../small-machines.ts';
import { FakeLibc } from './fake-libc.ts';

const ports = portRegion({ name: 'sink', base: 0x320, size: 2, accessSizes: [1] });

/** Keeps what the guest writes, with how often KVM_RUN had come back by then. */
@device({ type: 'sink', description: 'Keeps what is written' })
class Sink extends IsaDevice {
  readonly written: number[] = [];
  onWrite: (value: number) => void = () => {};

  @ports.write(0)
  write(value: number): void {
    this.written.push(value);
    this.onWrite(value);
  }
}

/** What KVM_RUN does, one function for each: it changes the pages of the vCPU and answers 0 or an errno. The last one repeats. */
type Runs = readonly ((libc: FakeLibc) => number)[];

class Bench {
  readonly libc = new FakeLibc();
  readonly machine: Machine;
  readonly sink: Sink;
  runs = 0;

  constructor(runs: Runs) {
    const { libc } = this;
    libc.onRun = () => (runs[Math.min(this.runs++, runs.length - 1)] as (libc: FakeLibc) => number)(libc);
    this.machine = Machine.create(
      { ...isapc, name: 'sink-machine', devices: [...isapc.devices, use(Sink)] },
      { accelerator: acceleratorOver(libc) },
    );
    this.sink = this.machine.devices.find(({ device }) => device instanceof Sink)!.device as Sink;
  }

  run() {
    return this.machine.run(new FlatBinary({ name: 'code', bytes: Uint8Array.of(0xf4), address: 0x1000 }));
  }

  get statistics() {
    return this.machine.accelerator.statistics;
  }
}

const tick = () => Errno.EINTR;
const queue = (value: number, then: (libc: FakeLibc) => number) => (libc: FakeLibc) => {
  libc.queue(0x320, value);
  return then(libc);
};
const out = (value: number) => (libc: FakeLibc) => {
  const pages = libc.vcpuPages;
  pages.setUint32(KvmRun.exitReason, ExitReason.Io, true);
  pages.setUint8(IoExit.direction, IoDirection.Out);
  pages.setUint8(IoExit.size, 1);
  pages.setUint16(IoExit.port, 0x320, true);
  pages.setUint32(IoExit.count, 1, true);
  pages.setUint32(IoExit.dataOffset, 4096, true);
  pages.setUint8(4096, value);
  return 0;
};
const halt = (libc: FakeLibc) => {
  libc.vcpuPages.setUint32(KvmRun.exitReason, ExitReason.Hlt, true);
  libc.vcpuPages.setUint8(KvmRun.ifFlag, 0);
  return 0;
};

const stop = (reason: number, detail: number) => (libc: FakeLibc) => {
  libc.vcpuPages.setUint32(KvmRun.exitReason, reason, true);
  libc.vcpuPages.setUint32(InternalErrorExit.suberror, detail, true);
  libc.registers.setBigUint64(Registers.rip, 0x1003n, true);
  return 0;
};

describe('a vCPU that KVM has stopped for good', () => {
  it.each([
    [ExitReason.InternalError, EmulationFailure, 'instruction-not-emulated', "guest 'code' on vCPU 0 is at RIP 0x1003"],
    [ExitReason.FailEntry, 0x8000_0021, 'entry-refused', "with guest 'code' (KVM_EXIT_FAIL_ENTRY, 0x80000021)"],
    [ExitReason.InternalError, 3, 'unknown-exit', 'suberror 3'],
  ])(
    'with exit reason %i and %i is refused by a code of its own, and nothing is left behind',
    (reason, detail, code, named) => {
      const bench = new Bench([stop(reason, detail)]);
      expectRefusal(() => bench.run(), code, 'vCPU 0', named);
      bench.machine.dispose();
      expect(bench.libc.isClean).toBe(true);
    },
  );
});

describe('the loop of a host kernel', () => {
  it('ends with the name of the guest that has shut the processor down', () => {
    const outcome = new Bench([stop(ExitReason.Shutdown, 0)]).run();
    expect(outcome).toMatchObject({ reason: 'shutdown', message: expect.stringContaining("Guest 'code' has shut") });
  });

  it('drains at each return, before it serves the exit, and ends at a HLT with interrupts disabled', () => {
    const bench = new Bench([queue(1, out(2)), queue(3, halt)]);
    expect(bench.run()).toMatchObject({ reason: 'halted', operations: 2 });
    expect(bench.sink.written).toEqual([1, 2, 3]);
    expect(bench.statistics.summary()).toMatchObject({
      userspaceExits: 2,
      haltExits: 1,
      drainsAtExits: 2,
      coalescedWrites: 2,
    });
    expect(bench.libc.isTicking).toBe(false);
    expect(bench.libc.handler).toBe(0n);
  });

  it('does not drain at a tick that follows a return, and drains at the second: a write waits less than two ticks', () => {
    const seen: number[] = [];
    const bench = new Bench([out(1), queue(2, tick), tick, halt]);
    bench.sink.onWrite = () => seen.push(bench.runs);
    bench.run();
    expect(bench.sink.written).toEqual([1, 2]);
    // Queued during the second KVM_RUN, delivered when the third came back.
    expect(seen).toEqual([1, 3]);
    expect(bench.statistics.summary()).toMatchObject({ kicks: 1, drainsAtExits: 0 });
  });

  it('drains at the first tick when no return came before it', () => {
    const bench = new Bench([queue(2, tick), halt]);
    bench.run();
    expect(bench.sink.written).toEqual([2]);
    expect(bench.statistics.kicks).toBe(1);
  });

  it('lets no tick empty a ring that returns empty: a guest that exits often fills it as without ticks', () => {
    const bench = new Bench([out(1), queue(2, tick), queue(3, out(4)), queue(5, tick), halt]);
    bench.run();
    expect(bench.sink.written).toEqual([1, 2, 3, 4, 5]);
    expect(bench.statistics.summary()).toMatchObject({ kicks: 0, drainsAtExits: 2 });
  });

  it('makes no call for an exit but KVM_RUN', () => {
    const bench = new Bench([...Array.from({ length: 50 }, (_, value) => out(value)), halt]);
    const before = bench.libc.calls.length;
    bench.run();
    const during = bench.libc.calls.slice(before);
    const runs = during.filter((call) => call === 'Run');
    expect(runs).toHaveLength(51);
    // Placing the guest takes the others.
    expect(during.length - runs.length).toBeLessThan(10);
  });

  it('runs the timers of the machine at ticks, and a pause from one ends the run', () => {
    const bench = new Bench([tick]);
    const { clock } = bench.machine;
    clock.timer('stop', () => bench.machine.pause()).arm(clock.now + 1 * MILLISECOND);
    expect(bench.run().reason).toBe('paused');
    expect(bench.libc.isTicking).toBe(false);
  });

  it('stops its tick when a handler throws', () => {
    const bench = new Bench([out(1)]);
    bench.sink.onWrite = () => {
      throw new Error('shut');
    };
    expect(() => bench.run()).toThrow('shut');
    expect(bench.libc.isTicking).toBe(false);
    bench.machine.dispose();
    expect(bench.libc.isClean).toBe(true);
  });

  it('goes on with a guest that has lowered its CR8, and a reset puts it back to 0', () => {
    const lower = (libc: FakeLibc) => {
      libc.vcpuPages.setUint32(KvmRun.exitReason, ExitReason.SetTpr, true);
      libc.vcpuPages.setBigUint64(KvmRun.cr8, 5n, true);
      return 0;
    };
    const bench = new Bench([lower, out(1), halt, tick]);
    expect(bench.run().reason).toBe('halted');
    expect(bench.sink.written).toEqual([1]);
    expect(bench.libc.vcpuPages.getBigUint64(KvmRun.cr8, true)).toBe(5n);
    bench.machine.reset();
    expect(bench.libc.vcpuPages.getBigUint64(KvmRun.cr8, true)).toBe(0n);
  });

  it('gives its tick back to the machine in whose handler it runs', () => {
    const ticking: boolean[] = [];
    const inner = new Bench([tick]);
    const outer = new Bench([
      out(1),
      (libc) => {
        ticking.push(libc.isTicking);
        return halt(libc);
      },
    ]);
    // One process: its timer and its handler are those of both.
    inner.libc.setitimer = (...values) => outer.libc.setitimer(...values);
    inner.libc.sigaction = (...values) => outer.libc.sigaction(...values);
    const { clock } = inner.machine;
    clock.timer('stop', () => inner.machine.pause()).arm(clock.now + MILLISECOND);
    outer.sink.onWrite = () => {
      expect(inner.run().reason).toBe('paused');
      expect(outer.libc.handler).toBe(outer.libc.doesNothing);
    };
    expect(outer.run().reason).toBe('halted');
    expect(ticking).toEqual([true]);
    expect(outer.libc.isTicking).toBe(false);
    expect(outer.libc.handler).toBe(0n);
  });

  it('refuses to be disposed of in a handler and in a timer, and can be afterwards', () => {
    const inHandler = new Bench([out(1), halt]);
    inHandler.sink.onWrite = () => inHandler.machine.dispose();
    const inTimer = new Bench([tick]);
    const { clock } = inTimer.machine;
    clock.timer('away', () => inTimer.machine.dispose()).arm(clock.now + MILLISECOND);
    for (const bench of [inHandler, inTimer]) {
      expectRefusal(() => bench.run(), 'device-failure', 'dispose(): the machine runs. Call pause()');
      expect(bench.libc.mapped.size).toBeGreaterThan(0);
      bench.machine.dispose();
      expect(bench.libc.isClean).toBe(true);
    }
  });

  it('ends a slice at a tick, so that a guest that spins leaves the host its turn', () => {
    const bench = new Bench([tick]);
    const { accelerator } = bench.machine;
    bench.machine.load(new FlatBinary({ name: 'code', bytes: Uint8Array.of(0xf4), address: 0x1000 }), {});
    accelerator.begin();
    expect(accelerator.runSlice({ operations: 1_000_000 })).toBe('under-way');
    expect(bench.runs).toBe(1);
    bench.machine.pause();
    expect(accelerator.runSlice({ operations: 1_000_000 })).toMatchObject({ reason: 'paused' });
  });

  it('gives a guest in long mode no further page tables at a reset, and one table to all vCPUs', () => {
    const bench = new Bench([tick]);
    const code = { name: 'code', bytes: Uint8Array.of(0xf4), mode: 'long' } as const;
    bench.machine.load(
      [0x1000, 0x2000].map((address) => new FlatBinary({ ...code, address })),
      {},
    );
    const { size } = bench.libc.mapped;
    for (let reset = 0; reset < 3; reset++) bench.machine.reset();
    expect(bench.libc.mapped.size).toBe(size);
    bench.machine.load(new FlatBinary({ ...code, address: 0x1000 }), {});
    expect(bench.libc.mapped.size).toBe(size);
    bench.machine.dispose();
    expect(bench.libc.isClean).toBe(true);
  });

  it('refuses binaries of two vCPUs that overlap, and puts neither into memory', () => {
    const bench = new Bench([]);
    const binary = (name: string, address: number, value: number) =>
      new FlatBinary({ name, bytes: new Uint8Array(0x100).fill(value), address });
    const load = (address: number, value: number) =>
      bench.machine.load([binary('first.bin', 0x1000, 0xf4), binary('second.bin', address, value)], {});
    const named = ["'first.bin' at 0x1000..0x10ff", "'second.bin' at 0x1080..0x117f", 'overlap at 0x1080..0x10ff'];
    expectRefusal(() => load(0x1080, 0x90), 'overlapping-code', ...named);
    expect(bench.machine.memory.read(0x1000, 1)).toBe(0);
    load(0x1100, 0x90);
    expect([bench.machine.memory.read(0x1000, 1), bench.machine.memory.read(0x1100, 1)]).toEqual([0xf4, 0x90]);
    bench.machine.dispose();
  });

  it('counts a write that a zone holds as a full ring, when it exits all the same', () => {
    const bench = new Bench([
      (libc) => {
        for (let value = 0; value < 169; value++) libc.queue(0x70, 0);
        out(0)(libc);
        libc.vcpuPages.setUint16(IoExit.port, 0x70, true);
        return 0;
      },
      out(1),
      halt,
    ]);
    bench.run();
    expect(bench.statistics.summary()).toMatchObject({ ringFullExits: 1, userspaceExits: 3, coalescedWrites: 169 });
  });
});
