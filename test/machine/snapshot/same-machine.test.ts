// @module-tag slow
import { describe, expect, it } from 'vitest';
import { Edu, PciTestdev, PcTestdev } from '../../../devices/index.ts';
import { Capability } from '../../../sdk/accelerator/kvm/abi.ts';
import {
  type ConcreteDeviceClass,
  defineMachine,
  device,
  EventNotifiers,
  IsaDevice,
  inject,
  interruptController,
  MiB,
  mmioRegion,
  portRegion,
  state,
  use,
} from '../../../sdk/index.ts';
import { bar, msi, PciDevice, pci } from '../../../sdk/pci.ts';
import {
  formatSnapshot,
  guestProgram,
  Machine,
  type RestoreRequest,
  StateError,
  simulatedAccelerator,
} from '../../../sdk/runtime.ts';
import { expectRefusal } from '../../refusal.ts';
import { isapc, pcI440fx, q35 } from '../../small-machines.ts';

const small = { ram: 1 * MiB };
/** Signals are given in userspace, and stay until the guest runs: this kernel has no ioeventfds. */
const withoutIoeventfds = () => ({
  ...small,
  accelerator: simulatedAccelerator({ capabilities: { [Capability.Ioeventfd]: 0 } }),
});

/** The saved machine in a fresh one, which says the same of itself. */
function restored(machine: Machine, request: RestoreRequest = {}): Machine {
  const text = formatSnapshot(machine.save());
  const other = Machine.restore(machine.definition, JSON.parse(text), request);
  expect(formatSnapshot(other.save())).toBe(text);
  return other;
}

const configure = (machine: Machine, slot: number, register: number, value: number): void => {
  machine.io.write(0xcf8, (0x8000_0000 + (slot << 11) + register) >>> 0, 4);
  machine.io.write(0xcfc, value, 4);
};

describe('an eventfd that a guest switches on and off', () => {
  const definition = defineMachine({
    ...pcI440fx,
    devices: [...pcI440fx.devices, use(PciTestdev, { id: 'testdev', addr: '07.0' })],
  });
  const armed = (body: readonly (readonly [port: number, value: number])[]) =>
    guestProgram('armed', function* (guest) {
      yield* guest.out32(0xcf8, 0x8000_3814);
      yield* guest.out32(0xcfc, 0xc100);
      yield* guest.out32(0xcf8, 0x8000_3804);
      yield* guest.out32(0xcfc, 7);
      for (const [port, value] of body) yield* guest.out8(port, value);
    });
  const notifications = (machine: Machine) => machine.device(PciTestdev).notifications;

  it('is there again, and takes the guest writes', () => {
    const machine = Machine.create(definition, small);
    const program = armed([
      [0xc100, 1],
      [0xc184, 0],
      [0xc184, 0],
    ]);
    machine.run(program);
    const other = restored(machine, { guests: program });
    const again = armed([[0xc184, 0]]);
    for (const one of [machine, other]) one.run(again);
    expect(notifications(other)).toBe(notifications(machine));
    expect(notifications(other)).toBe(2);
  });

  it('brings its signal with it, which its consumer hears of then', () => {
    const machine = Machine.create(definition, withoutIoeventfds());
    const program = armed([[0xc100, 1]]);
    machine.run(program);
    machine.io.write(0xc184, 0, 1);
    expect(notifications(machine)).toBe(0);
    expect(machine.save().accelerator).toMatchObject({ eventfds: [{ name: 'testdev/0', signalled: true }] });
    const other = restored(machine, { ...withoutIoeventfds(), guests: program });
    for (const one of [machine, other]) one.run(armed([]));
    expect([notifications(machine), notifications(other)]).toEqual([1, 1]);
  });

  it('is known again although the guest has switched it off meanwhile, and on again later', () => {
    const machine = Machine.create(definition, small);
    const program = armed([
      [0xc100, 1],
      [0xc100, 0],
    ]);
    machine.run(program);
    const other = restored(machine, { guests: program });
    const again = armed([
      [0xc100, 1],
      [0xc184, 0],
      [0x80, 0],
    ]);
    for (const one of [machine, other]) one.run(again);
    expect(notifications(other)).toBe(1);
    expect(formatSnapshot(other.save())).toBe(formatSnapshot(machine.save()));
  });

  it('keeps its signal when its device is swapped', () => {
    const machine = Machine.create(definition, withoutIoeventfds());
    machine.run(armed([[0xc100, 1]]));
    machine.io.write(0xc184, 0, 1);
    machine.swap('testdev', PciTestdev);
    machine.run(armed([]));
    expect(notifications(machine)).toBe(1);
  });

  it('is refused where a snapshot has two of one name', () => {
    const machine = Machine.create(definition, small);
    machine.run(armed([[0xc100, 1]]));
    const snapshot = JSON.parse(formatSnapshot(machine.save()));
    snapshot.accelerator.eventfds.push(snapshot.accelerator.eventfds[0]);
    expectRefusal(() => Machine.restore(definition, snapshot), 'state-mismatch', "'accelerator.eventfds'");
  });
});

describe('eventfds of several doorbells', () => {
  const ports = portRegion({ name: 'doorbells', base: 0x340, size: 2, accessSizes: [1] });

  /** Connects its doorbells in the order in which the guest asks for them, and after a snapshot in that of their numbers. */
  @device({ type: 'doorbells', description: 'two doorbells' })
  class Doorbells extends IsaDevice {
    @state readonly connected = [false, false];
    @state readonly rung = [0, 0];

    constructor(@inject(EventNotifiers) private readonly notifiers: EventNotifiers) {
      super();
    }

    @ports.write()
    connect(_value: number, offset: number): void {
      if (!this.connected[offset]) this.listen(offset);
      this.connected[offset] = true;
    }

    override onStateLoaded(): void {
      for (const bell of [0, 1]) if (this.connected[bell]) this.listen(bell);
    }

    private listen(bell: number): void {
      const fd = this.notifiers.add(() => {
        this.rung[bell] = Math.max(...this.rung) + 1;
      }, `bell-${bell}`);
      this.region(ports).addIoeventfd({ offset: bell, size: 1, fd });
    }
  }

  it('of one name are refused where the second is made, also when the first has its number as name', () => {
    const named = (...names: (string | undefined)[]) => {
      @device({ type: 'one-name', description: 'Makes notifiers' })
      class OneName extends IsaDevice {
        constructor(@inject(EventNotifiers) notifiers: EventNotifiers) {
          super();
          for (const name of names) notifiers.add(() => {}, name);
        }
        @ports.write() write(): void {}
      }
      return Machine.create(defineMachine({ ...isapc, devices: [...isapc.devices, use(OneName)] }), small);
    };
    expectRefusal(() => named('same', 'same'), 'device-failure', "'one-name'", "'same'");
    expectRefusal(() => named('1', undefined), 'device-failure', "'one-name'", "'1'");
    const machine = named(undefined, 'same', undefined);
    expect(() => Machine.restore(machine.definition, machine.save())).not.toThrow();
  });

  it('that the guest connected in another order ring in that order again', () => {
    const definition = defineMachine({ ...isapc, devices: [...isapc.devices, use(Doorbells)] });
    const machine = Machine.create(definition, withoutIoeventfds());
    for (const port of [0x341, 0x340, 0x340, 0x341]) machine.io.write(port, 0, 1);
    const other = restored(machine, withoutIoeventfds());
    const idle = guestProgram(function* (guest) {
      yield* guest.out8(0x80, 0);
    });
    for (const one of [machine, other]) one.run(idle);
    expect(other.device(Doorbells).rung).toEqual(machine.device(Doorbells).rung);
    expect(other.device(Doorbells).rung).toEqual([2, 1]);
  });
});

describe('of regions of one priority, the one that came last', () => {
  const definition = defineMachine({
    ...pcI440fx,
    devices: [...pcI440fx.devices, use(Edu, { id: 'a', addr: '03.0' }), use(Edu, { id: 'b', addr: '04.0' })],
  });
  const placed = (slots: readonly number[]) => {
    const machine = Machine.create(definition, small);
    for (const slot of slots) {
      configure(machine, slot, 0x10, 0xe000_0000);
      configure(machine, slot, 0x04, 2);
    }
    return machine;
  };
  /** Which of the cards keeps what is written there. */
  const who = (machine: Machine) => {
    machine.memory.write(0xe000_0004, 0x1234_5678, 4);
    const cards = machine.devices.filter(({ device: card }) => card instanceof Edu && card.liveness === 0x1234_5678);
    return cards.map(({ id }) => id);
  };

  it.each([
    ['a', [4, 3]],
    ['b', [3, 4]],
  ])('answers after a snapshot too: %s', (id, slots) => {
    const other = restored(placed(slots));
    expect(who(other)).toEqual([id]);
  });

  it.each([
    ['a', [4, 3]],
    ['b', [3, 4]],
  ])('answers when one of the two is swapped: %s', (id, slots) => {
    const machine = placed(slots);
    machine.swap('a', Edu);
    machine.swap('b', Edu);
    machine.swap('a', Edu);
    expect(who(machine)).toEqual([id]);
  });

  it('answers when a swap was refused', () => {
    const machine = placed([3, 4]);
    class Wrong extends Edu {}
    device({ type: 'edu', description: 'refuses every state' })(Wrong);
    Wrong.prototype.onStateLoaded = () => {
      throw new Error('never');
    };
    expectRefusal(() => machine.swap('a', Wrong as unknown as ConcreteDeviceClass), 'state-refused', 'never');
    expect(who(machine)).toEqual(['b']);
  });

  it('is written down only where it does not follow from how the machine was built', () => {
    expect(Machine.create(definition, small).save()).not.toHaveProperty('map');
    expect(placed([3, 4]).save().map).toEqual({ 'pci 1': ['b/edu-mmio', 'a/edu-mmio'] });
  });

  it('is refused where it is not there', () => {
    const text = formatSnapshot(placed([3, 4]).save()).replace('"b/edu-mmio"', '"c/edu-mmio"');
    const restore = () => Machine.restore(definition, JSON.parse(text));
    expectRefusal(restore, 'state-mismatch', "'map'", "'pci 1'", "'c/edu-mmio'");
  });

  it('is the window of q35 where its guest moved it over a BAR, or the BAR where that came later', () => {
    const board = defineMachine({ ...q35, devices: [...q35.devices, use(Edu, { id: 'card', addr: '03.0' })] });
    const machine = Machine.create(board, small);
    configure(machine, 3, 0x10, 0xe000_0000);
    configure(machine, 3, 0x04, 2);
    configure(machine, 0, 0x60, 0xe000_0001);
    const [before, after] = [machine, restored(machine)].map((one) => one.memory.read(0xe000_0000, 4));
    expect(after).toBe(before);
  });
});

describe('what registers alone do not say', () => {
  it('is restored: the window of q35 stays where it was when its length was made the reserved one', () => {
    const machine = Machine.create(q35, small);
    configure(machine, 0, 0x60, 0xe000_0001);
    configure(machine, 0, 0x60, 0xffff_ffff);
    const identity = (one: Machine) => one.memory.read(0xe000_0000, 4);
    expect(identity(machine)).toBe(0x29c0_8086);
    expect(identity(restored(machine))).toBe(0x29c0_8086);
  });

  it('is restored: a string that was interrupted says nothing of the pause before it', () => {
    const program = guestProgram('string', function* (guest) {
      yield* guest.pause(1000);
      yield* guest.repOuts8(0x80, [1, 2, 3, 4]);
    });
    const machine = Machine.create(isapc, small);
    machine.run(program, { operationLimit: 3, savable: true });
    const saved = machine.save().accelerator;
    expect(saved).toMatchObject({ processors: [{ guest: { underWay: { position: 2, duration: 0 } } }] });
    restored(machine, { guests: program });
  });
});

describe('a reset of a guest that had let interrupts in', () => {
  /** Pends as soon as the machine has been reset. */
  @device({ type: 'eager', description: 'an interrupt controller that always has one more' })
  @interruptController()
  class Eager extends IsaDevice {
    @state pending = false;
    acknowledge(): number {
      this.pending = false;
      return 0x40;
    }
    override reset(): void {
      this.pending = true;
    }
  }

  it('lets none into the guest that begins again, which has not asked for them yet', () => {
    const definition = defineMachine({
      ...isapc,
      devices: [...isapc.devices, use(Eager, { id: 'eager' })],
      interruptController: 'eager',
    });
    const machine = Machine.create(definition, small);
    const guest = guestProgram('sleeper', function* (on) {
      on.onInterrupt(0x40, function* () {});
      yield* on.sti();
      yield* on.hlt();
      yield* on.hlt();
    });
    expect(machine.run(guest).reason).toBe('halted');
    machine.reset();
    expect(machine.resume().reason).toBe('halted');
  });
});

describe('a snapshot of a function with other messages', () => {
  function cardWith(vectors: number, perVectorMasking = false) {
    const registers = mmioRegion({ name: 'registers', size: 0x1000, accessSizes: [4] });
    class Card extends PciDevice {
      control = 0;
      send(vector: number): boolean {
        return this.sendMessage(vector);
      }
    }
    registers.register(0, { width: 32 })(Card.prototype, 'control');
    bar(0, registers)(Card);
    msi({ vectors, perVectorMasking })(Card);
    pci({ vendorId: 0x1234, deviceId: 1, classCode: 0xff, interruptPin: 'A' })(Card);
    device({ type: 'card', description: 'sends messages' })(Card);
    return Card;
  }
  type Card = ReturnType<typeof cardWith>;
  const boardOf = (card: Card) =>
    defineMachine({ ...pcI440fx, devices: [...pcI440fx.devices, use(card, { id: 'card', addr: '05.0' })] });
  const saved = (card: Card, control: number) => {
    const machine = Machine.create(boardOf(card), small);
    const function5 = machine.device(card);
    function5.writeConfig((function5.capabilityOffset(5) as number) + 2, control, 2);
    return JSON.parse(formatSnapshot(machine.save()));
  };

  it('is refused: more vectors, fewer, and another kind of mask', () => {
    const [two, four, masked] = [cardWith(2), cardWith(4), cardWith(2, true)];
    for (const [from, to] of [
      [four, two],
      [two, four],
    ] as const) {
      const restore = () => Machine.restore(boardOf(to), saved(from, 0x21));
      expectRefusal(restore, 'state-mismatch', "device 'card', 'config.bytes'", 'MSI');
    }
    expect(() => Machine.restore(boardOf(two), saved(masked, 1))).toThrow(StateError);
    expect(() => Machine.restore(boardOf(four), saved(four, 0x21))).not.toThrow();
  });

  it('is refused with more vectors enabled than there are, which no guest reaches, and not with what a guest may write', () => {
    const four = cardWith(4);
    const snapshot = saved(four, 0x21);
    const card = snapshot.devices.find((one: { id: string }) => one.id === 'card');
    const text: string = card.fields.config.bytes;
    const at = 2 * ((Machine.create(boardOf(four), small).device(four).capabilityOffset(5) as number) + 2);
    expect(text.slice(at, at + 2)).toBe('a5');
    card.fields.config.bytes = `${text.slice(0, at)}b5${text.slice(at + 2)}`;
    expectRefusal(() => Machine.restore(boardOf(four), snapshot), 'state-mismatch', '8 MSI vectors', '4');
    // Switched off, the guest may ask for any number: it counts only while messages are on.
    expect(() => Machine.restore(boardOf(four), saved(four, 0x30))).not.toThrow();
  });
});

describe('what no snapshot could name', () => {
  it.each([
    ['an id that is too long', 'x'.repeat(257)],
    ['an id that no terminal shows', 'a\u001b[2J'],
    ['no id', ''],
  ])('is refused when the machine is built: %s', (_, id) => {
    const definition = { ...isapc, devices: [...isapc.devices, use(PcTestdev, { id })] };
    expectRefusal(() => Machine.create(definition, small), 'invalid-id', '256');
  });

  it('is restored with the longest id, and a program whose name is a book', () => {
    const program = guestProgram('x'.repeat(10_000), function* () {});
    const machine = Machine.create(
      { ...isapc, devices: [...isapc.devices, use(PcTestdev, { id: 'x'.repeat(256) })] },
      small,
    );
    machine.run(program);
    restored(machine, { guests: program });
  });
});

describe('a machine that is thrown away', () => {
  it('lets go of its memory in a loop that never waits', () => {
    const before = process.memoryUsage().arrayBuffers;
    for (let n = 0; n < 12; n++) Machine.create(pcI440fx, { ram: 128 * MiB }).dispose();
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(3 * 128 * MiB);
  });

  it('lets go of it too when a snapshot is refused', () => {
    const snapshot = JSON.parse(formatSnapshot(Machine.create(pcI440fx, { ram: 128 * MiB }).save()));
    snapshot.devices = [];
    const before = process.memoryUsage().arrayBuffers;
    for (let n = 0; n < 12; n++) expect(() => Machine.restore(pcI440fx, snapshot)).toThrow(StateError);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(3 * 128 * MiB);
  });
});
