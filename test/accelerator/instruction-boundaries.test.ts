import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Guest, GuestStep } from '../../sdk/accelerator/index.ts';
import { Registers, Segment, SpecialRegisters, StructSize, VcpuRequest } from '../../sdk/accelerator/kvm/abi.ts';
import { SimulatedKernel } from '../../sdk/accelerator/kvm/simulated-kernel/simulated-kernel.ts';
import { MILLISECOND } from '../../sdk/clock/index.ts';
import { expectRefusal } from '../refusal.ts';
import { indexAndData, plainPort, type SmallDevice, SmallMachine } from './small-machine.ts';

/** A device at port 0x300 and at 0xd0000, whose handlers ask the accelerator for something at the n-th access. */
function machineAsking(what: 'reset' | 'pause', atAccess: number, extra: readonly SmallDevice[] = []): SmallMachine {
  let accesses = 0;
  const ask = () => {
    if (++accesses !== atAccess) return;
    if (what === 'reset') machine.accelerator.requestReset();
    else machine.accelerator.pause();
  };
  const answer = () => {
    ask();
    return 0x40 + accesses;
  };
  const machine: SmallMachine = new SmallMachine([
    { name: 'fifo', at: 0x300, size: 4, read: answer, write: ask },
    { name: 'registers', at: 0xd0000, size: 0x2000, space: 'memory', read: answer, write: ask },
    ...indexAndData(),
    ...extra,
  ]);
  return machine;
}

interface Instruction {
  readonly what: string;
  readonly step: (guest: Guest) => GuestStep<unknown>;
  /** What the device sees of the whole instruction. */
  readonly seen: readonly string[];
  /** The access at which the device asks. */
  readonly atAccess: number;
  /** What it sees if nothing of the instruction is carried out after that. */
  readonly seenUntilReset: readonly string[];
  readonly result: unknown;
}

const instructions: readonly Instruction[] = [
  {
    what: 'in',
    step: (guest) => guest.in8(0x300),
    seen: ['in 0x300'],
    atAccess: 1,
    seenUntilReset: ['in 0x300'],
    result: 0x41,
  },
  {
    what: 'rep insb',
    step: (guest) => guest.repIns8(0x300, 4),
    seen: ['in 0x300', 'in 0x300', 'in 0x300', 'in 0x300'],
    atAccess: 2,
    seenUntilReset: ['in 0x300', 'in 0x300'],
    result: new Uint8Array([0x41, 0x42, 0x43, 0x44]),
  },
  {
    what: 'an MMIO read',
    step: (guest) => guest.load32(0xd0010),
    seen: ['load 0xd0010'],
    atAccess: 1,
    seenUntilReset: ['load 0xd0010'],
    result: 0x41,
  },
  {
    what: 'a store that crosses a page',
    step: (guest) => guest.store64(0xd0ffc, 0x1122334455667788n),
    seen: ['store 0xd0ffc = 0x55667788', 'store 0xd1000 = 0x11223344'],
    atAccess: 1,
    seenUntilReset: ['store 0xd0ffc = 0x55667788'],
    result: undefined,
  },
];

describe('pause', () => {
  it.each(instructions)('during $what ends the instruction, and the guest goes on behind it', (instruction) => {
    const machine = machineAsking('pause', instruction.atAccess);
    const results: unknown[] = [];
    const outcome = machine.run(function* (guest) {
      results.push(yield* instruction.step(guest));
      yield* guest.out8(0x71, 0x99);
    });
    expect(outcome).toMatchObject({ reason: 'paused', message: 'The machine was paused.' });
    expect(machine.seen).toEqual(instruction.seen);
    expect(machine.accelerator.run().reason).toBe('finished');
    expect(machine.seen).toEqual([...instruction.seen, 'out 0x71 = 0x99']);
    expect(results).toEqual([instruction.result]);
  });

  it('delivers what is queued, so that whoever looks at the paused machine sees all of the past', () => {
    const machine = new SmallMachine([...indexAndData(), plainPort()]);
    machine.clock.timer('stop', () => machine.accelerator.pause()).arm(1 * MILLISECOND);
    const outcome = machine.run(function* (guest) {
      yield* guest.out8(0x70, 5);
      yield* guest.pause(2 * MILLISECOND);
      yield* guest.out8(0x80, 6);
    });
    expect(outcome.reason).toBe('paused');
    expect(machine.clock.now).toBe(1 * MILLISECOND);
    expect(machine.seen).toEqual(['out 0x70 = 0x5']);
    expect(machine.accelerator.queuedWrites).toBe(0);
    expect(machine.accelerator.run().reason).toBe('finished');
    expect(machine.seen.at(-1)).toBe('out 0x80 = 0x6');
    expect(machine.clock.now).toBeGreaterThanOrEqual(2 * MILLISECOND);
  });

  it('asked for from a queued write, lets the exit that brought it be carried out first', () => {
    const machine: SmallMachine = new SmallMachine([
      { name: 'stop', at: 0x90, size: 1, coalesced: { offset: 0, size: 1 }, write: () => machine.accelerator.pause() },
      plainPort(),
    ]);
    const outcome = machine.run(function* (guest) {
      yield* guest.out8(0x90, 1);
      yield* guest.out8(0x80, 2);
      yield* guest.out8(0x80, 3);
    });
    expect(outcome.reason).toBe('paused');
    expect(machine.seen).toEqual(['out 0x90 = 0x1', 'out 0x80 = 0x2']);
    machine.accelerator.run();
    expect(machine.seen.at(-1)).toBe('out 0x80 = 0x3');
  });

  it('at any access of any program changes nothing of what the devices see and the guest reads', () => {
    const step = fc.record({
      kind: fc.constantFrom('in', 'ins', 'outs', 'load', 'store', 'queued'),
      value: fc.integer({ min: 1, max: 200 }),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 25 }), fc.integer({ min: 1, max: 9 }), (steps, every) => {
        const whole = runSteps(steps, Number.POSITIVE_INFINITY);
        const paused = runSteps(steps, every);
        expect(paused.seen).toEqual(whole.seen);
        expect(paused.read).toEqual(whole.read);
        expect(whole.pauses).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it('means nothing while the machine does not run', () => {
    const machine = new SmallMachine([plainPort()]);
    machine.accelerator.pause();
    const outcome = machine.run(function* (guest) {
      yield* guest.out8(0x80, 1);
    });
    expect(outcome.reason).toBe('finished');
  });
});

/** Runs a program whose devices pause the machine at every n-th access, and goes on each time. */
function runSteps(steps: readonly { kind: string; value: number }[], pauseEvery: number) {
  let accesses = 0;
  let pauses = 0;
  const read: unknown[] = [];
  const access = () => {
    if (++accesses % pauseEvery === 0) machine.accelerator.pause();
    return accesses & 0xff;
  };
  const machine: SmallMachine = new SmallMachine([
    { name: 'fifo', at: 0x300, size: 4, read: access, write: access },
    { name: 'registers', at: 0xd0000, size: 0x3000, space: 'memory', read: access, write: access },
    { name: 'queue', at: 0x70, size: 1, coalesced: { offset: 0, size: 1 }, write: access },
  ]);
  let outcome = machine.run(function* (guest) {
    for (const { kind, value } of steps) {
      if (kind === 'in') read.push(yield* guest.in8(0x300));
      else if (kind === 'ins') read.push(yield* guest.repIns16(0x300, value));
      else if (kind === 'outs') yield* guest.repOuts8(0x300, new Uint8Array(value % 9).fill(value));
      else if (kind === 'load') read.push(yield* guest.load64(0xd0f80 + value));
      else if (kind === 'store') yield* guest.store64(0xd0f80 + value, BigInt(value));
      else yield* guest.out8(0x70, value);
    }
  });
  for (; outcome.reason === 'paused'; outcome = machine.accelerator.run()) {
    expect(machine.accelerator.queuedWrites).toBe(0);
    pauses++;
  }
  expect(outcome.reason).toBe('finished');
  return { seen: machine.seen, read, pauses };
}

describe('reset', () => {
  it.each(instructions)('during $what leaves the rest of it undone, and the guest begins anew', (instruction) => {
    const machine = machineAsking('reset', instruction.atAccess);
    let starts = 0;
    const outcome = machine.run(function* (guest) {
      starts++;
      yield* instruction.step(guest);
      yield* guest.out8(0x71, 0x99);
    });
    expect(outcome).toMatchObject({ reason: 'reset', message: 'The guest has reset the machine.' });
    expect(machine.resets).toBe(1);
    expect(machine.seen).toEqual(instruction.seenUntilReset);
    expect(machine.accelerator.run().reason).toBe('finished');
    expect(starts).toBe(2);
    expect(machine.seen).toEqual([...instruction.seenUntilReset, ...instruction.seen, 'out 0x71 = 0x99']);
  });

  const resetControl = (machine: () => SmallMachine): SmallDevice => ({
    name: 'address and reset control',
    at: 0xcf8,
    size: 4,
    coalesced: { offset: 0, size: 4 },
    write: (value, offset) => {
      if (offset === 1 && (value & 4) !== 0) machine().accelerator.requestReset();
    },
  });

  it('queued at 0xcf9 between other writes: what came before is done, what came after is not', () => {
    const machine: SmallMachine = new SmallMachine([resetControl(() => machine), ...indexAndData(), plainPort()]);
    machine.onReset = () => machine.seen.push('reset');
    const outcome = machine.run(function* (guest) {
      yield* guest.out8(0x70, 1);
      yield* guest.out8(0xcf9, 2);
      yield* guest.out8(0xcf9, 6);
      yield* guest.out8(0x70, 2);
      yield* guest.out32(0xcf8, 0x80000000);
      yield* guest.out8(0x80, 3);
      yield* guest.out8(0x70, 4);
    });
    expect(outcome.reason).toBe('reset');
    expect(machine.seen).toEqual(['out 0x70 = 0x1', 'out 0xcf9 = 0x2', 'out 0xcf9 = 0x6', 'reset']);
    expect(machine.accelerator.statistics.discardedWrites).toBe(2);
    expect(machine.accelerator.queuedWrites).toBe(0);
  });

  it.each<[string, (guest: Guest) => GuestStep<unknown>]>([
    ['in', (guest) => guest.in8(0x300)],
    ['rep insb', (guest) => guest.repIns8(0x300, 4)],
    ['an MMIO read', (guest) => guest.load32(0xd0000)],
    ['a store that crosses a page', (guest) => guest.store64(0xd0ffc, 1n)],
    ['a second vector', (guest) => guest.out8(0x300, 6)],
  ])('queued in front of %s, discards that access: it is completed and not carried out', (_, step) => {
    const machine: SmallMachine = new SmallMachine([
      resetControl(() => machine),
      { name: 'fifo', at: 0x300, size: 4 },
      { name: 'registers', at: 0xd0000, size: 0x2000, space: 'memory' },
    ]);
    const outcome = machine.run(function* (guest) {
      yield* guest.out8(0xcf9, 6);
      yield* step(guest);
    });
    expect(outcome.reason).toBe('reset');
    expect(machine.seen).toEqual(['out 0xcf9 = 0x6']);
  });

  it('queued at 0xcf9 comes after 10 ms at the latest, even if the guest spins for ever', () => {
    const machine: SmallMachine = new SmallMachine([resetControl(() => machine), plainPort()]);
    let resetAt = 0;
    machine.onReset = () => {
      resetAt = machine.clock.now;
    };
    const outcome = machine.run(function* (guest) {
      yield* guest.out8(0xcf9, 6);
      for (;;) yield* guest.pause(1000);
    });
    expect(outcome.reason).toBe('reset');
    expect(resetAt).toBeGreaterThanOrEqual(10 * MILLISECOND);
    expect(resetAt).toBeLessThan(10 * MILLISECOND + 2000);
    expect(machine.accelerator.statistics.kicks).toBe(1);
  });

  it('puts the registers of every vCPU where a processor begins', () => {
    const kernel = new SimulatedKernel();
    const fds: number[] = [];
    const machine: SmallMachine = new SmallMachine([resetControl(() => machine)], {
      vcpus: 2,
      kernel: Object.assign(kernel, {
        mapVcpuPage: (fd: number, page: 0 | 1 | 2) => {
          if (page === 0) fds.push(fd);
          return SimulatedKernel.prototype.mapVcpuPage.call(kernel, fd, page);
        },
      }),
    });
    const dirty = new DataView(new ArrayBuffer(StructSize.registers));
    dirty.setUint32(Registers.rip, 0x1234, true);
    for (const fd of fds) kernel.ioctl(fd, VcpuRequest.SetRegisters, dirty);
    machine.run(function* (guest) {
      yield* guest.out8(0xcf9, 6);
    });
    expect(fds).toHaveLength(2);
    for (const fd of fds) {
      const general = new DataView(new ArrayBuffer(StructSize.registers));
      const special = new DataView(new ArrayBuffer(StructSize.specialRegisters));
      kernel.ioctl(fd, VcpuRequest.GetRegisters, general);
      kernel.ioctl(fd, VcpuRequest.GetSpecialRegisters, special);
      expect(general.getUint32(Registers.rip, true)).toBe(0xfff0);
      expect(general.getUint32(Registers.rflags, true)).toBe(2);
      expect(special.getUint16(SpecialRegisters.cs + Segment.selector, true)).toBe(0xf000);
      expect(special.getBigUint64(SpecialRegisters.cs + Segment.base, true)).toBe(0xffff0000n);
      expect(special.getUint32(SpecialRegisters.cr0, true)).toBe(0x60000010);
    }
  });

  it('is performed before a HLT that follows it is obeyed', () => {
    const machine: SmallMachine = new SmallMachine([resetControl(() => machine)]);
    const outcome = machine.run(function* (guest) {
      yield* guest.out8(0xcf9, 6);
      yield* guest.hlt();
    });
    expect(outcome.reason).toBe('reset');
    expect(machine.resets).toBe(1);
  });

  it('queued as the last thing a guest does is performed by the last drain', () => {
    const machine: SmallMachine = new SmallMachine([resetControl(() => machine)]);
    const outcome = machine.run(function* (guest) {
      yield* guest.out8(0xcf9, 6);
    });
    expect(outcome.reason).toBe('reset');
    expect(machine.resets).toBe(1);
  });

  it("drops another vCPU's writes that are queued behind it, and keeps those in front", () => {
    const machine: SmallMachine = new SmallMachine([resetControl(() => machine), ...indexAndData()], {
      vcpus: 2,
      seed: 5,
    });
    const outcome = machine.run([
      function* (guest) {
        yield* guest.out8(0xcf9, 6);
        for (;;) yield* guest.pause(100_000);
      },
      function* (guest) {
        for (let value = 0; value < 100; value++) yield* guest.out8(0x70, value);
        for (;;) yield* guest.pause(100_000);
      },
    ]);
    expect(outcome.reason).toBe('reset');
    const before = machine.seen.slice(0, -1);
    expect(machine.seen.at(-1)).toBe('out 0xcf9 = 0x6');
    expect(before).toEqual(Array.from({ length: before.length }, (_, value) => `out 0x70 = 0x${value.toString(16)}`));
    expect(machine.accelerator.statistics.discardedWrites).toBe(100 - before.length);
    expect(before.length).toBeLessThan(100);
  });

  it('from outside carries out what the guest has begun and queued, and then resets', () => {
    const machine = new SmallMachine(indexAndData(), { drain: 'on-access' });
    machine.onReset = () => machine.seen.push('reset');
    machine.run(function* (guest) {
      yield* guest.out8(0x70, 9);
    });
    machine.accelerator.requestReset();
    expect(machine.seen).toEqual(['out 0x70 = 0x9', 'reset']);
  });

  it('asked for by an access from outside is performed as soon as its handler has returned and somebody drains or runs', () => {
    const machine: SmallMachine = new SmallMachine([resetControl(() => machine)]);
    machine.io.write(0xcf9, 6, 1);
    machine.accelerator.drain();
    expect(machine.resets).toBe(1);
    machine.io.write(0xcf9, 6, 1);
    const outcome = machine.run(function* (guest) {
      expect(machine.resets).toBe(2);
      yield* guest.pause(1);
    });
    expect(outcome.reason).toBe('finished');
  });

  it('asked for while the machine is being reset does not reset it for ever', () => {
    const machine: SmallMachine = new SmallMachine([resetControl(() => machine)]);
    machine.onReset = () => machine.io.write(0xcf9, 6, 1);
    const outcome = machine.run(function* (guest) {
      yield* guest.out8(0xcf9, 6);
    });
    expect(outcome.reason).toBe('reset');
    expect(machine.resets).toBe(1);
  });
});

describe('drain=on-access on a machine that hides its reset register', () => {
  const address = { name: 'address', at: 0xcf8, size: 4, coalesced: { offset: 0, size: 4 } };
  const resetPorts = [{ address: 0xcf9, size: 1, name: 'reset-control' }];

  it('is refused, with the zone, the register and what to do', () => {
    const hiding = () => new SmallMachine([address], { drain: 'on-access', resetPorts });
    expectRefusal(hiding, 'hidden-reset', '0xcf8..0xcfb', "'reset-control' at 0xcf9", 'coalesced-pio');
  });

  it('is accepted with drain=every-exit, without coalesced ports, and where the register splits the range', () => {
    const split = { name: 'reset', at: 0xcf9, size: 1, priority: 1 };
    expect(new SmallMachine([address], { resetPorts }).accelerator.zones.ports).toHaveLength(1);
    expect(
      new SmallMachine([address], { drain: 'on-access', coalescedPio: false, resetPorts }).accelerator.zones.ports,
    ).toEqual([]);
    expect(new SmallMachine([address, split], { drain: 'on-access', resetPorts }).accelerator.zones.ports).toEqual([
      { start: 0xcf8, size: 1 },
      { start: 0xcfa, size: 2 },
    ]);
  });

  it('is refused at the next run when the map changes underneath', () => {
    const split = { name: 'reset', at: 0xcf9, size: 1, priority: 1 };
    const machine = new SmallMachine([address, split], { drain: 'on-access', resetPorts });
    machine.regions.get('reset')!.setEnabled(false);
    const outcome = machine.run(function* (guest) {
      yield* guest.out8(0x80, 1);
    });
    expect(outcome).toMatchObject({ reason: 'halted', operations: 0 });
    expect(outcome.message).toContain("'reset-control' at 0xcf9");
  });

  it('is refused at the end of the instruction that changes the map underneath', () => {
    const split = { name: 'reset', at: 0xcf9, size: 1, priority: 1 };
    const mapper: SmallDevice = { name: 'mapper', at: 0x90, size: 1, write: () => hide() };
    const machine = new SmallMachine([address, split, mapper, plainPort()], { drain: 'on-access', resetPorts });
    const hide = () => machine.regions.get('reset')!.setEnabled(false);
    const go = () =>
      machine.run(function* (guest) {
        yield* guest.out8(0x90, 1);
        yield* guest.out8(0x80, 2);
      });
    const outcome = go();
    expect(outcome).toMatchObject({ reason: 'halted', operations: 1 });
    expect(outcome.message).toContain("'reset-control' at 0xcf9");
    expect(machine.seen).toEqual(['out 0x90 = 0x1']);
    machine.regions.get('reset')!.setEnabled(true);
    expect(machine.accelerator.run().reason).toBe('finished');
    expect(machine.seen).toEqual(['out 0x90 = 0x1', 'out 0x80 = 0x2']);
  });

  it('is refused where a coalesced page swallows a reset register in memory', () => {
    const page: SmallDevice = {
      name: 'page',
      at: 0xd0000,
      size: 0x1000,
      space: 'memory',
      coalesced: { offset: 0, size: 0x1000 },
    };
    const registers = [{ address: 0xd0010, size: 4, name: 'watchdog', isMemory: true }];
    const machineWith = (resetPorts: typeof registers) => new SmallMachine([page], { drain: 'on-access', resetPorts });
    expectRefusal(() => machineWith(registers), 'hidden-reset', 'memory', "'watchdog' at 0xd0010", 'coalesced-mmio');
    expect(machineWith([{ ...registers[0]!, address: 0xd1000 }]).accelerator.zones.memory).toHaveLength(1);
    expect(machineWith([{ ...registers[0]!, isMemory: false }]).accelerator.zones.memory).toHaveLength(1);
  });
});
