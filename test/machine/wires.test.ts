import { describe, expect, it } from 'vitest';
import * as packageMachines from '../../machines/index.ts';
import { inputsIn } from '../../sdk/device/index.ts';
import {
  allOf,
  anyOf,
  type Device,
  defineMachine,
  device,
  InterruptPin,
  IsaDevice,
  input,
  inverted,
  isaIrq,
  MiB,
  mmioRegion,
  pin,
  state,
  type UsedDevice,
  use,
} from '../../sdk/index.ts';
import { infoQtree } from '../../sdk/monitor/index.ts';
import { guestProgram, Machine, metadataOf, registerDocument } from '../../sdk/runtime.ts';
import { expectRefusal } from '../refusal.ts';
import { toyMachine } from './toys.ts';

const outs = mmioRegion({ name: 'outs', size: 16, accessSizes: [1] });

/** Sixteen outputs: a write of 1 or 0 at an offset sets one, a write of 2 pulses it. */
@device({ type: 'driver', description: 'outputs' })
class Driver extends IsaDevice {
  readonly out = Array.from({ length: 16 }, () => new InterruptPin());

  @outs.write()
  write(value: number, offset: number): void {
    const pin = this.out[offset] as InterruptPin;
    if (value > 1) pin.pulse();
    else pin.set(value === 1);
  }
}

/** Notes each edge of its inputs. */
@device({ type: 'probe', description: 'inputs' })
class Probe extends IsaDevice {
  readonly edges: string[] = [];

  @input()
  hold(level: boolean): void {
    this.edges.push(`hold ${level ? 'rises' : 'falls'}`);
  }

  @input({ count: 4 })
  line(level: boolean, index: number): void {
    this.edges.push(`line ${index} ${level ? 'rises' : 'falls'}`);
  }

  @input({ unconnected: true })
  ready(level: boolean): void {
    this.edges.push(`ready ${level ? 'rises' : 'falls'}`);
  }
}

const echoPorts = mmioRegion({ name: 'echo', size: 1, accessSizes: [1] });

/** Its outputs follow its input, one step later in a chain of handlers. */
@device({ type: 'echo', description: 'an input that drives an output' })
class Echo extends IsaDevice {
  readonly out = new InterruptPin(() => this.level);
  @state level = false;
  readonly seen: string[] = [];
  private inside = 0;

  @input()
  follow(level: boolean): void {
    this.enter('follow', () => {
      this.level = level;
    });
  }

  @echoPorts.write()
  write(value: number): void {
    this.enter('write', () => {
      this.level = value === 1;
    });
  }

  private enter(what: string, work: () => void): void {
    if (this.inside++ > 0) this.seen.push('inside another handler');
    this.seen.push(what);
    work();
    this.inside--;
  }
}

const at = (used: UsedDevice, address: number): UsedDevice => ({
  ...used,
  at: [{ region: used.device === Driver ? outs : echoPorts, address }],
});

function machineOf(...devices: UsedDevice[]): Machine {
  return Machine.create(defineMachine({ ...toyMachine, devices }));
}

const driver = at(use(Driver, { id: 'driver' }), 0x1000);
const out = (index: number) => pin('driver', `out[${index}]`);
const machines = Object.values(packageMachines).filter((one) => 'devices' in one);
const deviceOf = (machine: Machine, id: string) => machine.devices.find((one) => one.id === id)?.device as Device;
const probeOf = (machine: Machine, id = 'probe') => machine.deviceById(id)?.device as Probe;
const set = (machine: Machine, index: number, value = 1) => machine.memory.write(0x1000 + index, value, 1);

describe('a wire', () => {
  it('leads from an output to an input, said at either end', () => {
    const machine = machineOf(
      at(use(Driver, { id: 'driver', interrupts: { 'out[0]': pin('probe', 'hold') } }), 0x1000),
      use(Probe, { inputs: { 'line[2]': out(1) } }),
    );
    for (const [index, value] of [
      [0, 1],
      [1, 1],
      [0, 1],
      [0, 0],
    ] as const)
      set(machine, index, value);
    expect(probeOf(machine).edges).toEqual(['hold rises', 'line 2 rises', 'hold falls']);
  });

  it('leads from one output to several inputs, each of which gets both edges of a pulse', () => {
    const machine = machineOf(
      at(
        use(Driver, {
          id: 'driver',
          interrupts: { 'out[0]': [pin('probe', 'hold'), pin('other', 'line[0]'), isaIrq(3)] },
        }),
        0x1000,
      ),
      use(Probe),
      use(Probe, { id: 'other' }),
    );
    set(machine, 0, 2);
    expect(probeOf(machine).edges).toEqual(['hold rises', 'hold falls']);
    expect(probeOf(machine, 'other').edges).toEqual(['line 0 rises', 'line 0 falls']);
  });

  it('inverts: an input that follows a low output is high from the beginning', () => {
    const machine = machineOf(driver, use(Probe, { inputs: { hold: inverted(out(0)), ready: inverted(out(1)) } }));
    expect(probeOf(machine).edges).toEqual(['hold rises']);
    set(machine, 0);
    set(machine, 1);
    expect(probeOf(machine).edges.slice(1)).toEqual(['hold falls', 'ready falls']);
  });

  it('inverts on its way to a line of a bus, which others pull up too', () => {
    const machine = machineOf(
      at(use(Driver, { id: 'driver', interrupts: { 'out[0]': inverted(isaIrq(3)), 'out[1]': isaIrq(3) } }), 0x1000),
      use(Probe, { inputs: { hold: isaIrq(3) } }),
    );
    expect(probeOf(machine).edges).toEqual(['hold rises']);
    set(machine, 1);
    set(machine, 0);
    expect(probeOf(machine).edges).toEqual(['hold rises']);
    set(machine, 1, 0);
    expect(probeOf(machine).edges).toEqual(['hold rises', 'hold falls']);
  });

  it('combines: any and all of several, and gates of gates', () => {
    const machine = machineOf(
      driver,
      use(Probe, {
        inputs: {
          line: [anyOf(out(0), out(1)), allOf(out(0), out(1)), allOf(anyOf(out(0), out(1)), inverted(out(2)))],
        },
      }),
    );
    const edgesOf = (index: number, value: number) => {
      const before = probeOf(machine).edges.length;
      set(machine, index, value);
      return probeOf(machine).edges.slice(before);
    };
    expect(edgesOf(0, 1)).toEqual(['line 0 rises', 'line 2 rises']);
    expect(edgesOf(1, 1)).toEqual(['line 1 rises']);
    expect(edgesOf(2, 1)).toEqual(['line 2 falls']);
    expect(edgesOf(0, 0)).toEqual(['line 1 falls']);
    expect(edgesOf(1, 0)).toEqual(['line 0 falls']);
  });

  it('has no level in between: a signal and its opposite are never both, nor neither', () => {
    const never = allOf(out(0), inverted(out(0)));
    const always = anyOf(inverted(out(0)), out(0));
    const machine = machineOf(driver, use(Probe, { inputs: { hold: never, ready: always } }));
    for (const value of [1, 0, 2]) set(machine, 0, value);
    expect(probeOf(machine).edges).toEqual([]);
  });

  it('without a signal is refused: it has no level', () => {
    expectRefusal(() => (anyOf as () => unknown)(), 'empty-gate', 'anyOf()');
    expectRefusal(() => (allOf as () => unknown)(), 'empty-gate', 'allOf()');
  });
});

describe('an edge', () => {
  const echoes = (a: object, b: object) =>
    machineOf(at({ ...use(Echo, { id: 'a' }), ...a }, 0x2000), at({ ...use(Echo, { id: 'b' }), ...b }, 0x2001));
  const seenBy = (machine: Machine, id: string) => (machine.deviceById(id) as unknown as { device: Echo }).device.seen;

  it('that comes back to a device waits until its handler has returned', () => {
    const machine = echoes({ inputs: { follow: pin('b', 'out') } }, { inputs: { follow: pin('a', 'out') } });
    machine.memory.write(0x2000, 1, 1);
    expect(seenBy(machine, 'a')).toEqual(['write', 'follow']);
    expect(seenBy(machine, 'b')).toEqual(['follow']);
  });

  it('that goes around for ever is given up, and the guest is told', () => {
    const machine = echoes({ inputs: { follow: pin('b', 'out') } }, { inputs: { follow: inverted(pin('a', 'out')) } });
    machine.memory.write(0x2000, 1, 1);
    const errors = machine.guestErrors.map(({ message }) => message);
    expect(errors.some((message) => /'follow' changes without end/.test(message))).toBe(true);
    expect(seenBy(machine, 'a')).not.toContain('inside another handler');
    expect(errors.length).toBeLessThan(4);
  });
});

describe('wiring that cannot be', () => {
  it('two wires to one input, whichever end says it', () => {
    const twice = () =>
      machineOf(
        at(use(Driver, { id: 'driver', interrupts: { 'out[0]': pin('probe', 'hold') } }), 0x1000),
        use(Probe, { inputs: { hold: out(1) } }),
      );
    expectRefusal(
      twice,
      'input-driven-twice',
      "pin 'out[0]' of 'driver'",
      "pin 'out[1]' of 'driver'",
      "pin 'hold' of 'probe'",
    );
  });

  it('an output that is not there, inside a gate', () => {
    const lost = () => machineOf(driver, use(Probe, { inputs: { hold: anyOf(out(0), inverted(out(16))) } }));
    expectRefusal(lost, 'no-such-pin', "'out[16]'", "'driver'");
  });
});

describe('the processor', () => {
  it('is interrupted by the level of an output, with the vector that the machine names, while the level is high', () => {
    const machine = Machine.create(
      defineMachine({
        ...toyMachine,
        devices: [driver],
        interruptController: { from: anyOf(out(0), out(1)), vector: 11 },
      }),
    );
    let interrupts = 0;
    const guest = guestProgram('external', function* (on) {
      on.onInterrupt(11, function* () {
        if (++interrupts === 3) yield* on.store8(0x1001, 0);
      });
      yield* on.sti();
      yield* on.store8(0x1001, 1);
      while (interrupts < 3) yield* on.hlt();
      yield* on.store8(0x1002, 1);
    });
    expect(machine.run(guest).reason).toBe('finished');
    expect(interrupts).toBe(3);
    expectRefusal(() => machine.unplug('driver'), 'device-in-use', "'driver'");
  });

  it('is refused an output that is not there', () => {
    const lost = () =>
      Machine.create({ ...toyMachine, devices: [driver], interruptController: { from: out(16), vector: 3 } });
    expectRefusal(lost, 'no-such-pin', "'out[16]'", 'interruptController');
  });
});

describe('what is shown of wires', () => {
  const machine = () =>
    machineOf(
      at(use(Driver, { id: 'driver', interrupts: { 'out[0]': [pin('probe', 'hold'), isaIrq(3)] } }), 0x1000),
      use(Probe, { inputs: { ready: anyOf(inverted(out(1)), isaIrq(4)) } }),
    );

  it('is in the tree of devices: outputs with their ends, inputs with what they follow', () => {
    const tree = infoQtree(machine())
      .split('\n')
      .map((line) => line.trim());
    expect(tree).toContain(`gpio-out "out[0]" 1 -> pin 'hold' of 'probe', ISA IRQ 3`);
    expect(tree).toContain(`gpio-in "hold" 1 <- pin 'out[0]' of 'driver'`);
    expect(tree).toContain(`gpio-in "ready" 1 <- any of (not pin 'out[1]' of 'driver', ISA IRQ 4)`);
    expect(tree).toContain('gpio-in "line[3]" 1');
  });

  it('is heard by observers: each edge of an input after that of its output', () => {
    const wired = machine();
    const seen: string[] = [];
    wired.observe({
      name: 'pins',
      start: () => ({
        observe: (event) => {
          if (event.kind === 'interrupt' || event.kind === 'input')
            seen.push(`${event.device} ${event.pin} ${event.level}`);
        },
      }),
    });
    set(wired, 0, 2);
    expect(seen).toEqual(['driver out[0] true', 'probe hold true', 'driver out[0] false', 'probe hold false']);
  });

  it('is in the reference of a device', () => {
    const text = registerDocument(metadataOf(Probe));
    expect(text).toContain('| `line[0]` to `line[3]` | input |  |');
    expect(text).toContain('| `ready` | input | high while no wire leads to it |');
  });
});

describe('a machine with an interrupt controller', () => {
  const bellPorts = mmioRegion({ name: 'bell', size: 1, accessSizes: [1] });
  @device({ type: 'bell', description: 'one interrupt' })
  class Bell extends IsaDevice {
    readonly irq = new InterruptPin();
    @bellPorts.write() write(value: number): void {
      this.irq.set(value === 1);
    }
  }
  const bell = (wiring: object): UsedDevice => ({ ...use(Bell, wiring), at: [{ region: bellPorts, address: 0x3000 }] });
  const warningsOf = (used: UsedDevice, ...more: UsedDevice[]) =>
    Machine.create({
      ...toyMachine,
      devices: [driver, used, ...more],
      interruptController: { from: out(0), vector: 3 },
    }).warnings;

  it('warns of an interrupt that is not wired, and of a line that nothing follows', () => {
    expect(warningsOf(bell({}))).toEqual([expect.stringMatching(/'bell': pin 'irq' is not wired/)]);
    expect(warningsOf(bell({ interrupts: { irq: isaIrq(7) } }))).toEqual([
      expect.stringMatching(/ISA IRQ 7.*nothing follows/),
    ]);
  });

  it('is silent about wires that lead somewhere, and about the outputs of a device with several', () => {
    expect(warningsOf(bell({ interrupts: { irq: pin('probe', 'hold') } }), use(Probe))).toEqual([]);
    expect(warningsOf(bell({ interrupts: { irq: isaIrq(7) } }), use(Probe, { inputs: { hold: isaIrq(7) } }))).toEqual(
      [],
    );
  });

  it.each([...machines])('is silent about $name', (definition) => {
    const wires = Machine.create(definition, { ram: 1 * MiB }).warnings.filter((warning) => /pin '/.test(warning));
    expect(wires).toEqual([]);
  });
});

describe('a snapshot', () => {
  const plugged = () => {
    const machine = machineOf(driver);
    machine.plug(
      use(Probe, {
        inputs: { hold: allOf(out(0), inverted(anyOf(out(1), isaIrq(3)))), 'line[1]': out(2), ready: inverted(out(2)) },
      }),
    );
    machine.plug(
      at(
        use(Driver, { id: 'second', interrupts: { 'out[0]': [inverted(isaIrq(3)), pin('probe', 'line[3]')] } }),
        0x1100,
      ),
    );
    return machine;
  };
  const restored = (machine: Machine) =>
    Machine.restore(machine.definition, JSON.parse(JSON.stringify(machine.save())), { deviceClasses: [Probe, Driver] });

  it('has the wires of devices that were plugged in later, with their gates', () => {
    const other = restored(plugged());
    expect(infoQtree(other)).toBe(infoQtree(plugged()));
    const before = probeOf(other).edges.length;
    other.memory.write(0x1100, 1, 1);
    set(other, 0);
    expect(probeOf(other).edges.slice(before)).toEqual(['line 3 rises', 'hold rises']);
  });

  it('leaves the inputs at the levels of the other ends, without a call', () => {
    const machine = plugged();
    machine.memory.write(0x1100, 1, 1);
    for (const index of [0, 2]) set(machine, index);
    const other = restored(machine);
    const levels = [...inputsIn(deviceOf(other, 'probe'))].map(([name, { level }]) => [name, level]);
    expect(levels).toEqual([...inputsIn(deviceOf(machine, 'probe'))].map(([name, { level }]) => [name, level]));
    const before = probeOf(other).edges.length;
    for (const index of [0, 2]) set(other, index);
    expect(probeOf(other).edges.length).toBe(before);
    set(other, 2, 0);
    expect(probeOf(other).edges.slice(before)).toEqual(['line 1 falls', 'ready rises']);
  });

  it('is refused with a wire that is none', () => {
    const text = JSON.stringify(plugged().save()).replace('"ISA IRQ 3"', '"ISA IRQ 33"');
    const restore = () =>
      Machine.restore(machineOf(driver).definition, JSON.parse(text), { deviceClasses: [Probe, Driver] });
    expectRefusal(restore, 'state-mismatch', "device 'probe'", 'inputs.hold');
  });
});

describe('a device with inputs', () => {
  it('is swapped while its wires are high: it keeps its levels and gets the next edge', () => {
    const machine = machineOf(
      at(use(Driver, { id: 'driver', interrupts: { 'out[0]': pin('probe', 'hold') } }), 0x1000),
      use(Probe, { inputs: { 'line[1]': out(1) } }),
    );
    for (const index of [0, 1]) set(machine, index);
    machine.swap('probe', Probe);
    expect(probeOf(machine).edges).toEqual([]);
    for (const index of [0, 1]) set(machine, index, 0);
    expect(probeOf(machine).edges).toEqual(['hold falls', 'line 1 falls']);
    machine.swap('driver', Driver);
    set(machine, 0);
    expect(probeOf(machine).edges.slice(2)).toEqual(['hold rises']);
  });

  it('is not taken out while another one is wired to it, and goes low when the other one is', () => {
    const machine = machineOf(driver, use(Probe));
    machine.plug(at(use(Driver, { id: 'second', interrupts: { 'out[0]': pin('probe', 'hold') } }), 0x1100));
    machine.memory.write(0x1100, 1, 1);
    expectRefusal(() => machine.unplug('probe'), 'device-in-use', "'out[0]' of 'second'");
    machine.unplug('second');
    expect(probeOf(machine).edges).toEqual(['hold rises', 'hold falls']);
    machine.unplug('probe');
  });
});
