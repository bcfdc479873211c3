import { ContainerModule } from 'inversify';
import { describe, expect, it } from 'vitest';
import { Edu } from '../../devices/index.ts';
import {
  BackplaneError,
  Device,
  defineMachine,
  device,
  IsaBus,
  IsaDevice,
  inject,
  isaIrq,
  type MachineDefinition,
  MemoryRegion,
  PciBus,
  PciDevice,
  pci,
  pin,
  place,
  portRegion,
  use,
  VirtualClock,
  type Wire,
} from '../../sdk/index.ts';
import { Machine, type MachineRequest, WiringError } from '../../sdk/runtime.ts';
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

@device({ type: 'floating', description: 'belongs to no bus of ours' })
class Floating extends Device {
  get bus(): string {
    return 'usb';
  }
}

@device({ type: 'twin', description: 'a PCI function with brothers' })
@pci({ vendorId: 0x1234, deviceId: 0x5679, classCode: 0xff00, multifunction: true })
class Twin extends PciDevice {}

@device({ type: 'pic', description: 'interrupts a processor' })
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

@device({ type: 'deaf-pic', description: 'has a vector, and never wants to interrupt' })
class DeafPic extends IsaDevice {
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

function mistakesOf(definition: MachineDefinition, request?: MachineRequest): readonly string[] {
  try {
    Machine.create(definition, request);
  } catch (error) {
    if (error instanceof WiringError) return error.mistakes;
    throw error;
  }
  return [];
}

describe('a machine with one wiring mistake names it and says what to change', () => {
  it('ports that overlap with equal priority, both ranges', () => {
    expect(mistakesOf(withDevices(use(Latch), use(Wide, { at: [place(widePorts, 0x6c)] })))).toEqual([
      "Ports: cannot map 'latch' of device 'latch' at 0x70..0x71: it overlaps 'wide' of device 'wide' at 0x6c..0x73 " +
        "with the same priority 0. Move one of them with at: [place(region, address)], or option 'iobase' of 'latch', or give " +
        'one a higher priority.',
    ]);
  });

  it('but lets ports overlap that differ in priority', () => {
    const above = use(Wide, { at: [place(widePorts, 0x6c, { priority: 1 })] });
    expect(mistakesOf(withDevices(use(Latch), above))).toEqual([]);
  });

  it('memory that overlaps with equal priority, both ranges', () => {
    const second = use(Screen, { id: 'second', at: [place(screen, 0xb0000)] });
    expect(mistakesOf(withDevices(use(Screen), second))).toEqual([
      "Memory: cannot map 'screen' of device 'second' at 0xb0000..0xcffff: it overlaps 'screen' of device 'screen' at " +
        '0xa0000..0xbffff with the same priority 1. Move one of them with at: [place(region, address)], or give one a higher priority.',
    ]);
  });

  it('ports beyond 64 KiB', () => {
    expect(mistakesOf(withDevices(use(Wide, { at: [place(widePorts, 0xfffc)] })))).toEqual([
      "Ports: cannot map 'wide' of device 'wide' at 0xfffc..0x10003: it ends beyond 0xffff, where 'io' ends. Place it lower.",
    ]);
  });

  it('an address that is none', () => {
    expect(mistakesOf(withDevices(use(Wide, { at: [place(widePorts, -1)] })))).toEqual([
      "Device 'wide': region 'wide' cannot be placed at -1. Give an address from 0 to 2^53 - 1.",
    ]);
  });

  it('a region of another class', () => {
    expect(mistakesOf(withDevices(use(Latch, { at: [place(widePorts, 0x170)] })))).toEqual([
      "Device 'latch': at: places region 'wide', which latch does not have. It has 'latch'.",
    ]);
  });

  it('a region placed twice', () => {
    expect(mistakesOf(withDevices(use(Latch, { at: [place(latchPorts, 0x170), place(latchPorts, 0x270)] })))).toEqual([
      "Device 'latch': at: places region 'latch' twice. Keep one of them.",
    ]);
  });

  it('an option and at: that say the same', () => {
    const twice = use(Latch, { options: { iobase: 0x270 }, at: [place(latchPorts, 0x170)] });
    expect(mistakesOf(withDevices(twice))).toEqual([
      "Device 'latch': option 'iobase' and at: both say where region 'latch' goes. Keep one of them.",
    ]);
  });

  it('an option and interrupts: that say the same', () => {
    expect(mistakesOf(withDevices(use(Latch, { options: { irq: 5 }, interrupts: { irq: isaIrq(6) } })))).toEqual([
      "Device 'latch': option 'irq' and interrupts: both say where pin 'irq' goes. Keep one of them.",
    ]);
  });

  it('an option that is not there', () => {
    const typo = use(Latch, { options: { iobse: 0x170 } as never });
    expect(mistakesOf(withDevices(typo))).toEqual([
      "Device 'latch': there is no option 'iobse'. Did you mean 'iobase'?",
    ]);
  });

  it('an option out of range', () => {
    expect(mistakesOf(withDevices(use(Latch, { options: { irq: 16 } })))).toEqual([
      "Device 'latch': option 'irq' takes an integer from 0 to 15; 16 is not that.",
    ]);
  });

  it('options for a device that is not there', () => {
    expect(mistakesOf(withDevices(use(Latch)), { deviceOptions: { latsh: { initial: 1 } } })).toEqual([
      "Options are given for 'latsh', and no device has that id or type. Did you mean 'latch'?",
    ]);
  });

  it('an option that the machine does not have', () => {
    expect(mistakesOf(withDevices(), { options: { resetControl: 'overlay' } })).toEqual([
      "Machine 'toy': there is no option 'resetControl'. It has none.",
    ]);
  });

  it('a pin that the device does not have', () => {
    const typo = use(Latch, { interrupts: { irk: isaIrq(8) } as never });
    expect(mistakesOf(withDevices(typo))).toEqual(["Device 'latch': Latch has no pin 'irk'. Did you mean 'irq'?"]);
  });

  it('a pin that the other device does not have', () => {
    const wired = use(Latch, { interrupts: { irq: pin('wide', 'input') } });
    expect(mistakesOf(withDevices(wired, use(Wide)))).toEqual([
      "Device 'wide': Wide has no pin 'input'. It has none. It is named by a wire of 'latch'.",
    ]);
  });

  it('a wire to a device that is not there', () => {
    expect(mistakesOf(withDevices(use(Latch, { interrupts: { irq: pin('pic', 'input') } })))).toEqual([
      "Device 'latch': pin 'irq' is wired to pin 'input' of 'pic', and no device has that id. The ids are latch.",
    ]);
  });

  it('an interrupt line that does not exist', () => {
    expect(mistakesOf(withDevices(use(Latch, { interrupts: { irq: isaIrq(16) } })))).toEqual([
      "Device 'latch': pin 'irq': ISA has the interrupt lines 0 to 15; there is no 16.",
    ]);
  });

  it('a service that nobody binds', () => {
    expect(mistakesOf(withDevices(use(Needy)))).toEqual([
      "Device 'needy': Needy needs Absent, which no service module of machine 'toy' binds. " +
        'Add a ContainerModule with bind(Absent) to its services.',
    ]);
  });

  it('a service that cannot be made', () => {
    const broken = new ContainerModule(({ bind }) => {
      bind(Absent).toDynamicValue(() => {
        throw new Error('out of luck');
      });
    });
    const definition = { ...withDevices(use(Needy)), services: [...toyMachine.services, broken] };
    const mistakes = mistakesOf(definition);
    expect(mistakes).toHaveLength(1);
    expect(mistakes[0]).toMatch(/^Service Absent could not be made: .*out of luck/s);
  });

  it('a device whose constructor fails', () => {
    expect(mistakesOf(withDevices(use(Broken)))[0]).toMatch(
      /^Device 'broken': Broken could not be constructed: .*no spring in the box/s,
    );
  });

  it('a constructor that calls itself without end, in a device and in a service: it is no circle of dependencies', () => {
    const endless = new ContainerModule(({ bind }) => void bind(EndlessService).toSelf());
    const definition = { ...withDevices(use(Endless), use(NeedsEndless)) };
    const why = 'Maximum call stack size exceeded: its constructor, or what that calls, calls itself without end';
    expect(mistakesOf({ ...definition, services: [...toyMachine.services, endless] })).toEqual([
      `Device 'endless': Endless could not be constructed: ${why}`,
      `Service EndlessService could not be made: ${why}`,
    ]);
  });

  it('services that need one another, with the circle', () => {
    const circle = new ContainerModule(({ bind }) => {
      bind(Absent).toResolvedValue((other: EndlessService) => other as never, [EndlessService]);
      bind(EndlessService).toResolvedValue((other: Absent) => other as never, [Absent]);
    });
    expect(mistakesOf({ ...withDevices(use(Needy)), services: [...toyMachine.services, circle] })).toEqual([
      'Service Absent could not be made: Circular dependency found: Absent -> EndlessService -> Absent',
    ]);
  });

  it('a service module that loads asynchronously', () => {
    const slow = new ContainerModule(async () => {});
    expect(mistakesOf({ ...toyMachine, services: [slow] })).toEqual([
      'A service module failed to load: A service module loads asynchronously. A machine is built in one go: await before, bind then.',
    ]);
  });

  it('a device that asks for another device, which is no service', () => {
    expect(mistakesOf(withDevices(use(Wide), use(Clinging)))).toEqual([
      "Device 'clinging': Clinging needs Wide, which no service module of machine 'toy' binds. " +
        'Add a ContainerModule with bind(Wide) to its services.',
    ]);
  });

  it('a clock that nobody can move', () => {
    const stopped = new ContainerModule(({ bind }) => {
      class StoppedClock extends VirtualClock {
        readonly now = 0;
        protected override moveBack(): void {}
      }
      bind(VirtualClock).toConstantValue(new StoppedClock());
    });
    expect(mistakesOf({ ...toyMachine, services: [stopped] })).toEqual([
      "The machine's clock is a StoppedClock, which nobody can move on: it has no advanceTo(time). Bind a ManualClock.",
    ]);
  });

  it('an ISA device in a machine without an ISA bus', () => {
    expect(mistakesOf({ ...withDevices(use(Wide)), services: [] })).toEqual([
      "Device 'wide': wide plugs into IsaBus, and machine 'toy' has none. " +
        'Bind IsaBus in one of its service modules, or leave the device out.',
    ]);
  });

  it('a device that belongs to a board which is not there', () => {
    expect(mistakesOf(withDevices(use(Bridge)))).toEqual([
      "Device 'bridge': bridge plugs into SystemBus, and machine 'toy' has none. " +
        'Bind SystemBus in one of its service modules, or leave the device out.',
    ]);
  });

  it('a device for a bus that no machine has', () => {
    expect(mistakesOf(withDevices(use(Floating)))).toEqual([
      "Device 'floating': floating plugs into a bus of kind 'usb', which no machine has. Extend IsaDevice, PciDevice or SystemDevice.",
    ]);
  });

  it('two devices of one id', () => {
    expect(mistakesOf(withDevices(use(Card, { id: 'a' }), use(Card, { id: 'a' })))).toEqual([
      "Two devices have the id 'a': a card and a card. Give one of them another id.",
    ]);
  });

  it('two PCI functions at one address', () => {
    expect(mistakesOf(withDevices(use(Card, { addr: '02.0' }), use(Card, { addr: '2' })))).toEqual([
      "PCI: 'card' and 'card-2' are both at 02.0. Give one of them another addr.",
    ]);
  });

  it('a PCI function that no guest finds, because function 0 of its slot says that it is alone', () => {
    const hidden = (id: string, where: string, first: string) =>
      `PCI: '${id}' is at ${where}, where no guest looks: '${first}', function 0 of the slot, says that it is the only one. ` +
      `Give '${id}' a slot of its own, or card @pci({ multifunction: true }).`;
    expect(mistakesOf(withDevices(use(Card, { addr: '02.0' }), use(Card, { addr: '02.3' })))).toEqual([
      hidden('card-2', '02.3', 'card'),
    ]);
    expect(mistakesOf(withDevices(use(Card, { addr: '02.1' }), use(Card, { addr: '02.0' })))).toEqual([
      hidden('card', '02.1', 'card-2'),
    ]);
    expect(mistakesOf(withDevices(use(Twin, { addr: '02.0' }), use(Card, { addr: '02.7' })))).toEqual([]);
    expect(mistakesOf(withDevices(use(Card, { addr: '02.1' }), use(Card, { addr: '02.2' })))).toEqual([]);
  });

  it('a PCI address that is none', () => {
    expect(mistakesOf(withDevices(use(Card, { addr: '20.9' })))).toEqual([
      "Device 'card': addr '20.9' is not a PCI address. Write slot and function, 00.0 to 1f.7.",
    ]);
  });

  it('a PCI address of a device that is not on PCI', () => {
    expect(mistakesOf(withDevices(use(Wide, { addr: '02.0' })))).toEqual([
      "Device 'wide': wide is not a PCI device and has no addr. Leave it out.",
    ]);
  });

  it('more PCI devices than slots', () => {
    expect(mistakesOf(withDevices(...Array.from({ length: 33 }, () => use(Card))))).toEqual([
      "PCI: no slot is left for 'card-33': all 32 have a device. Remove one.",
    ]);
  });

  it('a class without @device', () => {
    expect(mistakesOf(withDevices(use(Undeclared)))).toEqual([
      "Class Undeclared has no @device, so what it declares was never checked. Put @device({ type: '...', description: '...' }) on top of it.",
    ]);
  });

  it('an interrupt controller that is not there', () => {
    expect(mistakesOf({ ...toyMachine, interruptController: 'pic' })).toEqual([
      "The machine's interruptController is 'pic', and no device has that id. Give one that id.",
    ]);
  });

  it('an interrupt controller whose output leads nowhere: a guest would sleep for ever', () => {
    const named = (device: MachineDefinition['devices'][number], id: string | string[] = 'pic') =>
      mistakesOf({ ...withDevices(device, use(Pic, { id: 'other' })), interruptController: id });
    const remedy =
      'the processor would never be interrupted. Name a device that has both, or leave interruptController out.';
    expect(named(use(Latch, { id: 'pic' }))).toEqual([
      `The machine's interruptController is 'pic', and Latch has neither 'pending' nor acknowledge(): ${remedy}`,
    ]);
    expect(named(use(HalfPic, { id: 'pic' }))).toEqual([
      `The machine's interruptController is 'pic', and HalfPic has no acknowledge(): ${remedy}`,
    ]);
    expect(named(use(DeafPic, { id: 'pic' }), ['other', 'pic'])).toEqual([
      `The machine's interruptController is 'pic', and DeafPic has no 'pending': ${remedy}`,
    ]);
    expect(named(use(Pic))).toEqual([]);
  });

  it('two outputs on one input, of which one that falls would hide the other', () => {
    const to = (id: 'a' | 'b', device: string) => use(Latch, latchAt(id, { irq: pin(device, 'irq') }));
    expect(mistakesOf(withDevices(use(Latch, { id: 'c' }), to('a', 'c'), to('b', 'c')))).toEqual([
      "Wires: pin 'irq' of 'b' and pin 'irq' of 'a' both lead to pin 'irq' of 'c', and an input follows one output. Use a bus " +
        'line, or a device between that combines them.',
    ]);
    expect(mistakesOf(withDevices(use(Latch, { id: 'c' }), to('a', 'c'), to('b', 'a')))).toEqual([]);
  });

  it('also of a device that is plugged in later', () => {
    const machine = Machine.create(
      withDevices(use(Latch, { id: 'c' }), use(Latch, latchAt('a', { irq: pin('c', 'irq') }))),
    );
    const plug = () => machine.plug(use(Latch, latchAt('b', { irq: pin('c', 'irq') })));
    expect(plug).toThrow("pin 'irq' of 'b' and pin 'irq' of 'a' both lead to pin 'irq' of 'c'");
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

  it('a pin that is wired to itself, or around in a circle', () => {
    expect(mistakesOf(withDevices(use(Latch, { interrupts: { irq: pin('latch', 'irq') } })))).toEqual([
      "Wires: pin 'irq' of 'latch' is wired to itself. Wire it to an input of another device.",
    ]);
    const circle = withDevices(
      use(Latch, latchAt('a', { irq: pin('b', 'irq') })),
      use(Latch, latchAt('b', { irq: pin('a', 'irq') })),
    );
    expect(mistakesOf(circle)).toEqual([
      "Wires: pin 'irq' of 'a' leads to pin 'irq' of 'b', which leads back to pin 'irq' of 'a'. Take one of these wires out.",
    ]);
  });
});

describe('a machine with a region that no guest reaches', () => {
  const warningsOf = (device: MachineDefinition['devices'][number]) => Machine.create(withDevices(device)).warnings;

  it('warns of it when it is built, and says how to map it', () => {
    expect(warningsOf(use(Nowhere))).toEqual([
      "Device 'nowhere': region 'nowhere' has no base, and nothing has mapped it: no guest reaches it. Give the region a base, place " +
        'it in the machine with at: [place(region, address)], or map it in onRealize(), disabled if it is to appear later.',
    ]);
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
    const mistakes = mistakesOf(everythingWrong, { deviceOptions: { nobody: {} } });
    const subjects = [
      /overlaps 'wide' of device 'wide' at 0x6c..0x73/,
      /needs Absent/,
      /places region 'stray'/,
      /option 'irq' takes an integer/,
      /option 'iobase' and at: both say/,
      /Two devices have the id 'x'/,
      /are both at 01.0/,
      /Class Undeclared has no @device/,
      /Screen has no pin 'irq'/,
      /Options are given for 'nobody'/,
    ];
    for (const subject of subjects) expect(mistakes.filter((mistake) => subject.test(mistake))).toHaveLength(1);
    expect(mistakes).toHaveLength(subjects.length);
    expect(() => Machine.create(everythingWrong)).toThrow(
      /^Machine 'toy' has 9 mistakes in its wiring:\n {2}- .*\n {2}- /,
    );
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
    mistakesOf({ ...everythingWrong, services: [...toyMachine.services, spying] });
    expect(bus?.devices).toEqual([]);
    expect(bus?.io.children).toEqual([]);
  });
});

it('refuses RAM that is no whole number of pages', () => {
  expect(() => Machine.create(toyMachine, { ram: 1000 })).toThrow(
    "Machine 'toy' cannot have 1000 bytes of RAM. Give a whole number of 4 KiB pages up to 4 GiB, such as 128M.",
  );
});
