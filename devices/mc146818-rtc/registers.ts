import { bit, bits, indexedRegisters, portRegion, reserved } from '../../sdk/index.ts';

export const Port = { Index: 0, Data: 1 } as const;

/** The chip decodes one address line: what runs over its two ports comes back to them. */
export const ports = portRegion({ name: 'rtc', base: 0x70, size: 2, implements: { max: 1 }, mirrored: true });

/** Which register the data port shows. It cannot be read back: nothing drives the bus. */
export const index = ports.register(Port.Index, {
  width: 8,
  atReset: 'kept',
  fields: {
    register: bits(0, 6, 'write-only'),
    maskNmi: bit(7, 'write-only', { description: "a PC's mask of the NMI, which is not in this chip" }),
  },
});

const chosen = indexedRegisters({ index, field: 'register', data: Port.Data });

/** Numbers by which the guest selects a byte of the chip. What is not named here is battery-backed RAM. */
export const Register = {
  Seconds: 0x00,
  SecondsAlarm: 0x01,
  Minutes: 0x02,
  MinutesAlarm: 0x03,
  Hours: 0x04,
  HoursAlarm: 0x05,
  DayOfWeek: 0x06,
  DayOfMonth: 0x07,
  Month: 0x08,
  Year: 0x09,
  StatusA: 0x0a,
  StatusB: 0x0b,
  StatusC: 0x0c,
  StatusD: 0x0d,
  Cmos: 0x0e,
  /** A PC's firmware leaves here why the machine was reset. */
  ShutdownStatus: 0x0f,
  Century: 0x32,
  /** Where the PS/2 kept its century; on a PC this selects `Century`. */
  CenturyAlias: 0x37,
  End: 0x80,
} as const;

export const time = chosen.register(Register.Seconds, {
  width: 8,
  count: Register.StatusA - Register.Seconds,
  atReset: 'kept',
  description:
    'seconds, their alarm, minutes, their alarm, hours, their alarm, day of the week, day of the month, month, year of the century',
});

export const statusA = chosen.register(Register.StatusA, {
  width: 8,
  reset: 0x26,
  atReset: 'kept',
  fields: {
    rateSelect: bits(0, 3, 'read-write', {
      description: 'period of the periodic interrupt: 0 is off, 6 is 1024 a second',
    }),
    divider: bits(4, 6, 'read-write', {
      values: { Crystal4MHz: 0, Crystal1MHz: 1, Crystal32kHz: 2, Reset6: 6, Reset7: 7 },
      description: 'which crystal is divided down to seconds; in reset the time stands',
    }),
    updateInProgress: bit(7, 'read-only', { description: 'the time is changing, or will within 244 us' }),
  },
});

export const statusB = chosen.register(Register.StatusB, {
  width: 8,
  reset: 0x02,
  atReset: 'kept',
  fields: {
    daylightSaving: bit(0, 'read-write', {
      description: 'the hour changes by itself on the last Sundays of April and October',
    }),
    twentyFourHours: bit(1, 'read-write', {
      description: 'hours count from 0 to 23, not from 1 to 12 with PM on bit 7',
    }),
    binary: bit(2, 'read-write', { description: 'time and alarm are binary, not decimal digits' }),
    squareWave: bit(3, 'unimplemented', { description: 'the SQW pin swings at the periodic rate' }),
    updateEnded: bit(4, 'read-write', { description: 'an update of the time interrupts' }),
    alarm: bit(5, 'read-write', { description: 'the alarm interrupts' }),
    periodic: bit(6, 'read-write', { description: 'the periodic interrupt is on' }),
    set: bit(7, 'read-write', { description: 'the time stands while the guest sets it' }),
  },
});

/** Causes of an interrupt sit on the same bits as in status B, where they are enabled. */
export const statusC = chosen.register(Register.StatusC, {
  width: 8,
  fields: {
    unused: reserved([0, 3]),
    updateEnded: bit(4, 'read-to-clear'),
    alarm: bit(5, 'read-to-clear'),
    periodic: bit(6, 'read-to-clear'),
    interruptRequest: bit(7, 'read-to-clear', { description: 'the interrupt pin is up' }),
  },
});

export const statusD = chosen.register(Register.StatusD, {
  width: 8,
  reset: 0x80,
  fields: {
    unused: reserved([0, 6]),
    validRamAndTime: bit(7, 'constant', { description: 'the battery is good' }),
  },
});

export const cmos = chosen.register(Register.Cmos, {
  width: 8,
  count: Register.End - Register.Cmos,
  atReset: 'kept',
  description: 'battery-backed RAM; 0x0f is the shutdown status, 0x32 the century of the time',
});

const [a, b, c] = [statusA.fields, statusB.fields, statusC.fields];

export const Cause = {
  Periodic: c.periodic.mask,
  Alarm: c.alarm.mask,
  UpdateEnded: c.updateEnded.mask,
  Any: c.periodic.mask | c.alarm.mask | c.updateEnded.mask,
} as const;

export const StatusA = {
  Divider: a.divider.mask,
  RateSelect: a.rateSelect.mask,
} as const;
export const StatusB = {
  Set: b.set.mask,
  SquareWave: b.squareWave.mask,
  DaylightSaving: b.daylightSaving.mask,
  Binary: b.binary.mask,
  TwentyFourHours: b.twentyFourHours.mask,
} as const;
export const StatusC = { InterruptRequest: c.interruptRequest.mask } as const;

/** The divider in place: 0 to 2 divide the three crystals, 6 and 7 hold the chain in reset. */
export const Divider = { LastRunning: 0x20, Reset: 0x60 } as const;

export const ShutdownStatus = { ResumeFromSleep: 0xfe } as const;

/** Bit 7 of the seconds is read-only. */
export const SecondsWritable = 0x7f;

/** A byte of the time or of the alarm with both top bits set stands for no number; in the alarm it matches any. */
export const DontCare = 0xc0;
export const Pm = 0x80;

/** True for the bytes that the clock itself keeps, the alarm's three not among them. */
export function isTimeRegister(register: number): boolean {
  if (register === Register.Century) return true;
  if (register > Register.Year) return false;
  return register >= Register.DayOfWeek || (register & 1) === 0;
}
