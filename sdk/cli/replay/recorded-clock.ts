import { OperationKind } from '../../accelerator/guest/operation.ts';
import type { RecordedTrace } from '../../accelerator/index.ts';
import { MILLISECOND, SECOND } from '../../clock/time.ts';

const Port = { Index: 0x70, Data: 0x71 } as const;
const Register = { Seconds: 0, Minutes: 2, Hours: 4, Day: 7, Month: 8, Year: 9, StatusB: 0x0b, Century: 0x32 } as const;
const StatusB = { Binary: 0x04, TwentyFourHours: 0x02 } as const;
const AfterNoon = 0x80;
const timeOfDay = [Register.Seconds, Register.Minutes, Register.Hours] as const;
const calendar = [Register.Day, Register.Month, Register.Year] as const;
/** Registers that a guest writes to set the clock: the weekday, 6, is one. */
const settings: readonly number[] = [...timeOfDay, 6, ...calendar];
/** Defaults for parts of the date that the guest never read. */
const SomeDay = { day: 1, month: 1, year: 26, century: 20 } as const;

/** The real-time clock of the recorded machine, found from the recording. */
export interface RecordedClock {
  /** The date at the start of the recording, to the millisecond. */
  readonly date: Date;
  /** The uncertainty: half of the interval that the readings allow. */
  readonly uncertainty: number;
  /** Number of readings of the seconds that agree with it. */
  readonly readings: number;
}

interface Reading {
  readonly at: number;
  readonly register: number;
  readonly value: number;
}

/**
 * Finds the date at the start of a recording. The guest read the whole date, or at least the time, once: that gives the
 * second. Each later reading of the seconds narrows the phase within the second.
 */
export function recordedClock(trace: RecordedTrace): RecordedClock | undefined {
  const readings = clockReadings(trace);
  const whole = firstDate(readings, [...timeOfDay, ...calendar]) ?? firstDate(readings, timeOfDay);
  if (whole === undefined) return undefined;
  // Nanoseconds from the second that was read to the first access of the recording: small enough to be exact.
  let earliest = -whole.at;
  let latest = earliest + SECOND;
  let agreeing = 0;
  for (const { at, value } of readings.filter(({ register }) => register === Register.Seconds)) {
    const shown = whole.decode(value) - whole.milliseconds / 1000;
    const second = nearestSecond((earliest + latest) / 2 + at, shown);
    const from = Math.max(earliest, second * SECOND - at);
    const to = Math.min(latest, (second + 1) * SECOND - at);
    if (from >= to) continue;
    [earliest, latest] = [from, to];
    agreeing++;
  }
  const date = new Date(whole.milliseconds + (earliest + latest) / 2 / MILLISECOND);
  return { date, uncertainty: (latest - earliest) / 2, readings: agreeing };
}

/** Readings of the chosen register up to the first time that the guest sets the clock. */
function clockReadings({ length, kind, address, size, value, at }: RecordedTrace): Reading[] {
  const readings: Reading[] = [];
  let register = -1;
  for (let index = 0; index < length; index++) {
    if (address[index] === Port.Index && kind[index] === OperationKind.Out) register = (value[index] ?? 0) & 0x7f;
    if (address[index] !== Port.Data) continue;
    if (size[index] !== 1) continue;
    if (kind[index] === OperationKind.In) readings.push({ at: at[index] ?? 0, register, value: value[index] ?? 0 });
    else if (settings.includes(register)) break;
  }
  return readings;
}

/** The first complete reading of these registers within one second, and the number format of the clock. */
function firstDate(readings: readonly Reading[], wanted: readonly number[]) {
  const seen = new Map<number, Reading>();
  for (const reading of readings) {
    seen.set(reading.register, reading);
    const oldest = Math.min(...wanted.map((register) => seen.get(register)?.at ?? Number.NEGATIVE_INFINITY));
    if (reading.at - oldest > SECOND / 2) continue;
    const of = (register: number, otherwise = 0) => seen.get(register)?.value ?? otherwise;
    const status = of(Register.StatusB, StatusB.TwentyFourHours);
    const decode = (value: number) => ((status & StatusB.Binary) !== 0 ? value : (value >> 4) * 10 + (value & 15));
    const dated = (register: number, otherwise: number) => {
      const reading = seen.get(register) ?? readings.find((other) => other.register === register);
      return reading === undefined ? otherwise : decode(reading.value);
    };
    const year = dated(Register.Century, SomeDay.century) * 100 + dated(Register.Year, SomeDay.year);
    const [month, day] = [dated(Register.Month, SomeDay.month) - 1, dated(Register.Day, SomeDay.day)];
    const hours = hoursOf(of(Register.Hours), status, decode);
    const time = Date.UTC(year, month, day, hours, decode(of(Register.Minutes)), decode(of(Register.Seconds)));
    // An impossible date: the machine starts at its default.
    if (Number.isNaN(time) || year > 9999) return undefined;
    return { at: seen.get(Register.Seconds)?.at ?? 0, milliseconds: time, decode };
  }
  return undefined;
}

function hoursOf(value: number, status: number, decode: (value: number) => number): number {
  if ((status & StatusB.TwentyFourHours) !== 0) return decode(value);
  return (decode(value & ~AfterNoon) % 12) + ((value & AfterNoon) !== 0 ? 12 : 0);
}

/** The second nearest to a time that equals `shown` modulo one minute. */
function nearestSecond(time: number, shown: number): number {
  const second = Math.floor(time / SECOND);
  const ahead = (shown - second) % 60;
  return second + (ahead > 30 ? ahead - 60 : ahead < -30 ? ahead + 60 : ahead);
}
