import { describe, expect, it } from 'vitest';
import {
  type Device,
  device,
  EventNotifiers,
  InterruptPin,
  IsaDevice,
  inject,
  isaIrq,
  KiB,
  MemoryRegion,
  place,
  portRegion,
  type Timer,
  use,
  VirtualClock,
} from '../../sdk/index.ts';
import { expansionRom, PciDevice, pci } from '../../sdk/pci.ts';
import { DeviceFailure, guestProgram, loadDevice, Machine, saveDevice } from '../../sdk/runtime.ts';
import { testBench } from '../../sdk/testing/index.ts';
import { toyMachine } from '../machine/toys.ts';
import { expectRefusal } from '../refusal.ts';

const Port = {
  InHandler: 0,
  InHook: 1,
  InCallback: 2,
  InReset: 3,
  Ram: 4,
  Pin: 5,
  Done: 6,
  Poke: 7,
  Signal: 8,
} as const;
const ports = portRegion({ name: 'late', base: 0x300, size: 9, accessSizes: [1] });
const inHook = ports.register(Port.InHook, { width: 8 });

/** Makes things when it needs them, as one would call setTimeout. */
@device({ type: 'late', description: 'makes things while it runs' })
class Late extends IsaDevice {
  readonly irq = new InterruptPin();
  onPoke = (): void => {};
  @inHook hook = 0;
  second: InterruptPin | undefined;
  private done = 0;
  private makesOneInReset = false;
  makesOneWhenLoaded = false;
  private readonly due: Timer;
  private atRealize: Timer | undefined;

  constructor(
    @inject(VirtualClock) private readonly clock: VirtualClock,
    @inject(EventNotifiers) private readonly notifiers: EventNotifiers,
  ) {
    super();
    this.due = clock.timer('due', () => this.later('in-callback'));
  }

  protected override onRealize(): void {
    this.atRealize = this.clock.timer('at-realize', () => {
      this.done = 7;
    });
    const fd = this.notifiers.add(() => this.later('in-consumer'));
    this.region(ports).addIoeventfd({ offset: Port.Signal, size: 1, fd });
  }

  @ports.write(Port.InHandler)
  makeInHandler(): void {
    this.later('in-handler');
  }

  @inHook.onWrite()
  makeInHook(): void {
    this.later('in-hook');
  }

  @ports.write(Port.InCallback)
  makeInCallback(): void {
    this.due.arm(this.clock.now);
  }

  @ports.write(Port.InReset)
  makeInReset(): void {
    this.makesOneInReset = true;
  }

  @ports.write(Port.Ram)
  makeRam(): void {
    MemoryRegion.ram(this.topology, 'more', 4 * KiB);
  }

  @ports.write(Port.Pin)
  makePin(): void {
    this.second = new InterruptPin();
  }

  @ports.read(Port.Done)
  isDone(): number {
    return this.done;
  }

  @ports.write(Port.Done)
  start(): void {
    this.atRealize?.arm(this.clock.now + 100);
  }

  @ports.write(Port.Poke)
  poke(): void {
    this.onPoke();
  }

  override reset(): void {
    super.reset();
    if (this.makesOneInReset) this.later('in-reset');
  }

  override onStateLoaded(): void {
    if (this.makesOneWhenLoaded) this.later('when-loaded');
  }

  private later(name: string): void {
    this.clock.timer(name, () => {}).arm(this.clock.now + 1000);
  }
}

@device({ type: 'card-with-rom', description: 'has an expansion ROM' })
@pci({ vendorId: 0x1234, deviceId: 0x5678, classCode: 0xff00 })
@expansionRom({ name: 'rom', size: 2 * KiB, image: new Uint8Array([0x55, 0xaa]) })
class CardWithRom extends PciDevice {}

const base = 0x300;
const newMachine = () => Machine.create({ ...toyMachine, devices: [use(Late, { interrupts: { irq: isaIrq(5) } })] });
/** The timer is refused; where a machine runs the device, as what the device threw. */
function expectLate(provoke: () => unknown, name: string): void {
  const thrown = (() => {
    try {
      provoke();
    } catch (error) {
      return error as Error & { readonly code?: string };
    }
    return undefined;
  })();
  const causes = [thrown];
  while (causes.at(-1)?.cause !== undefined) causes.push(causes.at(-1)?.cause as typeof thrown);
  expect(causes.map((cause) => cause?.code)).toContain('late-timer');
  expect(thrown?.message).toContain(`'${name}'`);
}

describe('a timer that a device makes while it runs is refused, and nothing waits on the clock', () => {
  it('with the advice of the refusal alone, and not with what is said of a handler that throws', () => {
    const write = guestProgram(function* (guest) {
      yield* guest.out8(base + Port.InHandler, 1);
    });
    const { cause } = expectRefusal(() => newMachine().run(write), 'device-failure', "'in-handler'");
    expect((cause as { readonly code?: string }).code).toBe('late-timer');
  });

  it.each([
    ['in a handler', 'in-handler', (machine: Machine) => machine.io.write(base + Port.InHandler, 1, 1)],
    ['in a register hook', 'in-hook', (machine: Machine) => machine.io.write(base + Port.InHook, 1, 1)],
    [
      'in the callback of a timer',
      'in-callback',
      (machine: Machine) => {
        machine.io.write(base + Port.InCallback, 1, 1);
        machine.clock.runDue();
      },
    ],
    [
      'in reset()',
      'in-reset',
      (machine: Machine) => {
        machine.io.write(base + Port.InReset, 1, 1);
        machine.reset();
      },
    ],
    [
      'in the consumer of an ioeventfd',
      'in-consumer',
      (machine: Machine) =>
        machine.run(
          guestProgram(function* (guest) {
            yield* guest.out8(base + Port.Signal, 1);
          }),
        ),
    ],
    [
      'in onStateLoaded()',
      'when-loaded',
      (machine: Machine) => {
        const late = machine.device(Late);
        late.makesOneWhenLoaded = true;
        loadDevice(late, saveDevice(late));
      },
    ],
  ])('%s', (_, name, provoke) => {
    const machine = newMachine();
    expectLate(() => provoke(machine), name);
    expect(machine.clock.pendingTimers).toEqual([]);
  });

  it('with the name of the device, where a guest runs', () => {
    const machine = newMachine();
    machine.io.write(base + Port.InCallback, 1, 1);
    expect(() => machine.clock.runDue()).toThrow(DeviceFailure);
    expect(() => machine.reset()).not.toThrow();
  });

  it('on a bench as well', () => {
    const bench = testBench(Late);
    expectLate(() => bench.out8(base + Port.InHandler, 1), 'in-handler');
    bench.out8(base + Port.InReset, 1);
    expectLate(() => bench.reset(), 'in-reset');
  });
});

describe('who may make timers', () => {
  it('the constructor and onRealize(), also of a device that is plugged in inside a handler', () => {
    const machine = newMachine();
    machine.io.write(base + Port.Done, 0, 1);
    machine.clock.advanceTo(100);
    expect(machine.io.read(base + Port.Done, 1)).toBe(7);
    const added: Device[] = [];
    machine.device(Late).onPoke = () => {
      added.push(machine.plug(use(Late, { id: 'more', at: [place(ports, 0x400)] })).device);
    };
    machine.io.write(base + Port.Poke, 1, 1);
    machine.unplug('more');
    machine.device(Late).onPoke = () => void machine.plug(use(CardWithRom));
    machine.io.write(base + Port.Poke, 1, 1);
    expect(machine.ramBlocks.has('card-with-rom.rom')).toBe(true);
    expect(added).toHaveLength(1);
  });

  it('tests and tools, also in callbacks of their own', () => {
    const machine = newMachine();
    const heard: number[] = [];
    machine.clock.after(10, () => machine.clock.after(20, () => heard.push(machine.clock.now)));
    machine.clock.advanceTo(100);
    expect(heard).toEqual([30]);
  });
});

describe('what else a device cannot make while it runs', () => {
  it('RAM, which a guest could let it make without end', () => {
    const machine = newMachine();
    const before = [...machine.ramBlocks.keys()];
    expectRefusal(() => machine.io.write(base + Port.Ram, 1, 1), 'late-ram', 'more');
    expect([...machine.ramBlocks.keys()]).toEqual(before);
  });

  it('a pin: the machine refuses to save what no machine could restore', () => {
    const machine = newMachine();
    expect(() => machine.save()).not.toThrow();
    machine.io.write(base + Port.Pin, 1, 1);
    expectRefusal(() => machine.save(), 'late-pin', 'Late', 'second');
  });
});
