import { describe, expect, it } from 'vitest';
import { type ConcreteDeviceClass, device, type MachineDefinition, type UsedDevice, use } from '../../sdk/index.ts';
import { infoQtree, Machine } from '../../sdk/runtime.ts';
import { expectRefusal } from '../refusal.ts';
import { expectProblems, problemsOf } from './problems.ts';
import { Belfry, BellBus, Carillon, Cathedral, CountingBell } from './toy-bus.ts';
import { Card, toyMachine, Wide } from './toys.ts';

const withDevices = (...devices: UsedDevice[]): MachineDefinition => ({ ...toyMachine, devices });
const built = (...devices: UsedDevice[]) => Machine.create(withDevices(...devices));

/** The guest selects a bell of the belfry and rings it. */
function ring({ io }: Machine, at: number, times: number): number {
  io.write(0x500, at, 1);
  io.write(0x501, times, 1);
  return io.read(0x501, 1);
}

describe('a bus in the field of a controller', () => {
  it('takes devices at their addresses, by the id of the controller, its full name, or as the first of its kind', () => {
    const machine = built(
      use(Belfry),
      use(CountingBell, { addr: '3' }),
      use(CountingBell, { id: 'second', bus: 'belfry', addr: '4' }),
      use(CountingBell, { id: 'third', bus: 'belfry.bells', addr: '5' }),
    );
    expect([ring(machine, 3, 2), ring(machine, 4, 5), ring(machine, 5, 7), ring(machine, 6, 1)]).toEqual([
      2, 5, 7, 0xff,
    ]);
    expect([ring(machine, 3, 2), machine.deviceById('third')?.address]).toEqual([4, '5']);
  });

  it('may come after its devices in the definition', () => {
    expect(ring(built(use(CountingBell, { addr: '3' }), use(Belfry)), 3, 2)).toBe(2);
  });

  it('is one of several of a controller, by its index', () => {
    const machine = built(use(Cathedral), use(CountingBell, { bus: 'cathedral.towers[1]', addr: '1' }));
    const [first, second] = machine.device(Cathedral).towers;
    expect([first?.transfer(1, [1], 1), second?.transfer(1, [1], 1)]).toEqual([[0xff], [1]]);
  });

  it('nests: a bus on a device on a bus', () => {
    const machine = built(
      use(Carillon, { bus: 'belfry', addr: '2' }),
      use(CountingBell, { bus: 'carillon', addr: '7' }),
      use(Belfry),
    );
    expect([ring(machine, 2, 0x74), ring(machine, 2, 0x71), ring(machine, 2, 0x61)]).toEqual([4, 5, 0xff]);
    expect(machine.buses.map(({ name }) => name)).toEqual(['isa.0', 'pci.0', 'carillon.branch', 'belfry.bells']);
  });

  it('is not a multiplexer, if a device names none', () => {
    const machine = built(use(Carillon, { addr: '2' }), use(Belfry), use(CountingBell, { addr: '3' }));
    expect(machine.deviceById('bell')?.place.name).toBe('belfry.bells');
  });

  it('shows itself and its devices below the controller', () => {
    const machine = built(use(Belfry), use(CountingBell, { addr: '3' }), use(Wide));
    ring(machine, 3, 1);
    expect(infoQtree(machine)).toContain(`
  bus: isa.0
    type ISA
    dev: belfry, id "belfry"
      ports 0000000000000500/0000000000000002
      bus: belfry.bells
        type bells
        dev: bell, id "bell"
          addr = 3
          selected
    dev: wide`);
  });

  it('is reset with the machine, after the devices', () => {
    const machine = built(use(Belfry), use(CountingBell, { addr: '3' }));
    const { bells } = machine.device(Belfry);
    ring(machine, 3, 9);
    machine.reset();
    expect([bells.selected, ring(machine, 3, 1)]).toEqual([0, 1]);
  });
});

describe('wiring of buses', () => {
  const bell = (wiring: { bus?: string; addr?: string }) => use(CountingBell, wiring);

  it.each<[string, UsedDevice[], [code: string, ...named: string[]]]>([
    ['no bus of the kind', [bell({ addr: '1' })], ['missing-bus', "'bell'", "'bells'", 'isa.0, pci.0', 'BellBus']],
    ['a name that is none', [use(Belfry), bell({ bus: 'belfri', addr: '1' })], ['no-such-bus', "'belfri'", "'belfry'"]],
    ['a bus of another kind', [use(Belfry), bell({ bus: 'isa.0', addr: '1' })], ['wrong-bus-kind', "'isa'", "'bells'"]],
    [
      'a controller with several',
      [use(Cathedral), bell({ bus: 'cathedral', addr: '1' })],
      ['ambiguous-bus', 'towers[1]'],
    ],
    ['an address that the bus has not', [use(Belfry), bell({ addr: '0' })], ['invalid-bus-address', "'0'", '1 to 9']],
    ['no address', [use(Belfry), bell({})], ['missing-bus-address', "'bell'", "'belfry.bells'", '1 to 9']],
    [
      'two devices at one address',
      [use(Belfry), bell({ addr: '4' }), bell({ addr: '4' })],
      ['bus-address-taken', "'bell'", "'bell-2'", 'at 4'],
    ],
    [
      'controllers on each other',
      [use(Carillon, { id: 'a', bus: 'b', addr: '1' }), use(Carillon, { id: 'b', bus: 'a', addr: '1' })],
      ['bus-circle', "'a'", "'b'"],
    ],
    ['itself', [use(Carillon, { bus: 'carillon', addr: '1' })], ['no-such-bus', "'carillon'"]],
  ])('is refused: %s', (_, devices, problem) => {
    expectProblems(problemsOf(withDevices(...devices)), problem);
  });

  it('is refused when a device is plugged in, and leaves the machine as it was', () => {
    const machine = built(use(Belfry), bell({ addr: '4' }));
    expectRefusal(() => machine.plug(use(CountingBell, { id: 'x', addr: '4' })), 'bus-address-taken', "'bell'", "'x'");
    expect([machine.devices.length, ring(machine, 4, 3)]).toEqual([2, 3]);
  });
});

describe('hotplug on a bus of a controller', () => {
  it('plugs devices in and takes them out, and answers nothing where none is', () => {
    const machine = built(use(Belfry));
    expect(ring(machine, 3, 1)).toBe(0xff);
    machine.plug(use(CountingBell, { addr: '3' }));
    expect(ring(machine, 3, 1)).toBe(1);
    machine.unplug('bell');
    expect(ring(machine, 3, 1)).toBe(0xff);
  });

  it('plugs in a controller, then its devices', () => {
    const machine = built();
    machine.plug(use(Belfry));
    machine.plug(use(CountingBell, { addr: '3' }));
    expect(ring(machine, 3, 6)).toBe(6);
  });

  it('keeps a controller while devices are on its bus', () => {
    const machine = built(use(Belfry), use(CountingBell, { addr: '3' }));
    expectRefusal(() => machine.unplug('belfry'), 'device-in-use', "'bell'", "'belfry.bells'");
    machine.unplug('bell');
    machine.unplug('belfry');
    expect(machine.devices).toEqual([]);
  });
});

describe('a swap on a bus of a controller', () => {
  @device({ type: 'bell', description: 'rings twice' })
  class DoubleBell extends CountingBell {
    override ring(times: number): number {
      return super.ring(2 * times);
    }
  }

  @device({ type: 'belfry', description: 'answers one more' })
  class LaterBelfry extends Belfry {
    override read(): number {
      return this.answer + 1;
    }
  }

  @device({ type: 'belfry', description: 'throws when it loads its state' })
  class BrokenBelfry extends Belfry {
    override onStateLoaded(): void {
      throw new Error('not mine');
    }
  }

  const rung = () => {
    const machine = built(use(Belfry), use(CountingBell, { addr: '3' }), use(CountingBell, { id: 'other', addr: '4' }));
    ring(machine, 4, 1);
    ring(machine, 3, 5);
    return machine;
  };
  /** Rings what is selected. */
  const again = ({ io }: Machine, times: number): number => {
    io.write(0x501, times, 1);
    return io.read(0x501, 1);
  };

  it('of a device keeps its address and its state', () => {
    const machine = rung();
    machine.swap('bell', DoubleBell);
    expect([again(machine, 1), machine.deviceById('bell')?.address]).toEqual([7, '3']);
  });

  it('of a controller keeps its devices plugged in, and the state of the bus', () => {
    const machine = rung();
    const old = machine.device(Belfry).bells;
    machine.swap('belfry', LaterBelfry);
    expect([again(machine, 1), ring(machine, 4, 1)]).toEqual([7, 3]);
    expect(old.transfer(3, [1], 1)).toEqual([0xff]);
    machine.unplug('bell');
    expect(ring(machine, 3, 1)).toBe(0x100 & 0xff);
  });

  it('of both at once keeps them together', () => {
    const machine = rung();
    machine.swapAll(
      new Map<string, ConcreteDeviceClass>([
        ['bell', DoubleBell],
        ['belfry', LaterBelfry],
      ]),
    );
    expect([again(machine, 1), ring(machine, 4, 1)]).toEqual([8, 3]);
  });

  it('that is refused leaves everything where it was', () => {
    const machine = rung();
    expectRefusal(() => machine.swap('belfry', BrokenBelfry), 'state-refused', 'not mine');
    expect([again(machine, 1), ring(machine, 4, 1)]).toEqual([6, 2]);
    machine.unplug('bell');
    expect(ring(machine, 3, 1)).toBe(0xff);
  });

  it('is refused if the new class has no such bus', () => {
    @device({ type: 'belfry', description: 'its bus has another name' })
    class Renamed extends Wide {
      readonly tower = new BellBus();
    }
    expectRefusal(() => rung().swap('belfry', Renamed), 'replacement-mismatch', "'belfry.bells'", "'bell'");
  });
});

describe('a snapshot of buses', () => {
  const restored = (machine: Machine, definition: MachineDefinition) =>
    Machine.restore(definition, JSON.parse(JSON.stringify(machine.save())), { deviceClasses: [CountingBell, Belfry] });

  it('holds the state of a bus with its controller, and puts devices that were plugged in back to their addresses', () => {
    const machine = built(use(Belfry), use(CountingBell, { addr: '3' }));
    machine.plug(use(CountingBell, { id: 'late', bus: 'belfry.bells', addr: '8' }));
    ring(machine, 8, 5);
    const other = restored(machine, withDevices(use(Belfry), use(CountingBell, { addr: '3' })));
    expect(other.device(Belfry).bells.selected).toBe(8);
    expect([other.deviceById('late')?.address, ring(other, 8, 1), ring(other, 3, 1)]).toEqual(['8', 6, 1]);
  });

  it('plugs a controller in again before its devices', () => {
    const machine = built();
    machine.plug(use(Belfry));
    machine.plug(use(CountingBell, { addr: '3' }));
    ring(machine, 3, 5);
    const other = restored(machine, withDevices());
    expect(ring(other, 3, 1)).toBe(6);
  });

  it('is refused on a machine whose device is at another address, or on another bus', () => {
    const machine = built(use(Belfry), use(CountingBell, { addr: '3' }));
    const elsewhere = [use(Belfry), use(Belfry, { id: 'b2', at: [] }), use(CountingBell, { addr: '4' })];
    expectRefusal(
      () => restored(machine, withDevices(...elsewhere.slice(0, 1), ...elsewhere.slice(2))),
      'state-mismatch',
      'address',
    );
    const renamed = [use(Belfry, { id: 'b2' }), use(CountingBell, { addr: '3' })];
    expectRefusal(() => restored(machine, withDevices(...renamed)), 'state-mismatch', 'place.bus');
  });
});

it('takes no bus of a service for one of the device that asks for it', () => {
  const machine = built(use(Card));
  expect(machine.buses.map(({ name }) => name)).toEqual(['isa.0', 'pci.0']);
});
