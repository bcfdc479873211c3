import { Ds1307, Eeprom, Sbcon } from '../../devices/index.ts';
import { type Acknowledge, type I2cBus, type I2cDirection, I2cLines, type I2cTarget } from '../../sdk/i2c.ts';
import { calendar, device } from '../../sdk/index.ts';
import { Versatile } from './boards.ts';
import { type KnownDifference, standIn } from './known-difference.ts';
import { load, type Operation, store } from './script.ts';
import { LineScript } from './two-wire.ts';

const Release = Versatile.SerialBus;
const Pull = Versatile.SerialBus + 4;
const [Clock, Data] = [1, 2];

/** Both lines are low until the guest writes, as far as it sees, and high as far as the bus is concerned. */
function lowAtFirst(base: typeof Sbcon): typeof Sbcon {
  @device({ type: 'sbcon', description: 'SBCON whose register starts at zero' })
  class SbconLowAtFirst extends base {
    private out = 0;
    private isMoved = false;

    override get levels(): number {
      if (!this.isMoved) return 0;
      return (this.out & Clock) | (super.levels & Data);
    }

    override release(value: number): void {
      this.move(this.out | value);
    }

    override pull(value: number): void {
      this.move(this.out & ~value);
    }

    private move(out: number): void {
      this.out = out & (Clock | Data);
      this.isMoved = true;
      this.lines.set((out & Clock) !== 0, (out & Data) !== 0);
    }
  }
  return SbconLowAtFirst;
}

/** Starts and stops by what the controller does, also while a target pulls the line. */
class LinesOfController extends I2cLines {
  protected override get decisive(): boolean {
    return this.dataOut;
  }
}

function hearsOnlyController(base: typeof Sbcon): typeof Sbcon {
  @device({ type: 'sbcon', description: 'SBCON that looks at its own outputs' })
  class SbconOfOutputs extends base {
    protected override readonly lines = new LinesOfController(this.i2c);
  }
  return SbconOfOutputs;
}

/** Every chip takes address 0. What is read from there is ones. */
function takesAddress0<B extends typeof Ds1307 | typeof Eeprom>(base: B): B {
  @device({ type: base === (Ds1307 as unknown) ? 'ds1307' : 'eeprom', description: 'Answers at address 0 too' })
  class AnswersAt0 extends (base as unknown as typeof Ds1307) {
    private isCalledByAll = false;

    override respondsTo(address: number, direction: I2cDirection): boolean {
      return address === 0 || super.respondsTo(address, direction);
    }

    override onStart(direction: I2cDirection, address: number): Acknowledge {
      this.isCalledByAll = address === 0;
      return super.onStart(direction, address);
    }

    override onRead(): number {
      return this.isCalledByAll ? 0xff : super.onRead();
    }
  }
  return AnswersAt0 as unknown as B;
}

function controlIsZero(base: typeof Ds1307): typeof Ds1307 {
  @device({ type: 'ds1307', description: 'DS1307 whose control register starts at zero' })
  class PlainControl extends base {
    protected override onRealize(): void {
      this.control = 0;
    }
  }
  return PlainControl;
}

const Weekday = 3;

/** Hours are always of 24, nothing halts the clock, and a new date moves the weekday with it. */
function keepsNoFlags(base: typeof Ds1307): typeof Ds1307 {
  @device({ type: 'ds1307', description: 'DS1307 without flags in its time' })
  class FlaglessClock extends base {
    private daysAhead = 0;

    override setTime(value: number, previous: number, at: number): number {
      const { time } = this;
      if (at === 0) time[0] = value & 0x7f;
      if (at === 2 && (value & 0x40) !== 0) {
        const hours = calendar.fromTwelveHours(calendar.fromBcd(value & 0x1f), (value & 0x20) !== 0);
        time[2] = calendar.toBcd(hours);
      }
      const [date, month, year] = [4, 5, 6].map((one) => calendar.fromBcd(time[one] as number)) as [
        number,
        number,
        number,
      ];
      const dayOfWeek = calendar.weekdayOf(calendar.daysSince1970({ year: 2000 + year, month, dayOfMonth: date }));
      if (at === Weekday) this.daysAhead = ((value & 7) + 7 - dayOfWeek) % 7;
      else time[Weekday] = ((dayOfWeek - 1 + this.daysAhead) % 7) + 1;
      return super.setTime(time[at] as number, previous, at);
    }
  }
  return FlaglessClock;
}

function startsAtZero(base: typeof Eeprom): typeof Eeprom {
  @device({ type: 'eeprom', description: 'An EEPROM that nobody has erased' })
  class ZeroEeprom extends base {
    override reset(): void {
      if (this.memory.every((byte) => byte === 0xff)) this.memory.fill(0);
      super.reset();
    }
  }
  return ZeroEeprom;
}

/** Each byte goes to its place at once: there is no page, no write cycle, and no need of a stop. */
function programsAtOnce(base: typeof Eeprom): typeof Eeprom {
  @device({ type: 'eeprom', description: 'An EEPROM that is a RAM' })
  class RamEeprom extends base {
    protected override writeAt(address: number, byte: number): void {
      this.memory[address] = byte;
    }

    protected override next(address: number): number {
      return (address + 1) % this.memory.length;
    }
  }
  return RamEeprom;
}

/** A start in the middle of a transfer goes to the chip that is in it, whatever address follows. */
function stayWithTarget(bus: I2cBus): void {
  const start = bus.start.bind(bus);
  let first = 0;
  bus.start = (address, direction) => {
    const targets: readonly I2cTarget[] = Reflect.get(bus, 'targets');
    if (!targets.some(({ addressed }) => addressed)) first = address;
    return start(first, direction);
  };
}

function keepsTarget(base: typeof Sbcon): typeof Sbcon {
  @device({ type: 'sbcon', description: 'SBCON whose repeated starts stay with one chip' })
  class SbconOfOneTarget extends base {
    readonly patched = stayWithTarget(this.i2c);
  }
  return SbconOfOneTarget;
}

/** What a driver does, without a look at the lines. */
function unseen(body: (lines: LineScript) => void): Operation[] {
  const operations: Operation[] = [];
  body(new LineScript((...more) => operations.push(...more), false));
  return operations;
}

/** The same, from released lines on. */
const script = (body: (lines: LineScript) => void) => [store(Release, 4, Clock | Data), ...unseen(body)];

/** A bit that a target drives, seen. */
const seenBit: readonly Operation[] = [
  ...[store(Release, 4, Data), store(Release, 4, Clock), load(Release, 4), store(Pull, 4, Clock)],
];
const bits = (text: string) => (lines: LineScript) => [...text].forEach((bit) => void lines.bit(bit === '1', false));

/** The address of the clock is acknowledged, and the controller lets the data line go while the clock is high. */
const releasedInAcknowledge: Operation[] = [
  ...script((lines) => {
    lines.start();
    bits('11010000')(lines);
  }),
  ...[store(Pull, 4, Data), store(Release, 4, Clock), store(Release, 4, Data), store(Pull, 4, Clock)],
  ...unseen(bits('00000000')),
  ...seenBit,
];

const addressing = (text: string): Operation[] => [
  ...script((lines) => {
    lines.start();
    bits(text)(lines);
  }),
  ...seenBit,
];

const read50 = (...before: readonly number[]): Operation[] => [
  ...script((lines) => {
    if (before.length > 0) lines.transfer(0x50, before);
    lines.start();
    for (const byte of [0xa0, 0x00, 0x00]) lines.write(byte);
    lines.start();
    lines.write(0xa1);
  }),
  ...seenBit,
];

/** Writes, then looks at one bit of a register of the clock: the one after so many. */
const readClock = (register: number, after: number, ...before: readonly number[]): Operation[] => [
  ...script((lines) => {
    if (before.length > 0) lines.transfer(0x68, before);
    lines.start();
    for (const byte of [0xd0, register]) lines.write(byte);
    lines.start();
    lines.write(0xd1);
    bits('1'.repeat(after))(lines);
  }),
  ...seenBit,
];

const onBoth: readonly KnownDifference[] = [
  {
    register: 'SBCON 0x00',
    condition: 'before the guest has released the lines',
    reason: 'Nothing pulls the lines of ours after power-on, so they are high. The register of QEMU starts at zero.',
    there: { operations: [load(Release, 4), store(Release, 4, Clock), load(Release, 4)], ours: [3, 3], qemu: [0, 1] },
    standIn: standIn(Sbcon, lowAtFirst),
  },
  {
    register: 'SBCON 0x00 and 0x04',
    condition: 'the data line is moved while the clock is high and a target pulls the data line',
    reason: 'On the line no edge is seen, so ours has neither a start nor a stop. QEMU has one.',
    there: { operations: releasedInAcknowledge, ours: [1], qemu: [3] },
    standIn: standIn(Sbcon, hearsOnlyController),
  },
  {
    register: 'SBCON 0x00, the acknowledge',
    condition: 'after a repeated start with another address',
    reason:
      'The address after each start counts. QEMU stays with the chip that the first start of a transfer addressed.',
    there: {
      operations: [
        ...script((lines) => {
          lines.start();
          lines.write(0xd0);
          lines.start();
          bits('00100010')(lines);
        }),
        ...seenBit,
      ],
      ours: [3],
      qemu: [1],
    },
    standIn: standIn(Sbcon, keepsTarget),
  },
];

const generalCall = {
  register: 'SBCON 0x00, the acknowledge',
  condition: 'after address 0',
  reason: 'The chips take no general call, as their datasheets say. In QEMU every chip takes one.',
  there: { operations: addressing('00000000'), ours: [3], qemu: [1] },
} as const;

export const ds1307Differences: readonly KnownDifference[] = [
  ...onBoth,
  { ...generalCall, standIn: standIn(Ds1307, takesAddress0) },
  {
    register: 'SBCON 0x00, the control register of the clock',
    condition: 'before it is written',
    reason: 'The rate bits of a DS1307 are ones at power-on, as its datasheet says. QEMU has zeros.',
    there: { operations: readClock(7, 7), ours: [3], qemu: [1] },
    standIn: standIn(Ds1307, controlIsZero),
  },
  {
    register: 'SBCON 0x00, the time of the clock',
    condition: 'with hours of twelve, with the halt bit, and after a new date',
    reason:
      'Ours keeps the twelve-hour bit and the halt bit, and a new date leaves the weekday as it was written. ' +
      'QEMU drops both bits, and moves the weekday with the date.',
    there: { operations: readClock(2, 1, 2, 0x50), ours: [3], qemu: [1] },
    standIn: standIn(Ds1307, keepsNoFlags),
  },
];

export const eepromDifferences: readonly KnownDifference[] = [
  ...onBoth,
  { ...generalCall, standIn: [standIn(Ds1307, takesAddress0), standIn(Eeprom, takesAddress0)] },
  {
    register: 'SBCON 0x00, the bytes of the EEPROM',
    condition: 'bytes that were never written',
    reason: 'Ours is erased, which reads as ones. Without a file the chip of QEMU is full of zeros.',
    there: { operations: read50(), ours: [3], qemu: [1] },
    standIn: standIn(Eeprom, startsAtZero),
  },
  {
    register: 'SBCON 0x00, the bytes of the EEPROM and its acknowledge',
    condition: 'after a write',
    reason:
      'Ours has pages, in which a write wraps round, and a write cycle of 5 ms after the stop, in which it does not acknowledge. ' +
      'QEMU stores each byte at once, wherever it goes.',
    there: { operations: [...read50(0, 0, 0x7f), ...seenBit], ours: [3, 3], qemu: [1, 3] },
    standIn: standIn(Eeprom, programsAtOnce),
  },
];
