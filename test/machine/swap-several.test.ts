import { describe, expect, it } from 'vitest';
import {
  addCoalescedIo,
  type ConcreteDeviceClass,
  defineMachine,
  device,
  InterruptPin,
  IsaDevice,
  inject,
  input,
  isaIrq,
  KiB,
  MemoryRegion,
  MICROSECOND,
  pin,
  portRegion,
  state,
  type Timer,
  VirtualClock,
} from '../../sdk/index.ts';
import { guestProgram, Machine } from '../../sdk/runtime.ts';
import { expectRefusal } from '../refusal.ts';
import { isapc } from '../small-machines.ts';

interface Edition {
  readonly type?: string;
  readonly base?: number;
  readonly version?: number;
  /** What a state of version 1 becomes. */
  readonly migrate?: (total: number) => number;
  readonly refuses?: string;
  readonly leaves?: () => void;
  readonly ram?: number;
  readonly moreRam?: boolean;
}

/** One edition of a device that adds up what it is told, has a timer, a pin each way, and some RAM of its own. */
function adder(edition: Edition = {}): ConcreteDeviceClass {
  const { type = 'adder', base = 0x300, version = 1, migrate, refuses, leaves, ram: size = 4 * KiB, moreRam } = edition;
  const ports = portRegion({ name: type, base, size: 2, accessSizes: [1] });
  @device({ type, description: 'Adds up', version })
  @addCoalescedIo(ports, { offset: 0, size: 1 })
  class Adder extends IsaDevice {
    readonly irq = new InterruptPin();
    @state inputLevel = false;
    @state total = 0;
    private readonly tick: Timer;
    constructor(@inject(VirtualClock) private readonly clock: VirtualClock) {
      super();
      this.tick = clock.timer('tick', () => this.irq.set(true));
    }
    @input() input(level: boolean): void {
      this.inputLevel = level;
    }
    @ports.write(0) add(value: number): void {
      this.total += value;
      this.tick.arm(this.clock.now + 50 * MICROSECOND);
    }
    @ports.read(0) read(): number {
      return this.total & 0xff;
    }
    @ports.read(1) edition(): number {
      return version;
    }
    protected override onRealize(): void {
      const ram = MemoryRegion.ram(this.topology, `${type}-ram`, size);
      if (moreRam) MemoryRegion.ram(this.topology, 'more', 4 * KiB);
      if (refuses !== undefined) ram.ram?.bytes.fill(0xee);
    }
    protected override onUnrealize(): void {
      leaves?.();
    }
    override onStateLoaded(from: number): void {
      if (from < version && migrate !== undefined) this.total = migrate(this.total);
      if (refuses !== undefined) throw new Error(refuses);
    }
  }
  return Adder;
}

const [A, B, C] = [
  { type: 'a', base: 0x300 },
  { type: 'b', base: 0x310 },
  { type: 'c', base: 0x320 },
] as const;

function threeAdders() {
  const machine = Machine.create(
    defineMachine({
      ...isapc,
      devices: [
        ...isapc.devices,
        { device: adder(A), id: 'a', interrupts: { irq: pin('b', 'input') } },
        { device: adder(B), id: 'b', interrupts: { irq: isaIrq(5) } },
        { device: adder(C), id: 'c' },
      ],
    }),
  );
  const setUp = guestProgram(function* (guest) {
    for (const [index, port] of [0x300, 0x310, 0x320].entries()) yield* guest.out8(port, 10 * (index + 1));
    yield* guest.pause(20 * MICROSECOND);
  });
  machine.run(setUp);
  for (const [name, { bytes }] of machine.ramBlocks) if (name.endsWith('-ram')) bytes.fill(0x77, 0, 16);
  return machine;
}

const deviceOf = (machine: Machine, id: string) =>
  machine.deviceById(id)?.device as unknown as { readonly irq: InterruptPin; readonly inputLevel: boolean };

const look = (machine: Machine) => [0x300, 0x301, 0x310, 0x311, 0x320, 0x321].map((port) => machine.io.read(port, 1));

describe('several devices are swapped together', () => {
  it('all of them, versions and migrations included, also where one is wired to the other', () => {
    const machine = threeAdders();
    machine.clock.advanceTo(machine.clock.now + 100 * MICROSECOND);
    const level = () => deviceOf(machine, 'b').inputLevel;
    expect(level()).toBe(true);
    const double = { version: 2, migrate: (total: number) => 2 * total };
    const complaints = machine.swapAll(
      new Map([
        ['a', adder({ ...A, version: 3 })],
        ['b', adder({ ...B, ...double })],
        ['c', adder(C)],
      ]),
    );
    expect(complaints).toEqual([]);
    expect(look(machine)).toEqual([10, 3, 40, 2, 30, 1]);
    expect(level()).toBe(true);
  });

  it.each([
    ['a', 0],
    ['b', 1],
    ['c', 2],
  ] as const)(
    'or none: when %s refuses the state in its hook, every old instance stays, and nothing has moved',
    (id, index) => {
      const machine = threeAdders();
      const before = { save: machine.save(), devices: [...machine.devices], tree: machine.clock.pendingTimers.length };
      const editions: Edition[] = [A, B, C].map((place) => ({ ...place, version: 2, migrate: (total) => total + 100 }));
      editions[index] = { ...editions[index], refuses: 'not with this total' };
      const swaps = new Map(['a', 'b', 'c'].map((name, at) => [name, adder(editions[at])]));
      expectRefusal(() => machine.swapAll(swaps), 'state-refused', `'${id}'`, 'not with this total');
      expect(machine.save()).toEqual(before.save);
      expect(machine.devices).toEqual(before.devices);
      expect(machine.clock.pendingTimers).toHaveLength(before.tree);
      expect(look(machine)).toEqual([10, 1, 20, 1, 30, 1]);
      machine.clock.advanceTo(machine.clock.now + 100 * MICROSECOND);
      expect(deviceOf(machine, 'a').irq.level).toBe(true);
    },
  );

  it('and one alone to which another is wired keeps the wire and its level', () => {
    const machine = threeAdders();
    machine.clock.advanceTo(machine.clock.now + 100 * MICROSECOND);
    machine.swap('b', adder(B));
    expect(deviceOf(machine, 'b').inputLevel).toBe(true);
    deviceOf(machine, 'a').irq.set(false);
    expect(deviceOf(machine, 'b').inputLevel).toBe(false);
  });

  it('and what an old one throws on its way out is a complaint: the new ones have their places already', () => {
    const machine = threeAdders();
    const fail = () => {
      throw new Error('I stay');
    };
    machine.swap('c', adder({ ...C, leaves: fail }));
    expect(machine.swap('c', adder({ ...C, version: 2 }))).toEqual([
      "Device 'c': onUnrealize() of the old one threw: I stay",
    ]);
    expect(look(machine).slice(4)).toEqual([30, 2]);
    machine.swap('c', adder({ ...C, version: 2 }));
  });
});

describe('when a device is swapped', () => {
  it('its memory goes over, and must; memory that is new is there only if the swap succeeds', () => {
    const machine = threeAdders();
    const before = [...machine.ramBlocks];
    const larger = adder({ ...C, ram: 8 * KiB, moreRam: true });
    expectRefusal(() => machine.swap('c', larger), 'replacement-mismatch', "'c'", "'c-ram'", '4096');
    const refusing = adder({ ...C, refuses: 'no', moreRam: true });
    expectRefusal(() => machine.swap('c', refusing), 'state-refused', "'c'", 'no');
    expect([...machine.ramBlocks]).toEqual(before);
    machine.swap('c', adder({ ...C, moreRam: true }));
    expect([...machine.ramBlocks.keys()]).toEqual([...before.map(([name]) => name), 'c.more']);
    expect(machine.ramBlocks.get('c.c-ram')?.bytes[0]).toBe(0x77);
  });

  it('what the guest has queued is delivered to the old one first, whose state then goes over', () => {
    const machine = threeAdders();
    const guest = guestProgram(function* (program) {
      for (let turn = 0; turn < 5; turn++) yield* program.out8(0x300, 1);
      yield* program.in8(0x300);
    });
    expect(machine.run(guest, { operationLimit: 3 }).reason).toBe('operation-limit');
    machine.swapAll(new Map([['a', adder({ ...A, version: 2, migrate: (total) => total * 2 })]]));
    expect(look(machine).slice(0, 2)).toEqual([26, 2]);
    expect(machine.resume().reason).toBe('finished');
    expect(look(machine)[0]).toBe(28);
  });

  it('no handler may be on the stack, its own or another one', () => {
    const machine = threeAdders();
    const refusals: string[] = [];
    const ports = portRegion({ name: 'meddler', base: 0x330, size: 1, accessSizes: [1] });
    @device({ type: 'meddler', description: 'Swaps another one' })
    class Meddler extends IsaDevice {
      @ports.write() swap(): void {
        const swap = () => machine.swap('c', adder({ ...C, version: 2 }));
        refusals.push(expectRefusal(swap, 'inside-handler', 'pause()').code);
      }
    }
    machine.plug({ device: Meddler, id: 'meddler' });
    machine.io.write(0x330, 1, 1);
    expect(refusals).toEqual(['inside-handler']);
    expect(look(machine).slice(4)).toEqual([30, 1]);
  });
});
