import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { captureSchema } from '../../sdk/device/device-state.ts';
import {
  BackplaneError,
  type Device,
  device,
  InterruptPin,
  IsaDevice,
  inject,
  SECOND,
  shape,
  state,
  subsection,
  type Timer,
  use,
  VirtualClock,
} from '../../sdk/index.ts';
import {
  compareDevice,
  constructDevice,
  loadDevice,
  Machine,
  ManualClock,
  metadataOf,
  type SavedDevice,
  StateError,
  saveDevice,
} from '../../sdk/runtime.ts';
import { testBench } from '../../sdk/testing/index.ts';
import { toyMachine } from '../machine/toys.ts';
import { expectRefusal } from '../refusal.ts';

/** What a sender keeps about its line: a helper object of the device. */
class Line {
  @state({ as: shape.choice(['idle', 'busy']) }) status = 'idle';
  @state private sent = 0;
  loadedFrom = 0;

  send(): void {
    this.status = 'busy';
    this.sent++;
  }

  get count(): number {
    return this.sent;
  }

  onStateLoaded(version: number): void {
    this.loadedFrom = version;
  }
}

const errors = subsection<Uart>('errors', ({ overruns }) => overruns > 0);

@device({ type: 'uart', description: 'sends bytes' })
class Uart extends IsaDevice {
  readonly irq = new InterruptPin();
  @state({ as: shape.bits(8) }) control = 0x80;
  @state total = 0n;
  @state enabled = false;
  @state label = 'com1';
  @state readonly buffer = new Uint8Array(4);
  @state readonly wide = new Uint16Array(2);
  @state readonly level = new Float64Array(2);
  @state readonly far = new BigUint64Array(1);
  @state readonly view = new DataView(new ArrayBuffer(2));
  @state readonly dma = { source: 0, flags: [false, false] };
  @state({ as: shape.list(shape.bits(8), 16) }) readonly queue: number[] = [];
  @state({ as: shape.optional(shape.number) }) waiting: number | undefined;
  @state({ as: shape.bytes(16) }) packet = new Uint8Array(0);
  @state lastSeen = Number.NEGATIVE_INFINITY;
  @state readonly line = new Line();
  @state({ subsection: errors }) overruns = 0;
  @state({ subsection: errors }) firstOverrun = 0;
  readonly done: Timer;
  /** Not state: follows from the rest. */
  derived = 0;

  constructor(@inject(VirtualClock) readonly clock: VirtualClock) {
    super();
    this.done = clock.timer('done', () => this.irq.set(true));
  }

  override onStateLoaded(): void {
    if (this.control === 0x66) throw new BackplaneError('impossible-control', 'control 0x66 was never possible');
    this.derived = this.control + 1;
  }
}

const newUart = (clock = new ManualClock()) => constructDevice(() => new Uart(clock));
const asText = (saved: SavedDevice) => JSON.parse(JSON.stringify(saved)) as SavedDevice;

function busyUart(): Uart {
  const uart = newUart(new ManualClock(1 * SECOND));
  uart.control = 0x81;
  uart.total = 2n ** 60n;
  uart.enabled = true;
  uart.label = 'com2';
  uart.buffer.set([1, 2, 3, 255]);
  uart.wide.set([0xffff, 7]);
  uart.far.set([2n ** 64n - 1n]);
  uart.view.setUint16(0, 0x1234);
  uart.dma.source = 0xdead;
  uart.dma.flags[1] = true;
  uart.queue.push(9, 8, 7);
  uart.waiting = 12.5;
  uart.packet = new Uint8Array([5, 6]);
  uart.lastSeen = Number.POSITIVE_INFINITY;
  uart.line.send();
  uart.done.arm(3 * SECOND);
  uart.irq.set(true);
  return uart;
}

/** A saved state with one field replaced. */
function withField(saved: SavedDevice, name: string, value: unknown): unknown {
  return { ...saved, fields: { ...saved.fields, [name]: value } };
}

/** Where a state does not fit. What is wrong there stands in the golden file. */
const problems = (target: Device, saved: unknown) => compareDevice(target, saved).map(({ path }) => path);

/** The same in words, for the golden file. */
const sentences = (what: string, target: Device, saved: unknown) =>
  compareDevice(target, saved).map(({ path, problem }) => `${what}: '${path}' ${problem}`);

function refusalOf(work: () => void): string[] {
  try {
    work();
  } catch (error) {
    return (error as StateError).differences.map(({ path }) => path);
  }
  return [];
}

describe('the state of a device', () => {
  it('comes back whole, through a text of JSON', () => {
    const saved = asText(saveDevice(busyUart()));
    const uart = newUart();
    const { buffer, queue, line, dma } = uart;
    loadDevice(uart, saved);
    expect(saveDevice(uart)).toEqual(saved);
    expect(uart).toMatchObject({ control: 0x81, total: 2n ** 60n, enabled: true, label: 'com2', waiting: 12.5 });
    expect([...uart.buffer, ...uart.wide, ...uart.far]).toEqual([1, 2, 3, 255, 0xffff, 7, 2n ** 64n - 1n]);
    expect(uart.view.getUint16(0)).toBe(0x1234);
    expect(uart.dma).toEqual({ source: 0xdead, flags: [false, true] });
    expect([uart.line.status, uart.line.count]).toEqual(['busy', 1]);
    expect(uart.lastSeen).toBe(Number.POSITIVE_INFINITY);
    expect([...uart.packet]).toEqual([5, 6]);
    expect(uart.done.deadline).toBe(3 * SECOND);
    // Objects stay: others may hold them.
    expect(uart.buffer === buffer && uart.queue === queue && uart.line === line && uart.dma === dma).toBe(true);
    expect(queue).toEqual([9, 8, 7]);
  });

  it('is written so that people can read it', () => {
    const { type, version, fields, timers, high } = saveDevice(busyUart());
    expect({ type, version, timers, high }).toEqual({
      type: 'uart',
      version: 1,
      timers: { done: 3 * SECOND },
      high: ['irq'],
    });
    expect(fields).toMatchObject({
      control: 0x81,
      total: '0x1000000000000000',
      buffer: '010203ff',
      wide: [0xffff, 7],
      far: ['0xffffffffffffffff'],
      waiting: 12.5,
      lastSeen: 'Infinity',
      line: { status: 'busy', sent: 1 },
    });
    expect(fields).not.toHaveProperty('errors');
  });

  it('keeps the sign of a zero where it has one, and in whole numbers knows none', () => {
    const uart = newUart();
    uart.lastSeen = -0;
    uart.waiting = -0;
    uart.control = -0;
    uart.level[1] = -0;
    const saved = saveDevice(uart);
    expect(saved.fields).toMatchObject({ lastSeen: '-0', waiting: '-0', control: 0, level: [0, '-0'] });
    const other = newUart();
    loadDevice(other, asText(saved));
    expect([other.lastSeen, other.waiting, other.control, ...other.level]).toEqual([-0, -0, 0, 0, -0]);
    expect(saveDevice(other)).toEqual(saved);
    const whole = withField(saved, 'wide', [0, '-0']);
    expect(problems(newUart(), whole)).toEqual(['wide']);
  });

  it('restores a pin without a sound', () => {
    const uart = newUart();
    const heard: boolean[] = [];
    uart.irq.connect((level) => heard.push(level));
    loadDevice(uart, saveDevice(busyUart()));
    expect(uart.irq.level).toBe(true);
    expect(heard).toEqual([]);
  });

  it('runs the hooks of helpers and device once all values are in place', () => {
    const uart = newUart();
    loadDevice(uart, saveDevice(busyUart()));
    expect(uart.line.loadedFrom).toBe(1);
    expect(uart.derived).toBe(0x82);
  });

  it('holds a subsection only while there is something to say', () => {
    const uart = busyUart();
    uart.overruns = 2;
    uart.firstOverrun = 17;
    const saved = asText(saveDevice(uart));
    expect(saved.fields['errors']).toEqual({ overruns: 2, firstOverrun: 17 });
    const other = newUart();
    loadDevice(other, saved);
    expect([other.overruns, other.firstOverrun]).toEqual([2, 17]);
    const half = withField(saved, 'errors', { overruns: 2 });
    expect(problems(newUart(), half)).toEqual(['errors.firstOverrun']);
  });

  it('finds timers by name within the device: two devices may use one name', () => {
    const clock = new ManualClock();
    const [one, two] = [newUart(clock), newUart(clock)];
    two.done.arm(5);
    expect([saveDevice(one).timers, saveDevice(two).timers]).toEqual([{}, { done: 5 }]);
    loadDevice(one, saveDevice(two));
    two.done.cancel();
    expect(clock.pendingTimers).toEqual([one.done]);
    loadDevice(one, saveDevice(two));
    expect(clock.pendingTimers).toEqual([]);
  });

  it('keeps long bytes short where they are zero', () => {
    @device({ type: 'memory', description: 'a lot of it' })
    class Memory extends IsaDevice {
      @state readonly bytes = new Uint8Array(1000);
    }
    const memory = constructDevice(() => new Memory());
    memory.bytes[700] = 1;
    memory.bytes[999] = 2;
    const saved = asText(saveDevice(memory));
    expect(Object.keys(saved.fields['bytes'] as object)).toEqual(['size', '0x200']);
    const other = constructDevice(() => new Memory());
    other.bytes[3] = 9;
    loadDevice(other, saved);
    expect(other.bytes).toEqual(memory.bytes);
  });
});

describe('versions', () => {
  @device({
    type: 'uart',
    description: 'sends more',
    version: 3,
    minimumVersion: 2,
    retired: ['total', 'dma', 'line.sent'],
  })
  class NewUart extends IsaDevice {
    readonly irq = new InterruptPin();
    @state({ as: shape.bits(8) }) control = 0x80;
    @state({ name: 'label' }) title = '';
    @state({ since: 3 }) speed = 9600;
    loadedFrom = 0;

    override onStateLoaded(version: number): void {
      this.loadedFrom = version;
    }
  }
  const old = { type: 'uart', version: 2, fields: { control: 1, label: 'a' }, timers: {}, high: [] };
  const newer = () => constructDevice(() => new NewUart());

  it('are facts of the class', () => {
    expect(metadataOf(NewUart)).toMatchObject({ version: 3, minimumVersion: 2 });
    expect(metadataOf(NewUart).state.map(({ name, since }) => [name, since])).toEqual([
      ['control', 1],
      ['label', 1],
      ['speed', 3],
    ]);
  });

  it('let a newer class take an older state: what was added keeps its value, what was renamed keeps its name', () => {
    const uart = newer();
    loadDevice(uart, old);
    expect(uart).toMatchObject({ control: 1, title: 'a', speed: 9600, loadedFrom: 2 });
  });

  it('pass over fields that were retired', () => {
    expect(problems(newer(), withField(old as never, 'total', '0x1'))).toEqual([]);
  });

  it('refuse a field that was removed without a word, with its name', () => {
    expect(problems(newer(), withField(old as never, 'parity', 1))).toEqual(['parity']);
  });

  it.each<[string, object, ...named: string[]]>([
    ['a field that went', { parity: 1 }, "@device({ version: 3, retired: ['parity'] })"],
    [
      'a field that came, and was not said to',
      { control: undefined },
      'control',
      '@device({ version: 3 })',
      '@state({ since: 3 })',
    ],
    [
      'a field that may have got another name',
      { control: undefined, mode: 1 },
      'control',
      "@state({ name: 'mode' })",
      "@device({ version: 3, retired: ['mode'] })",
      '@state({ since: 3 })',
    ],
  ])('name the remedy for %s, with its numbers', (_, fields, ...named) => {
    const changed = JSON.parse(JSON.stringify({ ...old, fields: { ...old.fields, ...fields } }));
    expectRefusal(() => loadDevice(newer(), changed), 'state-mismatch', ...named);
  });

  it('count one further in the remedy where the snapshot is as new as the class, and have none for a newer one', () => {
    const changed = { ...old, version: 3, fields: { ...old.fields, speed: 1, parity: 1 } };
    expectRefusal(() => loadDevice(newer(), changed), 'state-mismatch', "@device({ version: 4, retired: ['parity'] })");
    const newest = () => loadDevice(newer(), { ...changed, version: 5 });
    expect(expectRefusal(newest, 'state-mismatch', 'NewUart', 'parity', 'version 5').message).not.toContain('@device');
  });

  it('refuse a newer state and one that is too old, and say what else differs', () => {
    const future = { ...old, version: 4, fields: { control: 1, label: 'a', speed: 1, colour: 3 } };
    expect(problems(newer(), future)).toEqual(['', 'colour']);
    expect(problems(newer(), { ...old, version: 1 })).toEqual(['']);
  });

  it('refuse a field in a state that is older than the field', () => {
    expect(problems(newer(), withField(old as never, 'speed', 1))).toEqual(['speed']);
  });

  it('inherit state from base classes', () => {
    @device({ type: 'fast-uart', description: 'a subclass' })
    class FastUart extends NewUart {
      @state burst = 1;
    }
    expect(metadataOf(FastUart).state.map(({ name }) => name)).toEqual(['control', 'label', 'speed', 'burst']);
    expect(metadataOf(NewUart).state).toHaveLength(3);
  });
});

describe('a state that does not fit', () => {
  const good = () => asText(saveDevice(busyUart()));

  const wrongFields: [name: string, value: unknown, path: string][] = [
    ['control', 256, 'control'],
    ['control', 1.5, 'control'],
    ['control', '1', 'control'],
    ['control', null, 'control'],
    ['total', 5, 'total'],
    ['total', '12', 'total'],
    ['enabled', 1, 'enabled'],
    ['label', [], 'label'],
    ['buffer', '010203', 'buffer'],
    ['buffer', '0102030g', 'buffer'],
    ['buffer', { size: 1e15 }, 'buffer'],
    ['wide', [1, 65536], 'wide'],
    ['wide', [1], 'wide'],
    ['wide', new Array(2), 'wide'],
    ['far', ['0x10000000000000000'], 'far'],
    ['dma', { source: 0 }, 'dma'],
    ['dma', { source: 'x', flags: [1, true] }, 'dma.source'],
    ['queue', new Array(17).fill(0), 'queue'],
    ['queue', [1, -1], 'queue[1]'],
    ['packet', '00'.repeat(17), 'packet'],
    ['lastSeen', 'NaN', 'lastSeen'],
    ['line', { status: 'broken', sent: 0 }, 'line.status'],
    ['line', 7, 'line'],
    ['line', { status: 'idle', sent: 0, cable: 1 }, 'line.cable'],
  ];
  it.each(wrongFields)('is refused with the field: %s = %j', (name, value, path) => {
    expect(problems(newUart(), withField(good(), name, value))[0]).toBe(path);
  });

  const wrongStates: [what: string, saved: unknown, path: string][] = [
    ['another type', { ...good(), type: 'rtc' }, ''],
    ['no object', 17, ''],
    ['no version', { ...good(), version: '1' }, ''],
    ['no fields', { ...good(), fields: null }, ''],
    ['a strange timer', { ...good(), timers: { alarm: 1 } }, 'timers.alarm'],
    ['a deadline that is none', { ...good(), timers: { done: '5' } }, 'timers.done'],
    ['a deadline beyond all time', { ...good(), timers: { done: 1e300 } }, 'timers.done'],
    ['a strange pin', { ...good(), high: ['nmi'] }, 'high'],
  ];
  it.each(wrongStates)('is refused: %s', (_, saved, path) => {
    expect(problems(newUart(), saved)).toContain(path);
  });

  it('is refused with what was expected and what was found', async () => {
    const lines = [
      ...wrongFields.map(([name, value]) => sentences(name, newUart(), withField(good(), name, value))[0]),
      ...wrongStates.flatMap(([what, saved]) => sentences(what, newUart(), saved)),
    ];
    await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(
      fileURLToPath(new URL('differences.golden.txt', import.meta.url)),
    );
  });

  it('changes nothing, whatever is wrong with it', () => {
    const uart = busyUart();
    const before = saveDevice(uart);
    const wrong = { ...good(), fields: { ...good().fields, control: 1, label: 5 }, timers: {} };
    expect(() => loadDevice(uart, wrong)).toThrow(StateError);
    expect(saveDevice(uart)).toEqual(before);
  });

  it('is taken back when the hook refuses it', () => {
    const uart = busyUart();
    const before = saveDevice(uart);
    expect(() => loadDevice(uart, withField(good(), 'control', 0x66))).toThrow('0x66');
    expect(saveDevice(uart)).toEqual(before);
    expect(uart.derived).toBe(0x82);
  });

  it('lists every difference in the error, and the first hundred in its message', () => {
    const fields = Object.fromEntries(Array.from({ length: 130 }, (_, n) => [`extra${n}`, n]));
    const wrong = { ...good(), fields: { ...good().fields, ...fields } };
    const error = (() => {
      try {
        loadDevice(newUart(), wrong);
      } catch (caught) {
        return caught as StateError;
      }
      throw new Error('it was taken');
    })();
    expect(error.differences).toHaveLength(130);
    expect(error.message.match(/\n {2}- /g)).toHaveLength(100);
    expect(error.message).toContain("'Uart'");
    expect(error.message).toMatch(/\n {2}- 'extra0': .*[\s\S]*\n {2}.*\b30\b/);
  });

  it('cannot reach a prototype', () => {
    const saved = JSON.stringify(good()).replace(
      '"fields":{',
      '"fields":{"__proto__":{"polluted":1},"constructor":{"x":1},',
    );
    const found = problems(newUart(), JSON.parse(saved));
    expect(found).toEqual(['__proto__', 'constructor']);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  it('may be deep or a cycle without harm: only what the class has is looked at', () => {
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    expect(problems(newUart(), withField(good(), 'dma', cycle))[0]).toBe('dma');
    expect(problems(newUart(), withField(good(), 'unknown', cycle))).toHaveLength(1);
  });
});

describe('a state whose parts contradict each other', () => {
  @device({ type: 'kiln', description: 'says when it is hot, and what its timer and its pin have to do with it' })
  class Kiln extends IsaDevice {
    readonly irq = new InterruptPin();
    @state hot = false;
    @state done = false;
    readonly cooling: Timer;

    constructor(@inject(VirtualClock) clock: VirtualClock) {
      super();
      const cooled = () => {
        this.hot = false;
        this.done = true;
        this.irq.set(true);
      };
      this.cooling = clock.timer('cooling', cooled);
      this.cooling.armedWhile = () => this.hot;
      this.irq.highWhile = () => this.done;
    }
  }
  const kiln = { type: 'kiln', version: 1, fields: { hot: false, done: false }, timers: {}, high: [] };
  const refusal = (saved: object) => {
    const fresh = constructDevice(() => new Kiln(new ManualClock()));
    expect(() => loadDevice(fresh, { ...kiln, ...saved })).toThrow(StateError);
    expect([fresh.hot, fresh.done, fresh.cooling.pending, fresh.irq.level]).toEqual([false, false, false, false]);
    return refusalOf(() => loadDevice(fresh, { ...kiln, ...saved }));
  };

  it('is taken where they agree', () => {
    const fresh = constructDevice(() => new Kiln(new ManualClock()));
    loadDevice(fresh, { ...kiln, fields: { hot: true, done: true }, timers: { cooling: 7 }, high: ['irq'] });
    expect([fresh.cooling.deadline, fresh.irq.level]).toEqual([7, true]);
  });

  it('is refused with the timer that should be armed, or should not', () => {
    expect(refusal({ fields: { hot: true, done: false } })).toEqual(['timers.cooling']);
    expect(refusal({ timers: { cooling: 7 } })).toEqual(['timers.cooling']);
  });

  it('is refused with the pin that should be high, or low', () => {
    expect(refusal({ high: ['irq'] })).toEqual(['high']);
    expect(refusal({ fields: { hot: false, done: true } })).toEqual(['high']);
  });

  it('is refused with a pin that is high twice, and a timer that is armed at a fraction of a nanosecond', () => {
    expect(refusal({ high: ['irq', 'irq'] })).toEqual(['high']);
    expect(refusal({ timers: { cooling: 1.5 } })).toEqual(['timers.cooling']);
  });
});

describe('a field whose first value says what it may hold', () => {
  @device({ type: 'shelf', description: 'holds things' })
  class Shelf extends IsaDevice {
    @state list: unknown[] = [1, 2];
    @state things: Record<string, number> = { a: 1 };
    @state label: unknown = 0;
    @state bytes = new Uint8Array(4);
    @state level = new Float64Array(2);
  }
  const shelf = () => {
    const made = constructDevice(() => new Shelf());
    captureSchema(made);
    return made;
  };

  it.each<[string, (shelf: Shelf) => void, field: string]>([
    ['a list that grew', ({ list }) => list.push(3), 'list'],
    ['an object with one member more', ({ things }) => (things['b'] = 2), 'things'],
    ['another type', (it) => (it.label = 'x'), 'label'],
    ['other bytes', (it) => (it.bytes = new Uint8Array(5)), 'bytes'],
    ['no number', ({ level }) => (level[1] = Number.NaN), 'level'],
  ])('cannot be saved with %s: no fresh device would take that', (_, change, field) => {
    const full = shelf();
    change(full);
    expectRefusal(() => saveDevice(full), 'unsupported-state', 'Shelf', `'${field}'`);
  });
});

describe('long bytes', () => {
  @device({ type: 'store', description: 'remembers a lot' })
  class Store extends IsaDevice {
    @state readonly bytes = new Uint8Array(1024);
  }
  const read = (parts: object) => {
    const store = constructDevice(() => new Store());
    return problems(store, withField(asText(saveDevice(store)), 'bytes', { size: 1024, ...parts }));
  };

  it('are taken as they are written', () => {
    expect(read({ '0x0': 'AAAA', '0x300': 'AQ==' })).toEqual([]);
  });

  it.each<[string, object]>([
    ['an offset that is written otherwise', { '0x00': 'AAAA' }],
    ['an offset between two pieces', { '0x1': 'AA==' }],
    ['base64 with letters that it has not', { '0x0': 'A$AA' }],
    ['base64 that is cut short', { '0x0': 'AAA' }],
  ])('are refused with %s', (_, parts) => {
    expect(read(parts)).toEqual(['bytes']);
  });
});

describe("an author's mistakes about state", () => {
  it.each<[string, () => unknown, code: string, ...named: string[]]>([
    [
      'a word that @state does not know',
      () => {
        class Misspelt {
          @state({ sinc: 2 } as never) one = 1;
        }
        return Misspelt;
      },
      'unknown-word',
      'Misspelt',
      '@state',
      'one',
      'sinc',
    ],
    [
      'a name that no snapshot can hold',
      () => {
        class Proto {
          @state({ name: '__proto__' }) one = 1;
        }
        return Proto;
      },
      'invalid-state-name',
      'Proto',
      '@state',
      'one',
      '__proto__',
    ],
    [
      'two fields of one name',
      () => {
        class Twice {
          @state one = 1;
          @state({ name: 'one' }) two = 2;
        }
        return Twice;
      },
      'state-name-taken',
      'Twice',
      '@state',
      'two',
      'one',
    ],
    [
      'a version that is none',
      () => {
        class Odd {
          @state({ since: 0 }) one = 1;
        }
        return Odd;
      },
      'invalid-version',
      'Odd',
      '@state',
      'one',
    ],
    [
      'a way to reset that is none',
      () => {
        class Half {
          @state({ atReset: 'keep' } as never) one = 1;
        }
        return Half;
      },
      'unknown-word',
      'Half',
      '@state',
      'one',
      'keep',
    ],
    [
      'a static field',
      () => {
        // biome-ignore lint/complexity/noStaticOnlyClass: it is the mistake
        class Fixed {
          @state static one = 1;
        }
        return Fixed;
      },
      'static-member',
      '@state',
    ],
    [
      'a field that is newer than the class',
      () => {
        @device({ type: 'x', description: 'x' })
        class Young extends IsaDevice {
          @state({ since: 2 }) one = 1;
        }
        return Young;
      },
      'state-since-later-version',
      'Young',
      '@state',
      'one',
      '@device',
    ],
    [
      'a minimum above the version',
      () => {
        @device({ type: 'x', description: 'x', version: 2, minimumVersion: 3 })
        class Strict extends IsaDevice {}
        return Strict;
      },
      'invalid-version',
      'Strict',
      '@device',
    ],
    [
      'a retired field that is there',
      () => {
        @device({ type: 'x', description: 'x', retired: ['one'] })
        class Undead extends IsaDevice {
          @state one = 1;
        }
        return Undead;
      },
      'retired-state-present',
      'Undead',
      'one',
      '@device',
    ],
  ])('throw while the class is defined: %s', (_, define, code, ...named) => {
    expectRefusal(define, code, ...named);
  });

  function holding(initial: unknown) {
    @device({ type: 'x', description: 'x' })
    class Holder extends IsaDevice {
      @state field = initial;
    }
    return Holder;
  }

  class Plain {
    readonly one = 1;
  }

  const clock = new ManualClock();
  const neverState: [what: string, value: unknown][] = [
    ['a Map', new Map()],
    ['a Set', new Set([1])],
    ['a WeakMap', new WeakMap()],
    ['a WeakSet', new WeakSet()],
    ['a WeakRef', new WeakRef({})],
    ['a Date', new Date(0)],
    ['a promise', Promise.resolve(1)],
    ['a buffer', new ArrayBuffer(4)],
    ['a pattern', /x/],
    ['a function', () => 1],
    ['a symbol', Symbol('x')],
    ['a class that has no state', new Plain()],
    ['a pin', new InterruptPin()],
    ['a timer', clock.timer('t', () => {})],
  ];
  it.each(neverState)(
    'are named when a device is made, on a bench and with all mistakes of a machine: %s',
    (_, value) => {
      const Holder = holding(value);
      expectRefusal(() => testBench(Holder), 'unsupported-state', 'Holder', "'field'");
      const machine = () => Machine.create({ ...toyMachine, devices: [use(Holder)] });
      expectRefusal(machine, 'wiring-mistakes', 'toy', "'x'", 'Holder', "'field'");
    },
  );

  const notYet: [what: string, value: unknown][] = [
    ['undefined', undefined],
    ['null', null],
    ['an empty list', []],
    ['not a number', Number.NaN],
    ['a Map in an object', { names: new Map() }],
  ];
  it.each(notYet)('are named once a device was reset, before any guest runs, and when it is saved: %s', (_, value) => {
    const Holder = holding(value);
    const plugged = Machine.create(toyMachine);
    for (const reset of [
      () => testBench(Holder),
      () => Machine.create({ ...toyMachine, devices: [use(Holder)] }),
      () => saveDevice(constructDevice(() => new Holder())),
      () => plugged.plug(use(Holder)),
    ]) {
      expectRefusal(reset, 'unsupported-state', 'Holder', "'field'");
    }
    expect(plugged.deviceById('x')).toBeUndefined();
  });

  it('are named with what to do instead', async () => {
    const lines = [...neverState, ...notYet].map(
      ([what, value]) => `${what}: ${expectRefusal(() => testBench(holding(value)), 'unsupported-state').message}`,
    );
    await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(
      fileURLToPath(new URL('unsupported.golden.txt', import.meta.url)),
    );
  });

  it('not where reset() makes it right', () => {
    @device({ type: 'x', description: 'x' })
    class Later extends IsaDevice {
      @state field: number | undefined;
      override reset(): void {
        this.field = 3;
      }
    }
    expect(saveDevice(testBench(Later).device).fields).toEqual({ field: 3 });
  });

  it('also within a helper', () => {
    class Helper {
      @state({ as: shape.bits(2) }) two = 4;
    }
    expectRefusal(() => testBench(holding(new Helper())), 'unsupported-state', 'Holder', '@state', 'field.two');
  });

  it('are two timers of one name in one device', () => {
    @device({ type: 'x', description: 'x' })
    class Twins extends IsaDevice {
      constructor(@inject(VirtualClock) clock: VirtualClock) {
        super();
        clock.timer('tick', () => {});
        clock.timer('tick', () => {});
      }
    }
    expectRefusal(() => constructDevice(() => new Twins(new ManualClock())), 'timer-name-taken', 'Twins', 'tick');
  });

  it('are devices made with new, whose timers nobody knows', () => {
    expectRefusal(() => saveDevice(new Uart(new ManualClock())), 'device-made-with-new', 'Uart');
  });
});
