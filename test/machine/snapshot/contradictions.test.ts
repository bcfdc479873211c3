import { describe, expect, it } from 'vitest';
import { Debugcon, Edu, VirtioRng } from '../../../devices/index.ts';
import { defineMachine, MiB, use } from '../../../sdk/index.ts';
import { guestProgram, Machine, type StateDifference, StateError } from '../../../sdk/runtime.ts';
import { expectRefusal } from '../../refusal.ts';
import { pcI440fx } from '../../small-machines.ts';

const definition = defineMachine({
  ...pcI440fx,
  devices: [
    ...pcI440fx.devices,
    use(Edu, { id: 'edu', addr: '05.0' }),
    use(VirtioRng, { id: 'rng', addr: '07.0' }),
    use(Debugcon, { id: 'debugcon' }),
  ],
});

/** The educational card computes, and its clock ticks; one page of memory is in use. */
const program = guestProgram('busy', function* (guest) {
  yield* guest.out32(0xcf8, 0x8000_2810);
  yield* guest.out32(0xcfc, 0xfe00_0000);
  yield* guest.out32(0xcf8, 0x8000_2804);
  yield* guest.out32(0xcfc, 7);
  yield* guest.store32(0xfe00_0008, 5);
  yield* guest.out8(0x70, 0x0b);
  yield* guest.out8(0x71, 0x52);
  yield* guest.store32(0x1000, 0x1234_5678);
  yield* guest.in8(0x71);
});
const machine = Machine.create(definition, { ram: 1 * MiB });
machine.run(program, { operationLimit: 8, savable: true });
const good = JSON.stringify(machine.save());

interface Saved {
  readonly [name: string]: unknown;
  readonly devices: Record<string, unknown>[];
}
/** What is at that place. */
const get = <T = unknown>(node: unknown, ...path: (string | number)[]) =>
  path.reduce((at, step) => (at as Record<string | number, unknown>)[step], node) as T;
const set = (node: unknown, name: string, value: unknown) => {
  (node as Record<string, unknown>)[name] = value;
};
const deviceOf = (saved: Saved, id: string) => saved.devices.find((one) => one['id'] === id);
const pendingOf = (saved: Saved) => get<[string, string][]>(saved, 'clock', 'pending');

/** Where a snapshot differs, as `device path`, and things that the message of the difference names. */
type Difference = [place: string, ...named: string[]];

/** The differences that a change makes; none if the snapshot is taken after all. */
function differencesOf(change: (saved: Saved) => void): readonly StateDifference[] {
  const saved = JSON.parse(good) as Saved;
  change(saved);
  try {
    Machine.restore(definition, saved, { guests: program }).dispose();
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(StateError);
    expect((error as StateError).message).toContain("'pc-i440fx'");
    return (error as StateError).differences;
  }
}

const refuses = (change: (saved: Saved) => void, place: string, ...named: string[]) => {
  const here = differencesOf(change).filter(({ device = '', path }) => `${device} ${path}`.trim() === place);
  expect(here.filter(({ problem }) => named.every((name) => problem.includes(name)))).not.toEqual([]);
};

it('is sound to begin with, and says that the card computes and the clock ticks', () => {
  expect(differencesOf(() => {})).toEqual([]);
  expect(deviceOf(JSON.parse(good), 'edu')).toMatchObject({
    fields: { status: 1 },
    timers: { factorial: expect.anything() },
  });
});

describe('a snapshot with two times is refused', () => {
  it.each<[string, (saved: Saved) => void, Difference]>([
    ["the processors' time is another one", (s) => set(s['accelerator'], 'guestTime', 5), ['accelerator.guestTime']],
    ['a fraction of a nanosecond', (s) => set(s['clock'], 'now', 0.5), ['clock.now']],
    ['more time than there is', (s) => set(s['clock'], 'now', 1e300), ['clock.now', '1e+300']],
    [
      'a timer that should have fired',
      (s) => set(get(deviceOf(s, 'edu'), 'timers'), 'factorial', 5),
      ['edu timers.factorial', "'clock.now'"],
    ],
    [
      'a timer at no time',
      (s) => set(get(deviceOf(s, 'edu'), 'timers'), 'factorial', 1e300),
      ['edu timers.factorial', '1e+300'],
    ],
    ['an epoch that is a number', (s) => set(s['clock'], 'epoch', 0), ['clock.epoch']],
    ['an epoch before the machine was started', (s) => set(s['clock'], 'epoch', '-1'), ['clock.epoch']],
    [
      'an epoch that no machine lives to see',
      (s) => set(s['clock'], 'epoch', '9'.repeat(19)),
      ['clock.epoch', '9999999999999999999'],
    ],
    [
      'an epoch after which seconds are not exact',
      (s) => set(s['clock'], 'epoch', '4503599627370497'),
      ['clock.epoch', '4503599627370496', '4503599627370497'],
    ],
    ['timers in another order', (s) => set(s['clock'], 'pending', [...pendingOf(s)].reverse()), ['clock.pending']],
  ])('%s', (_, change, expected) => refuses(change, ...expected));

  it('but the latest epoch is good for a machine that runs on, and is saved and restored again', () => {
    const saved = JSON.parse(good);
    saved.clock.epoch = String(2 ** 52);
    const late = Machine.restore(definition, saved, { guests: program });
    expect(late.resume().reason).toBe('finished');
    const again = JSON.parse(JSON.stringify(late.save()));
    expect(again.clock.epoch).toBe(String(2 ** 52));
    expect(Machine.restore(definition, again, { guests: program }).clock.absolute()).toBe(late.clock.absolute());
  });

  it('names the timers of a device that is not there once, at the device', () => {
    const found = differencesOf((s) =>
      set(
        s,
        'devices',
        s.devices.filter((one) => one['id'] !== 'rtc'),
      ),
    );
    expect(found).toMatchObject([{ device: 'rtc', path: '' }]);
  });
});

describe('a snapshot, given as an object, whose list has a hole is refused', () => {
  const hole = (...path: (string | number)[]) => {
    return (s: Saved) => {
      delete get<unknown[]>(s, ...path)[0];
    };
  };
  it.each<[string, (saved: Saved) => void, Difference]>([
    ['of a device', hole('devices'), ['devices[0]', 'nothing']],
    ['of a timer', hole('clock', 'pending'), ['clock.pending']],
    ['of a processor', hole('accelerator', 'processors'), ['accelerator.processors[0]', 'nothing']],
    ['of many processors', (s) => set(s['accelerator'], 'processors', new Array(2 ** 31)), ['accelerator.processors']],
  ])('%s', (_, change, expected) => refuses(change, ...expected));
});

describe('a snapshot of a device that cannot be so is refused', () => {
  const field = (id: string, name: string, value: unknown) => (s: Saved) =>
    set(get(deviceOf(s, id), 'fields'), name, value);
  const bytes = (id: string, offset: number, byte: string) => (s: Saved) => {
    const config = get(deviceOf(s, id), 'fields', 'config');
    const text = get<string>(config, 'bytes');
    set(config, 'bytes', text.slice(0, 2 * offset) + byte + text.slice(2 * offset + 2));
  };

  it.each<[string, (saved: Saved) => void, Difference]>([
    [
      'it computes, and nothing will end that',
      (s) => {
        set(deviceOf(s, 'edu'), 'timers', {});
        set(
          s['clock'],
          'pending',
          pendingOf(s).filter(([id]) => id !== 'edu'),
        );
      },
      ['edu timers.factorial'],
    ],
    ['it transfers, and nothing will end that', field('edu', 'command', '0x1'), ['edu timers.dma']],
    ['it does not compute, and something will end that', field('edu', 'status', 0), ['edu timers.factorial']],
    ['reserved bits', field('edu', 'status', 0x43), ['edu status', '0x43', "'status'", "'rest'", '0x0']],
    [
      'it has a cause, and its bridge does not hear it',
      field('edu', 'interruptStatus', 1),
      ['piix3', "'pirqLevels[0]'"],
    ],
    [
      'a clock that interrupts without a cause',
      (s) => set(deviceOf(s, 'rtc'), 'high', ['irq']),
      ['rtc high', "pin 'irq'"],
    ],
    [
      'a tick at no time',
      (s) => set(get(deviceOf(s, 'rtc'), 'fields', 'periodic'), 'next', 1e300),
      ['rtc periodic.next', '1e+300'],
    ],
    [
      'a bridge that hears what no card says',
      (s) => set(get(deviceOf(s, 'piix3'), 'fields', 'pirqLevels'), '2', true),
      ['piix3', "'pirqLevels[2]'"],
    ],
    ['a queue that it does not have', field('rng', 'queueSelect', 1024), ['rng']],
    ['another vendor', bytes('edu', 0x00, '35'), ['edu config.bytes', '1235:11e8']],
    ['another revision', bytes('edu', 0x08, '11'), ['edu config.bytes', '0x11 at 0x08', '0x01', '0x10']],
    ['a BAR of another kind', bytes('edu', 0x10, '01'), ['edu config.bytes', '0x01 at 0x10']],
    ['a BAR inside its own size', bytes('edu', 0x11, '10'), ['edu config.bytes', '0x10 at 0x11']],
    ['another interrupt pin', bytes('edu', 0x3d, '02'), ['edu config.bytes', '0x02 at 0x3d']],
    ['capabilities elsewhere', bytes('edu', 0x34, '80'), ['edu config.bytes', '0x80 at 0x34']],
    ['another capability', bytes('edu', 0x40, '11'), ['edu config.bytes', '0x11 at 0x40']],
    ['options in a list', (s) => set(deviceOf(s, 'edu'), 'options', ['0xfff']), ['edu options']],
    ['pins in a list', (s) => set(get(deviceOf(s, 'rtc'), 'place'), 'pins', []), ['rtc place.pins']],
    ['a second device of the same name', (s) => s.devices.push(get(deviceOf(s, 'edu'))), ['devices[12]', "'edu'"]],
    ['plugged in, it says, and not how', (s) => set(deviceOf(s, 'edu'), 'plugged', 7), ['devices[9].plugged']],
  ])('%s', (_, change, expected) => refuses(change, ...expected));
});

it('a snapshot cannot raise a derived pin: its level follows from the state', () => {
  const saved = JSON.parse(good) as Saved;
  set(deviceOf(saved, 'edu'), 'high', ['interrupt']);
  const restored = Machine.restore(definition, saved, { guests: program });
  expect(restored.device(Edu).interrupt.level).toBe(false);
  expect(restored.save().devices).toEqual((JSON.parse(good) as Saved).devices);
});

describe('a snapshot with damaged memory is refused', () => {
  const pages = (s: Saved) => get<Record<string, string>>(s, 'memory', 'pc.ram', 'pages');

  it.each<[string, (saved: Saved) => void, Difference]>([
    ['a page behind the end', (s) => set(pages(s), '0x100000', '00'), ['memory.pc.ram.pages.0x100000']],
    ['one page twice', (s) => set(pages(s), '0x01000', '00'), ['memory.pc.ram.pages.0x01000']],
    ['half a page', (s) => set(pages(s), '0x1000', pages(s)['0x1000']?.slice(0, 20)), ['memory.pc.ram.pages.0x1000']],
    [
      'something between the letters',
      (s) => set(pages(s), '0x1000', `${pages(s)['0x1000']}\n`),
      ['memory.pc.ram.pages.0x1000'],
    ],
    ['memory of another size', (s) => set(get(s, 'memory', 'pc.ram'), 'size', 4096), ['memory.pc.ram']],
  ])('%s', (_, change, expected) => refuses(change, ...expected));
});

describe('a snapshot of processors that cannot be so is refused', () => {
  const processor = (s: Saved) => get(s, 'accelerator', 'processors', 0);
  /** The last 32 bytes of kvm_sregs are the bitmap of queued interrupts; bit 9 of RFLAGS, at 136 of kvm_regs, takes them. */
  const queue = (s: Saved, bitmap: string, rflags: string, shadow = false) => {
    const registers = get<string>(processor(s), 'registers');
    const special = get<string>(processor(s), 'specialRegisters');
    set(processor(s), 'registers', `${registers.slice(0, 272)}${rflags}${registers.slice(276)}`);
    set(processor(s), 'specialRegisters', `${special.slice(0, -64)}${bitmap}${special.slice(-64 + bitmap.length)}`);
    set(processor(s), 'interruptShadow', shadow);
  };

  it('and one that has an interrupt queued which it takes is not', () => {
    expect(differencesOf((s) => queue(s, '0001', '0202'))).toEqual([]);
  });

  it.each<[string, (saved: Saved) => void, Difference]>([
    [
      'one that waits and has finished',
      (s) => {
        set(processor(s), 'halted', true);
        set(processor(s), 'finished', true);
      },
      ['accelerator.processors[0]'],
    ],
    ['one that goes on with nothing', (s) => set(processor(s), 'guest', null), ['accelerator.processors[0].guest']],
    [
      'an interrupt that is queued, and interrupts are off',
      (s) => queue(s, '0001', '0200'),
      ['accelerator.processors[0].specialRegisters', '0x8'],
    ],
    [
      'an interrupt that is queued behind STI',
      (s) => queue(s, '0001', '0202', true),
      ['accelerator.processors[0].specialRegisters', '0x8'],
    ],
    ['two interrupts that are queued', (s) => queue(s, '0081', '0202'), ['accelerator.processors[0].specialRegisters']],
    [
      'a ring that has no such entry',
      (s) => set(get(s, 'accelerator', 'ring'), 'last', 170),
      ['accelerator.ring.last'],
    ],
    [
      'a count that is none',
      (s) => set(get(s, 'accelerator', 'statistics'), 'coalescedWrites', 1.5),
      ['accelerator.statistics.coalescedWrites', '17592186044416'],
    ],
    [
      'four thousand of them',
      (s) => set(s['accelerator'], 'processors', new Array(4000).fill(processor(s))),
      ['accelerator.processors'],
    ],
  ])('%s', (_, change, expected) => refuses(change, ...expected));
});

describe('counts that are too large to count on', () => {
  const counters = (s: Saved): [node: unknown, name: string | number, path: string][] => {
    const statistics = get<Record<string, unknown>>(s, 'accelerator', 'statistics');
    const plain = Object.keys(statistics).filter((name) => !['ports', 'pages', 'longestWait'].includes(name));
    return [
      [get(s, 'accelerator', 'processors', 0), 'operations', 'processors[0].operations'],
      ...plain.map((name) => [statistics, name, `statistics.${name}`] as [unknown, string, string]),
      ...['ports', 'pages'].flatMap((table) =>
        Object.entries(statistics[table] as Record<string, unknown>).flatMap(([row, counts]) =>
          [0, 1].map((at) => [counts, at, `statistics.${table}.${row}[${at}]`] as [unknown, number, string]),
        ),
      ),
    ];
  };
  const all = counters(JSON.parse(good) as Saved);

  it.each(all.map(([, , path], index) => [path, index] as const))('%s is refused', (path, index) => {
    refuses((s) => {
      const [node, name] = counters(s)[index]!;
      set(node, String(name), Number.MAX_SAFE_INTEGER);
    }, `accelerator.${path}`);
  });

  it('are never saved: a machine that counted on from the largest ones is restored again', () => {
    expect(all.length).toBeGreaterThan(20);
    const largest = JSON.parse(good) as Saved;
    for (const [node, name] of counters(largest)) set(node, String(name), 2 ** 44);
    const restored = Machine.restore(definition, largest, { guests: program });
    expect(restored.resume({ operationLimit: 1 }).reason).toBe('operation-limit');
    const again = JSON.parse(JSON.stringify(restored.save())) as Saved;
    expect(get(again, 'accelerator', 'processors', 0, 'operations')).toBe(2 ** 44);
    Machine.restore(definition, again, { guests: program }).dispose();
  });
});

describe('an operation that is under way where it cannot be is refused', () => {
  const strings = {
    'rep outs': guestProgram('outs', (guest) => guest.repOuts8(0x80, new Uint8Array(4000))),
    'rep ins': guestProgram('ins', function* (guest) {
      yield* guest.repIns8(0x80, 4000);
    }),
  };
  const saved = (what: keyof typeof strings) => {
    const board = Machine.create(definition, { ram: 1 * MiB });
    board.run(strings[what], { operationLimit: 3, savable: true });
    return JSON.parse(JSON.stringify(board.save())) as Saved;
  };
  const restore = (what: keyof typeof strings, change: (underWay: Record<string, unknown>) => void) => {
    const snapshot = saved(what);
    change(get(snapshot, 'accelerator', 'processors', 0, 'guest', 'underWay'));
    return () => Machine.restore(definition, snapshot, { guests: strings[what] });
  };
  const base64 = (length: number) => Buffer.alloc(length).toString('base64');

  it.each<[string, keyof typeof strings, Record<string, unknown>, ...string[]]>([
    ['behind a string that writes', 'rep outs', { position: 5000 }, 'position', '4000', '5000'],
    ['one behind a string that reads', 'rep ins', { position: 4001 }, 'position', '4000', '4001'],
    ['with fewer bytes than it reads', 'rep ins', { bytes: base64(3999) }, 'bytes', '4,000', '3999'],
    ['with more bytes than it reads', 'rep ins', { bytes: base64(4001) }, 'bytes', '4,000', '4001'],
    ['with bytes that it does not read', 'rep outs', { bytes: base64(4000) }, 'bytes', '0', '4000'],
  ])('%s', (_, what, change, member, ...named) => {
    const refused = restore(what, (underWay) => Object.assign(underWay, change));
    expectRefusal(refused, 'state-mismatch', `'accelerator.processors[0].guest.underWay.${member}'`, ...named);
  });

  it.each([2 ** 52 + 1, 1e25, 1e300, 1.5, -1])('with a pause of %s ns that is left', (duration) => {
    const refused = restore('rep outs', (underWay) => set(underWay, 'duration', duration));
    const most = String(2 ** 52);
    expectRefusal(refused, 'state-mismatch', "'accelerator.processors[0].guest.underWay.duration'", most);
    const snapshot = saved('rep ins');
    const guest = get(snapshot, 'accelerator', 'processors', 0, 'guest');
    set(guest, 'log', [{ line: 'interrupt 0x8', progress: { position: 0, duration } }]);
    const logged = () => Machine.restore(definition, snapshot, { guests: strings['rep ins'] });
    expectRefusal(logged, 'state-mismatch', "progress.duration'", most);
  });

  it('but a fraction of a nanosecond that is left of a pause is saved as the whole one that it takes', () => {
    const pauses = guestProgram('pauses', (guest) => guest.pause(1_000_000.5));
    const board = Machine.create(definition, { ram: 1 * MiB });
    board.clock.timer('stop', () => board.pause()).arm(500_000);
    board.run(pauses, { savable: true });
    const snapshot = JSON.parse(JSON.stringify(board.save()));
    expect(snapshot).toMatchObject({
      accelerator: { processors: [{ guest: { underWay: { position: 0, duration: 500_001 } } }] },
    });
    const restored = Machine.restore(definition, snapshot, { guests: pauses });
    for (const one of [board, restored]) expect(one.resume().reason).toBe('finished');
    expect(restored.clock.absolute()).toBe(board.clock.absolute());
  });

  it('before an interrupt too', () => {
    const snapshot = saved('rep ins');
    const progress = { position: 4000, duration: 0, bytes: base64(1) };
    const guest = get(snapshot, 'accelerator', 'processors', 0, 'guest');
    set(guest, 'log', [{ line: 'interrupt 0x8', progress }]);
    const interrupted = () => Machine.restore(definition, snapshot, { guests: strings['rep ins'] });
    expectRefusal(interrupted, 'state-mismatch', '4,000', 'operation 1');
  });

  it('and at its last element it is taken, and ends', () => {
    const outs = restore('rep outs', (underWay) => set(underWay, 'position', 3999))();
    expect(outs.resume({ operationLimit: 10 })).toMatchObject({ reason: 'finished', operations: 1 });
    const ins = restore('rep ins', () => {})();
    expect(ins.resume({ operationLimit: 5000 }).reason).toBe('finished');
  });
});
