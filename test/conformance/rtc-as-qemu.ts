import { Mc146818Rtc } from '../../devices/index.ts';
import { decode, decodeHours, encode, encodeHours } from '../../devices/mc146818-rtc/calendar.ts';
import { Cause, Divider, isTimeRegister, Register, StatusA, StatusB } from '../../devices/mc146818-rtc/registers.ts';
import { calendar, device, SECOND } from '../../sdk/index.ts';
import { type KnownDifference, standIn } from './known-difference.ts';
import { out8, read8 } from './script.ts';

type Rtc = typeof Mc146818Rtc;

const rtcAsQemu = { type: 'mc146818rtc', description: 'MC146818 real-time clock, in one point as QEMU' } as const;
const Second = BigInt(SECOND);
const SecondsPerDay = 86_400;
const Formats = StatusB.Binary | StatusB.TwentyFourHours;

type How = 'written' | 'started' | 'chain started';

/** An RTC that can do more each time that QEMU takes the time from the bytes: at a write, and when the clock starts. */
function addTimeIsSet(base: Rtc) {
  @device(rtcAsQemu)
  class SettableRtc extends base {
    /** What the bytes said in the format in which they were written, while they are converted to another one. */
    written: number | undefined;

    timeIsSet(_how: How): void {}

    /** Leap years before the year 0 are rounded towards it. */
    secondsAsQemu(statusB: number): number {
      const number = (register: number) => decode(this.ram[register] as number, statusB);
      const years = number(Register.Century) * 100 + number(Register.Year) - (number(Register.Month) < 3 ? 1 : 0);
      const leapDays = (round: (part: number) => number) => round(years / 4) - round(years / 100) + round(years / 400);
      return this.timeOfDay.bytes.seconds(statusB) + (leapDays(Math.trunc) - leapDays(Math.floor)) * SecondsPerDay;
    }

    protected override writeByte(register: number, value: number, before: number): void {
      super.writeByte(register, value, before);
      if (isTimeRegister(register) && this.timeOfDay.running) this.timeIsSet('written');
    }

    protected override startTime(isChainNew: boolean): void {
      super.startTime(isChainNew);
      this.timeIsSet(isChainNew ? 'chain started' : 'started');
    }
  }
  return SettableRtc;
}

type SettableClass = ReturnType<typeof addTimeIsSet>;

/** The same for several stand-ins that are laid one over the other. */
const settable = (base: Rtc): SettableClass =>
  'timeIsSet' in base.prototype ? (base as SettableClass) : addTimeIsSet(base);

/** The time is 64 bits of nanoseconds since 1970, which wrap, and are rounded towards 1970. */
function counts64Bits(base: Rtc): Rtc {
  @device(rtcAsQemu)
  class RtcWith64BitTime extends settable(base) {
    private setTo = this.secondsAsQemu(this.statusB);
    private part = 0n;

    override timeIsSet(how: How): void {
      super.timeIsSet(how);
      if (how === 'started') this.part = BigInt.asUintN(64, this.nanoseconds()) % Second;
      if (how === 'chain started') this.part = Second / 2n;
      this.setTo = this.written ?? this.secondsAsQemu(this.statusB);
      const shown = Number(BigInt.asIntN(64, this.nanoseconds()) / Second);
      if (shown !== this.timeOfDay.bytes.seconds(this.statusB)) this.timeOfDay.bytes.set(shown, this.statusB);
    }

    private nanoseconds(): bigint {
      return BigInt(this.setTo) * Second + this.part;
    }
  }
  return RtcWith64BitTime;
}

/** The bytes are made a date that there is whenever one of them is written. */
function normalizesAtOnce(base: Rtc): Rtc {
  @device(rtcAsQemu)
  class RtcThatNormalizes extends settable(base) {
    override timeIsSet(how: How): void {
      super.timeIsSet(how);
      const { bytes } = this.timeOfDay;
      const weekday = this.ram[Register.DayOfWeek] as number;
      bytes.set(bytes.seconds(this.statusB), this.statusB);
      this.ram[Register.DayOfWeek] = weekday;
    }
  }
  return RtcThatNormalizes;
}

/** The day of the week is that of the date. */
function computesWeekday(base: Rtc): Rtc {
  @device(rtcAsQemu)
  class RtcThatComputesWeekday extends settable(base) {
    override timeIsSet(how: How): void {
      super.timeIsSet(how);
      const days = Math.floor(this.timeOfDay.bytes.seconds(this.statusB) / SecondsPerDay);
      this.ram[Register.DayOfWeek] = encode(calendar.weekdayOf(days), this.statusB);
    }
  }
  return RtcThatComputesWeekday;
}

/** While time goes by, the bytes are shown in the format that status B says, whatever they were written in. */
function convertsFormats(base: Rtc): Rtc {
  @device(rtcAsQemu)
  class RtcThatConverts extends settable(base) {
    override setFormat(value: number, previous: number): void {
      const isRunning = (value & StatusB.Set) === 0 && (this.statusA & StatusA.Divider) <= Divider.LastRunning;
      if (isRunning && (value ^ previous) & Formats) this.convert(previous, value);
      super.setFormat(value, previous);
      this.written = undefined;
    }

    private convert(from: number, to: number): void {
      const { bytes } = this.timeOfDay;
      const seconds = bytes.seconds(from);
      this.written = this.secondsAsQemu(from);
      const weekday = decode(this.ram[Register.DayOfWeek] as number, from);
      for (let register = 0; register < Register.End; register++) {
        if (!isTimeRegister(register)) continue;
        const byte = this.ram[register] as number;
        const isHours = register === Register.Hours;
        this.ram[register] = isHours ? encodeHours(decodeHours(byte, from), to) : encode(decode(byte, from), to);
      }
      // Numbers that are none in the other format.
      if (bytes.seconds(to) !== seconds) bytes.set(seconds, to);
      this.ram[Register.DayOfWeek] = encode(weekday, to);
    }
  }
  return RtcThatConverts;
}

/** What is written while the divider chain is tested is forgotten at the next opportunity. */
function forgetsTests(base: Rtc): Rtc {
  @device(rtcAsQemu)
  class RtcThatForgets extends settable(base) {
    private untested = this.timeOfDay.bytes.seconds(this.statusB);
    private isLeavingTest = false;

    override timeIsSet(how: How): void {
      super.timeIsSet(how);
      if (!this.isLeavingTest) this.untested = this.timeOfDay.bytes.seconds(this.statusB);
    }

    override setRates(value: number, previous: number): void {
      this.isLeavingTest = isTested(previous) && !isTested(value) && (value & Divider.Reset) !== Divider.Reset;
      if (this.isLeavingTest) this.forget();
      super.setRates(value, previous);
      this.isLeavingTest = false;
      if (isTested(value)) this.forget();
    }

    override setFormat(value: number, previous: number): void {
      super.setFormat(value, previous);
      if (isTested(this.statusA)) this.forget();
    }

    override reset(): void {
      super.reset();
      if (isTested(this.statusA)) this.forget();
    }

    protected override writeByte(register: number, value: number, before: number): void {
      super.writeByte(register, value, before);
      if (register < Register.DayOfWeek && !isTimeRegister(register) && isTested(this.statusA)) this.forget();
    }

    protected override startTime(isChainNew: boolean): void {
      if (!this.isLeavingTest) super.startTime(isChainNew);
    }

    private forget(): void {
      if ((this.statusB & StatusB.Set) === 0) this.timeOfDay.bytes.set(this.untested, this.statusB);
    }
  }
  return RtcThatForgets;
}

const isTested = (statusA: number): boolean => {
  const divider = statusA & StatusA.Divider;
  return divider > Divider.LastRunning && (divider & Divider.Reset) !== Divider.Reset;
};

function keepsUpdateInterruptAtReset(base: Rtc): Rtc {
  @device(rtcAsQemu)
  class RtcThatKeepsUpdateInterrupt extends base {
    override reset(): void {
      const kept = this.statusB & Cause.UpdateEnded;
      super.reset();
      this.statusB |= kept;
    }
  }
  return RtcThatKeepsUpdateInterrupt;
}

function disablesUpdateInterruptUnderSet(base: Rtc): Rtc {
  @device(rtcAsQemu)
  class RtcThatDisables extends base {
    override setFormat(value: number, previous: number): void {
      super.setFormat(value & StatusB.Set ? value & ~Cause.UpdateEnded : value, previous);
    }
  }
  return RtcThatDisables;
}

function takesAllBitsOfSeconds(base: Rtc): Rtc {
  @device(rtcAsQemu)
  class RtcThatTakesAllBits extends base {
    override setTime(value: number, before: number, register: number): void {
      this.writeByte(register, value, before);
    }
  }
  return RtcThatTakesAllBits;
}

const write = (register: number, value: number) => [out8(0x70, register), out8(0x71, value)];
const read = (register: number) => [out8(0x70, register), read8(0x71)];

/** 1 January 3200, set as drivers do, then the century and the year. */
const distantYear = [
  ...write(0x0b, 0x86),
  ...[0x00, 0x02, 0x04].flatMap((register) => write(register, 0)),
  ...[0x07, 0x08].flatMap((register) => write(register, 1)),
  ...[...write(0x09, 0), ...write(0x32, 32), ...write(0x0b, 0x06), ...read(0x32), ...read(0x09)],
];

const of = (over: (base: Rtc) => Rtc) => standIn(Mc146818Rtc, over);

/** In the order in which the stand-ins are laid one over the other: the first one sees the bytes first. */
export const rtcDifferences: readonly KnownDifference[] = [
  {
    register: 'CMOS 0x00',
    condition: 'written with the top bit set',
    reason: 'Bit 7 of the seconds is read-only (datasheet, Address Map). QEMU keeps it.',
    there: { operations: [...write(0x0b, 0x82), ...write(0x00, 0xd9), ...read(0x00)], ours: [0x59], qemu: [0xd9] },
    standIn: of(takesAllBitsOfSeconds),
  },
  {
    register: 'CMOS 0x00, 0x02, 0x04, 0x06 to 0x09, 0x32',
    condition: 'the date is before 1970, or past April 2262',
    reason:
      'QEMU counts nanoseconds since 1970 in 64 bits, which wrap, and rounds them towards 1970. The chip holds digits and ' +
      'has no such limits: a guest that sets the year 9999 reads 9999.',
    there: { operations: distantYear, ours: [32, 0], qemu: [20, 30] },
    standIn: of(counts64Bits),
  },
  {
    register: 'CMOS 0x00, 0x02, 0x04, 0x06 to 0x09, 0x32',
    condition:
      'a byte is written, while the clock runs or before it starts, with which the others make no date that there is',
    reason:
      'The bytes of the chip are counters: what is written stays until a carry reaches it. QEMU makes a date of all of them at ' +
      'once, so that 31 January on the way to 15 February is in March. At the carry we count as QEMU does, which is our choice.',
    there: { operations: [...write(0x07, 0x31), ...read(0x07), ...read(0x08)], ours: [0x31, 0x02], qemu: [0x02, 0x03] },
    standIn: of(normalizesAtOnce),
  },
  {
    register: 'CMOS 0x06',
    condition: 'written, or another byte of the date is',
    reason: 'The day of the week is a counter of its own. QEMU works it out from the date.',
    there: { operations: [...write(0x06, 0x02), ...read(0x06)], ours: [0x02], qemu: [0x04] },
    standIn: of(computesWeekday),
  },
  {
    register: 'CMOS 0x00, 0x02, 0x04, 0x06 to 0x09, 0x32',
    condition: 'DM or 24/12 in status B change while the clock runs, or as it starts',
    reason:
      '"The data mode cannot be changed without reinitializing the 10 data bytes" (datasheet, Time, Calendar, and Alarm ' +
      'Locations): the bits say how bytes count. QEMU converts them.',
    there: {
      operations: [...write(0x0b, 0x06), ...read(0x04), ...read(0x02), ...write(0x0b, 0x00), ...read(0x04)],
      ours: [0x21, 0x43, 0x21],
      qemu: [0x15, 0x2b, 0x89],
    },
    standIn: of(convertsFormats),
  },
  {
    register: 'CMOS 0x00, 0x02, 0x04, 0x06 to 0x09, 0x32',
    condition: 'written while the divider chain is set to 3, 4 or 5',
    reason: 'The chip keeps what is written. QEMU forgets it when one of some other registers is written.',
    there: {
      operations: [...write(0x0a, 0x36), ...write(0x02, 0x10), ...write(0x0a, 0x26), ...read(0x02)],
      ours: [0x10],
      qemu: [0x43],
    },
    standIn: of(forgetsTests),
  },
  {
    register: 'CMOS 0x0b, bit 4',
    condition: 'a reset',
    reason:
      '"The RESET pin going low or the SET bit going high clears the UIE bit" (datasheet, Register B). QEMU keeps it at a reset.',
    there: { operations: [...write(0x0b, 0x12), { kind: 'reset' }, ...read(0x0b)], ours: [0x02], qemu: [0x12] },
    standIn: of(keepsUpdateInterruptAtReset),
  },
  {
    register: 'CMOS 0x0b, bit 4',
    condition: 'written while SET is set already',
    reason: 'SET going high clears UIE (datasheet, Register B). In QEMU SET does for as long as it is set.',
    there: { operations: [...write(0x0b, 0x82), ...write(0x0b, 0x92), ...read(0x0b)], ours: [0x92], qemu: [0x82] },
    standIn: of(disablesUpdateInterruptUnderSet),
  },
];
