import { describe, expect, it } from 'vitest';
import { Edu } from '../../devices/index.ts';
import {
  type ConcreteDeviceClass,
  defineMachine,
  defineOptions,
  device,
  InterruptPin,
  IsaDevice,
  inject,
  input,
  isaIrq,
  MICROSECOND,
  type OptionsOf,
  option,
  options,
  pin,
  place,
  portRegion,
  type RegionTemplate,
  state,
  type Timer,
  use,
  VirtualClock,
} from '../../sdk/index.ts';
import { guestProgram, Machine, metadataOf } from '../../sdk/runtime.ts';
import { expectRefusal } from '../refusal.ts';
import { isapc, pcI440fx } from '../small-machines.ts';

/** One edition of a device's source file: each call makes every value of it anew, as loading the file again does. */
function edition({ version = 1, extra = false, marker = 0, without = false, usual = 1 } = {}): ConcreteDeviceClass {
  const ports = portRegion({ name: 'counter', base: 0x300, size: 4, accessSizes: [1] });
  const counterOptions = defineOptions({
    step: option.integer({ description: 'what one tick adds', default: usual }),
    irq: option.integer({ description: 'line', default: 5, range: [0, 15], wires: { pin: 'irq', to: isaIrq } }),
    iobase: option.integer({ description: 'ports', default: 0x300, places: ports }),
  });
  const Kind = { type: 'counter', description: 'Counts ticks', version };

  /** Counts every ten microseconds from the first write on, and raises its pin at every tick until somebody reads. */
  class Counter extends IsaDevice {
    readonly irq = new InterruptPin();
    count = 0;
    gated = false;
    extra = 7;
    private readonly tick: Timer;
    constructor(
      readonly clock: VirtualClock,
      readonly config: OptionsOf<typeof counterOptions>,
    ) {
      super();
      this.tick = clock.timer('tick', () => {
        this.count = (this.count + this.config.step) & 0xff;
        this.irq.set(true);
        this.tick.arm(this.clock.now + 10 * MICROSECOND);
      });
    }
    gate(level: boolean): void {
      this.gated = level;
    }
    start(): void {
      this.tick.arm(this.clock.now + 10 * MICROSECOND);
    }
    read(offset: number): number {
      if (offset === 1) return marker;
      if (offset === 2) return this.extra;
      this.irq.set(false);
      return this.count;
    }
  }
  ports.write(0)(Counter.prototype, 'start', Object.getOwnPropertyDescriptor(Counter.prototype, 'start') as never);
  ports.read()(Counter.prototype, 'read', Object.getOwnPropertyDescriptor(Counter.prototype, 'read') as never);
  input()(Counter.prototype, 'gate', Object.getOwnPropertyDescriptor(Counter.prototype, 'gate') as never);
  if (!without) state(Counter.prototype, 'count');
  if (extra) state({ since: version })(Counter.prototype as never, 'extra' as never);
  inject(VirtualClock)(Counter, undefined, 0 as never);
  options(counterOptions)(Counter, undefined, 1 as never);
  device(Kind)(Counter);
  return Counter;
}

const machineWith = (first: ConcreteDeviceClass, more = {}) =>
  Machine.create(defineMachine({ ...isapc, devices: [...isapc.devices, { device: first, id: 'counter', ...more }] }));

/** Counts for a while and remembers all it sees; the device's pin interrupts it. */
function watcher(seen: number[]) {
  return guestProgram('watcher', function* (guest) {
    guest.onInterrupt(0x25, function* () {
      seen.push(0x100 | (yield* guest.in8(0x300)));
      yield* guest.out8(0x20, 0x20);
    });
    for (const [port, value] of [
      [0x20, 0x11],
      [0x21, 0x20],
      [0x21, 0x04],
      [0x21, 0x01],
      [0x21, 0xdf],
      [0x300, 1],
    ] as const)
      yield* guest.out8(port, value);
    yield* guest.sti();
    for (let turn = 0; turn < 2000; turn++) {
      yield* guest.out8(0x70, 0x0d);
      seen.push(yield* guest.in8(0x71));
    }
  });
}

describe('a device is swapped for a later edition of its class', () => {
  it('and the guest sees the new code at the old place, with the old state', () => {
    const machine = machineWith(edition({ marker: 1 }));
    machine.io.write(0x300, 1, 1);
    machine.clock.advanceTo(35 * MICROSECOND);
    machine.swap('counter', edition({ marker: 2 }));
    expect(machine.io.read(0x301, 1)).toBe(2);
    expect(machine.io.read(0x300, 1)).toBe(3);
    machine.clock.advanceTo(40 * MICROSECOND);
    expect(machine.io.read(0x300, 1)).toBe(4);
    expect(machine.clock.pendingTimers.filter(({ name }) => name === 'tick')).toHaveLength(1);
  });

  it('two hundred times under a running guest, which sees, hears and measures the same as without', () => {
    const [plain, swapped] = [machineWith(edition()), machineWith(edition())];
    const [first, second]: [number[], number[]] = [[], []];
    const run = (machine: Machine, seen: number[], between: (turn: number) => void): number => {
      let outcome = machine.run(watcher(seen), { operationLimit: 10 });
      let turns = 0;
      while (outcome.reason === 'operation-limit') {
        between(turns++);
        outcome = machine.resume({ operationLimit: 10 });
      }
      expect(outcome.reason).toBe('finished');
      return turns;
    };
    run(plain, first, () => plain.settle());
    const turns = run(swapped, second, (turn) => {
      if (turn < 200) swapped.swap('counter', edition({ marker: turn & 0xff }));
    });
    expect(turns).toBeGreaterThan(200);
    expect(second).toEqual(first);
    expect(first.some((value) => value > 0x100)).toBe(true);
    expect(swapped.clock.now).toBe(plain.clock.now);
    expect(swapped.accelerator.statistics.summary()).toEqual(plain.accelerator.statistics.summary());
    expect(swapped.save().devices).toEqual(plain.save().devices);
  });

  it('with its options, its id and its place, given ones as they were and defaults as they are now', () => {
    const machine = machineWith(edition(), { options: { step: 3, iobase: 0x310, irq: 9 } });
    machine.swap('counter', edition({ marker: 5 }));
    expect(machine.io.read(0x311, 1)).toBe(5);
    expect(machine.deviceById('counter')?.options).toEqual({ step: 3, iobase: 0x310, irq: 9 });
    expect(
      [...(machine.deviceById('counter')?.wires.values() ?? [])].flat().map(({ description }) => description),
    ).toEqual(['ISA IRQ 9']);
  });

  it('with an option that was given with the value of its default, whatever is the default now, twice', () => {
    const machine = machineWith(edition(), { options: { step: 1 } });
    for (const usual of [2, 3]) {
      machine.swap('counter', edition({ usual }));
      expect(machine.deviceById('counter')?.options).toMatchObject({ step: 1 });
    }
  });

  it('with the default of the new class where no option was given, and the priority of its place', () => {
    const first = edition();
    const ports = metadataOf(first).regions[0]?.template as RegionTemplate;
    const machine = machineWith(first, { at: [place(ports, 0x300, { priority: 3 })] });
    machine.swap('counter', edition({ usual: 2 }));
    machine.swap('counter', edition({ usual: 4, marker: 9 }));
    expect(machine.deviceById('counter')?.options).toMatchObject({ step: 4 });
    expect(machine.deviceById('counter')?.mappings).toMatchObject([{ start: 0x300, priority: 3 }]);
    expect(machine.io.read(0x301, 1)).toBe(9);
  });

  it('and no wire moves while its pin is high', () => {
    const machine = machineWith(edition());
    machine.io.write(0x300, 1, 1);
    machine.clock.advanceTo(15 * MICROSECOND);
    const levels: boolean[] = [];
    const counter = machine.deviceById('counter')?.device as unknown as { irq: InterruptPin };
    expect(counter.irq.level).toBe(true);
    machine.observe({
      name: 'pins',
      start: () => ({
        observe: (event) => void (event.kind === 'interrupt' && event.device === 'counter' && levels.push(event.level)),
      }),
    });
    const before = machine.save().devices;
    machine.swap('counter', edition());
    expect(machine.save().devices).toEqual(before);
    machine.io.read(0x300, 1);
    expect(levels).toEqual([false]);
  });

  it('also where its pin is soldered to a pin of another device, and timers fire in their old order', () => {
    const Copy = edition();
    const machine = Machine.create(
      defineMachine({
        ...isapc,
        devices: [
          ...isapc.devices,
          { device: Copy, id: 'counter', interrupts: { irq: pin('other', 'gate') } },
          { device: Copy, id: 'other', options: { iobase: 0x320, irq: 9 } },
        ],
      }),
    );
    machine.io.write(0x300, 1, 1);
    machine.io.write(0x320, 1, 1);
    machine.clock.advanceTo(5 * MICROSECOND);
    const order = () => machine.clock.pendingTimers.map(({ deadline }) => deadline);
    const before = order();
    machine.swap('counter', edition());
    expect(order()).toEqual(before);
    machine.clock.advanceTo(15 * MICROSECOND);
    const other = machine.deviceById('other')?.device as unknown as { gated: boolean };
    expect(other.gated).toBe(true);
    machine.swap('counter', edition());
    expect(other.gated).toBe(true);
  });

  it('on PCI too: configuration, BARs and the interrupt line stay as the guest left them', () => {
    const machine = Machine.create(
      defineMachine({ ...pcI440fx, devices: [...pcI440fx.devices, use(Edu, { addr: '05.0', id: 'edu' })] }),
    );
    const config = (register: number) => 0x8000_0000 + (5 << 11) + register;
    const write = (register: number, value: number) => {
      machine.io.write(0xcf8, config(register), 4);
      machine.io.write(0xcfc, value, 4);
    };
    write(0x10, 0xfeb0_0000);
    write(0x04, 0x0006);
    machine.memory.write(0xfeb0_0004, 0x1234_5678, 4);
    machine.memory.write(0xfeb0_0060, 0x11, 4);
    const before = machine.save();
    const edu = machine.device(Edu);
    for (let turn = 0; turn < 20; turn++) machine.swap('edu', Edu);
    expect(machine.device(Edu)).not.toBe(edu);
    expect(machine.save()).toEqual(before);
    expect(machine.memory.read(0xfeb0_0004, 4)).toBe(~0x1234_5678 >>> 0);
    expect(machine.memory.read(0xfeb0_0024, 4)).toBe(0x11);
    machine.memory.write(0xfeb0_0064, 0x11, 4);
    expect(machine.device(Edu).interruptOut.level).toBe(false);
  });
});

describe('an edition that does not fit is refused with the difference, and the old device stays', () => {
  const refuses = (
    next: ConcreteDeviceClass,
    [code, ...named]: [string, ...string[]],
    first = edition({ marker: 1 }),
  ) => {
    const machine = machineWith(first);
    machine.io.write(0x300, 1, 1);
    machine.clock.advanceTo(25 * MICROSECOND);
    const before = machine.save();
    const tree = machine.devices.map(({ id }) => id);
    expectRefusal(() => machine.swap('counter', next), code, "'counter'", ...named);
    expect(machine.save()).toEqual(before);
    expect(machine.devices.map(({ id }) => id)).toEqual(tree);
    machine.clock.advanceTo(35 * MICROSECOND);
    expect(machine.io.read(0x300, 1)).toBe(3);
  };

  it('a field that is gone, unless the class says that it is retired', () => {
    refuses(edition({ without: true }), ['state-mismatch', 'count']);
  });

  it('an older version', () => {
    refuses(edition(), ['state-mismatch', 'version 2'], edition({ version: 2 }));
  });

  it('another device', () => {
    refuses(Edu, ['replacement-mismatch', 'edu', 'counter']);
  });

  it('a field that was added is no difference where the version says so', () => {
    const machine = machineWith(edition());
    machine.swap('counter', edition({ version: 2, extra: true }));
    expect(machine.io.read(0x302, 1)).toBe(7);
  });

  it('a device that the machine cannot do without while it runs', () => {
    const machine = machineWith(edition());
    expectRefusal(() => machine.swap('pic', edition()), 'device-in-use', "'pic'");
    expectRefusal(() => machine.swap('conuter', edition()), 'no-such-device', "'conuter'", "'counter'");
  });
});
