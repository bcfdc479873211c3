import { ContainerModule } from 'inversify';
import { describe, expect, it } from 'vitest';
import { Edu } from '../../devices/index.ts';
import type { Problem } from '../../sdk/base/errors.ts';
import { Bus } from '../../sdk/bus.ts';
import {
  BackplaneError,
  Device,
  defineMachine,
  device,
  IsaBus,
  IsaDevice,
  inject,
  interruptController,
  inverted,
  isaIrq,
  type MachineDefinition,
  MemoryRegion,
  pin,
  place,
  portRegion,
  use,
  VirtualClock,
  type Wire,
} from '../../sdk/index.ts';
import { PciBus, PciDevice, pci } from '../../sdk/pci.ts';
import { Machine } from '../../sdk/runtime.ts';
import { expectRefusal } from '../refusal.ts';
import { expectProblems, problemsOf } from './problems.ts';
import {
  Absent,
  Bridge,
  Card,
  Latch,
  latchPorts,
  Needy,
  Screen,
  screen,
  toyMachine,
  Undeclared,
  Wide,
  widePorts,
} from './toys.ts';

@device({ type: 'broken', description: 'fails to come into being' })
class Broken extends IsaDevice {
  constructor() {
    super();
    throw new Error('no spring in the box');
  }
}

class EndlessService {
  readonly depth: number = this.deeper();
  private deeper(): number {
    return this.deeper() + 1;
  }
}

@device({ type: 'endless', description: 'never comes into being' })
class Endless extends IsaDevice {
  readonly service = new EndlessService();
}

@device({ type: 'needs-endless', description: 'waits for a service for ever' })
class NeedsEndless extends IsaDevice {
  constructor(@inject(EndlessService) readonly service: EndlessService) {
    super();
  }
}

@device({ type: 'clinging', description: 'wants to hold another device' })
class Clinging extends IsaDevice {
  constructor(@inject(Wide) readonly wide: Wide) {
    super();
  }
}

class UsbBus extends Bus {
  static readonly kind = 'usb';
  attach() {
    return () => {};
  }
}

@device({ type: 'floating', description: 'belongs to no bus of ours' })
class Floating extends Device {
  static readonly plugsInto = UsbBus;
}

@device({ type: 'twin', description: 'a PCI function with brothers' })
@pci({ vendorId: 0x1234, deviceId: 0x5679, classCode: 0xff00, multifunction: true })
class Twin extends PciDevice {}

@device({ type: 'pic', description: 'interrupts a processor' })
@interruptController()
class Pic extends IsaDevice {
  readonly pending = false;
  acknowledge(): number {
    return 0;
  }
}

@device({ type: 'half-pic', description: 'wants to interrupt, and has no vector' })
class HalfPic extends IsaDevice {
  readonly pending = false;
}

@device({ type: 'no-pic', description: 'has both, and does not say that it is one' })
class NoPic extends IsaDevice {
  readonly pending = false;
  acknowledge(): number {
    return 0;
  }
}

const nowhere = portRegion({ name: 'nowhere', size: 1, accessSizes: [1] });
const shown = portRegion({ name: 'shown', size: 1, accessSizes: [1] });

@device({ type: 'nowhere', description: 'its region has no base' })
class Nowhere extends IsaDevice {
  @nowhere.read()
  read(): number {
    return 0;
  }
}

@device({ type: 'maps-itself', description: 'maps one region itself, disabled, and shows another by an alias' })
class MapsItself extends IsaDevice {
  constructor(@inject(IsaBus) private readonly isa: IsaBus) {
    super();
  }

  @nowhere.read()
  read(): number {
    return 0;
  }

  @shown.read()
  readShown(): number {
    return 0;
  }

  protected override onRealize(): void {
    this.region(nowhere).setEnabled(false);
    this.isa.io.addSubregion(0x500, this.region(nowhere));
    this.isa.io.addSubregion(0x600, MemoryRegion.alias(this.topology, 'shown-there', this.region(shown), 0, 1));
  }
}

/** Data ports of latches side by side. */
const portOf = { a: 0x311, b: 0x321 } as const;

function latchAt(id: 'a' | 'b', interrupts: { readonly irq: Wire }) {
  return { id, options: { iobase: portOf[id] - 1 }, interrupts };
}

const withDevices = (...devices: MachineDefinition['devices'][number][]) => defineMachine({ ...toyMachine, devices });

describe('a machine with one wiring mistake names it and says what to change', () => {
  it('ports that overlap with equal priority, both ranges', () => {
    expectProblems(problemsOf(withDevices(use(Latch), use(Wide, { at: [place(widePorts, 0x6c)] }))), [
      'region-overlap',
      'latch',
      'wide',
      'iobase',
      '0x70..0x71',
      '0x6c..0x73',
    ]);
  });

  it('but lets ports overlap that differ in priority', () => {
    const above = use(Wide, { at: [place(widePorts, 0x6c, { priority: 1 })] });
    expectProblems(problemsOf(withDevices(use(Latch), above)));
  });

  it('memory that overlaps with equal priority, both ranges', () => {
    const second = use(Screen, { id: 'second', at: [place(screen, 0xb0000)] });
    expectProblems(problemsOf(withDevices(use(Screen), second)), [
      'region-overlap',
      'screen',
      'second',
      '0xb0000..0xcffff',
      '0xa0000..0xbffff',
    ]);
  });

  it('ports beyond 64 KiB', () => {
    expectProblems(problemsOf(withDevices(use(Wide, { at: [place(widePorts, 0xfffc)] }))), [
      'beyond-container',
      'wide',
      'io',
      '0xfffc..0x10003',
      '0xffff',
    ]);
  });

  it('an address that is none', () => {
    expectProblems(problemsOf(withDevices(use(Wide, { at: [place(widePorts, -1)] }))), [
      'address-out-of-range',
      'wide',
    ]);
  });

  it('a region of another class', () => {
    expectProblems(problemsOf(withDevices(use(Latch, { at: [place(widePorts, 0x170)] }))), [
      'no-such-region',
      'latch',
      'wide',
    ]);
  });

  it('a region placed twice', () => {
    expectProblems(problemsOf(withDevices(use(Latch, { at: [place(latchPorts, 0x170), place(latchPorts, 0x270)] }))), [
      'placed-twice',
      'latch',
    ]);
  });

  it('an option and at: that say the same', () => {
    const twice = use(Latch, { options: { iobase: 0x270 }, at: [place(latchPorts, 0x170)] });
    expectProblems(problemsOf(withDevices(twice)), ['placed-twice', 'latch', 'iobase']);
  });

  it('an option and interrupts: that say the same', () => {
    expectProblems(problemsOf(withDevices(use(Latch, { options: { irq: 5 }, interrupts: { irq: isaIrq(6) } }))), [
      'wired-twice',
      'latch',
      'irq',
    ]);
  });

  it('an option that is not there', () => {
    const typo = use(Latch, { options: { iobse: 0x170 } as never });
    expectProblems(problemsOf(withDevices(typo)), ['no-such-option', 'latch', 'iobse', 'iobase']);
  });

  it('an option out of range', () => {
    expectProblems(problemsOf(withDevices(use(Latch, { options: { irq: 16 } }))), ['bad-option', 'latch', 'irq']);
  });

  it('options for a device that is not there', () => {
    expectProblems(problemsOf(withDevices(use(Latch)), { deviceOptions: { latsh: { initial: 1 } } }), [
      'no-such-device',
      'latsh',
      'latch',
    ]);
  });

  it('an option that the machine does not have', () => {
    expectProblems(problemsOf(withDevices(), { options: { resetControl: 'overlay' } }), [
      'no-such-option',
      'toy',
      'resetControl',
    ]);
  });

  it('a pin that the device does not have', () => {
    const typo = use(Latch, { interrupts: { irk: isaIrq(8) } as never });
    expectProblems(problemsOf(withDevices(typo)), ['no-such-pin', 'latch', 'irk', 'irq']);
  });

  it('a pin that the other device does not have', () => {
    const wired = use(Latch, { interrupts: { irq: pin('wide', 'input') } });
    expectProblems(problemsOf(withDevices(wired, use(Wide))), ['no-such-pin', 'wide', 'input', 'latch']);
  });

  it('a wire to a device that is not there', () => {
    expectProblems(problemsOf(withDevices(use(Latch, { interrupts: { irq: pin('pic', 'hold') } }))), [
      'no-such-device',
      'latch',
      'irq',
      'hold',
      'pic',
    ]);
  });

  it('an interrupt line that does not exist', () => {
    expectProblems(problemsOf(withDevices(use(Latch, { interrupts: { irq: isaIrq(16) } }))), [
      'unknown-interrupt-line',
      'latch',
      'irq',
    ]);
  });

  it('a service that nobody binds', () => {
    expectProblems(problemsOf(withDevices(use(Needy))), ['missing-service', 'needy', 'Absent', 'toy']);
  });

  it('a service that cannot be made', () => {
    const broken = new ContainerModule(({ bind }) => {
      bind(Absent).toDynamicValue(() => {
        throw new Error('out of luck');
      });
    });
    const definition = { ...withDevices(use(Needy)), services: [...toyMachine.services, broken] };
    expectProblems(problemsOf(definition), ['service-failure', 'Absent', 'out of luck']);
  });

  it('a device whose constructor fails', () => {
    expectProblems(problemsOf(withDevices(use(Broken))), ['device-failure', 'broken', 'no spring in the box']);
  });

  it('a constructor that calls itself without end, in a device and in a service: it is no circle of dependencies', () => {
    const endless = new ContainerModule(({ bind }) => void bind(EndlessService).toSelf());
    const definition = { ...withDevices(use(Endless), use(NeedsEndless)) };
    expectProblems(
      problemsOf({ ...definition, services: [...toyMachine.services, endless] }),
      ['device-failure', 'endless', 'calls itself without end'],
      ['service-failure', 'EndlessService', 'calls itself without end'],
    );
  });

  it('services that need one another, with the circle', () => {
    const circle = new ContainerModule(({ bind }) => {
      bind(Absent).toResolvedValue((other: EndlessService) => other as never, [EndlessService]);
      bind(EndlessService).toResolvedValue((other: Absent) => other as never, [Absent]);
    });
    expectProblems(problemsOf({ ...withDevices(use(Needy)), services: [...toyMachine.services, circle] }), [
      'service-failure',
      'Absent -> EndlessService -> Absent',
    ]);
  });

  it('a service module that loads asynchronously', () => {
    const slow = new ContainerModule(async () => {});
    expectProblems(problemsOf({ ...toyMachine, services: [slow] }), ['asynchronous-module']);
  });

  it('a device that asks for another device, which is no service', () => {
    expectProblems(problemsOf(withDevices(use(Wide), use(Clinging))), ['missing-service', 'clinging', 'Wide', 'toy']);
  });

  it('a clock that nobody can move', () => {
    const stopped = new ContainerModule(({ bind }) => {
      class StoppedClock extends VirtualClock {
        readonly now = 0;
        protected override moveBack(): void {}
      }
      bind(VirtualClock).toConstantValue(new StoppedClock());
    });
    expectProblems(problemsOf({ ...toyMachine, services: [stopped] }), ['clock-cannot-advance']);
  });

  it('an ISA device in a machine without an ISA bus', () => {
    expectProblems(problemsOf({ ...withDevices(use(Wide)), services: [] }), ['missing-bus', 'wide', 'IsaBus', 'toy']);
  });

  it('a device that belongs to a board which is not there', () => {
    expectProblems(problemsOf(withDevices(use(Bridge))), ['missing-bus', 'bridge', 'SystemBus', 'toy']);
  });

  it('a device for a bus that no machine has', () => {
    expectProblems(problemsOf(withDevices(use(Floating))), ['missing-bus', 'floating', 'usb']);
  });

  it('two devices of one id', () => {
    expectProblems(problemsOf(withDevices(use(Card, { id: 'a' }), use(Card, { id: 'a' }))), ['duplicate-id', 'a']);
  });

  it('two PCI functions at one address', () => {
    expectProblems(problemsOf(withDevices(use(Card, { addr: '02.0' }), use(Card, { addr: '2' }))), [
      'bus-address-taken',
      'card',
      'card-2',
      '02.0',
    ]);
  });

  it('a PCI function that no guest finds, because function 0 of its slot says that it is alone', () => {
    expectProblems(problemsOf(withDevices(use(Card, { addr: '02.0' }), use(Card, { addr: '02.3' }))), [
      'hidden-pci-function',
      "'card-2'",
      '02.3',
      "'card'",
    ]);
    expectProblems(problemsOf(withDevices(use(Card, { addr: '02.1' }), use(Card, { addr: '02.0' }))), [
      'hidden-pci-function',
      "'card'",
      '02.1',
      "'card-2'",
    ]);
    expectProblems(problemsOf(withDevices(use(Twin, { addr: '02.0' }), use(Card, { addr: '02.7' }))));
    expectProblems(problemsOf(withDevices(use(Card, { addr: '02.1' }), use(Card, { addr: '02.2' }))));
  });

  it('a PCI address that is none', () => {
    expectProblems(problemsOf(withDevices(use(Card, { addr: '20.9' }))), [
      'invalid-bus-address',
      'card',
      '20.9',
      '00.0',
    ]);
  });

  it('a PCI address of a device that is not on PCI', () => {
    expectProblems(problemsOf(withDevices(use(Wide, { addr: '02.0' }))), ['bus-without-addresses', 'wide']);
  });

  it('more PCI devices than slots', () => {
    expectProblems(problemsOf(withDevices(...Array.from({ length: 33 }, () => use(Card)))), ['bus-full', 'card-33']);
  });

  it('a class without @device', () => {
    expect(problemsOf(withDevices(use(Undeclared))).map(({ message }) => message)).toEqual([
      expect.stringContaining('Undeclared'),
    ]);
  });

  it('an interrupt controller that is not there', () => {
    expectProblems(problemsOf({ ...toyMachine, interruptController: 'pic' }), [
      'no-such-device',
      'interruptController',
      "'pic'",
    ]);
  });

  it('an interrupt controller whose output leads nowhere: a guest would sleep for ever', () => {
    const named = (device: MachineDefinition['devices'][number], id: string | string[] = 'pic') =>
      problemsOf({ ...withDevices(device, use(Pic, { id: 'other' })), interruptController: id });
    const unable = 'not-an-interrupt-controller';
    expectProblems(named(use(Latch, { id: 'pic' })), [unable, "'pic'", 'Latch', "'pending'", 'acknowledge()']);
    expectProblems(named(use(NoPic, { id: 'pic' }), ['other', 'pic']), [
      unable,
      "'pic'",
      'NoPic',
      '@interruptController',
    ]);
    const declared = () => interruptController()(HalfPic as never);
    expectRefusal(declared, 'controller-without-vector', 'HalfPic', 'acknowledge()');
    expectProblems(named(use(Pic)));
  });

  it('two outputs on one input, of which one that falls would hide the other', () => {
    const to = (id: 'a' | 'b', device: string) => use(Latch, latchAt(id, { irq: pin(device, 'hold') }));
    expectProblems(problemsOf(withDevices(use(Latch, { id: 'c' }), to('a', 'c'), to('b', 'c'))), [
      'input-driven-twice',
      'irq',
      'b',
      'a',
      'hold',
    ]);
    expectProblems(problemsOf(withDevices(use(Latch, { id: 'c' }), to('a', 'c'), to('b', 'a'))));
  });

  it('also of a device that is plugged in later', () => {
    const machine = Machine.create(
      withDevices(use(Latch, { id: 'c' }), use(Latch, latchAt('a', { irq: pin('c', 'hold') }))),
    );
    const plug = () => machine.plug(use(Latch, latchAt('b', { irq: pin('c', 'hold') })));
    expectRefusal(plug, 'input-driven-twice', "'irq' of 'b'", "'irq' of 'a'", "'hold' of 'c'");
    machine.unplug('a');
    expect(plug).not.toThrow();
  });

  it('but lets outputs share a line of ISA, which is up while one of them is', () => {
    const machine = Machine.create(
      withDevices(use(Latch, latchAt('a', { irq: isaIrq(5) })), use(Latch, latchAt('b', { irq: isaIrq(5) }))),
    );
    const line = machine.service(IsaBus)?.line(5);
    for (const port of [portOf.a, portOf.b]) machine.io.write(port, 1, 1);
    machine.io.write(portOf.a, 0, 1);
    expect(line?.level).toBe(true);
    machine.io.write(portOf.b, 0, 1);
    expect(line?.level).toBe(false);
  });

  it('an output that leads to an output, also to itself, and an input that follows an input', () => {
    expectProblems(problemsOf(withDevices(use(Latch, { interrupts: { irq: pin('latch', 'irq') } }))), [
      'not-an-input',
      'irq',
      'latch',
    ]);
    const follows = use(Latch, { inputs: { hold: inverted(pin('latch', 'hold')) } });
    expectProblems(problemsOf(withDevices(follows)), ['not-an-output', 'hold', 'latch']);
  });
});

describe('a machine with a region that no guest reaches', () => {
  const warningsOf = (device: MachineDefinition['devices'][number]) => Machine.create(withDevices(device)).warnings;

  it('warns of it when it is built, and says how to map it', () => {
    expect(warningsOf(use(Nowhere))).toEqual([expect.stringMatching(/'nowhere'.*region 'nowhere'/)]);
  });

  it('is silent where the machine places it, where the device maps it itself or by an alias, and about BARs', () => {
    expect(warningsOf(use(Nowhere, { at: [place(nowhere, 0x500)] }))).toEqual([]);
    expect(warningsOf(use(MapsItself))).toEqual([]);
    expect(warningsOf(use(Edu))).toEqual([]);
  });
});

describe('a machine with many wiring mistakes', () => {
  const everythingWrong = withDevices(
    use(Latch),
    use(Wide, { at: [place(widePorts, 0x6c)] }),
    use(Needy, { at: [place(portRegion({ name: 'stray', size: 1 }), 1)] }),
    use(Latch, { id: 'x', options: { irq: 99, iobase: 0x200 }, at: [place(latchPorts, 0x300)] }),
    use(Card, { id: 'x', addr: '1.0' }),
    use(Card, { addr: '1.0' }),
    use(Undeclared),
    use(Screen, { interrupts: { irq: isaIrq(8) } as never }),
  );

  it('hears of all of them at once, one per line', () => {
    const problems = problemsOf(everythingWrong, { deviceOptions: { nobody: {} } });
    const subjects = [
      ['region-overlap', 'wide', '0x6c..0x73'],
      ['missing-service', 'Absent'],
      ['no-such-region', 'stray'],
      ['bad-option', 'irq'],
      ['placed-twice', 'iobase'],
      ['duplicate-id', "'x'"],
      ['bus-address-taken', '01.0'],
      ['no-such-pin', 'Screen', 'irq'],
      ['no-such-device', "'nobody'"],
    ];
    const isAbout =
      ([code, ...named]: readonly string[]) =>
      (problem: Problem) =>
        problem.code === code && named.every((name) => problem.message.includes(name));
    for (const subject of subjects) expect(problems.filter(isAbout(subject))).toHaveLength(1);
    expect(problems.filter(({ message }) => message.includes('Class Undeclared'))).toHaveLength(1);
    expect(problems).toHaveLength(subjects.length + 1);
    const error = expectRefusal(() => Machine.create(everythingWrong), 'wiring-mistakes', 'toy');
    expect(error.problems).toHaveLength(subjects.length);
    expect(error.message.split('\n  - ')).toHaveLength(subjects.length + 1);
  });

  it('hears of them as an error that is shown without a stack', () => {
    expect(() => Machine.create(everythingWrong)).toThrow(BackplaneError);
  });

  it('has mapped nothing and plugged nothing in', () => {
    let bus: PciBus | undefined;
    const spying = new ContainerModule(({ bind, onActivation }) => {
      bind(Absent).toDynamicValue(() => ({ nothing: '' }));
      onActivation(PciBus, (_, made) => {
        bus = made;
        return made;
      });
    });
    problemsOf({ ...everythingWrong, services: [...toyMachine.services, spying] });
    expect(bus?.devices).toEqual([]);
    expect(bus?.io.children).toEqual([]);
  });
});

it('refuses RAM that is no whole number of pages', () => {
  expectRefusal(() => Machine.create(toyMachine, { ram: 1000 }), 'bad-ram-size', 'toy', '1000');
});
