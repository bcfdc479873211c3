// @module-tag slow
import { describe, expect, it } from 'vitest';
import {
  bits,
  type ConcreteDeviceClass,
  defineOptions,
  device,
  guestTime,
  InterruptPin,
  inject,
  input,
  mmioRegion,
  type OptionsOf,
  option,
  options,
  reserved,
  SECOND,
  SystemDevice,
  state,
  VirtualClock,
} from '../../../sdk/index.ts';
import { checkDevice } from '../../../sdk/testing/index.ts';
import { check } from './checks.ts';

const description = { type: 'part', description: 'A part of a card' };
const brief = { runs: 4, length: 100, hostileAccesses: 500 };
/** What one check says about a device; nothing where it is content. */
const said = (chip: ConcreteDeviceClass, name: string, more: object = {}): readonly string[] =>
  checkDevice(chip, { ...brief, ...more } as object).flatMap((one) => (one.check === name ? one.message : []));

const window = mmioRegion({ name: 'window', size: 0x100, accessSizes: [4] });
const word = { width: 32 } as const;

const lines = mmioRegion({ name: 'lines', size: 4, accessSizes: [4] });
const shown = lines.register(0, { ...word, fields: { level: bits(0, 3, 'read-only'), rest: reserved([4, 31]) } });

@device(description)
class Lines extends SystemDevice {
  @state({ atReset: 'kept' }) protected levels = 0;

  @input({ count: 4 }) line(level: boolean, index: number): void {
    this.levels = level ? this.levels | (1 << index) : this.levels & ~(1 << index);
  }

  @shown get shown(): number {
    return this.levels;
  }
}

describe('The levels of inputs', () => {
  @device(description)
  class Forgetful extends Lines {
    override reset(): void {
      super.reset();
      this.levels = 0;
    }
  }

  it('outlive a reset, which moves no wire', () => {
    expect(said(Lines, check.resetKeepsInputs)).toEqual([]);
    expect(said(Forgetful, check.resetKeepsInputs)).toEqual([
      expect.stringMatching(/^after a reset 'levels' says that input 'line\[\d\]' is low, and it is high/),
    ]);
  });
});

describe('The last of an array', () => {
  @device(description)
  class Short extends Lines {
    override line(level: boolean, index: number): void {
      if (index < 3) super.line(level, index);
    }
  }

  const many = defineOptions({ channels: option.integer({ description: 'channels', default: 3, range: [1, 8] }) });
  const gain = window.register(0, { ...word, count: 8 });

  @device(description)
  class Channels extends SystemDevice {
    @gain readonly gain = new Uint32Array(8);

    constructor(@options(many) protected readonly config: OptionsOf<typeof many>) {
      super();
    }

    @gain.onWrite() keep(value: number, _previous: number, channel: number): number {
      return this.exists(channel) ? value : 0;
    }

    protected exists(channel: number): boolean {
      return channel < this.config.channels;
    }
  }

  @device(description)
  class ChannelsButOne extends Channels {
    protected override exists(channel: number): boolean {
      return channel < this.config.channels - 1;
    }
  }

  const cells = mmioRegion({ name: 'cells', size: 0x100, accessSizes: [4] });
  const all = cells.register(0x40, { ...word, count: 48 });
  const butOne = cells.register(0x40, { ...word, count: 47 });

  @device(description)
  class Cells extends SystemDevice {
    @all readonly cells = new Uint32Array(48);
  }

  @device(description)
  class CellsButOne extends SystemDevice {
    @butOne readonly cells = new Uint32Array(47);
  }

  it('is an input that reaches the device as the others do', () => {
    expect(said(Lines, check.arraysReachTheirEnds)).toEqual([]);
    expect(said(Short, check.arraysReachTheirEnds)).toEqual([
      'line[3] does nothing, and the ones before it do: is a bound one too small? If the last one is different in the hardware, name it in notExercised.',
    ]);
  });

  it('is a register that keeps what is written, where an option says that all are there', () => {
    expect(said(Channels, check.arraysReachTheirEnds)).toEqual([]);
    expect(said(ChannelsButOne, check.arraysReachTheirEnds)).toEqual([
      expect.stringContaining('gain[7] does nothing with channels: 8, and the ones before it do'),
    ]);
    const known = { notExercised: { gain: 'the last one is a spare' } };
    expect(said(ChannelsButOne, check.arraysReachTheirEnds, known)).toEqual([]);
  });

  it('leaves no room for exactly one more', () => {
    expect(said(Cells, check.arraysReachTheirEnds)).toEqual([]);
    expect(said(CellsButOne, check.arraysReachTheirEnds)).toEqual([
      expect.stringContaining(
        "register 'cells' has 47 elements, and its bank has room for exactly one more, at offset 0xfc",
      ),
    ]);
  });
});

describe('A guest time in the state', () => {
  const command = window.register(0, { ...word, access: 'trigger' });
  const done = window.register(4, { ...word, access: 'read-only' });

  @device(description)
  class Worker extends SystemDevice {
    @done done = 0;
    @state({ as: guestTime }) protected busyUntil = 0;

    constructor(@inject(VirtualClock) protected readonly clock: VirtualClock) {
      super();
    }

    @command work(): void {
      if (!this.isBusy) this.done++;
      this.busyUntil = this.clock.now + 1 * SECOND;
    }

    override reset(): void {
      super.reset();
      this.busyUntil = 0;
    }

    protected get isBusy(): boolean {
      return this.clock.now < this.busyUntil;
    }
  }

  @device(description)
  class NeverBusy extends Worker {
    protected override get isBusy(): boolean {
      return false;
    }
  }

  it('is there because something depends on it', () => {
    expect(said(Worker, check.everyTimeMatters)).toEqual([]);
    expect(said(NeverBusy, check.everyTimeMatters)).toEqual([
      expect.stringContaining("state 'busyUntil' is a guest time that changes, and nothing ever depends on it."),
    ]);
  });
});

describe('A register that a hook looks at', () => {
  const period = window.register(0, word);
  const ticks = window.register(4, { ...word, access: 'read-only' });

  @device(description)
  class Divider extends SystemDevice {
    @period period = 0;
    @ticks ticks = 0;

    @period.onWrite() take(value: number): void {
      this.ticks = this.ticksOf(value);
    }

    protected ticksOf(value: number): number {
      return value >>> 1;
    }
  }

  @device(description)
  class Constant extends Divider {
    protected override ticksOf(): number {
      return 7;
    }
  }

  it('is no scratch register: what is written there makes a difference', () => {
    expect(said(Divider, check.everyFieldMatters)).toEqual([]);
    expect(said(Constant, check.everyFieldMatters)).toEqual([
      expect.stringContaining("register 'period' can be written, and nothing else ever depends on it."),
    ]);
  });
});

describe('A derived register', () => {
  const command = window.register(0, { ...word, access: 'trigger' });
  const status = window.register(4, {
    ...word,
    fields: { zero: reserved([0, 3]), count: bits(4, 6, 'read-only'), rest: reserved([7, 31]) },
  });

  @device(description)
  class Counts extends SystemDevice {
    @state protected times = 0;

    @command count(): void {
      this.times = (this.times + 1) & 0xff;
    }

    @status get status(): number {
      return (this.times & 7) << 4;
    }

    override reset(): void {
      super.reset();
      this.times = 0;
    }
  }

  @device(description)
  class RunsOver extends Counts {
    override get status(): number {
      return this.times << 4;
    }
  }

  it('answers nothing beside its fields', () => {
    expect(said(Counts, check.derivedFits)).toEqual([]);
    expect(said(RunsOver, check.derivedFits)).toEqual([
      expect.stringMatching(/^after step \d+ 'status' answers 0x80, and 0x80 of it lies in reserved bits/),
    ]);
  });
});

describe('A pin', () => {
  const cause = window.register(0, word);
  const mask = window.register(4, word);
  const raw = window.register(8, { ...word, access: 'read-only' });
  const masked = window.register(12, { ...word, access: 'read-only' });

  @device(description)
  class Masked extends SystemDevice {
    readonly irq = new InterruptPin(() => this.interrupting !== 0);
    @cause cause = 0;
    @mask mask = 0;

    @raw get raw(): number {
      return this.cause;
    }

    @masked get masked(): number {
      return (this.cause & this.mask) >>> 0;
    }

    protected get interrupting(): number {
      return this.masked;
    }
  }

  @device(description)
  class Unmasked extends Masked {
    protected override get interrupting(): number {
      return this.raw;
    }
  }

  it('follows the status with its mask, where there are two', () => {
    expect(said(Masked, check.pinsFollowTheMaskedStatus)).toEqual([]);
    expect(said(Unmasked, check.pinsFollowTheMaskedStatus)).toEqual([
      expect.stringContaining("pin 'irq' is high exactly while 'raw' is not zero, also while 'masked'"),
    ]);
  });
});
