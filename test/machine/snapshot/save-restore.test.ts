import { describe, expect, it } from 'vitest';
import { I8259 } from '../../../devices/index.ts';
import {
  addCoalescedIo,
  defineMachine,
  defineOptions,
  device,
  flushCoalescedIo,
  InterruptPin,
  IsaBus,
  IsaDevice,
  inject,
  isaIrq,
  KiB,
  type MachineDefinition,
  MILLISECOND,
  MiB,
  mmioRegion,
  type OptionsOf,
  option,
  options,
  place,
  portRegion,
  SECOND,
  shape,
  state,
  type Timer,
  use,
  VirtualClock,
} from '../../../sdk/index.ts';
import {
  formatSnapshot,
  type GuestBody,
  type GuestProgram,
  guestProgram,
  Machine,
  type MachineSnapshot,
  StateError,
  simulatedAccelerator,
  TraceGuest,
} from '../../../sdk/runtime.ts';
import { expectRefusal } from '../../refusal.ts';
import { empty, isapc, pcI440fx } from '../../small-machines.ts';

const Port = { Index: 0, Data: 1 } as const;
const ports = portRegion({ name: 'probe', base: 0x300, size: 2, accessSizes: [1, 2] });
/** Writes to the second of its two pages wait. */
const window = mmioRegion({
  name: 'probe-window',
  base: 0xd_0000,
  size: 0x2000,
  accepts: { max: 8, unaligned: true },
  implements: { max: 1 },
});

/** What happens in the middle of an access: set by the test, before the machine runs. */
let onAccess: (what: string) => void = () => {};

const probeOptions = defineOptions({ tone: option.integer({ default: 440, description: 'of its bell' }) });

/** Remembers what happened to it, in order. */
@device({ type: 'probe', description: 'writes down each access' })
@addCoalescedIo(ports, { offset: Port.Index, size: 1 })
@addCoalescedIo(window, { offset: 0x1000, size: 0x1000 })
class Probe extends IsaDevice {
  readonly irq = new InterruptPin();
  @state({ as: shape.list(shape.text(64), 10_000) }) readonly seen: string[] = [];
  @state count = 0;
  private readonly bell: Timer;

  constructor(
    @inject(VirtualClock) clock: VirtualClock,
    @options(probeOptions) readonly config: OptionsOf<typeof probeOptions>,
  ) {
    super();
    this.bell = clock.timer('bell', () => {
      this.note(`bell at ${clock.now}`);
      this.bell.arm(clock.now + 3 * MILLISECOND);
    });
  }

  override reset(): void {
    this.bell.arm(1 * MILLISECOND);
  }

  @ports.write(Port.Index)
  select(value: number): void {
    this.note(`select ${value}`);
  }

  @ports.read(Port.Data)
  take(): number {
    this.note(`take ${++this.count}`);
    return this.count & 0xff;
  }

  @window.write()
  store(value: number, offset: number): void {
    this.note(`store ${offset.toString(16)} ${value}`);
  }

  @window.read()
  load(offset: number): number {
    this.note(`load ${offset.toString(16)}`);
    return 0x40 + (offset & 0xf);
  }

  private note(what: string): void {
    this.seen.push(what);
    onAccess(what);
  }
}

const machineOf = (deviceClass: MachineDefinition['devices'][number]['device']): MachineDefinition =>
  defineMachine({
    ...empty,
    name: 'bench',
    devices: [use(deviceClass as typeof Probe, { id: 'probe' })],
    defaultRam: 512 * KiB,
  });
const bench = machineOf(Probe);

/** Two PICs at vectors 0x20 and 0x28, everything open. */
const picSetup = [
  [0x20, 0x11],
  [0x21, 0x20],
  [0x21, 4],
  [0x21, 1],
  [0xa0, 0x11],
  [0xa1, 0x28],
  [0xa1, 2],
  [0xa1, 1],
] as const;

const probeOf = (machine: Machine) => machine.device(Probe);
const asText = (snapshot: MachineSnapshot) => JSON.parse(formatSnapshot(snapshot)) as MachineSnapshot;

/** Runs to the access, saves in the middle of it, and lets the saved machine, a restored one and an undisturbed one end. */
function saveInTheMiddleOf(access: string, body: GuestBody) {
  const program = guestProgram('saved', body);
  const undisturbed = Machine.create(bench);
  onAccess = () => {};
  undisturbed.run(program);
  const machine = Machine.create(bench);
  let queued = -1;
  onAccess = (what) => {
    if (what !== access || queued >= 0) return;
    queued = 0;
    machine.pause();
  };
  const { reason } = machine.run(program, { savable: true });
  const snapshot = asText(machine.save());
  onAccess = () => {};
  const restored = Machine.restore(bench, snapshot, { guests: program });
  machine.resume();
  restored.resume();
  return { reason, snapshot, machine, restored, undisturbed };
}

describe('a machine saved in the middle of an instruction', () => {
  it.each<[string, string, GuestBody]>([
    [
      'in, with a write queued before it',
      'take 2',
      function* (guest) {
        yield* guest.out8(0x300, 1);
        yield* guest.in8(0x301);
        yield* guest.out8(0x300, 2);
        const value = yield* guest.in8(0x301);
        yield* guest.out8(0x300, value + 0x40);
        yield* guest.in8(0x301);
      },
    ],
    [
      'rep insb, half way through',
      'take 5',
      function* (guest) {
        yield* guest.out8(0x300, 9);
        const bytes = yield* guest.repIns8(0x301, 40, { destination: 0x2ff0 });
        yield* guest.repOuts8(0x300, bytes);
        yield* guest.in8(0x301);
      },
    ],
    [
      'an MMIO read of 8 bytes over a page, with a write queued',
      'load fff',
      function* (guest) {
        yield* guest.store8(0xd_1800, 7);
        const value = yield* guest.load64(0xd_0ffc);
        yield* guest.store64(0x1000, value);
        yield* guest.store8(0xd_1801, Number(value & 0xffn));
        yield* guest.in8(0x301);
      },
    ],
    [
      'a store over a page whose second half is queued already',
      'store ffe 17',
      function* (guest) {
        yield* guest.store8(0xd_1004, 1);
        yield* guest.store32(0xd_0ffe, 0x44332211);
        yield* guest.store8(0xd_1005, 2);
        yield* guest.in8(0x301);
      },
    ],
    [
      'a string of writes that overflows the ring',
      'select 200',
      function* (guest) {
        yield* guest.repOuts8(
          0x300,
          Uint8Array.from({ length: 250 }, (_, n) => n),
        );
        yield* guest.in8(0x301);
      },
    ],
  ])('goes on as if nothing had happened: %s', (_, access, body) => {
    const { reason, machine, restored, undisturbed } = saveInTheMiddleOf(access, body);
    expect(reason).toBe('paused');
    expect(probeOf(restored).seen).toContain(access);
    expect(probeOf(restored).seen).toEqual(probeOf(undisturbed).seen);
    expect(restored.save()).toEqual(machine.save());
    expect(restored.save().memory).toEqual(undisturbed.save().memory);
  });

  it('has an empty ring, whose indexes it keeps, and no write that waits', () => {
    const { snapshot, restored } = saveInTheMiddleOf('take 1', function* (guest) {
      for (let n = 0; n < 7; n++) yield* guest.out8(0x300, n);
      yield* guest.in8(0x301);
      yield* guest.out8(0x300, 8);
    });
    expect(snapshot.accelerator).toMatchObject({ ring: { first: 7, last: 7 }, drainDeadline: null });
    expect(restored.save().accelerator).toMatchObject({ ring: { first: 8, last: 8 } });
  });

  it('cannot be saved while it runs, only once it has stopped', () => {
    const machine = Machine.create(bench);
    onAccess = () => machine.save();
    const program = guestProgram(function* (guest) {
      yield* guest.in8(0x301);
    });
    expectRefusal(() => machine.run(program), 'device-failure', 'settle()', 'pause()');
    onAccess = () => {};
  });

  it('cannot be saved once its guest has failed', () => {
    const machine = Machine.create(bench);
    const program = guestProgram(function* (guest) {
      yield* guest.in8(0x301);
      throw new Error('of its own');
    });
    expectRefusal(() => machine.run(program), 'guest-program-threw', 'of its own');
    expectRefusal(() => machine.save(), 'processor-stopped', 'Processor 0');
  });
});

describe('a restored machine', () => {
  it('has the clock, and fires timers at their times', () => {
    const program = guestProgram(function* (guest) {
      yield* guest.pause(20 * MILLISECOND);
    });
    const machine = Machine.create(bench);
    machine.run(program, { operationLimit: 1, savable: true });
    onAccess = (what) => what === 'bell at 7000000' && machine.pause();
    machine.run(program, { savable: true });
    onAccess = () => {};
    const restored = Machine.restore(bench, asText(machine.save()), { guests: program });
    expect(restored.clock.now).toBe(machine.clock.now);
    restored.resume();
    machine.resume();
    expect(probeOf(restored).seen.at(-1)).toBe('bell at 40000000');
    expect(probeOf(restored).seen).toEqual(probeOf(machine).seen);
  });

  it('interrupts a guest that was saved in HLT', () => {
    const program = guestProgram(function* (guest) {
      for (const [port, value] of [...picSetup, [0x70, 0x0b], [0x71, 0x12]] as const) {
        yield* guest.out8(port, value);
      }
      let updates = 0;
      guest.onInterrupt(0x28, function* () {
        updates++;
        yield* guest.out8(0x70, 0x0c);
        yield* guest.in8(0x71);
        yield* guest.out8(0xa0, 0x20);
        yield* guest.out8(0x20, 0x20);
      });
      yield* guest.sti();
      while (updates < 5) yield* guest.hlt();
      yield* guest.store32(0x1000, updates);
      yield* guest.cli();
    });
    const definition = defineMachine({ ...pcI440fx, devices: [...pcI440fx.devices, use(Probe, { id: 'probe' })] });
    const machine = Machine.create(definition, { ram: 1 * MiB });
    onAccess = (what) => what === 'bell at 4000000' && machine.pause();
    machine.run(program, { savable: true });
    onAccess = () => {};
    const snapshot = asText(machine.save());
    expect(snapshot.accelerator).toMatchObject({ processors: [{ halted: true, finished: false }] });
    const restored = Machine.restore(definition, snapshot, { guests: program });
    expect(restored.resume().reason).toBe('finished');
    expect(restored.memory.read(0x1000, 4)).toBe(5);
    expect(restored.clock.now).toBeGreaterThan(4 * SECOND);
    machine.resume();
    expect(restored.save()).toEqual(machine.save());
  });

  it('takes a pending interrupt when the saved one would have: at once, or one instruction after sti', () => {
    const definition = defineMachine({
      ...isapc,
      devices: [...isapc.devices, use(Probe, { id: 'probe', interrupts: { irq: isaIrq(5) } })],
    });
    const program = guestProgram(function* (guest) {
      for (const [port, value] of [...picSetup, [0x21, 0xdf]] as const) yield* guest.out8(port, value);
      guest.onInterrupt(0x25, function* () {
        yield* guest.in8(0x301);
        yield* guest.store8(0x1000, 1);
        yield* guest.out8(0x20, 0x20);
      });
      for (const isOpen of [false, true]) {
        if (isOpen) yield* guest.sti();
        yield* guest.out8(0x300, 1);
        if (!isOpen) {
          yield* guest.in8(0x300);
          yield* guest.sti();
        }
        for (let n = 0; n < 3; n++) yield* guest.store8(0x2000 + n, yield* guest.load8(0x1000));
        yield* guest.cli();
      }
    });
    let interrupted = 0;
    for (let point = picSetup.length + 1; point < picSetup.length + 16; point++) {
      const machine = Machine.create(definition, { ram: 512 * KiB });
      const raise = (one: Machine) => (what: string) => {
        probeOf(one).irq.set(what === 'select 1');
      };
      onAccess = raise(machine);
      machine.run(program, { operationLimit: point, savable: true });
      const restored = Machine.restore(definition, asText(machine.save()), { guests: program });
      if (restored.device(I8259).pending) interrupted++;
      machine.resume();
      onAccess = raise(restored);
      restored.resume();
      expect(restored.memory.read(0x1000, 1)).toBe(1);
      expect(restored.save()).toEqual(machine.save());
      restored.dispose();
      machine.dispose();
    }
    expect(interrupted).toBeGreaterThan(1);
  });

  it('has an interrupt line high that was high, and lowers it for good', () => {
    const definition = defineMachine({
      ...bench,
      devices: [use(Probe, { id: 'probe', interrupts: { irq: isaIrq(5) } })],
    });
    const machine = Machine.create(definition);
    probeOf(machine).irq.set(true);
    const restored = Machine.restore(definition, asText(machine.save()));
    const line = restored.service(IsaBus)?.line(5);
    expect(line?.level).toBe(true);
    probeOf(restored).irq.set(false);
    expect(line?.level).toBe(false);
    probeOf(restored).irq.set(true);
    expect(line?.level).toBe(true);
  });

  it('asks for the RAM and the options that it had', () => {
    const machine = Machine.create(pcI440fx, { ram: 3 * MiB, options: { resetControl: 'overlay' } });
    const restored = Machine.restore(pcI440fx, asText(machine.save()));
    expect([restored.ramSize, restored.options]).toEqual([3 * MiB, { chips: 'basic', resetControl: 'overlay' }]);
  });

  it('has the bytes of the saved memory, and zeros where the saved one had zeros although a new one has not', () => {
    const filled = defineMachine({
      ...bench,
      prepare: (machine) => machine.memory.writeBytes(0x5000, new Uint8Array(0x2000).fill(0xff)),
    });
    const machine = Machine.create(filled);
    machine.memory.writeBytes(0x6000, new Uint8Array(0x1000));
    machine.memory.write(0x7ffc, 0x1234_5678, 4);
    const snapshot = asText(machine.save());
    const { pages } = (snapshot.memory as { ram: { pages: Record<string, string> } }).ram;
    expect([Object.keys(pages), pages['0x5000']]).toEqual([['0x5000', '0x7000'], 'ff']);
    const restored = Machine.restore(filled, snapshot);
    const read = (address: number) => restored.memory.read(address, 4);
    expect([0x5000, 0x5ffc, 0x6000, 0x7ffc].map(read)).toEqual([0xffff_ffff, 0xffff_ffff, 0, 0x1234_5678]);
  });

  it('fires timers of one deadline in the order in which the saved machine would have', () => {
    const pair = defineMachine({
      ...bench,
      devices: [
        use(Probe, { id: 'first' }),
        use(Probe, { id: 'second', at: [place(ports, 0x310), place(window, 0xe_0000)] }),
      ],
    });
    const machine = Machine.create(pair);
    machine.clock.pendingTimers[0]?.arm(1 * MILLISECOND);
    const snapshot = asText(machine.save());
    expect(snapshot.clock.pending).toEqual([
      ['second', 'bell'],
      ['first', 'bell'],
    ]);
    expect(Machine.restore(pair, snapshot).save().clock).toEqual(snapshot.clock);
  });

  it('can run something else, when it is given no guests', () => {
    const machine = Machine.create(bench);
    machine.run(
      guestProgram(function* (guest) {
        yield* guest.in8(0x301);
        yield* guest.in8(0x301);
      }),
      { operationLimit: 1, savable: true },
    );
    const restored = Machine.restore(bench, machine.save());
    expect(restored.resume()).toMatchObject({ reason: 'finished', operations: 0 });
    restored.run(
      guestProgram(function* (guest) {
        yield* guest.in8(0x301);
      }),
    );
    expect(probeOf(restored).count).toBe(2);
  });

  it('can be saved and restored again and again', () => {
    const program = guestProgram(function* (guest) {
      for (let n = 0; n < 30; n++) {
        yield* guest.out8(0x300, n);
        const value = yield* guest.in8(0x301);
        yield* guest.store8(0x2000 + n, value);
      }
    });
    const undisturbed = Machine.create(bench);
    undisturbed.run(program);
    let machine = Machine.create(bench);
    machine.run(program, { operationLimit: 7, savable: true });
    for (let time = 0; time < 15; time++) {
      machine = Machine.restore(bench, asText(machine.save()), { guests: program });
      machine.resume({ operationLimit: 7 });
    }
    expect(probeOf(machine).seen).toEqual(probeOf(undisturbed).seen);
    expect(machine.save().memory).toEqual(undisturbed.save().memory);
  });

  it('goes on with a recording at the access where it was', () => {
    const recording = {
      name: 'small',
      header: [],
      length: 20,
      at: Float64Array.from({ length: 20 }, (_, n) => n * 1000),
      kind: Uint8Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? 1 : 2)),
      address: Float64Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? 0x300 : 0x301)),
      size: new Uint8Array(20).fill(1),
      value: Uint32Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? n : 0)),
      valueHigh: new Uint32Array(20),
    };
    const machine = Machine.create(bench);
    machine.run(new TraceGuest(recording), { operationLimit: 9 });
    const snapshot = asText(machine.save());
    const restored = Machine.restore(bench, snapshot, { guests: new TraceGuest(recording) });
    machine.resume();
    restored.resume();
    expect(restored.save()).toEqual(machine.save());
    expect(probeOf(restored).count).toBe(10);
    const half = () => Machine.restore(bench, snapshot, { guests: new TraceGuest(recording, { only: 'memory' }) });
    expectRefusal(half, 'state-mismatch', "'accelerator.processors[0].guest.only'", '"memory"', '"all"');
    const other = { ...recording, value: recording.value.slice().fill(7) };
    const another = () => Machine.restore(bench, snapshot, { guests: new TraceGuest(other) });
    expectRefusal(another, 'state-mismatch', "'accelerator.processors[0].guest'", "'small'");
  });
});

describe('a device that has changed since', () => {
  const saved = () => {
    const machine = Machine.create(bench);
    machine.run(
      guestProgram(function* (guest) {
        yield* guest.in8(0x301);
      }),
    );
    return asText(machine.save());
  };

  it('takes an older snapshot after a field was added with a version of its own', () => {
    @device({ type: 'probe', description: 'newer', version: 2 })
    class NewProbe extends Probe {
      @state({ since: 2 }) volume = 11;
    }
    const restored = Machine.restore(machineOf(NewProbe), saved());
    expect(restored.device(NewProbe)).toMatchObject({ count: 1, volume: 11 });
  });

  it('refuses it after a field was removed, and names the field', () => {
    @device({ type: 'probe', description: 'poorer' })
    @flushCoalescedIo(ports)
    class PoorProbe extends IsaDevice {
      readonly irq = new InterruptPin();
      @state({ as: shape.list(shape.text(64), 10_000) }) readonly seen: string[] = [];
      constructor(
        @inject(VirtualClock) clock: VirtualClock,
        @options(probeOptions) readonly config: OptionsOf<typeof probeOptions>,
      ) {
        super();
        clock.timer('bell', () => {});
      }
    }
    const poor = defineMachine({ ...bench, devices: [use(PoorProbe, { id: 'probe' })] });
    const named = ["device 'probe', 'count'", "'place.regions'", "retired: ['count']"];
    expectRefusal(() => Machine.restore(poor, saved()), 'state-mismatch', "'bench'", ...named);
  });
});

describe('a snapshot that does not fit', () => {
  const program = guestProgram('five', function* (guest) {
    yield* guest.out8(0x300, 3);
    yield* guest.in8(0x301);
    yield* guest.store32(0x1000, 0xffff_ffff);
    yield* guest.repIns8(0x301, 3);
    yield* guest.in8(0x301);
  });
  const machine = Machine.create(bench);
  onAccess = () => {};
  machine.run(program, { operationLimit: 6, savable: true });
  const good = formatSnapshot(machine.save());

  const restore = (text: string, definition = bench, guests = program) =>
    Machine.restore(definition, JSON.parse(text), { guests });
  const refusal = (work: () => unknown): StateError => {
    try {
      work();
    } catch (error) {
      expect(error).toBeInstanceOf(StateError);
      return error as StateError;
    }
    throw new Error('it was restored');
  };

  it('is none to begin with: the text is sound', () => {
    expect(() => restore(good)).not.toThrow();
  });

  it.each<[string, string | RegExp, string, [code: string, ...named: string[]]]>([
    [
      'a newer kind of document',
      'backplane-snapshot/2',
      'backplane-snapshot/3',
      ['snapshot-version', "'schema'", 'backplane-snapshot/3', 'backplane-snapshot/2', 'backplane 0.2.0'],
    ],
    [
      'a snapshot of version 0.1.0',
      'backplane-snapshot/2',
      'backplane-snapshot/1',
      [
        'snapshot-version',
        "'schema'",
        'backplane-snapshot/1',
        'backplane 0.1.0',
        'backplane-snapshot/2',
        'backplane 0.2.0',
      ],
    ],
    ['another document', 'backplane-snapshot/2', 'vmstate', ['not-a-snapshot']],
    [
      'another machine',
      '"name": "bench"',
      '"name": "board"',
      ['snapshot-of-another-machine', "'machine.name'", "'bench'", '"board"'],
    ],
    ['RAM that nobody has', /"ram": \d+/, '"ram": 4097', ['state-mismatch', "'machine.ram'", '4097', '4']],
    [
      'an option that the machine does not have',
      '"options": {}',
      '"options": { "colour": 1 }',
      ['state-mismatch', "'machine.options.colour'"],
    ],
    [
      'another device in its place',
      '"type": "probe"',
      '"type": "bell"',
      ['state-mismatch', "device 'probe'", '"bell"'],
    ],
    ['a device that is not there', '"id": "probe"', '"id": "robot"', ['state-mismatch', "device 'robot'"]],
    ['a newer device', '"version": 1', '"version": 2', ['state-mismatch', "device 'probe'", '2', '1']],
    ['other options', '"tone": 440', '"tone": 441', ['state-mismatch', "device 'probe', 'options.tone'", '440', '441']],
    ['another place', 'probe at 0x300', 'probe at 0x310', ['state-mismatch', "device 'probe', 'place.regions'"]],
    ['a field of the wrong type', '"count": 4', '"count": "4"', ['state-mismatch', "device 'probe', 'count'", '"4"']],
    [
      'a field that nobody knows',
      '"count": 4',
      '"count": 4, "colour": 1',
      ['state-mismatch', "device 'probe', 'colour'"],
    ],
    ['a member that nobody knows', '"services"', '"extra": 1, "services"', ['state-mismatch', "'extra'"]],
    [
      'timers that no device has armed',
      /"pending": \[\[.*?\]\]/,
      '"pending": []',
      ['state-mismatch', "'clock.pending'"],
    ],
    ['a deadline in words', /"bell": \d+/, '"bell": "soon"', ['state-mismatch', "'timers.bell'"]],
    ['time that runs backwards', /"now": \d+/, '"now": -1', ['state-mismatch', "'clock.now'", '0']],
    ['a damaged page', '"0x1000": "', '"0x1000": "AAAA', ['state-mismatch', "'memory.ram.pages.0x1000'"]],
    ['a page that is nowhere', '"0x1000": "', '"0x999000": "', ['state-mismatch', "'memory.ram.pages.0x999000'"]],
    [
      'memory of another size',
      '"size": 524288',
      '"size": 524289',
      ['state-mismatch', "'memory.ram'", '524288', '524289'],
    ],
    ['writes that are queued', /"last": \d+/, '"last": 9', ['state-mismatch', "'accelerator.ring'"]],
    [
      'a ring that KVM does not have',
      /"first": \d+/,
      '"first": 170',
      ['state-mismatch', "'accelerator.ring.first'", '0', '169'],
    ],
    [
      'half of the registers',
      /"registers": "../,
      '"registers": "',
      ['state-mismatch', "'accelerator.processors[0].registers'", '144'],
    ],
    [
      'a count below zero',
      /"vmExits": \d+/,
      '"vmExits": -1',
      ['state-mismatch', "'accelerator.statistics.vmExits'", '0'],
    ],
    [
      'a row that is no row',
      '"0x301:read"',
      '"0x30001:read"',
      ['state-mismatch', "'accelerator.statistics.ports.0x30001:read'"],
    ],
    ['an operation that is none', 'out8 0x300 = 0x3', 'jmp 0x300', ['state-mismatch', '"jmp 0x300"']],
    [
      'a program that did something else',
      'out8 0x300 = 0x3',
      'out8 0x300 = 0x4',
      ['state-mismatch', "'five'", '0x300', '1'],
    ],
    ['a log without an end', 'out8 0x300 = 0x3', 'out8 0x300 = 0x3 (999999999 times)', ['state-mismatch', '10000000']],
    ['a string of another length', /repins8 0x301 x 3/, 'repins8 0x301 x 4', ['state-mismatch', 'operation']],
  ])('is refused, and says why: %s', (_, what, instead, refusal) => {
    const wrong = good.replace(what, instead);
    expect(wrong).not.toBe(good);
    expectRefusal(() => restore(wrong), ...refusal);
  });

  it('is refused with every device and field that differs', () => {
    const wrong = good.replace('"count": 4', '"count": null, "colour": 1').replace('"tone": 440', '"tone": 1');
    expect(refusal(() => restore(wrong)).differences).toMatchObject([
      { device: 'probe', path: 'colour', change: { what: 'dropped', name: 'colour', version: 2 } },
      { device: 'probe', path: 'count', problem: expect.stringContaining('null') },
      { device: 'probe', path: 'options.tone', problem: expect.stringMatching(/440.*1$/) },
    ]);
  });

  it('is refused with what is wrong everywhere at once: the machine, its devices, then the rest', () => {
    const wrong = good
      .replace('"count": 4', '"count": null')
      .replace(/"now": \d+/, '"now": -1')
      .replace('"services"', '"extra": 1, "services"');
    expect(refusal(() => restore(wrong)).differences.map(({ device = '', path }) => `${device} ${path}`)).toEqual([
      'probe count',
      ' extra',
      ' clock.now',
    ]);
  });

  it('is refused when it is given another program, or none that could be it', () => {
    const another = guestProgram('another', function* (guest) {
      yield* guest.out8(0x300, 3);
      yield* guest.out8(0x300, 4);
    });
    expectRefusal(() => restore(good, bench, another), 'state-mismatch', "'another'", 'out8 at 0x300', 'operation 2');
    const shorter = guestProgram('shorter', function* (guest) {
      yield* guest.out8(0x300, 3);
    });
    expectRefusal(() => restore(good, bench, shorter), 'state-mismatch', "'shorter'", 'operation 2');
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['a number', 17],
    ['a list', []],
    ['an empty object', {}],
    ['a schema and nothing else', { schema: 'backplane-snapshot/2' }],
    ['a text', good],
    [
      'null everywhere',
      { schema: 'backplane-snapshot/2', machine: null, devices: null, memory: null, accelerator: null },
    ],
  ])('is refused when it is %s', (_, snapshot) => {
    expect(() => Machine.restore(bench, snapshot)).toThrow(StateError);
  });

  it('is refused wherever one of its values is replaced by another kind of value, and never half loaded', () => {
    const places: string[][] = [];
    const walk = (value: unknown, path: string[]): void => {
      if (typeof value !== 'object' || value === null) places.push(path);
      else for (const [name, one] of Object.entries(value)) walk(one, [...path, name]);
    };
    walk(JSON.parse(good), []);
    expect(places.length).toBeGreaterThan(70);
    const taken = places.filter((path, index) => {
      const wrong = JSON.parse(good);
      let at = wrong;
      for (const name of path.slice(0, -1)) at = at[name];
      at[path.at(-1) as string] = [{}, [[]], { '0x0': [1] }][index % 3];
      try {
        Machine.restore(bench, wrong, { guests: program }).dispose();
        return true;
      } catch (error) {
        expect(error).toBeInstanceOf(StateError);
        return false;
      }
    });
    expect(taken.map((path) => path.join('.'))).toEqual([]);
  });

  it('cannot reach a prototype', () => {
    const wrong = good
      .replace('"services": {', '"services": { "__proto__": { "polluted": 1 },')
      .replace('"count": 4', '"count": 4, "__proto__": { "polluted": 1 }');
    expectRefusal(() => restore(wrong), 'state-mismatch', '__proto__');
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });
});

describe('a program that was not run to be saved', () => {
  const program = guestProgram('thrifty', function* (guest) {
    yield* guest.out8(0x300, 1);
    yield* guest.in8(0x301);
    yield* guest.store8(0x1000, 7);
  });
  const restoredFrom = (machine: Machine, guests: GuestProgram) => {
    const restored = Machine.restore(bench, asText(machine.save()), { guests });
    expect(asText(restored.save())).toEqual(asText(machine.save()));
    return restored;
  };

  it.each([1, 2])('is refused after %i of its operations, and the message says how it can be saved', (point) => {
    const machine = Machine.create(bench);
    machine.run(program, { operationLimit: point });
    expectRefusal(() => machine.save(), 'guest-not-savable', "'thrifty'", '{ savable: true }');
    machine.resume();
    expect(() => machine.save()).not.toThrow();
  });

  it('is refused in the middle of its first operation', () => {
    const machine = Machine.create(bench);
    const pausing = guestProgram('sleeper', function* (guest) {
      yield* guest.pause(20 * MILLISECOND);
    });
    onAccess = (what) => what === 'bell at 7000000' && machine.pause();
    expect(machine.run(pausing)).toMatchObject({ reason: 'paused', operations: 0 });
    onAccess = () => {};
    expectRefusal(() => machine.save(), 'guest-not-savable', 'sleeper');
  });

  it('is saved once it has ended, and started again by a reset of the restored machine', () => {
    const machine = Machine.create(bench);
    machine.run(program);
    const restored = restoredFrom(machine, program);
    expect(restored.resume()).toMatchObject({ reason: 'finished', operations: 0 });
    for (const one of [machine, restored]) {
      one.reset();
      expect(one.resume()).toMatchObject({ reason: 'finished', operations: 3 });
    }
    expect(probeOf(restored).seen).toEqual(probeOf(machine).seen);
  });

  it('is saved before its first operation, and after a reset that it asked for', () => {
    const machine = Machine.create(bench);
    machine.run(program, { operationLimit: 0 });
    const restored = restoredFrom(machine, program);
    for (const one of [machine, restored]) one.resume();
    expect(probeOf(restored).seen).toEqual(probeOf(machine).seen);
    expect(probeOf(restored).count).toBeGreaterThan(0);
    const rebooting = guestProgram('rebooting', function* (guest) {
      yield* guest.out8(0xcf9, 0x06);
    });
    const pc = Machine.create(pcI440fx, { ram: 1 * MiB });
    expect(pc.run(rebooting).reason).toBe('reset');
    const other = Machine.restore(pcI440fx, asText(pc.save()), { guests: rebooting });
    expect([pc.resume().reason, other.resume().reason]).toEqual(['reset', 'reset']);
  });

  it('is saved in a HLT that nothing can end, and stays in it', () => {
    const stuck = guestProgram('stuck', function* (guest) {
      yield* guest.out8(0x300, 3);
      yield* guest.hlt();
      yield* guest.out8(0x300, 4);
    });
    const machine = Machine.create(bench);
    expect(machine.run(stuck).reason).toBe('halted');
    const restored = restoredFrom(machine, stuck);
    expect([machine.resume(), restored.resume()]).toMatchObject([{ reason: 'halted' }, { reason: 'halted' }]);
    expect(probeOf(restored).seen).toEqual(probeOf(machine).seen);
    // Where an interrupt could wake it, its place in the program matters.
    const sleeping = guestProgram('sleeping', function* (guest) {
      yield* guest.sti();
      yield* guest.hlt();
    });
    const open = Machine.create(bench);
    expect(open.run(sleeping).reason).toBe('halted');
    expectRefusal(() => open.save(), 'guest-not-savable', "'sleeping'");
  });

  it('is not taken from a snapshot without its log while it has something left to do', () => {
    const machine = Machine.create(bench);
    machine.run(program, { operationLimit: 2, savable: true });
    const snapshot = JSON.parse(formatSnapshot(machine.save()));
    snapshot.accelerator.processors[0].guest.log = null;
    const restore = () => Machine.restore(bench, snapshot, { guests: program });
    expectRefusal(restore, 'state-mismatch', "'accelerator.processors[0].guest.log'", 'null');
  });
});

describe('a machine that cannot be saved', () => {
  it('keeps a polling loop short: equal operations are one entry', () => {
    const machine = Machine.create(bench);
    const program = guestProgram(function* (guest) {
      for (let n = 0; n < 5000; n++) yield* guest.load8(0x1000);
    });
    machine.run(program, { savable: true });
    expect(machine.save().accelerator).toMatchObject({
      processors: [{ guest: { log: ['load8 0x1000 = 0x0 (5000 times)'] } }],
    });
  });

  it('refuses more guests than a machine can have processors, before any of them runs', () => {
    const program = guestProgram(function* (guest) {
      yield* guest.in8(0x301);
    });
    const machine = Machine.create(bench);
    expectRefusal(() => machine.run(Array(65).fill(program)), 'too-many-guests', '65', '64');
    expect(probeOf(machine).count).toBe(0);
    machine.run(Array(64).fill(program));
    expect(probeOf(Machine.restore(bench, machine.save(), { guests: Array(64).fill(program) })).count).toBe(64);
  });

  it('names a timer that belongs to no device', () => {
    const machine = Machine.create(bench);
    machine.clock.after(5, () => {});
    expectRefusal(() => machine.save(), 'unsavable-timer', "'bench'", "'after'");
  });

  it('names a guest of another make', () => {
    const machine = Machine.create(bench);
    machine.run({ name: 'alien', next: () => false, interrupt: () => {} });
    expectRefusal(() => machine.save(), 'guest-not-savable', "'alien'");
  });

  it('restores on two processors only with two', () => {
    const machine = Machine.create(bench, { accelerator: simulatedAccelerator({ vcpus: 2 }) });
    const restored = Machine.restore(bench, machine.save());
    expect(restored.save().accelerator).toEqual(machine.save().accelerator);
    const three = { accelerator: simulatedAccelerator({ vcpus: 3 }) };
    const restore = () => Machine.restore(bench, machine.save(), three);
    expectRefusal(restore, 'state-mismatch', "'accelerator.processors'", '3', '2');
  });
});
