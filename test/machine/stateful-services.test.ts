import { ContainerModule } from 'inversify';
import { describe, expect, it } from 'vitest';
import {
  device,
  guestTime,
  IsaDevice,
  inject,
  type MachineDefinition,
  optional,
  portRegion,
  state,
  use,
  VirtualClock,
} from '../../sdk/index.ts';
import { StatefulServices } from '../../sdk/machine/services.ts';
import { guestProgram, loadDevice, Machine, metadataOf, registerDocument, saveDevice } from '../../sdk/runtime.ts';
import { testBench } from '../../sdk/testing/index.ts';
import { expectRefusal } from '../refusal.ts';
import { toyMachine } from './toys.ts';

const Port = 0x300;
const ports = portRegion({ name: 'keys', base: Port, size: 4, accessSizes: [1] });

/** A back end: what a person has typed is no business of a reset. */
class Keys {
  @state private typed = 0;

  next(): number {
    this.typed = (this.typed + 1) & 0xff;
    return this.typed;
  }
}

/** A controller of the board, which a reset does reach. It uses another service. */
class Controller {
  @state commands = 0;
  @state readonly recent = [0, 0];
  @state({ as: guestTime }) since = 0;

  constructor(readonly keys: Keys) {}

  reset(): void {
    this.commands = 0;
    this.recent.fill(0);
  }
}

@device({ type: 'keyboard', description: 'reads from a back end' })
class Keyboard extends IsaDevice {
  constructor(
    @inject(Controller) private readonly controller: Controller,
    @inject(VirtualClock) private readonly clock: VirtualClock,
  ) {
    super();
  }

  @ports.read(0)
  read(): number {
    return this.controller.keys.next();
  }

  @ports.write(1)
  command(value: number): void {
    this.controller.commands++;
    this.controller.recent[this.controller.commands & 1] = value;
    this.controller.since = this.clock.now;
  }

  @ports.read(1)
  commands(): number {
    return this.controller.commands;
  }

  @ports.read(2)
  recent(): number {
    return this.controller.recent[1] as number;
  }

  /** Microseconds since the last command. */
  @ports.read(3)
  elapsed(): number {
    return Math.floor((this.clock.now - this.controller.since) / 1000) & 0xff;
  }
}

const services = new ContainerModule(({ bind }) => {
  bind(Keys).toSelf();
  bind(Controller).toResolvedValue((keys: Keys) => new Controller(keys), [Keys]);
});
const withServices = (more: Partial<MachineDefinition> = {}): MachineDefinition => ({
  ...toyMachine,
  services: [...toyMachine.services, services],
  devices: [use(Keyboard)],
  ...more,
});
const definition = withServices();
const read = ({ io }: Pick<Machine, 'io'>, port = 0) => io.read(Port + port, 1);
const command = ({ io }: Pick<Machine, 'io'>, value: number) => io.write(Port + 1, value, 1);

describe('a service with @state', () => {
  it('goes on where it was when the machine is restored, also one that only another service uses', () => {
    const machine = Machine.create(definition);
    expect([read(machine), read(machine)]).toEqual([1, 2]);
    command(machine, 0x55);
    const saved: unknown = JSON.parse(JSON.stringify(machine.save()));
    expect(saved).toMatchObject({ services: { Keys: { typed: 2 }, Controller: { commands: 1, recent: [0, 0x55] } } });
    const restored = Machine.restore(definition, saved);
    expect([0, 1, 2].map((port) => read(restored, port))).toEqual([3, 1, 0x55]);
    expect(restored.save().services).toEqual({ ...machine.save().services, Keys: { typed: 3 } });
  });

  it('is reset with the machine if it has a reset(), and otherwise left alone', () => {
    const machine = Machine.create(definition);
    read(machine);
    command(machine, 0x55);
    expect(
      machine.run(
        guestProgram(function* (guest) {
          yield* guest.out8(Port + 1, 0x66);
        }),
      ).reason,
    ).toBe('finished');
    expect(read(machine, 1)).toBe(2);
    machine.reset();
    expect([0, 1, 2].map((port) => read(machine, port))).toEqual([2, 0, 0]);
  });

  it('keeps times that move with the epoch of the clock', () => {
    const machine = Machine.create(definition);
    machine.clock.advanceTo(3_000_000_000);
    command(machine, 1);
    machine.clock.advanceTo(3_000_005_000);
    machine.clock.rebase(2);
    expect(read(machine, 3)).toBe(5);
  });

  it('does all that on a bench, for the device whose state is saved there', () => {
    const bench = () => testBench(Keyboard, { services: [[Controller, new Controller(new Keys())]] });
    const old = bench();
    command(old, 0x77);
    old.clock.advance(4000);
    const saved = JSON.parse(JSON.stringify([old.saveServices(), saveDevice(old.device)]));
    const fresh = bench();
    fresh.clock.set(old.clock.now);
    fresh.loadServices(saved[0]);
    loadDevice(fresh.device, saved[1]);
    expect([1, 2, 3].map((port) => read(fresh, port))).toEqual([1, 0x77, 4]);
    fresh.reset();
    expect([1, 2].map((port) => read(fresh, port))).toEqual([0, 0]);
    const load = () => fresh.loadServices({ ...saved[0], Controller: { commands: 'x' } });
    expectRefusal(load, 'state-mismatch', 'services.Controller.commands');
  });

  it('of a device that came and went is restored too, for the next one that asks', () => {
    const empty = withServices({ devices: [] });
    const machine = Machine.create(empty);
    machine.plug(use(Keyboard));
    read(machine);
    machine.unplug('keyboard');
    const restored = Machine.restore(empty, JSON.parse(JSON.stringify(machine.save())));
    restored.plug(use(Keyboard));
    expect(read(restored)).toBe(2);
  });
});

describe('a service that is made anew for each that asks', () => {
  const anew = new ContainerModule(({ bind }) => {
    bind(Keys).toSelf().inTransientScope();
    bind(Controller)
      .toResolvedValue((keys: Keys) => new Controller(keys), [Keys])
      .inTransientScope();
  });
  const one = withServices({ services: [...toyMachine.services, anew] });
  const second = use(Keyboard, { id: 'second', at: [{ region: ports, address: 0x400 }] });

  it('is restored where one device uses it', () => {
    const machine = Machine.create(one);
    read(machine);
    command(machine, 0x66);
    const restored = Machine.restore(one, JSON.parse(JSON.stringify(machine.save())));
    expect([0, 1, 2].map((port) => read(restored, port))).toEqual([2, 1, 0x66]);
  });

  it('keeps a second device out, and the machine goes on as if that had not been tried', () => {
    const machine = Machine.create(one);
    read(machine);
    const before = JSON.stringify(machine.save());
    for (let turn = 0; turn < 2; turn++) {
      expectRefusal(() => machine.plug(second), 'ambiguous-service', 'Controller', '2');
      expect(machine.io.read(0x400, 1)).toBe(0xff);
      expect(JSON.stringify(machine.save())).toBe(before);
    }
  });

  it('goes with its device, so that another device can have one', () => {
    const machine = Machine.create(one);
    for (let turn = 0; turn < 3; turn++) {
      machine.unplug(turn % 2 === 0 ? 'keyboard' : 'second');
      machine.plug(turn % 2 === 0 ? second : use(Keyboard));
    }
    expect(machine.io.read(0x400, 1)).toBe(1);
    expect(machine.save().services).toMatchObject({ Keys: { typed: 1 } });
  });

  it('goes over to the class that takes the place of its device', () => {
    const machine = Machine.create(one);
    read(machine);
    command(machine, 0x55);
    const before = machine.save().services;
    machine.swap('keyboard', Keyboard);
    expect(machine.save().services).toEqual(before);
    expect([0, 1, 2].map((port) => read(machine, port))).toEqual([2, 1, 0x55]);
  });

  it('counts once where a service that is made once uses it, and a device is refused', () => {
    const mixed = new ContainerModule(({ bind }) => {
      bind(Keys).toSelf().inTransientScope();
      bind(Controller).toResolvedValue((keys: Keys) => new Controller(keys), [Keys]);
    });
    const machine = Machine.create(withServices({ services: [...toyMachine.services, mixed] }));
    read(machine);
    expect(machine.save().services).toMatchObject({ Keys: { typed: 1 } });
  });

  it('is reset and moves with the epoch, each of several, where a snapshot would be refused', () => {
    const services = new StatefulServices();
    const made = [new Controller(new Keys()), new Controller(new Keys())];
    for (const controller of made) {
      controller.commands = 1;
      controller.since = 5_000_000_000;
      services.note(Controller, controller);
    }
    services.rebase({ nanoseconds: 2_000_000_000, moved: new Set() });
    services.reset();
    expect(made.map(({ commands, since }) => [commands, since])).toEqual([
      [0, 3_000_000_000],
      [0, 3_000_000_000],
    ]);
    expectRefusal(() => services.save(), 'ambiguous-service', 'Controller', '2');
  });
});

describe('a service that another module has bound again', () => {
  class Others extends Keys {
    @state private base = 100;

    override next(): number {
      return this.base++;
    }
  }
  const again = [
    ['bind', new ContainerModule(({ bind }) => void bind(Keys).to(Others))],
    ['rebind', new ContainerModule(({ rebind }) => void rebind(Keys).to(Others))],
    [
      'unbind and bind',
      new ContainerModule(({ unbind, bind }) => {
        unbind(Keys);
        bind(Keys).toConstantValue(new Others());
      }),
    ],
  ] as const;

  it.each(again)('is in the snapshot as the first was: %s', (_, module) => {
    const rebound = withServices({ services: [...toyMachine.services, services, module] });
    const machine = Machine.create(rebound);
    expect([read(machine), read(machine)]).toEqual([100, 101]);
    const saved = JSON.parse(JSON.stringify(machine.save()));
    expect(saved.services.Keys).toEqual({ typed: 0, base: 102 });
    expect(read(Machine.restore(rebound, saved))).toBe(102);
  });
});

describe('a service whose state could not be restored is refused before a guest runs', () => {
  const controlledBy = (make: () => object) =>
    withServices({
      services: [
        ...toyMachine.services,
        new ContainerModule(({ bind }) => void bind(Controller).toResolvedValue(() => make() as Controller)),
      ],
    });

  it('where it is made anew for each that asks, so that there are several', () => {
    const several = new ContainerModule(({ bind }) => {
      bind(Keys).toSelf().inTransientScope();
      bind(Controller)
        .toResolvedValue((keys: Keys) => new Controller(keys), [Keys])
        .inTransientScope();
    });
    const twice = { ...withServices({ services: [...toyMachine.services, several] }) };
    const second = use(Keyboard, { id: 'second', at: [{ region: ports, address: 0x400 }] });
    const create = () => Machine.create({ ...twice, devices: [use(Keyboard), second] });
    expectRefusal(create, 'ambiguous-service', 'Controller');
  });

  it('where a field can be in no snapshot', () => {
    class Odd {
      @state readonly names = new Map<string, number>();
      readonly keys = new Keys();
    }
    const odd = controlledBy(() => new Odd());
    expectRefusal(() => Machine.create(odd), 'unsupported-state', 'Controller', "'names'", 'Map');
  });

  it('where a field can be in no snapshot and the device came later: the machine is as it was, also after several tries', () => {
    class Odd {
      @state readonly names = new Map<string, number>();
      readonly keys = new Keys();
    }
    const empty = { ...controlledBy(() => new Odd()), devices: [] };
    const machine = Machine.create(empty);
    const before = JSON.stringify(machine.save());
    for (let turn = 0; turn < 2; turn++) {
      expectRefusal(() => machine.plug(use(Keyboard)), 'unsupported-state', "'names'", 'Map');
      expect(read(machine)).toBe(0xff);
      expect(JSON.stringify(machine.save())).toBe(before);
    }
  });

  it('where a list grows that was taken at its first length, when it is saved', () => {
    const machine = Machine.create(definition);
    (machine.service(Controller) as Controller).recent.push(3);
    expectRefusal(() => machine.save(), 'unsupported-state', 'Controller', "'recent'", 'list of 3', 'list of 2');
  });

  it('where its reset() throws, with its name', () => {
    class Failing extends Controller {
      override reset(): void {
        throw new Error('jammed');
      }
    }
    const failing = controlledBy(() => new Failing(new Keys()));
    expectRefusal(() => Machine.create(failing), 'service-failure', 'Controller', 'reset()', 'jammed');
  });
});

describe('a service that a device can do without', () => {
  @device({ type: 'maybe', description: 'can do without keys' })
  class Maybe extends IsaDevice {
    constructor(@inject(Keys) @optional() private readonly keys: Keys | undefined) {
      super();
    }

    @ports.read(0)
    read(): number {
      return this.keys?.next() ?? 0xee;
    }
  }

  @device({ type: 'maybe-too', description: 'has the constructor of its base' })
  class MaybeToo extends Maybe {}

  const both = [
    ['with a constructor of its own', Maybe],
    ['with that of its base', MaybeToo],
  ] as const;

  it.each(both)('is undefined where no module binds it, in a machine and on a bench: %s', (_, chip) => {
    const without = Machine.create({ ...toyMachine, devices: [use(chip)] });
    expect(read(without)).toBe(0xee);
    expect(testBench(chip).in8(Port)).toBe(0xee);
  });

  it.each(both)('is given where one does: %s', (_, chip) => {
    expect(read(Machine.create(withServices({ devices: [use(chip)] })))).toBe(1);
    expect(testBench(chip, { services: [[Keys, new Keys()]] }).in8(Port)).toBe(1);
  });

  it('is marked in the reference of the device', () => {
    expect(registerDocument(metadataOf(Maybe))).toContain('It asks the machine for `Keys` (optional).');
  });
});

describe('the name of a service in a snapshot', () => {
  it('is the one that its class gives, where a bundler has shortened the name of the class', () => {
    const named = (serviceName: string | undefined) => {
      class A {
        @state typed = 3;
      }
      if (serviceName !== undefined) Object.assign(A, { serviceName });
      const services = new StatefulServices();
      services.note(A, new A());
      class Derived extends A {}
      services.note(Derived, new Derived());
      return Object.keys(services.save());
    };
    expect(named(undefined)).toEqual(['A', 'Derived']);
    expect(named('keys')).toEqual(['Derived', 'keys']);
  });
});
