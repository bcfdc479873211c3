import { describe, expect, it } from 'vitest';
import { inDeviceEvent } from '../../sdk/device/device.ts';
import { realizeDevice } from '../../sdk/device/regions/build.ts';
import {
  bit,
  bits,
  containerRegion,
  contains,
  defineMachine,
  device,
  InterruptPin,
  inject,
  input,
  KiB,
  mmioRegion,
  pin,
  place,
  SystemDevice,
  state,
  subDevice,
  type Timer,
  use,
  VirtualClock,
} from '../../sdk/index.ts';
import {
  constructDevice,
  defineObserver,
  GuestErrors,
  infoMtree,
  infoQtree,
  Machine,
  MemoryTopology,
  metadataOf,
  observeSubDevices,
  type PluggedDevice,
  pinsOf,
  registerDocument,
} from '../../sdk/runtime.ts';
import { testBench } from '../../sdk/testing/index.ts';
import { expectRefusal } from '../refusal.ts';
import { empty } from '../small-machines.ts';

const Base = 0x101e_2000;
const Register = { Load: 0x0, Control: 0x4, Wrong: 0x8 } as const;
/** What happened to devices, in order. */
const life: string[] = [];

/** Listens at the end of a wire. */
@device({ type: 'ear', description: 'Hears a pin' })
class Ear extends SystemDevice {
  @state heard = false;

  @input()
  hear(level: boolean): void {
    this.heard = level;
  }
}

/** Timers in one chip, as each loading of its file makes it. */
function edition({ count = 2, version = 1, retired = [] as string[] } = {}) {
  const registers = mmioRegion({ name: 'timer', size: 0x20, accessSizes: [4] });
  const control = registers.register(Register.Control, { width: 32, fields: { enable: bit(0), rest: bits(1, 31) } });
  const block = containerRegion({ name: 'block', base: Base, size: 4 * KiB });

  @device({ type: 'one-timer', description: 'One timer of the chip' })
  class OneTimer extends SystemDevice {
    readonly irq = new InterruptPin();
    @registers.register(Register.Load, { width: 32, reset: 1000 }) load = 1000;
    @control control = 0;
    @state fired = 0;
    private readonly tick: Timer;

    constructor(@inject(VirtualClock) private readonly clock: VirtualClock) {
      super();
      this.tick = clock.timer('tick', () => {
        this.fired++;
        this.irq.set(true);
      });
    }

    @control.onWrite()
    start(): void {
      if (this.control & 1) this.tick.arm(this.clock.now + this.load);
      else this.tick.cancel();
    }

    @registers.write(Register.Wrong)
    wrong(): undefined {
      return this.guestError('there is nothing');
    }

    protected override onRealize(): void {
      life.push(`realize ${this.id}`);
    }

    protected override onUnrealize(): void {
      life.push(`unrealize ${this.id}`);
    }

    override reset(): void {
      super.reset();
      life.push(`reset ${this.id}`);
      this.fired = 0;
      this.tick.cancel();
      this.irq.set(false);
    }
  }

  @device({ type: 'dual', description: 'Timers in one chip', version, retired })
  @contains(block)
  class Dual extends SystemDevice {
    readonly timers: readonly OneTimer[];
    @state boots = 0;

    constructor(@inject(VirtualClock) clock: VirtualClock) {
      super();
      this.timers = Array.from({ length: count }, (_, index) =>
        subDevice(() => new OneTimer(clock), { inside: block, offset: 0x20 * index }),
      );
    }

    protected override onRealize(): void {
      life.push(`realize ${this.id}`);
    }

    protected override onUnrealize(): void {
      life.push(`unrealize ${this.id}`);
    }

    override reset(): void {
      super.reset();
      life.push(`reset ${this.id}`);
      this.boots = 1;
    }
  }
  return { Dual, OneTimer, registers, block };
}

const { Dual, OneTimer } = edition();
const wires = { 'timers[0].irq': pin('ear', 'hear') };
const board = (deviceClass = Dual, first = 'dual') =>
  defineMachine({
    ...empty,
    name: 'board',
    devices: [use(Ear), use(deviceClass, { id: first, interrupts: wires })],
  });

describe('a device inside a device', () => {
  it('answers where its outer device puts it', () => {
    const bench = testBench(Dual);
    bench.store32(Base + Register.Load, 5);
    bench.store32(Base + 0x20 + Register.Load, 7);
    expect(bench.device.timers.map(({ load }) => load)).toEqual([5, 7]);
    expect([bench.load32(Base), bench.load32(Base + 0x20)]).toEqual([5, 7]);
  });

  it('has timers and pins of its own, which the bench names', () => {
    const bench = testBench(Dual);
    const second = bench.of(bench.device.timers[1] as InstanceType<typeof OneTimer>);
    second.register('load').write(500);
    second.register('control').write(1);
    bench.store32(Base + Register.Control, 1);
    bench.clock.advance(600);
    const { interrupts } = bench;
    expect([interrupts['timers[0].irq']?.level, interrupts['timers[1].irq']?.level]).toEqual([false, true]);
    bench.clock.advance(400);
    expect([...pinsOf(bench.device)].map(([name, { level }]) => [name, level])).toEqual([
      ['timers[0].irq', true],
      ['timers[1].irq', true],
    ]);
  });

  it('is realized before its outer device, reset with it, and unrealized after it, the last one first', () => {
    life.length = 0;
    const machine = Machine.create(board());
    machine.unplug('dual');
    expect(life).toEqual([
      'realize dual.timers[0]',
      'realize dual.timers[1]',
      'realize dual',
      'reset dual.timers[0]',
      'reset dual.timers[1]',
      'reset dual',
      'unrealize dual',
      'unrealize dual.timers[1]',
      'unrealize dual.timers[0]',
    ]);
  });

  it('is named in guest errors', () => {
    const bench = testBench(Dual);
    bench.store32(Base + 0x20 + Register.Wrong, 1);
    expect(bench.guestErrors.map(({ device: id, message }) => `${id}: ${message}`)).toEqual([
      'dual.timers[1]: there is nothing',
    ]);
  });

  it('lies beside registers of its outer device, which are in the same container and which the bench finds there', () => {
    const rest = mmioRegion({ name: 'rest', size: 4 * KiB, accessSizes: [4], priority: -1 });
    const identification = rest.register(0xfe0, { width: 32, access: 'constant', reset: 4 });
    const { OneTimer: Part, registers, block } = edition();

    @device({ type: 'identified', description: 'A timer, and a register of the chip' })
    @contains(block)
    class Identified extends SystemDevice {
      @identification readonly identification = 4;
      readonly timer: InstanceType<typeof Part>;

      constructor(@inject(VirtualClock) clock: VirtualClock) {
        super();
        this.timer = subDevice(() => new Part(clock), { inside: block, offset: 0x20 });
      }

      protected override onRealize(): void {
        this.region(block).addSubregion(0, this.region(rest), rest.priority);
      }
    }

    for (const address of [Base, 0x2000]) {
      const bench = testBench(Identified, { at: [place(block, address)] });
      expect([bench.addressOf(rest), bench.load32(address + 0xfe0)]).toEqual([address, 4]);
      expect(bench.at(rest).read32(0xfe0)).toBe(4);
      bench.register('identification').expect(4);
      bench.of(bench.device.timer).at(registers).write32(Register.Load, 9);
      expect([bench.load32(address + 0x20), bench.load32(address)]).toEqual([9, 0]);
    }
  });

  it('is constructed again and again without remembering others', () => {
    const [one, other] = [testBench(Dual), testBench(Dual)];
    one.store32(Base, 3);
    expect([one.load32(Base), other.load32(Base)]).toEqual([3, 1000]);
  });
});

describe('a device with others inside it, in a machine', () => {
  it('has the pins of those wired', () => {
    const machine = Machine.create(board());
    machine.memory.write(Base + Register.Control, 1, 4);
    machine.clock.advanceTo(machine.clock.now + 2000);
    expect(machine.device(Ear).heard).toBe(true);
  });

  it('refuses a wire of a pin that those do not have', () => {
    const wrong = use(Dual, { interrupts: { 'timers[7].irq': pin('ear', 'hear') } });
    expectRefusal(
      () => Machine.create(defineMachine({ ...board(), devices: [use(Ear), wrong] })),
      'wiring-mistakes',
      "'timers[7].irq'",
      "'timers[0].irq'",
    );
  });

  it('shows their regions inside its own', () => {
    expect(infoMtree(Machine.create(board()))).toContain(`00000000101e2000-00000000101e2fff (prio 0, i/o): block
      00000000101e2000-00000000101e201f (prio 0, i/o): timer
      00000000101e2020-00000000101e203f (prio 0, i/o): timer`);
  });

  it('is one branch of the tree of devices, with their pins and addresses', () => {
    expect(infoQtree(Machine.create(board()))).toContain(`  dev: dual, id "dual"
    mmio 00000000101e2000/0000000000001000
    dev: one-timer, id "dual.timers[0]"
      gpio-out "irq" 1 -> pin 'hear' of 'ear'
      mmio 00000000101e2000/0000000000000020
    dev: one-timer, id "dual.timers[1]"
      gpio-out "irq" 1
      mmio 00000000101e2020/0000000000000020
`);
  });

  it('is documented with them, and with the registers of each of their classes once', () => {
    const bench = testBench(Dual);
    const text = registerDocument(metadataOf(Dual), {
      pins: [...pinsOf(bench.device).keys()],
      subDevices: observeSubDevices(bench.device),
    });
    expect(text).toContain(`## Sub-devices

| name | type | what it is | regions |
| --- | --- | --- | --- |
| \`timers[0]\` | \`one-timer\` | One timer of the chip | from 0x0 of \`block\` |
| \`timers[1]\` | \`one-timer\` | One timer of the chip | from 0x20 of \`block\` |

## Region \`timer\`

32 bytes of memory, in a sub-device; accesses of 4 bytes.`);
    expect(text.match(/## Region/g)).toHaveLength(2);
    expect(text).toContain('| `timers[1].irq` | output | where the machine wires it |');
  });

  it('is one node of a snapshot, with theirs inside, and their timers fire afterwards in the saved order', () => {
    const machine = Machine.create(board());
    for (const at of [0x20, 0]) {
      machine.memory.write(Base + at, 700 + at, 4);
      machine.memory.write(Base + at + Register.Control, 1, 4);
    }
    const saved = JSON.parse(JSON.stringify(machine.save()));
    const node = saved.devices.find(({ id }: { id: string }) => id === 'dual');
    expect(node.subDevices['timers[1]']).toEqual({
      type: 'one-timer',
      version: 1,
      fields: { load: 732, control: 1, fired: 0 },
    });
    expect(node.timers).toEqual({ 'timers[0].tick': 700, 'timers[1].tick': 732 });
    expect(saved.clock.pending).toEqual([
      ['dual', 'timers[0].tick'],
      ['dual', 'timers[1].tick'],
    ]);
    const restored = Machine.restore(board(), saved);
    restored.clock.advanceTo(restored.clock.now + 710);
    const { timers } = restored.device(Dual);
    expect(timers.map(({ fired, load }) => [fired, load])).toEqual([
      [1, 700],
      [0, 732],
    ]);
    expect(restored.device(Ear).heard).toBe(true);
    expect(JSON.parse(JSON.stringify(Machine.restore(board(), saved).save()))).toEqual(saved);
  });

  it('refuses a snapshot by the name of the one inside that differs', () => {
    const saved = JSON.parse(JSON.stringify(Machine.create(board()).save()));
    const node = saved.devices.find(({ id }: { id: string }) => id === 'dual');
    node.subDevices['timers[1]'].fields.load = 'much';
    node.subDevices['timers[2]'] = node.subDevices['timers[0]'];
    node.subDevices['timers[0]'].junk = 1;
    expectRefusal(
      () => Machine.restore(board(), saved),
      'state-mismatch',
      "'dual.timers[1]', 'load'",
      'timers[2]',
      'junk',
    );
  });

  it('keeps their state when a newer edition of its file replaces it, and one inside that is new starts afresh', () => {
    const machine = Machine.create(board());
    machine.memory.write(Base + 0x20, 123, 4);
    machine.memory.write(Base + 0x20 + Register.Control, 1, 4);
    machine.swap('dual', edition({ count: 3, version: 2 }).Dual);
    expect([0, 0x20, 0x40].map((at) => machine.memory.read(Base + at, 4))).toEqual([1000, 123, 1000]);
    machine.clock.advanceTo(machine.clock.now + 200);
    const { timers } = (machine.deviceById('dual') as PluggedDevice).device as InstanceType<typeof Dual>;
    expect(timers.map(({ fired }) => fired)).toEqual([0, 1, 0]);
    expectRefusal(() => machine.swap('dual', edition({ count: 1, version: 3 }).Dual), 'state-mismatch', 'timers[2]');
    const fewer = edition({ count: 1, version: 3, retired: ['timers[1]', 'timers[2]'] });
    machine.swap('dual', fewer.Dual);
    expect([0, 0x20].map((at) => machine.memory.read(Base + at, 4))).toEqual([1000, 0]);
  });

  it('has their timers and pins in what observers see', () => {
    const events: string[] = [];
    const machine = Machine.create(board());
    machine.observe(
      defineObserver({
        name: 'ears',
        start: () => ({
          observe: (event) => {
            if (event.kind === 'timer') events.push(`${event.device} ${event.name}`);
            if (event.kind === 'interrupt') events.push(`${event.device} ${event.pin} ${event.level}`);
          },
        }),
      }),
    );
    machine.memory.write(Base + 0x20 + Register.Control, 1, 4);
    machine.clock.advanceTo(machine.clock.now + 2000);
    expect(events).toEqual(['dual timers[1].tick', 'dual timers[1].irq true']);
  });
});

describe('pins in a device that contains others', () => {
  @device({ type: 'channel', description: 'Shows what it is asked' })
  class Channel extends SystemDevice {
    @state asked = false;
    readonly done = new InterruptPin(() => this.asked);

    @input()
    request(level: boolean): void {
      this.asked = level;
    }

    override reset(): void {
      this.asked = false;
    }
  }

  @device({ type: 'channels', description: 'One interrupt of several channels' })
  class Channels extends SystemDevice {
    readonly channels = [subDevice(() => new Channel()), subDevice(() => new Channel())];
    readonly irq = new InterruptPin(() => this.channels.some(({ done }) => done.level));
  }

  @device({ type: 'asker', description: 'Asks a channel' })
  class Asker extends SystemDevice {
    @state asking = false;
    readonly ask = new InterruptPin(() => this.asking);

    @input()
    answer(level: boolean): void {
      this.asking = level;
    }
  }

  it('a derived pin follows the state of devices inside, after each of their events', () => {
    const bench = testBench(Channels);
    bench.setPin('channels[1].request', true);
    expect([bench.interrupts['channels[1].done']?.level, bench.interrupts.irq.level]).toEqual([true, true]);
    bench.setPin('channels[0].request', true);
    bench.setPin('channels[1].request', false);
    expect([bench.interrupts.irq.level, bench.interrupts.irq.rises]).toEqual([true, 1]);
    bench.reset();
    expect([bench.interrupts['channels[0].done']?.level, bench.interrupts.irq.level]).toEqual([false, false]);
  });

  it('input pins of devices inside are wired by their names, and restored', () => {
    const wired = defineMachine({
      ...empty,
      name: 'asking',
      devices: [
        use(Asker),
        use(Ear),
        use(Channels, {
          interrupts: { irq: pin('ear', 'hear') },
          inputs: { 'channels[1].request': pin('asker', 'ask') },
        }),
      ],
    });
    const machine = Machine.create(wired);
    const { channels } = machine.device(Channels);
    inDeviceEvent(machine.device(Asker), machine.device(Asker).answer, true);
    expect([channels.map(({ asked }) => asked), machine.device(Ear).heard]).toEqual([[false, true], true]);
    const restored = Machine.restore(wired, JSON.parse(JSON.stringify(machine.save())));
    expect(restored.device(Channels).irq.level).toBe(true);
    restored.reset();
    expect([restored.device(Channels).irq.level, restored.device(Ear).heard]).toEqual([false, false]);
  });
});

describe('what is refused', () => {
  const small = containerRegion({ name: 'small', base: 0, size: 0x40 });
  const clock = testBench(Ear).clock;
  const outer = (fields: () => object) => () => {
    @device({ type: 'outer', description: 'x' })
    @contains(small)
    class Outer extends SystemDevice {
      constructor() {
        super();
        Object.assign(this, fields());
      }
    }
    return constructDevice(() => new Outer());
  };
  const timer = () => new OneTimer(clock);

  it('a device that is made where no other is being made', () => {
    expectRefusal(() => subDevice(timer), 'stray-sub-device');
  });

  it('one that is kept nowhere', () => {
    const lost = outer(() => {
      subDevice(timer);
      return {};
    });
    expectRefusal(lost, 'sub-device-without-name', 'Outer', 'one-timer');
  });

  it('a place in a container that the class does not have, beyond its end, or over another one', () => {
    const elsewhere = containerRegion({ name: 'elsewhere', size: 0x100 });
    const at = (...places: { inside: typeof small; offset?: number }[]) =>
      outer(() => ({ parts: places.map((place) => subDevice(timer, place)) }));
    expectRefusal(at({ inside: elsewhere }), 'sub-device-misplaced', 'parts[0]', 'elsewhere');
    expectRefusal(at({ inside: small, offset: 0x21 }), 'sub-device-misplaced', 'timer', '0x41', '0x40');
    expectRefusal(at({ inside: small, offset: -1 }), 'sub-device-misplaced', '-1');
    expectRefusal(
      at({ inside: small }, { inside: small, offset: 0x1f }),
      'sub-device-misplaced',
      'parts[1]',
      'parts[0]',
    );
    expect(at({ inside: small, offset: 0x10 })().constructor.name).toBe('Outer');
  });

  it('saves nothing of a device inside that is made with new', () => {
    expectRefusal(
      outer(() => ({ part: timer() })),
      'device-made-with-new',
      "'part'",
      'subDevice',
    );
  });

  it('and a failure while one inside is realized takes back the others', () => {
    class Shy extends Ear {
      protected override onRealize(): void {
        throw new Error('shy');
      }
    }
    device({ type: 'shy', description: 'x' })(Shy);
    const made = outer(() => ({ first: subDevice(timer), shy: subDevice(() => new Shy()) }))();
    life.length = 0;
    const context = { id: 'made', topology: new MemoryTopology(), guestErrors: new GuestErrors() };
    expect(() => realizeDevice(made, context)).toThrow('shy');
    expect([life, made.realized]).toEqual([['realize made.first', 'unrealize made.first'], false]);
  });
});
