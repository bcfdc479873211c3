import { describe, expect, it } from 'vitest';
import type { Guest, GuestStep, InterruptController } from '../../sdk/accelerator/index.ts';
import { ExitReason, KvmRun, SystemRequest, VcpuRequest, VmRequest } from '../../sdk/accelerator/kvm/abi.ts';
import type { IoctlArgument } from '../../sdk/accelerator/kvm/kernel.ts';
import { scheduledAccelerator } from '../../sdk/accelerator/kvm/scheduled/processors.ts';
import { SimulatedKernel } from '../../sdk/accelerator/kvm/simulated-kernel/simulated-kernel.ts';
import { ManualClock, MILLISECOND, SECOND } from '../../sdk/clock/index.ts';
import { AddressSpace, MemoryRegion, MemoryTopology } from '../../sdk/memory/index.ts';
import { expectRefusal, type Refusal } from '../refusal.ts';
import { indexAndData, plainPort, type SmallDevice, SmallMachine } from './small-machine.ts';

/** A controller with one line, which stays pending until it is acknowledged. */
class OneLine implements InterruptController {
  pending = false;
  acknowledged = 0;

  acknowledge(): number {
    this.pending = false;
    this.acknowledged++;
    return 0x70;
  }
}

describe('the run loop', () => {
  it('hands strings to the device element by element, and the answers back to the guest', () => {
    let next = 0;
    const machine = new SmallMachine([{ name: 'fifo', at: 0x300, size: 4, read: () => 0x1100 + next++ }]);
    let bytes: Uint8Array = new Uint8Array();
    machine.run(function* (guest) {
      yield* guest.repOuts16(0x300, [0x1234, 0x5678]);
      bytes = yield* guest.repIns16(0x300, 3);
    });
    expect(machine.seen).toEqual(['out 0x300 = 0x1234', 'out 0x300 = 0x5678', 'in 0x300', 'in 0x300', 'in 0x300']);
    expect(bytes).toEqual(new Uint8Array([0x00, 0x11, 0x01, 0x11, 0x02, 0x11]));
  });

  it('answers memory reads of every width, also those that cross a page', () => {
    const machine = new SmallMachine([
      { name: 'registers', at: 0xd0000, size: 0x2000, space: 'memory', read: (offset) => 0xa0 + (offset & 0xf) },
    ]);
    const values: unknown[] = [];
    machine.run(function* (guest) {
      values.push(yield* guest.load8(0xd0001));
      values.push(yield* guest.load16(0xd0002));
      values.push(yield* guest.load32(0xd0004));
      values.push(yield* guest.load64(0xd0008));
      values.push(yield* guest.load16(0xd0fff));
    });
    expect(values).toEqual([0xa1, 0xa2, 0xa4, 0xa8n, 0xa0af]);
    expect(machine.accelerator.statistics.userspaceExits).toBe(6);
  });

  it('shows each handler the guest time of its access', () => {
    const times: number[] = [];
    const machine: SmallMachine = new SmallMachine([
      { name: 'clocked', at: 0x40, size: 1, write: () => times.push(machine.clock.now) },
    ]);
    machine.run(function* (guest) {
      yield* guest.out8(0x40, 1);
      yield* guest.pause(1 * MILLISECOND);
      yield* guest.out8(0x40, 2);
    });
    expect(times[0]).toBeLessThan(10_000);
    expect(times[1]! - times[0]!).toBeGreaterThanOrEqual(1 * MILLISECOND);
    expect(machine.clock.now).toBe(times[1]);
  });

  it('lets time pass for the guest that passed on the clock between two runs', () => {
    const machine = new SmallMachine([plainPort()]);
    const times: number[] = [];
    const look = () =>
      machine.run(function* (guest) {
        yield* guest.out8(0x80, 1);
        times.push(machine.clock.now);
      });
    look();
    machine.clock.advance(1 * SECOND);
    look();
    expect(times).toEqual([3410, 1 * SECOND + 2 * 3410]);
  });

  it('fires timers at their own time while the guest runs, in order and not late', () => {
    const machine = new SmallMachine([plainPort()]);
    const fired: number[] = [];
    const timer = machine.clock.timer('tick', () => {
      fired.push(machine.clock.now);
      if (fired.length < 3) timer.arm(machine.clock.now + 1 * MILLISECOND);
    });
    timer.arm(1 * MILLISECOND);
    machine.run(function* (guest) {
      yield* guest.pause(10 * MILLISECOND);
    });
    expect(fired).toEqual([1 * MILLISECOND, 2 * MILLISECOND, 3 * MILLISECOND]);
    expect(machine.accelerator.statistics.userspaceExits).toBe(0);
  });

  it('ends a run at its operation limit and goes on from there', () => {
    const machine = new SmallMachine([plainPort()]);
    const outcome = machine.run(
      function* (guest) {
        for (let value = 0; value < 10; value++) yield* guest.out8(0x80, value);
      },
      { operationLimit: 4 },
    );
    expect(outcome).toEqual({
      reason: 'operation-limit',
      message: 'The guest was stopped at its operation limit.',
      operations: 4,
    });
    expect(machine.seen).toHaveLength(4);
    expect(machine.accelerator.run()).toMatchObject({ reason: 'finished', operations: 6 });
    expect(machine.seen.at(-1)).toBe('out 0x80 = 0x9');
  });

  it('tells its progress every so many operations', () => {
    const machine = new SmallMachine(indexAndData());
    const progress: number[] = [];
    machine.run(
      function* (guest) {
        for (let value = 0; value < 25; value++) yield* guest.out8(0x70, value);
      },
      { progressEvery: 10, onProgress: (operations) => progress.push(operations) },
    );
    expect(progress).toEqual([10, 20]);
    // Looking at the progress is not a return to userspace.
    expect(machine.accelerator.statistics.summary()).toMatchObject({
      drainsAtExits: 0,
      otherDrains: 1,
      entriesAtEnd: 25,
    });
  });

  it('ends at a triple fault', () => {
    const machine = machineThatEndsBy(ExitReason.Shutdown);
    expect(machine.run()).toMatchObject({ reason: 'shutdown' });
  });

  it.each([
    [ExitReason.InternalError, 'reason 17, suberror 0'],
    [ExitReason.FailEntry, 'reason 9'],
    [ExitReason.Unknown, 'reason 0'],
  ])('reports exit reason %i as a failure', (reason, named) => {
    expectRefusal(() => machineThatEndsBy(reason).run(), 'unknown-exit', 'vCPU 0', named);
  });

  it("reports why a simulated guest cannot go on, in the guest's own words", () => {
    const machine = new SmallMachine([plainPort()]);
    const go = () =>
      machine.run(function* (guest) {
        yield* guest.out8(0x1_0000, 1);
      });
    expectRefusal(go, 'invalid-operation', "'guest 0'", 'vCPU 0', 'out8 at 0x10000');
  });

  it('refuses to be run from inside a run', () => {
    const errors: unknown[] = [];
    const machine: SmallMachine = new SmallMachine([
      {
        name: 'recursive',
        at: 0x90,
        size: 1,
        write: () => {
          for (const nested of [() => machine.accelerator.run(), () => machine.accelerator.settle()]) {
            try {
              nested();
            } catch (error) {
              errors.push((error as Refusal).code);
            }
          }
        },
      },
    ]);
    machine.run(function* (guest) {
      yield* guest.out8(0x90, 1);
    });
    expect(errors).toEqual(['machine-running', 'machine-running']);
  });
});

describe('a device handler that throws', () => {
  const faulty = (at: number, extra: Partial<SmallDevice> = {}): SmallDevice => ({
    name: 'faulty',
    at,
    size: 2,
    ...extra,
    write: (value) => {
      if (value === 0xee) throw new TypeError('cannot read properties of undefined');
    },
  });

  it('is named with its device, region and offset, and the original is the cause', () => {
    const machine = new SmallMachine([faulty(0x90)]);
    const go = () =>
      machine.run(function* (guest) {
        yield* guest.out8(0x91, 0xee);
      });
    const named = ["Device 'faulty'", "region 'faulty'", 'offset 0x1', 'write of 1 byte', 'properties of undefined'];
    expect(expectRefusal(go, 'device-failure', ...named).cause).toBeInstanceOf(TypeError);
  });

  it.each<[string, (guest: Guest) => GuestStep<unknown>, string[]]>([
    ['in8', (guest) => guest.in8(0x300), ["'broken'", 'offset 0x0', 'read of 1 byte']],
    ['load64', (guest) => guest.load64(0xd0008), ['offset 0x8', 'read of 8 bytes']],
    ['store64', (guest) => guest.store64(0xd0008, 1n), ['offset 0x8', 'write of 8 bytes']],
    ['a load that crosses a page', (guest) => guest.load64(0xd0ffd), ['offset 0xffd', 'read of 3 bytes']],
    ['a store that crosses a page', (guest) => guest.store64(0xd0ffd, 1n), ['offset 0xffd', 'write of 3 bytes']],
  ])('is named for %s', (_, step, named) => {
    const fail = () => {
      throw new Error('broken');
    };
    const machine = new SmallMachine([
      { name: 'broken', at: 0x300, size: 1, read: fail, write: fail },
      { name: 'registers', at: 0xd0000, size: 0x2000, space: 'memory', read: fail, write: fail },
    ]);
    const run = () =>
      machine.run(function* (guest) {
        yield* step(guest);
      });
    expectRefusal(run, 'device-failure', ...named);
    expect(machine.topology.handlerDepth).toBe(0);
  });

  it('in the middle of a drain loses nothing: the run goes on with the next write and the exit that was waiting', () => {
    const machine = new SmallMachine([faulty(0x90, { coalesced: { offset: 0, size: 2 } }), plainPort()]);
    const go = () =>
      machine.run(function* (guest) {
        for (const value of [1, 0xee, 2]) yield* guest.out8(0x90, value);
        yield* guest.out8(0x80, 3);
        yield* guest.out8(0x80, 4);
      });
    expectRefusal(go, 'device-failure', "Device 'faulty'", "region 'faulty'", 'offset 0x0');
    expect(machine.seen).toEqual(['out 0x90 = 0x1', 'out 0x90 = 0xee']);
    expect(machine.topology.handlerDepth).toBe(0);
    expect(machine.accelerator.run().reason).toBe('finished');
    expect(machine.seen.slice(2)).toEqual(['out 0x90 = 0x2', 'out 0x80 = 0x3', 'out 0x80 = 0x4']);
  });
});

describe('HLT', () => {
  it('wakes by the interrupt that the next timer raises, and time jumps there', () => {
    const line = new OneLine();
    const machine = new SmallMachine(indexAndData(), { interruptController: line });
    machine.clock
      .timer('alarm', () => {
        line.pending = true;
      })
      .arm(5 * SECOND);
    const trail: string[] = [];
    const outcome = machine.run(function* (guest) {
      guest.onInterrupt(0x70, function* (inner) {
        trail.push(`interrupt at ${machine.clock.now}`);
        yield* inner.in8(0x71);
      });
      yield* guest.out8(0x70, 0x0c);
      yield* guest.sti();
      yield* guest.hlt();
      trail.push('awake');
    });
    expect(outcome.reason).toBe('finished');
    expect(trail).toEqual([`interrupt at ${5 * SECOND}`, 'awake']);
    expect(line.acknowledged).toBe(1);
    expect(machine.seen).toEqual(['out 0x70 = 0xc', 'in 0x71']);
  });

  it('that nothing can wake ends the run and says why', () => {
    const endOf = (sti: boolean, options = {}) => {
      const machine = new SmallMachine([], options);
      return machine.run(function* (guest) {
        if (sti) yield* guest.sti();
        yield* guest.hlt();
      });
    };
    expect(endOf(false)).toMatchObject({ reason: 'halted', message: expect.stringContaining('interrupts disabled') });
    expect(endOf(true)).toMatchObject({ reason: 'halted', message: expect.stringContaining('no timer is armed') });
  });

  it('can be paused and reset by a timer, and a paused processor is still halted afterwards', () => {
    const machine = new SmallMachine([plainPort()]);
    machine.clock.timer('pause', () => machine.accelerator.pause()).arm(1 * MILLISECOND);
    machine.clock.timer('watchdog', () => machine.accelerator.requestReset()).arm(2 * MILLISECOND);
    const outcome = machine.run(function* (guest) {
      yield* guest.sti();
      yield* guest.hlt();
      yield* guest.out8(0x80, 1);
    });
    expect(outcome.reason).toBe('paused');
    expect(machine.clock.now).toBe(1 * MILLISECOND);
    expect(machine.accelerator.run().reason).toBe('reset');
    expect(machine.clock.now).toBe(2 * MILLISECOND);
    expect(machine.resets).toBe(1);
    expect(machine.seen).toEqual([]);
  });

  it('is resumed by an interrupt that comes between two runs', () => {
    const line = new OneLine();
    const machine = new SmallMachine([plainPort()], { interruptController: line });
    const outcome = machine.run(function* (guest) {
      guest.onInterrupt(0x70, function* (handler) {
        yield* handler.pause(1);
      });
      yield* guest.sti();
      yield* guest.hlt();
      yield* guest.out8(0x80, 1);
    });
    expect(outcome.reason).toBe('halted');
    line.pending = true;
    expect(machine.accelerator.run().reason).toBe('finished');
    expect(machine.seen).toEqual(['out 0x80 = 0x1']);
  });

  it('of one vCPU lets the other go on', () => {
    const machine = new SmallMachine([plainPort()], { vcpus: 2 });
    const outcome = machine.run([
      function* (guest) {
        yield* guest.hlt();
      },
      function* (guest) {
        for (let value = 0; value < 50; value++) yield* guest.out8(0x80, value);
      },
    ]);
    expect(outcome.reason).toBe('halted');
    expect(machine.seen).toHaveLength(50);
  });
});

describe('an interrupt', () => {
  it('waits while the guest has interrupts off, and is taken through the interrupt window when it lets them in', () => {
    const line = new OneLine();
    const raise: SmallDevice = {
      name: 'raise',
      at: 0x90,
      size: 1,
      write: () => {
        line.pending = true;
      },
    };
    const machine = new SmallMachine([raise, plainPort()], { interruptController: line });
    const trail: string[] = [];
    machine.run(function* (guest) {
      guest.onInterrupt(0x70, function* (handler) {
        yield* handler.pause(1);
        trail.push('interrupt');
      });
      yield* guest.out8(0x90, 1);
      yield* guest.out8(0x80, 1);
      expect(line.acknowledged).toBe(0);
      trail.push('sti');
      yield* guest.sti();
      yield* guest.pause(1000);
      trail.push('behind');
      yield* guest.pause(1000);
    });
    expect(line.acknowledged).toBe(1);
    expect(trail).toEqual(['sti', 'interrupt', 'behind']);
  });

  it('finds the writes delivered that were queued before it', () => {
    const line = new OneLine();
    const machine = new SmallMachine(indexAndData(), { interruptController: line });
    machine.clock
      .timer('alarm', () => {
        line.pending = true;
      })
      .arm(1 * MILLISECOND);
    let seenByHandler: string[] = [];
    machine.run(function* (guest) {
      guest.onInterrupt(0x70, function* (handler) {
        yield* handler.pause(1);
        seenByHandler = [...machine.seen];
      });
      yield* guest.sti();
      yield* guest.out8(0x70, 0x0c);
      yield* guest.pause(2 * MILLISECOND);
    });
    expect(seenByHandler).toEqual(['out 0x70 = 0xc']);
  });
});

describe('two vCPUs', () => {
  const writer = (port: number, count: number) =>
    function* (guest: Guest) {
      for (let value = 0; value < count; value++) yield* guest.out8(port, value & 0xff);
    };
  const machineOfTwo = (seed: number) =>
    new SmallMachine(
      [
        { name: 'left', at: 0x70, size: 1, coalesced: { offset: 0, size: 1 } },
        { name: 'right', at: 0x72, size: 1, coalesced: { offset: 0, size: 1 } },
      ],
      { vcpus: 2, seed },
    );

  it('share one ring without losing or reordering what either wrote', () => {
    const machine = machineOfTwo(1);
    const outcome = machine.run([writer(0x70, 400), writer(0x72, 400)]);
    expect(outcome).toMatchObject({ reason: 'finished', operations: 800 });
    for (const port of ['0x70', '0x72']) {
      const own = machine.seen.filter((line) => line.startsWith(`out ${port} `));
      expect(own).toEqual(Array.from({ length: 400 }, (_, value) => `out ${port} = 0x${(value & 0xff).toString(16)}`));
    }
    const { coalescedWrites, ringFullExits, userspaceExits } = machine.accelerator.statistics;
    expect(coalescedWrites + ringFullExits).toBe(800);
    expect(ringFullExits).toBe(userspaceExits);
    // Both fill the ring together: turns are not returns to userspace.
    expect(ringFullExits).toBe(Math.floor(800 / 170));
    const first = machine.seen.slice(0, 169);
    expect(new Set(first.map((line) => line.slice(0, 8))).size).toBe(2);
  });

  it('are idle again when the next guests are fewer', () => {
    const machine = machineOfTwo(1);
    machine.run([writer(0x70, 40), writer(0x72, 40)], { operationLimit: 10 });
    machine.seen.length = 0;
    expect(machine.run(writer(0x70, 3))).toMatchObject({ reason: 'finished', operations: 3 });
    expect(machine.seen).toEqual(['out 0x70 = 0x0', 'out 0x70 = 0x1', 'out 0x70 = 0x2']);
  });

  it('take turns by the seed: the same seed gives the same order, another one another', () => {
    const orderWith = (seed: number) => {
      const machine = machineOfTwo(seed);
      machine.run([writer(0x70, 50), writer(0x72, 50)]);
      return machine.seen;
    };
    expect(orderWith(7)).toEqual(orderWith(7));
    expect(orderWith(7)).not.toEqual(orderWith(8));
  });
});

describe('a kernel that cannot be used', () => {
  class Refusing extends SimulatedKernel {
    constructor(
      private readonly refused: number | 'open',
      private readonly answer: number,
    ) {
      super();
    }
    override open(path: string): number {
      return this.refused === 'open' ? this.answer : super.open(path);
    }
    override ioctl(fd: number, request: number, argument: IoctlArgument): number {
      return request === this.refused ? this.answer : super.ioctl(fd, request, argument);
    }
  }

  it.each([
    ['open', -1, 'kvm-failure', '/dev/kvm'],
    [SystemRequest.GetApiVersion, 11, 'unsupported-kernel', 'version 11'],
    [SystemRequest.CreateVm, -1, 'kvm-failure', '0xae01'],
    [SystemRequest.GetVcpuMmapSize, 8192, 'unsupported-kernel', '2 pages'],
    [VmRequest.CreateVcpu, -1, 'kvm-failure', '0xae41'],
  ] as const)('is refused: %s', (refused, answer, code, named) => {
    expectRefusal(() => scheduledAccelerator({ kernel: new Refusing(refused, answer) }), code, named);
  });
});

/** A machine whose kernel gives every HLT another exit reason. */
function machineThatEndsBy(reason: number): { run: () => unknown } {
  class Ending extends SimulatedKernel {
    override ioctl(fd: number, request: number, argument: IoctlArgument): number {
      const result = super.ioctl(fd, request, argument);
      if (request === VcpuRequest.Run && result === 0) {
        this.mapVcpuPage(fd, 0).setUint32(KvmRun.exitReason, reason, true);
      }
      return result;
    }
  }
  const accelerator = scheduledAccelerator({ kernel: new Ending() });
  const topology = new MemoryTopology();
  const memory = new AddressSpace(topology, 'memory', MemoryRegion.container(topology, 'system', 2 ** 64));
  const io = new AddressSpace(topology, 'I/O', MemoryRegion.unassignedPorts(topology, 'io'));
  accelerator.attach({ topology, memory, io, clock: new ManualClock(), reset: () => undefined });
  accelerator.load([
    {
      name: 'halting',
      next: (operation) => {
        operation.kind = 7;
        return true;
      },
      interrupt: () => undefined,
    },
  ]);
  return { run: () => accelerator.run() };
}
