import { describe, expect, it } from 'vitest';
import { Debugcon, Edu, VirtioRng } from '../../../devices/index.ts';
import { InterruptWire } from '../../../sdk/bus/index.ts';
import {
  addCoalescedIo,
  type ConcreteDeviceClass,
  defineMachine,
  defineOptions,
  device,
  InterruptPin,
  IsaBus,
  IsaDevice,
  input,
  isaIrq,
  KiB,
  MemoryRegion,
  MiB,
  type OptionsOf,
  option,
  options,
  pin,
  place,
  portRegion,
  state,
  use,
} from '../../../sdk/index.ts';
import { PciBus } from '../../../sdk/pci.ts';
import { formatSnapshot, guestProgram, Machine, metadataOf, type RestoreRequest } from '../../../sdk/runtime.ts';
import { expectRefusal } from '../../refusal.ts';
import { pcI440fx } from '../../small-machines.ts';

const ports = portRegion({ name: 'bell', base: 0x340, size: 1, accessSizes: [1] });

/** Rings as often as it was told to. */
@device({ type: 'bell', description: 'rings' })
@addCoalescedIo(ports, { offset: 0, size: 1 })
class Bell extends IsaDevice {
  readonly irq = new InterruptPin();
  @state rung = 0;

  @input()
  chime(level: boolean): void {
    this.irq.set(level);
  }

  @ports.write(0)
  ring(times: number): void {
    this.rung += times;
    this.irq.set(times > 1);
  }
}

/** Brings memory of its own. */
@device({ type: 'memory-card', description: 'a page of RAM' })
class MemoryCard extends IsaDevice {
  private page: MemoryRegion | undefined;

  protected override onRealize(): void {
    this.page = MemoryRegion.ram(this.topology, 'card', 4 * KiB, { owner: this });
  }

  write(value: number): void {
    this.page?.ram?.bytes.fill(value);
  }

  get contents(): number | undefined {
    return this.page?.ram?.bytes[0];
  }
}

const small = { ram: 1 * MiB };
const withConsole = defineMachine({ ...pcI440fx, devices: [...pcI440fx.devices, use(Debugcon, { id: 'console' })] });

/** The saved machine in a fresh one, which says the same of itself. */
function restored(machine: Machine, request: RestoreRequest = {}): Machine {
  const text = formatSnapshot(machine.save());
  const other = Machine.restore(machine.definition, JSON.parse(text), request);
  expect(formatSnapshot(other.save())).toBe(text);
  return other;
}

const deviceOf = <D>(machine: Machine, id: string) => machine.deviceById(id)?.device as D;
const idsOf = (machine: Machine) => machine.devices.map(({ id }) => id);

describe('a card that was plugged in while the machine ran', () => {
  const program = guestProgram('user of the card', function* (guest) {
    yield* guest.out32(0xcf8, 0x8000_2810);
    yield* guest.out32(0xcfc, 0xfe00_0000);
    yield* guest.out32(0xcf8, 0x8000_2804);
    yield* guest.out32(0xcfc, 6);
    yield* guest.store32(0xfe00_0008, 6);
    yield* guest.pause(2_000_000);
    yield* guest.store32(0x1000, yield* guest.load32(0xfe00_0008));
  });
  const saved = () => {
    const machine = Machine.create(pcI440fx, small);
    machine.plug(use(Edu, { id: 'card', addr: '05.0', options: { dmaMask: 0xffffn } }));
    machine.run(program, { operationLimit: 5, savable: true });
    return machine;
  };

  it('is there again, at its address and with its options, and goes on with its work', () => {
    const machine = saved();
    const other = restored(machine, { guests: program, deviceClasses: [Edu] });
    expect(idsOf(other)).toEqual(idsOf(machine));
    expect(other.deviceById('card')).toMatchObject({
      address: '05.0',
      options: { dmaMask: 0xffffn },
    });
    expect(other.service(PciBus)?.deviceAt({ slot: 5, function: 0 })).toBe(other.device(Edu));
    for (const one of [machine, other]) one.resume();
    expect(other.memory.read(0x1000, 4)).toBe(720);
    expect(other.save()).toEqual(machine.save());
  });

  it('says of itself in the snapshot that it came later', () => {
    const { devices, machine } = JSON.parse(formatSnapshot(saved().save()));
    expect(devices.filter((one: { plugged?: boolean }) => one.plugged).map((one: { id: string }) => one.id)).toEqual([
      'card',
    ]);
    expect(machine).not.toHaveProperty('unplugged');
  });

  it('is found among the classes of the definition too', () => {
    const definition = defineMachine({
      ...pcI440fx,
      devices: [...pcI440fx.devices, use(Edu, { id: 'first', addr: '04.0' })],
    });
    const machine = Machine.create(definition, small);
    machine.plug(use(Edu, { id: 'second', addr: '05.0' }));
    expect(idsOf(restored(machine)).slice(-2)).toEqual(['first', 'second']);
  });

  it('is refused where nobody knows its class, with the way to give it', () => {
    expectRefusal(
      () => restored(saved(), { guests: program }),
      'state-mismatch',
      "device 'card'",
      "'edu'",
      '-plugin FILE',
    );
  });

  it('is refused where something else is in its slot now', () => {
    const snapshot = saved().save();
    const fuller = defineMachine({
      ...pcI440fx,
      devices: [...pcI440fx.devices, use(VirtioRng, { id: 'rng', addr: '05.0' })],
    });
    const restore = () => Machine.restore(fuller, snapshot, { guests: program, deviceClasses: [Edu] });
    expectRefusal(restore, 'state-mismatch', "device 'card': ", "'rng' and 'card'", '05.0', "device 'rng': ");
  });

  it.each(['', '\\u001b[2J'])('is refused with the id "%s", which no terminal could show', (id) => {
    const snapshot = formatSnapshot(saved().save()).replaceAll('"card"', `"${id}"`);
    const restore = () => Machine.restore(pcI440fx, JSON.parse(snapshot), { guests: program, deviceClasses: [Edu] });
    expectRefusal(restore, 'state-mismatch', `"${id}"`);
  });

  it('is refused with an option that its class has not, or with two values of one', () => {
    const changed = (there: string, instead: string) => () =>
      Machine.restore(pcI440fx, JSON.parse(formatSnapshot(saved().save()).replace(there, instead)), {
        guests: program,
        deviceClasses: [Edu],
      });
    expectRefusal(changed('"dmaMask": "65535"', '"colour": 1'), 'state-mismatch', "device 'card'", "'colour'");
    const other = changed('"dmaMask": "65535"', '"dmaMask": "65534"');
    expectRefusal(other, 'state-mismatch', "device 'card', 'options.dmaMask'", '"65534"', '"65535"');
  });

  it('is refused with options that it cannot have', () => {
    const snapshot = formatSnapshot(saved().save()).replace('"dmaMask": "65535"', '"dmaMask": "everything"');
    const restore = () => Machine.restore(pcI440fx, JSON.parse(snapshot), { guests: program, deviceClasses: [Edu] });
    expectRefusal(restore, 'state-mismatch', "device 'card', 'plugged.options.dmaMask'", '"everything"');
  });
});

describe('wires and places of what was plugged in', () => {
  it('are as they were: an ISA line, a pin of another device, a port that is not the usual one', () => {
    const machine = Machine.create(pcI440fx, small);
    machine.plug(use(Bell, { id: 'one', interrupts: { irq: isaIrq(5) } }));
    machine.plug(use(Bell, { id: 'two', at: [place(ports, 0x348)], interrupts: { irq: pin('one', 'chime') } }));
    machine.io.write(0x348, 2, 1);
    machine.settle();
    const other = restored(machine, { deviceClasses: [Bell] });
    expect(other.service(IsaBus)?.line(5).level).toBe(true);
    other.io.write(0x348, 1, 1);
    other.settle();
    expect(other.service(IsaBus)?.line(5).level).toBe(false);
    expect(deviceOf<Bell>(other, 'two').rung).toBe(3);
  });

  it('are as they were where an option could have said the place, in a snapshot and for an heir', () => {
    const machine = Machine.create(pcI440fx, small);
    const template = metadataOf(Debugcon).regions.find(({ template: one }) => one.name === 'debugcon')?.template;
    if (template === undefined) throw new Error('it has no ports');
    machine.plug(use(Debugcon, { id: 'moved', at: [place(template, 0x1e8)] }));
    machine.plug(use(Debugcon, { id: 'chosen', options: { iobase: 0x402 } }));
    machine.plug(use(Debugcon, { id: 'usual' }));
    const other = restored(machine, { deviceClasses: [Debugcon] });
    for (const id of ['moved', 'chosen', 'usual']) machine.swap(id, Debugcon);
    for (const one of [machine, other]) {
      for (const [id, port] of Object.entries({ moved: 0x1e8, chosen: 0x402, usual: 0xe9 })) {
        one.io.write(port, 0x41, 1);
        expect(deviceOf<Debugcon>(one, id).text).toBe('A');
      }
    }
  });

  it('refuse to be saved where a wire leads to what no snapshot can name', () => {
    const machine = Machine.create(pcI440fx, small);
    const wire = new InterruptWire('a lamp', IsaBus, () => () => {});
    machine.plug(use(Bell, { interrupts: { irq: wire } }));
    expectRefusal(() => machine.save(), 'unsavable-wire', "'bell'", "'irq'", 'a lamp');
    machine.unplug('bell');
    expect(() => machine.save()).not.toThrow();
  });

  it('are refused where a snapshot wires them to what it cannot name', () => {
    const machine = Machine.create(pcI440fx, small);
    machine.plug(use(Bell, { interrupts: { irq: isaIrq(5) } }));
    const text = formatSnapshot(machine.save()).replaceAll('ISA IRQ 5', 'a lamp');
    const restore = () => Machine.restore(pcI440fx, JSON.parse(text), { deviceClasses: [Bell] });
    expectRefusal(restore, 'state-mismatch', "device 'bell', 'plugged.pins.irq.line'");
  });

  it('keep the priority that the machine gave them', () => {
    const machine = Machine.create(pcI440fx, small);
    machine.plug(use(Bell, { id: 'below' }));
    machine.plug(use(Bell, { id: 'above', at: [place(ports, 0x340, { priority: 1 })] }));
    const other = restored(machine, { deviceClasses: [Bell] });
    other.io.write(0x340, 3, 1);
    other.settle();
    expect([deviceOf<Bell>(other, 'below').rung, deviceOf<Bell>(other, 'above').rung]).toEqual([0, 3]);
  });

  it('keep the options that were given, also those with the value of their default then', () => {
    const bell = (usual: number) => {
      const settings = defineOptions({ tone: option.integer({ description: 'Hz', default: usual }) });
      class Tuned extends IsaDevice {
        constructor(readonly config: OptionsOf<typeof settings>) {
          super();
        }
      }
      options(settings)(Tuned, undefined, 0 as never);
      device({ type: 'tuned', description: 'has a tone' })(Tuned);
      return Tuned as unknown as ConcreteDeviceClass;
    };
    const [then, now] = [bell(440), bell(442)];
    const machine = Machine.create(pcI440fx, small);
    machine.plug({ device: then, id: 'given', options: { tone: 440 } });
    machine.plug({ device: then, id: 'usual' });
    const tones = (one: Machine) => ['given', 'usual'].map((id) => one.deviceById(id)?.options['tone']);
    // The class that is there says the same of itself; what was given is told apart by the next swap.
    const other = restored(machine, { deviceClasses: [then] });
    for (const one of [machine, other]) {
      one.swap('given', now);
      one.swap('usual', now);
      expect(tones(one)).toEqual([440, 442]);
    }
    // A class that has another default by now is asked for the old value.
    const later = Machine.restore(
      pcI440fx,
      Machine.restore(pcI440fx, machine.save(), { deviceClasses: [now] }).save(),
      {
        deviceClasses: [bell(443)],
      },
    );
    expect(tones(later)).toEqual([440, 442]);
  });
});

describe('a device that was taken out', () => {
  it('stays out', () => {
    const machine = Machine.create(withConsole, small);
    machine.unplug('console');
    const other = restored(machine);
    expect(other.deviceById('console')).toBeUndefined();
    expect(other.io.read(0xe9, 1)).toBe(0xff);
    expect(restored(other).deviceById('console')).toBeUndefined();
  });

  it('is no difference to a definition that never had it', () => {
    const machine = Machine.create(withConsole, small);
    machine.unplug('console');
    expect(() => Machine.restore(pcI440fx, machine.save())).not.toThrow();
  });

  it('makes room for another one of its name', () => {
    const machine = Machine.create(withConsole, small);
    machine.unplug('console');
    machine.plug(use(Bell, { id: 'console' }));
    const other = restored(machine, { deviceClasses: [Bell] });
    expect(other.deviceById('console')?.device).toBeInstanceOf(Bell);
  });

  it('is there again if it was plugged in again', () => {
    const machine = Machine.create(withConsole, small);
    machine.unplug('console');
    machine.plug(use(Debugcon, { id: 'console', options: { iobase: 0x402 } }));
    machine.io.write(0x402, 0x41, 1);
    const other = restored(machine);
    expect(other.device(Debugcon).text).toBe('A');
    expect(other.deviceById('console')?.options).toMatchObject({ iobase: 0x402 });
  });

  it('leaves nothing in the snapshot if it had come later, its memory included', () => {
    const before = formatSnapshot(Machine.create(pcI440fx, small).save());
    const machine = Machine.create(pcI440fx, small);
    machine.plug(use(MemoryCard));
    machine.device(MemoryCard).write(7);
    machine.unplug('memory-card');
    expect(formatSnapshot(machine.save())).toBe(before);
  });

  it('leaves its memory to nobody: what comes next has its own', () => {
    const machine = Machine.create(pcI440fx, small);
    for (const id of ['first', 'second']) machine.plug(use(MemoryCard, { id }));
    deviceOf<MemoryCard>(machine, 'second').write(9);
    machine.unplug('first');
    const other = restored(machine, { deviceClasses: [MemoryCard] });
    expect(other.device(MemoryCard).contents).toBe(9);
  });

  it('is refused where the machine cannot do without it', () => {
    const snapshot = { ...Machine.create(pcI440fx, small).save() };
    const wrong = { ...snapshot, machine: { ...snapshot.machine, unplugged: ['pic'] } };
    expectRefusal(() => Machine.restore(pcI440fx, wrong), 'state-mismatch', "'machine.unplugged[0]'", "'pic'");
  });
});
