import { describe, expect, it } from 'vitest';
import { indexAndData, plainPort, SmallMachine } from './small-machine.ts';

function busyMachine(options = {}): SmallMachine {
  const screen = {
    name: 'screen',
    at: 0xa0000,
    size: 0x2000,
    space: 'memory',
    coalesced: { offset: 0, size: 0x1000 },
  } as const;
  const machine = new SmallMachine([...indexAndData(), plainPort(), screen], options);
  machine.run(function* (guest) {
    for (let index = 0; index < 10; index++) {
      yield* guest.out8(0x70, index);
      yield* guest.in8(0x71);
    }
    yield* guest.repOuts8(0x70, [1, 2, 3]);
    yield* guest.store32(0xa0000, 1);
    yield* guest.store32(0xa1000, 2);
    yield* guest.load32(0xa0010);
    yield* guest.out8(0x80, 1);
  });
  return machine;
}

describe('exit statistics', () => {
  it('keep VM exits and userspace exits apart, per port and direction and per page', () => {
    const { statistics } = busyMachine().accelerator;
    const text = (rows: readonly { key: string; samples: number; userspaceExits: number }[] | undefined) =>
      rows?.map(({ key, samples, userspaceExits }) => `${key} ${samples} ${userspaceExits}`);
    expect(text(statistics.portRows())).toEqual(['0x70:POUT 13 0', '0x71:PIN 10 10', '0x80:POUT 1 1']);
    expect(text(statistics.memoryRows())).toEqual(['0xa0000:R 1 1', '0xa0000:W 1 0', '0xa1000:W 1 1']);
    // The string into the zone is one VM exit and three samples.
    expect(statistics.vmExits).toBe(10 + 10 + 1 + 3 + 1);
    expect(statistics.userspaceExits).toBe(10 + 2 + 1);
  });

  it('model the same VM exits with and without coalescing, but fewer returns and less time', () => {
    const ours = busyMachine().accelerator.statistics.summary();
    const exiting = busyMachine({ coalescedPio: false, coalescedMmio: false }).accelerator.statistics.summary();
    expect(exiting.userspaceExits - ours.userspaceExits).toBe(ours.coalescedWrites);
    expect(ours.coalescedWrites).toBe(14);
    expect(Number(exiting.modelledTime) - Number(ours.modelledTime)).toBe(14 * (3410 - 660));
  });

  it('say with which costs the time is modelled, and count what is neither port nor memory', () => {
    const line = {
      pending: true,
      acknowledge() {
        this.pending = false;
        return 0x20;
      },
    };
    const machine = new SmallMachine([], { costs: { kernel: 1, userspace: 20 }, interruptController: line });
    const fd = machine.accelerator.eventfd(() => undefined);
    machine.io.root.addIoeventfd({ offset: 0x80, size: 1, fd });
    machine.run(function* (guest) {
      guest.onInterrupt(0x20, (handler) => handler.out8(0x80, 1));
      yield* guest.cli();
      yield* guest.sti();
      yield* guest.pause(1);
      yield* guest.hlt();
    });
    expect(machine.accelerator.statistics.summary()).toMatchObject({
      costs: { kernel: 1, userspace: 20 },
      modelledTime: 1,
      haltExits: 1,
      interruptWindowExits: 1,
      injectedInterrupts: 1,
      ioeventfdSignals: 1,
      damagedEntries: 0,
    });
  });

  it('print both tables, each with its own heading', () => {
    const { statistics } = busyMachine().accelerator;
    expect(statistics.formatTable({ event: 'ioport', busiest: 1 })).toContain('0x70:POUT         13    54.17%');
    expect(statistics.formatTable({ event: 'mmio' }).split('\n')[0]).toMatch(/^ +MMIO Access {4}Samples /);
  });

  it('measure host time in handlers only when a profile is asked for', () => {
    expect(busyMachine().accelerator.statistics.profile).toBeUndefined();
    const rows = busyMachine({ profile: true }).accelerator.statistics.profile!.rows();
    expect(rows.map((row) => `${row.key} ${row.calls}`).sort()).toEqual([
      '0x70:POUT 13',
      '0x71:PIN 10',
      '0x80:POUT 1',
      '0xa0000:R 1',
      '0xa0000:W 1',
      '0xa1000:W 1',
    ]);
    for (const row of rows) expect(row.hostNanoseconds).toBeGreaterThanOrEqual(0);
  });

  it('start from nothing after a reset of the counters', () => {
    const machine = busyMachine({ profile: true });
    machine.accelerator.statistics.reset();
    const { costs, ...counts } = machine.accelerator.statistics.summary();
    expect(Object.values(counts).every((value) => value === 0)).toBe(true);
    expect(costs).toEqual({ kernel: 660, userspace: 3410 });
    expect(machine.accelerator.statistics.portRows()).toEqual([]);
    expect(machine.accelerator.statistics.profile!.rows()).toEqual([]);
  });
});
