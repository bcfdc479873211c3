import { describe, expect, it } from 'vitest';
import { Edu } from '../../devices/index.ts';
import { use } from '../../sdk/index.ts';
import {
  defineObserver,
  guestProgram,
  isObserver,
  Machine,
  type MachineEvent,
  type MachineObserver,
  type Observation,
  simulatedAccelerator,
} from '../../sdk/runtime.ts';
import { isapc, pcI440fx } from '../small-machines.ts';

/** Sets the RTC's periodic interrupt going, waits for it, and looks at the clock twice. */
const ticking = guestProgram('ticking', function* (guest) {
  guest.onInterrupt(0x28, function* () {
    yield* guest.out8(0x70, 0x0c);
    yield* guest.in8(0x71);
  });
  for (const [port, value] of [
    [0x20, 0x11],
    [0x21, 0x20],
    [0x21, 0x04],
    [0x21, 0x01],
    [0xa0, 0x11],
    [0xa1, 0x28],
    [0xa1, 0x02],
    [0xa1, 0x01],
    [0x21, 0xfb],
    [0xa1, 0xfe],
    [0x70, 0x0a],
    [0x71, 0x26],
    [0x70, 0x0b],
    [0x71, 0x42],
  ] as const)
    yield* guest.out8(port, value);
  yield* guest.sti();
  yield* guest.hlt();
  yield* guest.store32(0xa0000, 0x12345678);
});

function recorder(name = 'recorder') {
  const events: MachineEvent[] = [];
  let ended = 0;
  const observer = defineObserver({
    name,
    start: () => ({ observe: (event) => void events.push(event), end: () => void ended++ }),
  });
  return { observer, events, ended: () => ended };
}

const throwing = (kind: MachineEvent['kind']): MachineObserver =>
  defineObserver({
    name: 'thrower',
    start: () => ({
      observe(event) {
        if (event.kind === kind) throw new Error(`no more ${kind}`);
      },
    }),
  });

/** Everything that a guest, or somebody reading reports, could see of a run. */
function outcomeOf(machine: Machine) {
  const { statistics } = machine.accelerator;
  return {
    now: machine.clock.now,
    summary: statistics.summary(),
    ports: statistics.portRows(),
    errors: machine.guestErrors,
  };
}

describe('an observer', () => {
  it('sees accesses, exits, coalesced writes, pins, vectors and timers of a run, in the order of guest time', () => {
    const machine = Machine.create(isapc);
    const { observer, events } = recorder();
    machine.observe(observer);
    expect(machine.run(ticking).reason).toBe('finished');
    const kinds = new Set(events.map(({ kind }) => kind));
    expect([...kinds].sort()).toEqual(['access', 'coalesced-write', 'exit', 'input', 'interrupt', 'timer', 'vector']);
    const times = events.map(({ time }) => time);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(events).toContainEqual(
      expect.objectContaining({ kind: 'interrupt', device: 'rtc', pin: 'irq', level: true }),
    );
    expect(events).toContainEqual(
      expect.objectContaining({ kind: 'input', device: 'pic', pin: 'line[8]', level: true }),
    );
    expect(events).toContainEqual(expect.objectContaining({ kind: 'timer', device: 'rtc', name: 'rtc-periodic' }));
    expect(events).toContainEqual(expect.objectContaining({ kind: 'vector', vector: 0x28 }));
    expect(events).toContainEqual(expect.objectContaining({ kind: 'exit', reason: 'hlt', vcpu: 0 }));
  });

  it('is told of timers that belong to no device too', () => {
    const machine = Machine.create(isapc);
    const { observer, events } = recorder();
    machine.observe(observer);
    machine.clock.after(5, () => {});
    machine.clock.advanceTo(5);
    expect(events).toEqual([{ kind: 'timer', epoch: 0n, time: 5, device: undefined, name: 'after' }]);
  });

  it('is told of a queued write when it leaves the ring, how long it waited, and of the access it makes', () => {
    const machine = Machine.create(isapc);
    const { observer, events } = recorder();
    machine.observe(observer);
    machine.run(
      guestProgram(function* (guest) {
        yield* guest.out8(0x70, 0x0d);
        yield* guest.in8(0x71);
      }),
    );
    const seen = events.map((event) => ({ ...event, epoch: undefined, time: undefined }));
    expect(seen).toEqual([
      { kind: 'exit', vcpu: 0, reason: 'io' },
      { kind: 'coalesced-write', isPort: true, address: 0x70, size: 1, waited: expect.any(Number) },
      { kind: 'access', isPort: true, isWrite: true, address: 0x70, size: 1, value: 0x0d, queued: true },
      { kind: 'access', isPort: true, isWrite: false, address: 0x71, size: 1, value: 0x80, queued: false },
    ]);
    expect(seen[1]).toMatchObject({ waited: 4070 });
  });

  it('counts as many accesses and exits as the statistics', () => {
    const machine = Machine.create(pcI440fx);
    const { observer, events } = recorder();
    machine.observe(observer);
    machine.run(ticking);
    const { statistics } = machine.accelerator;
    const count = (kind: MachineEvent['kind']) => events.filter((event) => event.kind === kind).length;
    expect(count('coalesced-write')).toBe(statistics.coalescedWrites);
    expect(count('exit')).toBe(statistics.summary().userspaceExits);
  });

  it('sees 64-bit values and odd widths as they are', () => {
    const machine = Machine.create(isapc, { accelerator: simulatedAccelerator({ coalescedMmio: false }) });
    const { observer, events } = recorder();
    machine.observe(observer);
    machine.run(
      guestProgram(function* (guest) {
        yield* guest.store64(0xa0000, 0x1122334455667788n);
        yield* guest.store32(0xaffff, 0xaabbccdd);
      }),
    );
    const values = events.flatMap((event) => (event.kind === 'access' ? [[event.size, event.value]] : []));
    expect(values[0]).toEqual([8, 0x1122334455667788n]);
    expect(values.slice(1).reduce((sum, [size]) => sum + Number(size), 0)).toBe(4);
  });

  it('changes nothing: a watched run ends as one that nobody watches', () => {
    const [alone, watched] = [Machine.create(pcI440fx), Machine.create(pcI440fx)];
    watched.observe(recorder().observer);
    alone.run(ticking);
    watched.run(ticking);
    expect(outcomeOf(watched)).toEqual(outcomeOf(alone));
  });

  it('can be taken off: it ends once, and hears nothing more', () => {
    const machine = Machine.create(isapc);
    const { observer, events, ended } = recorder();
    const stop = machine.observe(observer);
    stop();
    stop();
    machine.run(ticking);
    expect({ events, ended: ended() }).toEqual({ events: [], ended: 1 });
  });

  it('may be one of several, each of which hears everything', () => {
    const machine = Machine.create(isapc);
    const [first, second] = [recorder('first'), recorder('second')];
    const stop = machine.observe(first.observer);
    machine.observe(second.observer);
    machine.run(ticking);
    stop();
    expect(first.events).toEqual(second.events);
    expect(first.events.length).toBeGreaterThan(10);
    machine.io.write(0x70, 0, 1);
  });

  it('sees a message that a PCI function sends, and none that it must not send while it is no bus master', () => {
    const machine = Machine.create({ ...pcI440fx, devices: [...pcI440fx.devices, use(Edu, { addr: '05.0' })] });
    const edu = machine.device(Edu);
    const { observer, events } = recorder();
    machine.observe(observer);
    const control = (edu.capabilityOffset(0x05) ?? 0) + 2;
    edu.writeConfig(0x10, 0xfeb0_0000, 4);
    edu.writeConfig(control, 1, 2);
    const messagesAs = (command: number) => {
      edu.writeConfig(0x04, command, 2);
      machine.memory.write(0xfeb0_0060, 1, 4);
      return events.splice(0).filter((event) => event.kind === 'interrupt');
    };
    expect(messagesAs(0x0002)).not.toContainEqual(expect.objectContaining({ pin: 'msi' }));
    expect(messagesAs(0x0006)).toContainEqual(expect.objectContaining({ device: 'edu', pin: 'msi', level: true }));
  });

  it('that is defined is known as one; anything else is not', () => {
    expect(isObserver(recorder().observer)).toBe(true);
    expect([{}, null, { name: 'x', start() {} }, () => {}].map(isObserver)).toEqual([false, false, false, false]);
  });
});

describe('an observer that throws is taken off and reported, and the machine goes on', () => {
  it.each(['access', 'exit', 'coalesced-write', 'interrupt', 'vector', 'timer'] as const)('at: %s', (kind) => {
    const failures: unknown[] = [];
    const machine = Machine.create(pcI440fx, {
      onObserverFailure: (name, failure) => void failures.push([name, failure]),
    });
    const alone = Machine.create(pcI440fx);
    const witness = recorder();
    machine.observe(throwing(kind));
    machine.observe(witness.observer);
    expect(machine.run(ticking).reason).toBe('finished');
    alone.run(ticking);
    expect(failures).toEqual([['thrower', new Error(`no more ${kind}`)]]);
    expect(outcomeOf(machine)).toEqual(outcomeOf(alone));
    expect(witness.events.filter((event) => event.kind === kind).length).toBeGreaterThan(0);
  });

  it('while it starts, and while it ends', () => {
    const failures: string[] = [];
    const machine = Machine.create(isapc, { onObserverFailure: (name) => void failures.push(name) });
    const fail = (): never => {
      throw new Error('no');
    };
    machine.observe(defineObserver({ name: 'never starts', start: fail }));
    machine.observe(defineObserver({ name: 'ends badly', start: () => ({ observe() {}, end: fail }) }))();
    expect(machine.run(ticking).reason).toBe('finished');
    expect(failures).toEqual(['never starts', 'ends badly']);
  });

  it('also an asynchronous one, once, when its promise is rejected', async () => {
    const failures: unknown[] = [];
    const machine = Machine.create(isapc, {
      onObserverFailure: (name, failure) => void failures.push([name, failure]),
    });
    const asynchronous = (name: string, how: Partial<Observation>) =>
      defineObserver({ name, start: () => ({ observe() {}, ...how }) });
    const reject = async () => {
      throw new Error('later');
    };
    const endOfFirst = machine.observe(asynchronous('observes', { observe: reject }));
    const end = machine.observe(asynchronous('ends', { end: reject }));
    machine.observe(asynchronous('never fails', { observe: async () => {} }));
    expect(machine.run(ticking).reason).toBe('finished');
    endOfFirst();
    end();
    await new Promise((resolve) => setImmediate(resolve));
    expect(failures.sort()).toEqual([
      ['ends', new Error('later')],
      ['observes', new Error('later')],
    ]);
  });

  it.each([
    ['a promise', async () => ({ observe() {} }), 'a promise'],
    ['nothing', () => undefined, 'undefined'],
    ['something else', () => ({ observer() {} }), 'observer'],
  ])('and one whose start() answers %s never begins', (_what, start, named) => {
    const failures: unknown[] = [];
    const machine = Machine.create(isapc, {
      onObserverFailure: (_name, failure) => void failures.push(failure),
    });
    machine.observe(defineObserver({ name: 'odd', start: start as unknown as MachineObserver['start'] }));
    expect(machine.run(ticking).reason).toBe('finished');
    expect(failures).toEqual([expect.objectContaining({ code: 'bad-observer' })]);
    expect(String(failures[0])).toContain(named);
  });
});
