import { bit, bits, indexedRegisters, portRegion, reserved } from '../../sdk/index.ts';

export const Port = { Index: 0, Data: 1 } as const;

/**
 * The region decodes one address line: an access past the second port wraps to the first.
 *
 * @see QEMU 7.2, hw/rtc/mc146818rtc.c, cmos_ioport_write: `(addr & 1) == 0` is the index
 */
export const ports = portRegion({ name: 'rtc', base: 0x70, size: 2, implements: { max: 1 }, mirrored: true });

/**
 * Selects the register at the data port. It cannot be read back: the port reads as all ones. Firmware of a PC reads it all the same,
 * which is no guest error.
 *
 * @see QEMU 7.2, hw/rtc/mc146818rtc.c, cmos_ioport_read: the index port returns 0xff
 * @see SeaBIOS, src/stacks.c, call32_prep: it saves the NMI mask of this port, and takes 1 as masked
 */
export const index = ports.register(Port.Index, {
  width: 8,
  atReset: 'kept',
  fields: {
    register: bits(0, 6, 'write-only'),
    maskNmi: bit(7, 'write-only', { description: 'NMI mask of a PC, which is not in this chip' }),
  },
});

const chosen = indexedRegisters({ index, field: 'register', data: Port.Data });

/**
 * Register numbers. Numbers without a name here are battery-backed RAM.
 *
 * @see Motorola MC146818A datasheet, "Address Map"
 */
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
  /** The reason of a reset, kept for the firmware of a PC. @see SeaBIOS, src/hw/rtc.h, CMOS_RESET_CODE */
  ShutdownStatus: 0x0f,
  Century: 0x32,
  /**
   * Century of the PS/2; on a PC it selects `Century`.
   *
   * @see QEMU 7.2, hw/rtc/mc146818rtc.c, RTC_IBM_PS2_CENTURY_BYTE
   */
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

/** @see Motorola MC146818A datasheet, "Register A ($0A)" */
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
      description: 'crystal that is divided down to seconds; in reset the time stops',
    }),
    updateInProgress: bit(7, 'read-only', { description: 'an update is under way, or begins within 244 us' }),
  },
});

/** @see Motorola MC146818A datasheet, "Register B ($0B)" */
export const statusB = chosen.register(Register.StatusB, {
  width: 8,
  reset: 0x02,
  atReset: 'kept',
  fields: {
    daylightSaving: bit(0, 'read-write', {
      description: 'daylight saving: the hour changes on the last Sundays of April and October',
    }),
    twentyFourHours: bit(1, 'read-write', {
      description: 'hours count from 0 to 23, not from 1 to 12 with PM on bit 7',
    }),
    binary: bit(2, 'read-write', { description: 'time and alarm are binary, not decimal digits' }),
    squareWave: bit(3, 'unimplemented', { description: 'square wave at the periodic rate on the SQW pin' }),
    updateEnded: bit(4, 'read-write', { description: 'UIE: interrupt after each update' }),
    alarm: bit(5, 'read-write', { description: 'AIE: interrupt at the alarm' }),
    periodic: bit(6, 'read-write', { description: 'PIE: periodic interrupt' }),
    set: bit(7, 'read-write', { description: 'updates stop while the guest sets the time' }),
  },
});

/**
 * Interrupt flags are at the same bits as their enables in status B.
 *
 * @see Motorola MC146818A datasheet, "Register C ($0C)"
 */
export const statusC = chosen.register(Register.StatusC, {
  width: 8,
  fields: {
    unused: reserved([0, 3]),
    updateEnded: bit(4, 'read-to-clear'),
    alarm: bit(5, 'read-to-clear'),
    periodic: bit(6, 'read-to-clear'),
    interruptRequest: bit(7, 'read-to-clear', { description: 'IRQF: the interrupt pin is active' }),
  },
});

/** @see Motorola MC146818A datasheet, "Register D ($0D)" */
export const statusD = chosen.register(Register.StatusD, {
  width: 8,
  reset: 0x80,
  fields: {
    unused: reserved([0, 6]),
    validRamAndTime: bit(7, 'constant', { description: 'VRT: the battery is good' }),
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

/**
 * Values of the divider at its place in status A: 0 to 2 select the crystals, 6 and 7 hold the chain in reset.
 *
 * @see Motorola MC146818A datasheet, "DV2, DV1, DV0" of Register A
 */
export const Divider = { LastRunning: 0x20, Reset: 0x60 } as const;

/** @see QEMU 7.2, hw/rtc/mc146818rtc.c, rtc_notify_suspend: 0xfe in the shutdown byte says that the guest resumes */
export const ShutdownStatus = { ResumeFromSleep: 0xfe } as const;

/** Bit 7 of the seconds is read-only. @see Motorola MC146818A datasheet, "Address Map" */
export const SecondsWritable = 0x7f;

/** A time or alarm byte with both top bits set is no number. An alarm byte like that matches any value. */
export const DontCare = 0xc0;
export const Pm = 0x80;

/** Whether the register is counted by updates. The three alarm bytes are not. */
export function isTimeRegister(register: number): boolean {
  if (register === Register.Century) return true;
  if (register > Register.Year) return false;
  return register >= Register.DayOfWeek || (register & 1) === 0;
}
