import { describe, expect, it } from 'vitest';
import { Capability } from '../../sdk/accelerator/index.ts';
import { CoalescedRingLayout, VcpuPage } from '../../sdk/accelerator/kvm/abi.ts';
import { SimulatedKernel } from '../../sdk/accelerator/kvm/simulated-kernel/simulated-kernel.ts';
import { MILLISECOND } from '../../sdk/clock/index.ts';
import { indexAndData, plainPort, type SmallDevice, SmallMachine } from './small-machine.ts';

/** Hands the ring page to the test as well. */
class KernelWithOpenRing extends SimulatedKernel {
  ring: DataView | undefined;

  override mapVcpuPage(vcpuFd: number, page: 0 | 1 | 2): DataView {
    const view = super.mapVcpuPage(vcpuFd, page);
    if (page === VcpuPage.Ring) this.ring = view;
    return view;
  }
}

describe('coalesced writes', () => {
  it('queues an index write without an exit and delivers it before the data access', () => {
    const machine = new SmallMachine(indexAndData());
    let pendingBefore = -1;
    let value = 0;
    machine.run(function* (guest) {
      yield* guest.out8(0x70, 0x0a);
      pendingBefore = machine.accelerator.queuedWrites;
      expect(machine.seen).toEqual([]);
      value = yield* guest.in8(0x71);
    });
    expect(pendingBefore).toBe(1);
    expect(value).toBe(0x26);
    expect(machine.seen).toEqual(['out 0x70 = 0xa', 'in 0x71']);
    const { vmExits, userspaceExits, coalescedWrites, drainsAtExits } = machine.accelerator.statistics;
    expect({ vmExits, userspaceExits, coalescedWrites, drainsAtExits }).toEqual({
      vmExits: 2,
      userspaceExits: 1,
      coalescedWrites: 1,
      drainsAtExits: 1,
    });
  });

  it('queues 169 of 170 writes in a row: one exit, and the device sees all of them in order', () => {
    const machine = new SmallMachine(indexAndData());
    machine.run(function* (guest) {
      for (let index = 0; index < 170; index++) yield* guest.out8(0x70, index);
    });
    expect(machine.seen).toEqual(Array.from({ length: 170 }, (_, index) => `out 0x70 = 0x${index.toString(16)}`));
    expect(machine.accelerator.statistics.summary()).toMatchObject({
      vmExits: 170,
      userspaceExits: 1,
      coalescedWrites: 169,
      ringFullExits: 1,
      drainsAtExits: 1,
      entriesAtEnd: 0,
    });
  });

  it('delivers what is still queued when the guest ends, and counts it', () => {
    const machine = new SmallMachine(indexAndData());
    const outcome = machine.run(function* (guest) {
      yield* guest.out8(0x70, 1);
      yield* guest.out8(0x70, 2);
    });
    expect(outcome).toEqual({ reason: 'finished', message: 'The guest has finished.', operations: 2 });
    expect(machine.seen).toEqual(['out 0x70 = 0x1', 'out 0x70 = 0x2']);
    expect(machine.accelerator.statistics.summary()).toMatchObject({
      entriesAtEnd: 2,
      userspaceExits: 0,
      otherDrains: 1,
    });
  });

  it('keeps ports and memory in one order, whatever their widths', () => {
    const window = {
      name: 'window',
      at: 0xa0000,
      size: 0x20000,
      space: 'memory',
      coalesced: { offset: 0, size: 0x20000 },
    } as const;
    const machine = new SmallMachine([...indexAndData(), window, plainPort()]);
    machine.run(function* (guest) {
      yield* guest.store32(0xa0000, 0x11223344);
      yield* guest.out8(0x70, 0x0b);
      yield* guest.store64(0xa0008, 0x8877665544332211n);
      yield* guest.store64(0xa0ffd, 0x0102030405060708n);
      yield* guest.out8(0x80, 1);
    });
    expect(machine.seen).toEqual([
      'store 0xa0000 = 0x11223344',
      'out 0x70 = 0xb',
      'store 0xa0008 = 0x8877665544332211',
      // Crosses a page: 3 bytes, then 5. The memory core takes odd widths apart.
      'store 0xa0ffd = 0x708',
      'store 0xa0fff = 0x6',
      'store 0xa1000 = 0x2030405',
      'store 0xa1004 = 0x1',
      'out 0x80 = 0x1',
    ]);
    expect(machine.accelerator.statistics.userspaceExits).toBe(1);
  });

  it('shows a queued write that no exit delivers under drain=on-access, and delivers it by default', () => {
    const run = (drain: 'on-access' | 'every-exit') => {
      const machine = new SmallMachine([...indexAndData(), plainPort()], { drain });
      machine.run(function* (guest) {
        yield* guest.out8(0x70, 0x0f);
        yield* guest.out8(0x80, 0x55);
        yield* guest.pause(100 * MILLISECOND);
      });
      return machine;
    };
    const qemu = run('on-access');
    expect(qemu.seen).toEqual(['out 0x80 = 0x55']);
    expect(qemu.accelerator.queuedWrites).toBe(1);
    expect(qemu.accelerator.statistics.kicks).toBe(0);
    qemu.io.read(0x71, 1);
    expect(qemu.seen).toEqual(['out 0x80 = 0x55', 'out 0x70 = 0xf', 'in 0x71']);

    const ours = run('every-exit');
    expect(ours.seen).toEqual(['out 0x70 = 0xf', 'out 0x80 = 0x55']);
    expect(ours.accelerator.queuedWrites).toBe(0);
  });

  it('kicks the processor when a write has been queued for 10 ms, and does not count that as an exit', () => {
    const machine = new SmallMachine(indexAndData());
    const deliveredAt: number[] = [];
    machine.run(function* (guest) {
      yield* guest.out8(0x70, 1);
      yield* guest.pause(9 * MILLISECOND);
      deliveredAt.push(machine.seen.length);
      yield* guest.pause(2 * MILLISECOND);
      deliveredAt.push(machine.seen.length);
      yield* guest.pause(50 * MILLISECOND);
    });
    expect(deliveredAt).toEqual([0, 1]);
    expect(machine.accelerator.statistics.summary()).toMatchObject({
      kicks: 1,
      userspaceExits: 0,
      drainsAtExits: 0,
      otherDrains: 1,
      longestWait: 10 * MILLISECOND,
    });
  });

  it('delivers a queued write before the callback of a timer', () => {
    const machine = new SmallMachine(indexAndData());
    machine.clock.timer('second', () => machine.seen.push(`timer at ${machine.clock.now}`)).arm(1 * MILLISECOND);
    machine.run(function* (guest) {
      yield* guest.out8(0x70, 1);
      yield* guest.pause(2 * MILLISECOND);
    });
    expect(machine.seen).toEqual(['out 0x70 = 0x1', 'timer at 1000000']);
    expect(machine.accelerator.statistics.kicks).toBe(0);
  });

  it('delivers in the order of time: queued write, timer that came due during the exit, the access of the exit', () => {
    const times: number[] = [];
    const machine: SmallMachine = new SmallMachine([
      {
        name: 'index',
        at: 0x70,
        size: 1,
        coalesced: { offset: 0, size: 1 },
        write: () => times.push(machine.clock.now),
      },
      { name: 'plain', at: 0x80, size: 1, write: () => times.push(machine.clock.now) },
    ]);
    machine.clock.timer('tick', () => machine.seen.push(`timer at ${machine.clock.now}`)).arm(2000);
    machine.run(function* (guest) {
      yield* guest.out8(0x70, 1);
      yield* guest.out8(0x80, 2);
    });
    expect(machine.seen).toEqual(['out 0x70 = 0x1', 'timer at 2000', 'out 0x80 = 0x2']);
    expect(times).toEqual([2000, 660 + 3410]);
  });

  it('goes on without coalescing when the ring is damaged: nothing hangs, and every write exits', () => {
    const kernel = new KernelWithOpenRing();
    const machine = new SmallMachine(indexAndData(), { kernel });
    machine.run(function* (guest) {
      yield* guest.out8(0x70, 1);
      kernel.ring?.setUint32(CoalescedRingLayout.last, 1000, true);
      yield* guest.pause(50 * MILLISECOND);
      for (let value = 2; value < 5; value++) yield* guest.out8(0x70, value);
    });
    expect(machine.seen).toEqual(['out 0x70 = 0x2', 'out 0x70 = 0x3', 'out 0x70 = 0x4']);
    expect(machine.accelerator.statistics.userspaceExits).toBe(3);
    expect(machine.accelerator.statistics.damagedEntries).toBeGreaterThan(0);
  });

  it.each([
    ['of the kernel', {}, 1],
    ['of userspace, where the kernel has none,', { capabilities: { [Capability.Ioeventfd]: 0 } }, 2],
  ] as const)('delivers a queued write before the consumer of an ioeventfd %s runs', (_, options, exits) => {
    const machine = new SmallMachine([...indexAndData(), plainPort()], options);
    const fd = machine.accelerator.eventfd(() => machine.seen.push('signalled'));
    machine.regions.get('plain')!.addIoeventfd({ offset: 0, size: 1, match: 7, fd });
    machine.run(function* (guest) {
      yield* guest.out8(0x70, 1);
      yield* guest.out8(0x80, 7);
      yield* guest.out8(0x80, 8);
    });
    expect(machine.seen.indexOf('signalled')).toBeGreaterThan(machine.seen.indexOf('out 0x70 = 0x1'));
    expect([...machine.seen].sort()).toEqual(['out 0x70 = 0x1', 'out 0x80 = 0x8', 'signalled']);
    expect(machine.accelerator.statistics.userspaceExits).toBe(exits);
  });

  it('delivers a queued write before the consumer of an ioeventfd runs, also where no exit has delivered it', () => {
    const machine = new SmallMachine([...indexAndData(), plainPort()]);
    const fd = machine.accelerator.eventfd(() => machine.seen.push('signalled'));
    machine.regions.get('plain')!.addIoeventfd({ offset: 0, size: 0, fd });
    machine.run(function* (guest) {
      yield* guest.out8(0x70, 1);
      yield* guest.out8(0x80, 7);
      while (machine.seen.length === 0) yield* guest.cli();
    });
    expect(machine.seen).toEqual(['out 0x70 = 0x1', 'signalled']);
    expect(machine.accelerator.statistics.userspaceExits).toBe(0);
  });

  it('calls the consumer of an ioeventfd soon even if the guest never leaves guest mode again', () => {
    const machine = new SmallMachine([plainPort()]);
    let signalled = false;
    const fd = machine.accelerator.eventfd(() => {
      signalled = true;
    });
    machine.regions.get('plain')!.addIoeventfd({ offset: 0, size: 0, fd });
    let spins = 0;
    machine.run(function* (guest) {
      yield* guest.out16(0x80, 1);
      for (; !signalled; spins++) yield* guest.pause(10);
    });
    expect(spins).toBeLessThan(100);
    expect(machine.accelerator.statistics.userspaceExits).toBe(0);
  });

  it('names the ranges that the kernel has no room for, and registers them as room appears', () => {
    const port = (index: number): SmallDevice => ({
      name: `port ${index}`,
      at: 0x1000 + 2 * index,
      size: 1,
      coalesced: { offset: 0, size: 1 },
    });
    const machine = new SmallMachine(Array.from({ length: 1002 }, (_, index) => port(index)));
    const { accelerator } = machine;
    const last = [0x1000 + 2 * 1000, 0x1000 + 2 * 1001].map((start) => ({ start, size: 1 }));
    expect(accelerator.zones.ports).toHaveLength(1000);
    expect(accelerator.refused).toEqual({ ports: last, memory: [] });
    const exitsOf = () => {
      const before = accelerator.statistics.userspaceExits;
      machine.run(function* (guest) {
        for (const { start } of last) yield* guest.out8(start, 1);
      });
      return accelerator.statistics.userspaceExits - before;
    };
    expect(exitsOf()).toBe(2);
    machine.regions.get('port 5')!.setEnabled(false);
    expect(accelerator.refused.ports).toEqual([last[1]]);
    expect(exitsOf()).toBe(1);
    // The one that still waits goes away itself, and is not registered later.
    machine.regions.get('port 1001')!.setEnabled(false);
    expect(accelerator.refused.ports).toEqual([]);
    machine.regions.get('port 6')!.setEnabled(false);
    expect(accelerator.zones.ports).toHaveLength(999);
    expect(accelerator.zones.ports).not.toContainEqual(last[1]);
    machine.regions.get('port 1001')!.setEnabled(true);
    expect(exitsOf()).toBe(0);
  });

  it('registers no zones where the kernel lacks the capability, and every write exits', () => {
    const window = {
      name: 'window',
      at: 0xa0000,
      size: 0x20000,
      space: 'memory',
      coalesced: { offset: 0, size: 0x20000 },
    } as const;
    const zonesWith = (capabilities: Record<number, number>) => {
      const machine = new SmallMachine([...indexAndData(), window], { capabilities });
      machine.run(function* (guest) {
        yield* guest.out8(0x70, 1);
        yield* guest.store8(0xa0000, 2);
      });
      expect(machine.seen).toEqual(['out 0x70 = 0x1', 'store 0xa0000 = 0x2']);
      return { ...machine.accelerator.zones, exits: machine.accelerator.statistics.userspaceExits };
    };
    const memory = [{ start: 0xa0000, size: 0x20000 }];
    expect(zonesWith({})).toEqual({ ports: [{ start: 0x70, size: 1 }], memory, exits: 0 });
    expect(zonesWith({ [Capability.CoalescedPio]: 0 })).toEqual({ ports: [], memory, exits: 1 });
    expect(zonesWith({ [Capability.CoalescedMmio]: 0 })).toEqual({ ports: [], memory: [], exits: 2 });
  });

  it('registers no zones of a kind that is switched off', () => {
    const machine = new SmallMachine(indexAndData(), { coalescedPio: false });
    machine.run(function* (guest) {
      yield* guest.out8(0x70, 1);
    });
    expect(machine.accelerator.zones.ports).toEqual([]);
    expect(machine.accelerator.statistics.userspaceExits).toBe(1);
  });
});

describe('coalesced zones follow the map', () => {
  it('splits, disappears and comes back with the region, and a write goes to whoever is mapped when it is made', () => {
    const address = { name: 'address', at: 0xcf8, size: 4, coalesced: { offset: 0, size: 4 } };
    const machine = new SmallMachine([address, { name: 'reset', at: 0xcf9, size: 1, priority: 1 }]);
    const { accelerator, regions } = machine;
    expect(accelerator.zones.ports).toEqual([
      { start: 0xcf8, size: 1 },
      { start: 0xcfa, size: 2 },
    ]);
    regions.get('reset')!.setEnabled(false);
    expect(accelerator.zones.ports).toEqual([{ start: 0xcf8, size: 4 }]);
    machine.run(function* (guest) {
      yield* guest.out32(0xcf8, 0x80000000);
    });
    expect(accelerator.statistics).toMatchObject({ userspaceExits: 0, coalescedWrites: 1 });
    regions.get('address')!.setEnabled(false);
    expect(accelerator.zones.ports).toEqual([]);
    regions.get('address')!.setEnabled(true);
    regions.get('address')!.clearCoalescedIo();
    expect(accelerator.zones.ports).toEqual([]);
  });

  it('delivers a queued write by the old map when a commit from outside changes it', () => {
    const machine = new SmallMachine([...indexAndData()], { drain: 'on-access' });
    machine.run(function* (guest) {
      yield* guest.out8(0x70, 3);
    });
    expect(machine.seen).toEqual([]);
    machine.regions.get('index')!.setEnabled(false);
    expect(machine.seen).toEqual(['out 0x70 = 0x3']);
    expect(machine.accelerator.zones.ports).toEqual([]);
  });

  it('leaves out what the kernel has no room for: those writes exit, and nothing is lost', () => {
    const many = { name: 'many', at: 0x1000, size: 1100 } as const;
    const machine = new SmallMachine([many]);
    const region = machine.regions.get('many')!;
    for (let offset = 0; offset < many.size; offset++) region.addCoalescedIo({ offset, size: 1 });
    expect(machine.accelerator.zones.ports).toHaveLength(1000);
    machine.run(function* (guest) {
      yield* guest.out8(0x1000 + 999, 1);
      yield* guest.out8(0x1000 + 1000, 2);
    });
    expect(machine.seen).toEqual(['out 0x13e7 = 0x1', 'out 0x13e8 = 0x2']);
    expect(machine.accelerator.statistics.userspaceExits).toBe(1);
    region.clearCoalescedIo();
    expect(machine.accelerator.zones.ports).toEqual([]);
    region.addCoalescedIo({ offset: 1000, size: 1 });
    expect(machine.accelerator.zones.ports).toEqual([{ start: 0x13e8, size: 1 }]);
  });
});
