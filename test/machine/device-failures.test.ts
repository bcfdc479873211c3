import { describe, expect, it } from 'vitest';
import { Errno } from '../../sdk/accelerator/kvm/abi.ts';
import { scheduledAccelerator } from '../../sdk/accelerator/kvm/scheduled/processors.ts';
import { SimulatedKernel } from '../../sdk/accelerator/kvm/simulated-kernel/simulated-kernel.ts';
import {
  addCoalescedIo,
  type ConcreteDeviceClass,
  defineMachine,
  device,
  EventNotifiers,
  IsaDevice,
  inject,
  type MachineDefinition,
  MiB,
  portRegion,
  type RamBlock,
  state,
  type Timer,
  use,
  VirtualClock,
} from '../../sdk/index.ts';
import {
  DeviceFailure,
  describeThrown,
  guestProgram,
  Machine,
  StateError,
  simulatedAccelerator,
} from '../../sdk/runtime.ts';
import { testBench } from '../../sdk/testing/index.ts';
import { expectRefusal } from '../refusal.ts';
import { isapc } from '../small-machines.ts';

type Place = 'constructor' | 'onRealize' | 'reset' | 'read' | 'write' | 'timer' | 'notifier' | 'onUnrealize';

/** A device that throws at one place of its life, once it is told to. */
function faulty(places: Place | readonly Place[], thrown: unknown = new Error('boom')) {
  const ports = portRegion({ name: 'faulty', base: 0x300, size: 4, accessSizes: [1] });
  const at = (here: Place) => {
    if ([places].flat().includes(here) && Faulty.armed) throw thrown;
  };
  @device({ type: 'faulty', description: 'Throws' })
  @addCoalescedIo(ports, { offset: 2, size: 1 })
  class Faulty extends IsaDevice {
    static armed = true;
    static made = 0;
    static unrealized = 0;
    static readonly blueprintRegion = ports;
    readonly written: number[] = [];
    private readonly tick: Timer;
    constructor(
      @inject(VirtualClock) private readonly clock: VirtualClock,
      @inject(EventNotifiers) private readonly notifiers: EventNotifiers,
    ) {
      super();
      Faulty.made++;
      this.tick = clock.timer('tick', () => at('timer'));
      at('constructor');
    }
    @ports.read(0) read(): number {
      at('read');
      return 0x5a;
    }
    @ports.write(0) start(): void {
      this.tick.arm(this.clock.now + 10);
    }
    @ports.write(2) write(value: number): void {
      this.written.push(value);
      if (value === 0xbb) at('write');
    }
    protected override onRealize(): void {
      const fd = this.notifiers.add(() => at('notifier'));
      this.region(ports).addIoeventfd({ offset: 3, size: 1, fd });
      at('onRealize');
    }
    protected override onUnrealize(): void {
      Faulty.unrealized++;
      at('onUnrealize');
    }
    override reset(): void {
      at('reset');
    }
  }
  return Faulty;
}

const machineWith = (deviceClass: ConcreteDeviceClass, id = 'faulty') =>
  Machine.create(defineMachine({ ...isapc, devices: [...isapc.devices, use(deviceClass, { id })] }));

const touching = (port: number, value?: number) =>
  guestProgram(function* (guest) {
    if (value === undefined) yield* guest.in8(port);
    else yield* guest.out8(port, value);
    yield* guest.pause(100_000);
    yield* guest.in8(0x71);
  });

describe("what a device's own code throws names the device and the piece of code, and keeps the original as its cause", () => {
  it.each([
    ['constructor', 'Faulty'],
    ['onRealize', 'onRealize()'],
    ['reset', 'reset()'],
  ] as const)('while the machine is built: %s', (place, named) => {
    const { cause } = expectRefusal(() => machineWith(faulty(place)), 'device-failure', "'faulty'", named, 'boom');
    expect(cause instanceof DeviceFailure ? cause.cause : cause).toEqual(new Error('boom'));
  });

  it.each([
    ['read', touching(0x300), ["region 'faulty'", 'offset 0x0', '1 byte']],
    ['write', touching(0x302, 0xbb), ["region 'faulty'", 'offset 0x2']],
    ['timer', touching(0x300, 1), ["'tick'"]],
    ['notifier', touching(0x303, 1), ['ioeventfd']],
  ] as const)('while the guest runs: %s', (place, guest, named) => {
    const machine = machineWith(faulty(place));
    const error = expectRefusal(() => machine.run(guest), 'device-failure', "'faulty'", ...named, 'boom');
    expect(error).toBeInstanceOf(DeviceFailure);
    expect(error.cause).toEqual(new Error('boom'));
    expect((error as Error as DeviceFailure).device).toBe(machine.deviceById('faulty')?.device);
  });

  it('but an access from outside of a run throws the original itself, on a machine and on a bench', () => {
    const boom = new Error('boom');
    const Faulty = faulty(['read', 'write'], boom);
    const machine = machineWith(Faulty);
    const bench = testBench(Faulty);
    const accesses = [
      () => machine.io.read(0x300, 1),
      () => machine.io.write(0x302, 0xbb, 1),
      () => bench.in8(0x300),
      () => bench.out8(0x302, 0xbb),
    ];
    const thrown = accesses.map((access) => {
      try {
        return access();
      } catch (error) {
        return error;
      }
    });
    for (const error of thrown) expect(error).toBe(boom);
    expect(thrown).toHaveLength(4);
  });

  it('also where a timer arms itself for ever', () => {
    const Faulty = faulty('timer', new Error('never'));
    Faulty.armed = false;
    const machine = machineWith(Faulty);
    const timer = machine.clock.timer('restless', () => timer.arm(machine.clock.now));
    timer.arm(10);
    expectRefusal(() => machine.run(touching(0x300, 1)), 'device-failure', "timer 'restless'", '10000 times');
  });

  it('with the type, where the id does not say it', () => {
    expectRefusal(() => machineWith(faulty('reset'), 'left'), 'device-failure', "'left' (faulty)", 'reset()', 'boom');
  });

  it.each([
    [{ code: 7 }, '{"code":7}, which is no Error'],
    ['text', 'text'],
    [null, 'null, which is no Error'],
    [7n, '7, which is no Error'],
    [new TypeError(''), 'TypeError without a message'],
    [Object.create(null), '{}, which is no Error'],
    [
      Object.defineProperty({}, 'toJSON', {
        get() {
          throw new Error('no');
        },
      }),
      'something that cannot be shown',
    ],
    [Object.assign(new Error('x'), { message: 'y'.repeat(5000) }), `${'y'.repeat(1000)}...`],
  ])('whatever is thrown: %#', (thrown, words) => {
    expect(describeThrown(thrown)).toBe(words);
    expectRefusal(() => machineWith(faulty('reset', thrown)), 'device-failure', 'reset()', words);
  });
});

describe('a machine whose device has thrown', () => {
  it('is whole: no handler is on its stack, nothing is queued twice, and it goes on when asked', () => {
    const Faulty = faulty('write');
    const machine = machineWith(Faulty);
    const guest = guestProgram(function* (program) {
      for (const value of [0xaa, 0xbb, 0xcc]) yield* program.out8(0x302, value);
      yield* program.in8(0x301);
    });
    expectRefusal(() => machine.run(guest), 'device-failure', 'boom');
    expect(machine.topology.handlerDepth).toBe(0);
    Faulty.armed = false;
    expect(machine.resume().reason).toBe('finished');
    expect(machine.device(Faulty).written).toEqual([0xaa, 0xbb, 0xcc]);
    expect(machine.io.read(0x300, 1)).toBe(0x5a);
  });

  it('in its reset while it was plugged in is the machine that it was', () => {
    const Faulty = faulty('reset');
    const machine = Machine.create(isapc);
    const before = machine.save();
    expectRefusal(() => machine.plug(use(Faulty)), 'device-failure', "'faulty'", 'reset()', 'boom');
    expect(machine.save()).toEqual(before);
    expect(machine.io.read(0x300, 1)).toBe(0xff);
    Faulty.armed = false;
    machine.plug(use(Faulty));
    expect(machine.io.read(0x300, 1)).toBe(0x5a);
  });

  it('while it was unplugged has it no more', () => {
    const machine = machineWith(faulty('onUnrealize'));
    expectRefusal(() => machine.unplug('faulty'), 'device-failure', "'faulty'", 'onUnrealize()', 'boom');
    expect(machine.deviceById('faulty')).toBeUndefined();
    expect(machine.io.read(0x300, 1)).toBe(0xff);
  });
});

describe('a machine that is no more lets go of its memory, and says what was wrong first', () => {
  /** How much memory of the guest there is still. */
  const counted = () => {
    const accelerator = simulatedAccelerator();
    const blocks: RamBlock[] = [];
    const allocate = accelerator.allocateRam.bind(accelerator);
    accelerator.allocateRam = (size, name) => {
      const block = allocate(size, name);
      blocks.push(block);
      return block;
    };
    return { accelerator, bytesLeft: () => blocks.reduce((sum, { bytes }) => sum + bytes.buffer.byteLength, 0) };
  };
  const board = (deviceClass: ConcreteDeviceClass, more: Partial<MachineDefinition> = {}) =>
    defineMachine({ ...isapc, devices: [...isapc.devices, use(deviceClass)], ...more });

  it.each(['constructor', 'onRealize', 'reset'] as const)('where %s throws while it is built', (place) => {
    const { accelerator, bytesLeft } = counted();
    expectRefusal(() => Machine.create(board(faulty(place)), { accelerator, ram: MiB }), 'device-failure', 'boom');
    expect(bytesLeft()).toBe(0);
  });

  it('where prepare() throws, and a device on its way out: the first is reported', () => {
    const { accelerator, bytesLeft } = counted();
    const prepare = () => {
      throw new Error('no disk');
    };
    const create = () => Machine.create(board(faulty('onUnrealize'), { prepare }), { accelerator, ram: MiB });
    expectRefusal(create, 'prepare-failure', 'prepare()', 'no disk');
    expect(bytesLeft()).toBe(0);
  });

  it('where devices throw while it is taken apart: each hears of it, and the first failure comes out', () => {
    const { accelerator, bytesLeft } = counted();
    const [Faulty, Other] = [faulty('onUnrealize'), faulty('onUnrealize', new Error('second'))];
    const at = [{ region: Other.blueprintRegion, address: 0x310 }];
    const definition = board(Faulty, { devices: [...isapc.devices, use(Faulty), use(Other, { id: 'other', at })] });
    const machine = Machine.create(definition, { accelerator, ram: MiB });
    expect(bytesLeft()).toBeGreaterThanOrEqual(MiB);
    expectRefusal(() => machine.dispose(), 'device-failure', "'other' (faulty)", 'onUnrealize()', 'second');
    expect([Faulty.unrealized, Other.unrealized]).toEqual([1, 1]);
    expect(bytesLeft()).toBe(0);
  });

  it('where it was to be restored: the difference is reported, not what a device throws then', () => {
    const definition = board(faulty('onUnrealize'));
    const saved = JSON.parse(JSON.stringify(Machine.create(definition, { ram: MiB }).save()));
    saved.clock.now = -1;
    const { accelerator, bytesLeft } = counted();
    const restore = () => Machine.restore(definition, saved, { accelerator });
    expect(expectRefusal(restore, 'state-mismatch', "'clock.now'")).toBeInstanceOf(StateError);
    expect(bytesLeft()).toBe(0);
  });

  it('and a device that was plugged in in vain is gone, whatever it throws on its way out', () => {
    const machine = Machine.create(isapc, { ram: MiB });
    const Both = faulty(['reset', 'onUnrealize']);
    for (let turn = 0; turn < 2; turn++)
      expectRefusal(() => machine.plug(use(Both)), 'device-failure', "'faulty'", 'reset()', 'boom');
    expect(machine.io.read(0x300, 1)).toBe(0xff);
    expect(() => machine.save()).not.toThrow();
  });
});

describe('the eventfds of a device', () => {
  it('are closed when it is unplugged or swapped, or was refused: as many are open after 200 times as before', () => {
    const Faulty = faulty('reset');
    Faulty.armed = false;
    const machine = machineWith(Faulty);
    const nextFd = () => {
      const fd = machine.accelerator.eventfd(() => {});
      machine.accelerator.closeEventfd(fd);
      return fd;
    };
    const [before, fd] = [machine.save().accelerator, nextFd()];
    for (let turn = 0; turn < 200; turn++) machine.swap('faulty', Faulty);
    for (let turn = 0; turn < 20; turn++) {
      machine.unplug('faulty');
      machine.plug(use(Faulty));
    }
    Faulty.armed = true;
    machine.unplug('faulty');
    for (let turn = 0; turn < 20; turn++) expectRefusal(() => machine.plug(use(Faulty)), 'device-failure', 'boom');
    Faulty.armed = false;
    machine.plug(use(Faulty));
    expect(machine.save().accelerator).toEqual(before);
    expect(nextFd()).toBe(fd);
  });

  it('are bounded, where a guest decides how many there are, and the machine can be saved and restored then', () => {
    const greedy = portRegion({ name: 'greedy', base: 0x320, size: 1, accessSizes: [1] });
    @device({ type: 'greedy', description: 'makes eventfds when it is told to' })
    class Greedy extends IsaDevice {
      @state made = 0;

      constructor(@inject(EventNotifiers) private readonly notifiers: EventNotifiers) {
        super();
      }

      @greedy.write(0)
      make(): void {
        for (let more = 0; more < 0x100; more++, this.made++) this.notifiers.add(() => {});
      }

      override onStateLoaded(): void {
        for (let again = 0; again < this.made; again++) this.notifiers.add(() => {});
      }
    }
    const definition = defineMachine({ ...isapc, devices: [...isapc.devices, use(Greedy)] });
    const machine = Machine.create(definition, { ram: MiB });
    const bench = testBench(Greedy);
    for (let turn = 0; turn < 4; turn++) {
      machine.io.write(0x320, 0, 1);
      bench.out8(0x320, 0);
    }
    const saved = JSON.parse(JSON.stringify(machine.save()));
    expect(saved.accelerator.eventfds).toHaveLength(1024);
    expect(Machine.restore(definition, saved).save().accelerator).toEqual(saved.accelerator);
    expectRefusal(() => machine.run(touching(0x320, 0)), 'device-failure', "'greedy'", '1024');
    expectRefusal(() => bench.out8(0x320, 0), 'too-many-eventfds', '1024');
  });

  it('that the host does not have are refused, and no device gets a number that is none', () => {
    class FullKernel extends SimulatedKernel {
      override get errno(): number {
        return Errno.EMFILE;
      }
      override eventfd(): number {
        return -1;
      }
    }
    const accelerator = scheduledAccelerator({ kernel: new FullKernel() });
    const definition = defineMachine({ ...isapc, devices: [...isapc.devices, use(faulty('notifier'))] });
    expectRefusal(() => Machine.create(definition, { accelerator, ram: MiB }), 'device-failure', 'errno 24');
  });

  it('go on to signal the new device after a swap', () => {
    const Faulty = faulty('notifier');
    const machine = machineWith(Faulty);
    machine.swap('faulty', Faulty);
    expectRefusal(() => machine.run(touching(0x303, 1)), 'device-failure', "'faulty'", 'ioeventfd', 'boom');
  });
});
