import { ContainerModule } from 'inversify';
import { describe, expect, it } from 'vitest';
import { defineMachine, defineOptions, device, IsaBus, isaIrq, option, pin, place, use } from '../../sdk/index.ts';
import { PciBus } from '../../sdk/pci.ts';
import { guestProgram, Machine, MachineBoard, simulatedAccelerator } from '../../sdk/runtime.ts';
import { expectRefusal } from '../refusal.ts';
import { Absent, Card, Latch, latchPorts, Needy, Resetter, Screen, toyMachine, Wide } from './toys.ts';

const withDevices = (...devices: ReturnType<typeof use>[]) => defineMachine({ ...toyMachine, devices });

describe('a machine that is built', () => {
  it('maps a region where its class says', () => {
    const machine = Machine.create(withDevices(use(Latch)));
    machine.io.write(0x71, 0x5a, 1);
    expect(machine.device(Latch).value).toBe(0x5a);
    expect(machine.io.read(0x71, 1)).toBe(0x5a);
    expect(machine.io.read(0x72, 1)).toBe(0xff);
  });

  it('takes a device whose members have names that the machine uses for something else', () => {
    const members = {
      cause: 1,
      mistake: 2,
      mistakes: [],
      problem: 3,
      plan: {},
      mappings: [],
      pending: true,
      acknowledge: () => 0,
      configuration: { address: 0 },
      start: () => {},
      length: 4,
      service: {},
    };
    class Busy extends Latch {}
    Object.assign(Busy.prototype, members);
    device({ type: 'busy', description: 'has many members' })(Busy);
    const machine = Machine.create(withDevices(use(Busy)));
    machine.swap('busy', Busy);
    machine.plug(use(Busy, { id: 'other', options: { iobase: 0x270, irq: 9 } }));
    machine.io.write(0x71, 0x5a, 1);
    expect(machine.io.read(0x71, 1)).toBe(0x5a);
    expect(Machine.restore(machine.definition, machine.save()).devices).toHaveLength(2);
  });

  it('moves a region by value', () => {
    const machine = Machine.create(withDevices(use(Latch, { at: [place(latchPorts, 0x170)] })));
    machine.io.write(0x171, 7, 1);
    expect(machine.device(Latch).value).toBe(7);
    expect(machine.io.read(0x71, 1)).toBe(0xff);
  });

  it('moves a region by the option that stands for it', () => {
    const machine = Machine.create(withDevices(use(Latch, { options: { iobase: 0x270 } })));
    machine.io.write(0x271, 9, 1);
    expect(machine.device(Latch).value).toBe(9);
  });

  it('wires a pin where the option says unless the machine wires it', () => {
    const second = { id: 'second', interrupts: { irq: isaIrq(3) }, at: [place(latchPorts, 0x170)] };
    const machine = Machine.create(withDevices(use(Latch), use(Latch, second)));
    const lines = machine.service(IsaBus)?.lines ?? [];
    machine.io.write(0x71, 1, 1);
    machine.io.write(0x171, 1, 1);
    expect(lines.flatMap((line, number) => (line.level ? [number] : []))).toEqual([3, 8]);
    machine.io.write(0x71, 0, 1);
    expect(lines.flatMap((line, number) => (line.level ? [number] : []))).toEqual([3]);
  });

  it('joins the pins of two devices by a wire', () => {
    const machine = Machine.create(
      withDevices(
        use(Latch, { interrupts: { irq: pin('second', 'hold') } }),
        use(Latch, { id: 'second', at: [place(latchPorts, 0x170)] }),
      ),
    );
    machine.io.write(0x71, 1, 1);
    expect(machine.deviceById('second')?.device).toHaveProperty('held', true);
  });

  it('numbers devices of one type that have no id', () => {
    const machine = Machine.create(
      withDevices(use(Card), use(Card), use(Card, { id: 'card-2' }), use(Card, { addr: '1f.7' })),
    );
    expect(machine.devices.map(({ id }) => id)).toEqual(['card', 'card-3', 'card-2', 'card-4']);
  });

  it('puts PCI functions that do not say where into the first free slots', () => {
    const machine = Machine.create(
      withDevices(use(Card, { addr: '00.0' }), use(Card), use(Card, { addr: '1.3' }), use(Card)),
    );
    const bus = machine.service(PciBus);
    expect(bus?.devices.map((device) => device.id)).toEqual(['card', 'card-3', 'card-2', 'card-4']);
    expect(bus?.readConfig(0x0b00, 4)).toBe(0x5678_1234);
    expect(bus?.readConfig(0x0000, 4)).toBe(0x5678_1234);
    expect(bus?.readConfig(0x2000, 4)).toBe(0xffff_ffff);
  });

  it('is changed by spreading a definition and adding to it', () => {
    const base = withDevices(use(Latch));
    const custom = defineMachine({ ...base, name: 'mine', devices: [...base.devices, use(Wide), use(Screen)] });
    expect(Machine.create(custom).devices.map(({ id }) => id)).toEqual(['latch', 'wide', 'screen']);
    expect(Machine.create(base).devices.map(({ id }) => id)).toEqual(['latch']);
  });

  it('lets a later service module replace what an earlier one binds', () => {
    const other = new ContainerModule(({ bind }) => {
      bind(IsaBus).toResolvedValue(
        ({ ports, system }) => {
          return Object.assign(new IsaBus({ io: ports, memory: system }), { replaced: true });
        },
        [MachineBoard],
      );
    });
    const machine = Machine.create(defineMachine({ ...toyMachine, services: [...toyMachine.services, other] }));
    expect(machine.service(IsaBus)).toHaveProperty('replaced', true);
  });

  it('gives a device the services of its own machine and of no other', () => {
    const thing = new ContainerModule(({ bind }) => {
      bind(Absent).toDynamicValue(() => ({ nothing: 'here' }));
    });
    const definition = defineMachine({
      ...toyMachine,
      services: [...toyMachine.services, thing],
      devices: [use(Needy)],
    });
    const [first, second] = [Machine.create(definition), Machine.create(definition)];
    expect(first.device(Needy).absent).toEqual({ nothing: 'here' });
    expect(first.device(Needy).absent).not.toBe(second.device(Needy).absent);
  });

  it('has options of its own, on which devices and their options depend', () => {
    const definition = defineMachine({
      ...toyMachine,
      options: defineOptions({
        screen: option.boolean({ description: 'with a screen', default: false }),
        seed: option.integer({ description: 'first value', default: 3 }),
      }),
      devices: [
        use(Latch, { options: (machine) => ({ initial: Number(machine['seed']) }) }),
        use(Screen, { when: (machine) => machine['screen'] === true }),
      ],
    });
    const plain = Machine.create(definition);
    expect(plain.devices.map(({ id }) => id)).toEqual(['latch']);
    expect(plain.device(Latch).value).toBe(3);
    const rich = Machine.create(definition, { options: { screen: true, seed: 4 } });
    expect(rich.devices.map(({ id }) => id)).toEqual(['latch', 'screen']);
    expect(rich.device(Latch).value).toBe(4);
  });

  it('takes options of single devices by type and by id, the id winning', () => {
    const definition = withDevices(use(Latch), use(Latch, { id: 'b', at: [place(latchPorts, 0x170)] }));
    const machine = Machine.create(definition, { deviceOptions: { latch: { initial: 1 }, b: { initial: 2 } } });
    expect(machine.devices.map(({ device }) => (device as Latch).value)).toEqual([1, 2]);
  });

  it('names the device that is asked for and not there', () => {
    const machine = Machine.create(withDevices(use(Card), use(Card)));
    expectRefusal(() => machine.device(Latch), 'no-such-device', "'toy'", 'Latch', 'card, card-2');
    expectRefusal(() => machine.device(Card), 'ambiguous-device', "'toy'", 'Card', 'card, card-2');
  });

  it('resets devices once when it is built, and again when the guest asks, in order', () => {
    const machine = Machine.create(withDevices(use(Latch, { options: { initial: 1 } }), use(Resetter)));
    const latch = machine.device(Latch);
    expect(latch.resets).toEqual([0]);
    const outcome = machine.run(
      guestProgram(function* (guest) {
        const found = yield* guest.in8(0x71);
        if (found === 1) yield* guest.out8(0x71, 2);
        yield* guest.out8(0xcf9, 6);
        yield* guest.out8(0x71, 3);
      }),
    );
    expect(outcome.reason).toBe('reset');
    expect(latch.resets).toHaveLength(2);
    expect(latch.value).toBe(1);
  });

  it('reports what guests do wrong, once with a count', () => {
    const heard: string[] = [];
    const machine = Machine.create(withDevices(use(Latch)), {
      onGuestError: (id, message) => heard.push(`${id}: ${message}`),
    });
    machine.run(
      guestProgram(function* (guest) {
        for (let round = 0; round < 3; round++) yield* guest.in8(0x70);
      }),
    );
    expect(machine.guestErrors).toEqual([{ device: 'latch', message: heard[0]?.slice('latch: '.length), count: 3 }]);
    expect(heard).toHaveLength(1);
  });

  it('pauses between two instructions and goes on from there', () => {
    const machine = Machine.create(withDevices(use(Latch)));
    machine.clock.after(1000, () => machine.pause());
    const program = guestProgram(function* (guest) {
      for (let value = 1; value <= 10; value++) yield* guest.out8(0x71, value);
    });
    expect(machine.run(program).reason).toBe('paused');
    const seen = machine.device(Latch).value;
    expect(seen).toBeLessThan(10);
    expect(machine.resume().reason).toBe('finished');
    expect(machine.device(Latch).value).toBe(10);
  });

  it('is reset by its button between two runs', () => {
    const machine = Machine.create(withDevices(use(Latch, { options: { initial: 1 } })));
    machine.io.write(0x71, 9, 1);
    machine.reset();
    expect(machine.device(Latch).value).toBe(1);
    expect(machine.device(Latch).resets).toHaveLength(2);
  });

  it('delivers what waits when it is settled', () => {
    const machine = Machine.create(withDevices(use(Latch)), {
      accelerator: simulatedAccelerator({ drain: 'on-access' }),
    });
    machine.run(
      guestProgram(function* (guest) {
        yield* guest.out8(0x70, 3);
        yield* guest.pause(100_000_000);
      }),
      { operationLimit: 1 },
    );
    expect(machine.device(Latch).index).toBe(0);
    machine.settle();
    expect(machine.device(Latch).index).toBe(3);
  });

  it('gives up its devices when it is disposed of, and runs no more', () => {
    const machine = Machine.create(withDevices(use(Latch)));
    const latch = machine.device(Latch);
    machine.dispose();
    expect(latch.realized).toBe(false);
    expectRefusal(() => machine.resume(), 'machine-disposed');
  });
});
