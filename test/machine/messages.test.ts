import { ContainerModule } from 'inversify';
import { Edu } from '../../devices/index.ts';
import { InterruptWire } from '../../sdk/bus/isa-bus.ts';
import { Bus } from '../../sdk/bus.ts';
import {
  allOf,
  anyOf,
  Device,
  DmaPort,
  defineMachine,
  device,
  InterruptPin,
  IsaBus,
  IsaDevice,
  inject,
  type MachineDefinition,
  MemoryRegion,
  pin,
  place,
  portRegion,
  state,
  type UsedDevice,
  use,
  VirtualClock,
} from '../../sdk/index.ts';
import { defineObserver, Machine, tap } from '../../sdk/runtime.ts';
import { goldenMessages } from '../golden-messages.ts';
import { pcI440fx } from '../small-machines.ts';
import { Belfry, Carillon, Cathedral, CountingBell } from './toy-bus.ts';
import { Absent, Bridge, Card, Latch, latchPorts, Needy, toyBuses, toyMachine, Wide, widePorts } from './toys.ts';

const withDevices = (...devices: UsedDevice[]): MachineDefinition => defineMachine({ ...toyMachine, devices });
const built = (...devices: UsedDevice[]) => Machine.create(withDevices(...devices));
const withService = (module: ContainerModule, ...devices: UsedDevice[]) =>
  Machine.create({ ...withDevices(...devices), services: [toyBuses, module] });
const wiredTo = (id: string, other: string): UsedDevice =>
  use(Latch, { id, options: { iobase: 0x300 + Number(id) }, interrupts: { irq: pin(other, 'hold') } });

class UsbBus extends Bus {
  static readonly kind = 'usb';
  attach() {
    return () => {};
  }
}

@device({ type: 'floating', description: 'belongs to a bus that no machine has' })
class Floating extends Device {
  static readonly plugsInto = UsbBus;
}

const gongPorts = portRegion({ name: 'gong', base: 0x520, size: 1, accessSizes: [1] });

@device({ type: 'gong', description: 'has ports, on a bus that has none' })
class Gong extends CountingBell {
  @gongPorts.read()
  read(): number {
    return 0;
  }
}

const bellPorts = portRegion({ name: 'bell', base: 0x200, size: 1, accessSizes: [1] });

@device({ type: 'bell', description: 'runs a function of the test when it is written to' })
class Bell extends IsaDevice {
  readonly irq = new InterruptPin();
  ring = (_region: MemoryRegion): void => {};

  @bellPorts.write()
  write(): void {
    this.ring(this.region(bellPorts));
  }
}

/** The machine, when the bell has rung. */
function rung(ring: (machine: Machine, region: MemoryRegion) => void): Machine {
  const machine = built(use(Bell));
  machine.device(Bell).ring = (region) => ring(machine, region);
  machine.io.write(0x200, 1, 1);
  return machine;
}

class Counter {
  @state count = 0;
}
const boundTo = (make: () => object) =>
  new ContainerModule(({ bind }) => void bind(Absent).toDynamicValue(make as never));

@device({ type: 'needy', description: 'a second class that asks for what is not there' })
class AlsoNeedy extends Needy {}

@device({ type: 'dma', description: 'masters a bus that is not there' })
class Dma extends IsaDevice {
  constructor(@inject(DmaPort) readonly port: DmaPort) {
    super();
  }
}

class StoppedClock extends VirtualClock {
  readonly now = 0;
  protected override moveBack(): void {}
}

const saved = (): Record<string, unknown> => JSON.parse(JSON.stringify(built(use(Wide)).save()));
const restore = (snapshot: unknown) => () => Machine.restore(withDevices(use(Wide)), snapshot);

goldenMessages('machine', {
  'ambiguous-bus': () => built(use(Cathedral), use(CountingBell, { bus: 'cathedral', addr: '1' })),
  'ambiguous-device': () => built(use(Card), use(Card)).device(Card),
  'ambiguous-service': () => {
    const several = new ContainerModule(
      ({ bind }) =>
        void bind(Absent)
          .toDynamicValue(() => new Counter() as never)
          .inTransientScope(),
    );
    withService(several, use(Needy), use(AlsoNeedy, { id: 'second' }));
  },
  'asynchronous-module': () => withService(new ContainerModule(async () => {})),
  'bad-definition': () => Machine.create({ name: 'toy', services: [] } as never),
  'bad-observer': () => defineObserver({ name: '', start: () => ({ observe() {} }) }),
  'bad-ram-size': () => Machine.create(toyMachine, { ram: 1000 }),
  'bad-firmware': () => Machine.create(pcI440fx, { firmware: new Uint8Array(2 ** 20) }),
  'no-rom': () => Machine.create(toyMachine, { firmware: new Uint8Array(4) }),
  'bad-request': () => Machine.create(toyMachine, { accelerator: 'kvm' as never }),
  'bad-wiring': () => use(Wide, { addr: 2 as never }),
  'bar-placed': () => {
    const machine = Machine.create(defineMachine({ ...pcI440fx, devices: [...pcI440fx.devices, use(Edu)] }));
    const [region] = machine.deviceById('edu')?.metadata.regions ?? [];
    if (region !== undefined) machine.plug(use(Edu, { at: [place(region.template, 0xe000_0000)] }));
  },
  'beyond-container': () => built(use(Wide, { at: [place(widePorts, 0xfffc)] })),
  'bus-address-taken': () => built(use(Card, { addr: '02.0' }), use(Card, { addr: '02.0' })),
  'bus-circle': () =>
    built(use(Carillon, { id: 'a', bus: 'b', addr: '1' }), use(Carillon, { id: 'b', bus: 'a', addr: '1' })),
  'bus-full': () => built(...Array.from({ length: 33 }, () => use(Card))),
  'bus-without-addresses': () => built(use(Wide, { addr: '02.0' })),
  'clock-cannot-advance': () =>
    withService(new ContainerModule(({ bind }) => void bind(VirtualClock).toConstantValue(new StoppedClock()))),
  'device-in-use': () => built(use(Latch, { id: '0' }), wiredTo('1', '0')).unplug('0'),
  'duplicate-id': () => built(use(Card, { id: 'a' }), use(Card, { id: 'a' })),
  'input-driven-twice': () => built(use(Latch, { id: '0' }), wiredTo('4', '0'), wiredTo('8', '0')),
  'inside-handler': () => rung((machine) => machine.unplug('bell')),
  'invalid-bus-address': () => built(use(Card, { addr: '20.0' })),
  'invalid-id': () => built(use(Wide, { id: '' })),
  'late-ram': () => rung((machine) => void MemoryRegion.ram(machine.topology, 'late', 0x1000)),
  'machine-disposed': () => {
    const machine = built();
    machine.dispose();
    machine.save();
  },
  'missing-bus': () => built(use(Floating)),
  'missing-bus-address': () => built(use(Belfry), use(CountingBell)),
  'missing-service': () => built(use(Needy)),
  'no-such-bus': () => built(use(Belfry), use(CountingBell, { bus: 'belfri', addr: '1' })),
  'no-such-device': () => built(use(Latch)).unplug('lach'),
  'no-such-pin': () => built(use(Latch, { interrupts: { irk: pin('latch', 'irq') } as never })),
  'no-such-region': () => built(use(Latch, { at: [place(widePorts, 0x170)] })),
  'not-a-placement': () => use(Latch, { at: [0x500 as never] }),
  'not-a-snapshot': restore({ schema: 'vmstate' }),
  'not-a-used-device': () => built(Latch as never),
  'not-a-wire': () => use(Latch, { interrupts: { irq: 5 as never } }),
  'empty-gate': () => (allOf as () => unknown)(),
  'gate-at-output': () => use(Latch, { interrupts: { irq: anyOf(pin('latch', 'irq')) as never } }),
  'not-an-input': () => built(use(Latch, { interrupts: { irq: pin('latch', 'irq') } })),
  'not-an-output': () => built(use(Latch, { inputs: { hold: pin('latch', 'hold') } })),
  'not-an-interrupt-controller': () => Machine.create({ ...withDevices(use(Wide)), interruptController: 'wide' }),
  'placed-twice': () => built(use(Latch, { options: { iobase: 0x270 }, at: [place(latchPorts, 0x170)] })),
  'prepare-failure': () =>
    Machine.create({
      ...toyMachine,
      prepare: () => {
        throw new Error('no disk');
      },
    }),
  'region-overlap': () => built(use(Latch), use(Wide, { at: [place(widePorts, 0x6c)] })),
  'region-without-container': () => built(use(Belfry), use(Gong, { addr: '1' })),
  'replacement-mismatch': () => built(use(Latch)).swap('latch', Wide),
  'service-failure': () =>
    withService(
      boundTo(() => {
        throw new Error('out of luck');
      }),
      use(Needy),
    ),
  'snapshot-of-another-machine': restore({ ...saved(), machine: { ...(saved()['machine'] as object), name: 'board' } }),
  'snapshot-version': restore({ ...saved(), schema: 'backplane-snapshot/1' }),
  'tap-while-recording': () => {
    const machine = built();
    machine.inbox.recorder = () => {};
    tap(machine, { space: 'ports', start: 0x70, size: 1 });
  },
  'unsavable-timer': () => {
    const machine = built();
    machine.clock.after(5, () => {});
    machine.save();
  },
  'unsavable-wire': () => {
    const machine = built();
    machine.plug(use(Bell, { interrupts: { irq: new InterruptWire('a lamp', IsaBus, () => () => {}) } }));
    machine.save();
  },
  'when-not-met': () => built().plug(use(Wide, { when: () => false })),
  'wired-twice': () => built(use(Latch, { options: { irq: 5 }, interrupts: { irq: pin('latch', 'hold') } })),
  'wiring-mistakes': () => built(use(Needy), use(Bridge), use(Dma)),
  'wrong-bus-kind': () => built(use(Belfry), use(Card, { bus: 'belfry' })),
});
