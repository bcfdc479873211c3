import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MILLISECOND } from '../../sdk/index.ts';
import type { Guest, GuestStep, InterruptController } from '../../sdk/runtime.ts';
import { indexAndData, plainPort, type SmallDevice, SmallMachine } from './small-machine.ts';

/** A line that never goes away: nothing that the guest does ends the interrupt. */
class StuckLine implements InterruptController {
  readonly pending = true;
  acknowledge(): number {
    return 0x70;
  }
}

const registers: SmallDevice = { name: 'registers', at: 0xd0000, size: 0x2000, space: 'memory' };
const fifo: SmallDevice = { name: 'fifo', at: 0x300, size: 4, read: () => 0x5a };

describe('a guest that cannot take an interrupt', () => {
  const endless = (machine: SmallMachine) =>
    machine.run(function* (guest) {
      guest.onInterrupt(0x70, function* () {
        yield* guest.sti();
        for (;;) yield* guest.pause(1 * MILLISECOND);
      });
      yield* guest.sti();
      for (;;) yield* guest.hlt();
    });

  it('because 256 handlers have never returned shuts its processor down: an outcome, not an exception', () => {
    const outcome = endless(new SmallMachine([plainPort()], { interruptController: new StuckLine() }));
    expect(outcome.reason).toBe('shutdown');
    for (const named of ["'guest 0'", 'interrupt 0x70', '256 handlers']) expect(outcome.message).toContain(named);
  });

  it('because it has no handler shuts its processor down, which stays so until a reset', () => {
    const machine = new SmallMachine([plainPort()], { interruptController: new StuckLine() });
    const run = function* (guest: Guest): GuestStep<void> {
      yield* guest.out8(0x80, 1);
      if (machine.resets > 0) return;
      yield* guest.sti();
      yield* guest.hlt();
    };
    const outcome = machine.run(run);
    expect(outcome.reason).toBe('shutdown');
    expect(outcome.message).toContain('interrupt 0x70');
    expect(machine.accelerator.run()).toMatchObject({ reason: 'shutdown', operations: 0 });
    machine.accelerator.requestReset();
    expect(machine.accelerator.run().reason).toBe('finished');
    expect(machine.seen).toEqual(['out 0x80 = 0x1', 'out 0x80 = 0x1']);
  });
});

describe('a string that reads', () => {
  it('into the registers of a device stores there, eight bytes at a time', () => {
    const machine = new SmallMachine([fifo, registers]);
    const outcome = machine.run(function* (guest) {
      expect([...(yield* guest.repIns8(0x300, 11, { destination: 0xd0ffc }))]).toEqual(new Array(11).fill(0x5a));
      yield* guest.out8(0x300, 1);
    });
    expect(outcome.reason).toBe('finished');
    expect(machine.seen.filter((one) => !one.startsWith('in'))).toEqual([
      'store 0xd0ffc = 0x5a5a5a5a',
      'store 0xd1000 = 0x5a5a5a5a',
      'store 0xd1004 = 0x5a5a',
      'store 0xd1006 = 0x5a',
      'out 0x300 = 0x1',
    ]);
  });

  it('into nothing, and over the end of RAM, loses what nothing takes', () => {
    const machine = new SmallMachine([fifo], { ram: 0x4000 });
    const outcome = machine.run(function* (guest) {
      yield* guest.repIns8(0x300, 8, { destination: 0x3ffc });
      yield* guest.repIns32(0x300, 400, { destination: 0x9000_0000 });
    });
    expect(outcome.reason).toBe('finished');
    expect(machine.memory.read(0x3ffc, 4)).toBe(0x5a5a_5a5a);
  });

  it('into registers of its own device is refused there, element by element downwards', () => {
    const own = { owner: 'one device' };
    const machine = new SmallMachine([
      { ...fifo, ...own },
      { ...registers, ...own },
    ]);
    const outcome = machine.run(function* (guest) {
      yield* guest.repIns16(0x300, 3, { destination: 0xd0010, descending: true });
    });
    expect(outcome.reason).toBe('finished');
    // A store that userspace serves loses what was read ahead: it is read again.
    expect(machine.seen).toEqual([
      ...['in 0x300', 'in 0x300', 'in 0x300', 'store 0xd0010 = 0x5a'],
      ...['in 0x300', 'in 0x300', 'store 0xd000e = 0x5a'],
      ...['in 0x300', 'store 0xd000c = 0x5a'],
    ]);
  });

  it('downwards is interrupted at each store when the machine is paused by it, and goes on there', () => {
    const machine: SmallMachine = new SmallMachine([fifo, { ...registers, write: () => machine.accelerator.pause() }]);
    const outcome = machine.run(function* (guest) {
      yield* guest.repIns8(0x300, 3, { destination: 0xd0ff0, descending: true });
    });
    const stores = () => machine.seen.filter((one) => one.startsWith('store'));
    expect([outcome.reason, stores().length]).toEqual(['paused', 1]);
    expect([machine.accelerator.run().reason, stores().length]).toEqual(['paused', 2]);
    machine.accelerator.run();
    expect(machine.accelerator.run().reason).toBe('finished');
    expect(stores()).toEqual(['store 0xd0ff0 = 0x5a', 'store 0xd0fef = 0x5a', 'store 0xd0fee = 0x5a']);
  });

  it('is finished when the machine is paused or reset by what it stores', () => {
    for (const ask of ['pause', 'requestReset'] as const) {
      const machine: SmallMachine = new SmallMachine([
        fifo,
        { ...registers, write: () => machine.resets === 0 && machine.accelerator[ask]() },
      ]);
      const outcome = machine.run(function* (guest) {
        if (machine.resets === 0) yield* guest.repIns8(0x300, 1024, { destination: 0xd0000 });
      });
      const stores = machine.seen.filter((one) => one.startsWith('store')).length;
      expect([ask, outcome.reason, stores]).toEqual(
        ask === 'pause' ? ['pause', 'paused', 128] : ['requestReset', 'reset', 1],
      );
      expect(machine.accelerator.run().reason).toBe('finished');
    }
  });
});

describe('RAM that a guest has put where no processor reaches', () => {
  it('is mapped as far as the kernel has addresses, and no further', () => {
    const machine = new SmallMachine([plainPort()]);
    const bar = machine.addRam('bar', 0x4000);
    for (const address of [2 ** 52 - 0x2000, 2 ** 52, 2 ** 53 - 0x10_0000]) {
      bar.setAddress(address);
      const outcome = machine.run(function* (guest) {
        yield* guest.store8(2 ** 52 - 1, 7);
        yield* guest.out8(0x80, 1);
      });
      expect(outcome.reason).toBe('finished');
      expect(machine.memory.read(2 ** 52 - 1, 1)).toBe(address < 2 ** 52 ? 7 : 0);
    }
  });
});

describe('whatever instructions a guest executes', () => {
  const port = fc.constantFrom(0x70, 0x71, 0x80, 0x300, 0x302, 0xffff);
  const address = fc.oneof(
    fc.constantFrom(0xffe, 0x9fffd, 0xd0000, 0xd0ffe, 0xd1fff, 2 ** 32 - 4, 2 ** 52 - 0x20_0000),
    fc.nat(0xdffff),
  );
  const instruction = fc.oneof(
    fc.record({ kind: fc.constantFrom('out8', 'out16', 'out32', 'in8', 'in16', 'in32'), at: port, value: fc.nat(255) }),
    fc.record({ kind: fc.constantFrom('store8', 'store32', 'load16', 'load32'), at: address, value: fc.nat(255) }),
    fc.record({ kind: fc.constantFrom('sti', 'cli', 'hlt', 'pause'), at: fc.constant(0), value: fc.nat(1e7) }),
    fc.record({
      kind: fc.constantFrom('repIns8', 'repIns16', 'repIns32'),
      at: port,
      value: fc.nat(40),
      destination: address,
      descending: fc.boolean(),
    }),
  );

  it('its run ends by an outcome', () => {
    fc.assert(
      fc.property(fc.array(instruction, { maxLength: 30 }), fc.boolean(), (instructions, interrupts) => {
        const options = interrupts ? { interruptController: new StuckLine() } : {};
        const machine = new SmallMachine([...indexAndData(), plainPort(), fifo, registers], options);
        const outcome = machine.run(
          function* (guest) {
            for (const { kind, at, value, ...where } of instructions) {
              const down = 'descending' in where && where.descending && where.destination >= 4 * value;
              const step = guest[kind as 'out8'] as (...args: unknown[]) => GuestStep<void>;
              const given = 'destination' in where ? [at, value, { ...where, descending: down }] : [at, value];
              yield* step.call(guest, ...(kind === 'pause' ? [value] : given));
            }
          },
          { operationLimit: 10_000 },
        );
        expect(['finished', 'halted', 'operation-limit', 'shutdown']).toContain(outcome.reason);
      }),
      { numRuns: 150 },
    );
  });
});
