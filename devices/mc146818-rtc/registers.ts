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
  /** A PC's firmware leaves here why the machine was reset. */
  ShutdownStatus: 0x0f,
  Century: 0x32,
  /** Where the PS/2 kept its century; on a PC this selects `Century`. */
  CenturyAlias: 0x37,
} as const;

/** Causes of an interrupt sit on the same bits of status B (enabled) and status C (happened). */
export const Cause = { Periodic: 0x40, Alarm: 0x20, UpdateEnded: 0x10, Any: 0x70 } as const;

export const StatusA = { UpdateInProgress: 0x80, Divider: 0x70, RateSelect: 0x0f, PowerOn: 0x26 } as const;
export const StatusB = { Set: 0x80, SquareWave: 0x08, Binary: 0x04, TwentyFourHours: 0x02 } as const;
export const StatusC = { InterruptRequest: 0x80 } as const;
export const StatusD = { ValidRamAndTime: 0x80 } as const;

/** The divider (status A bits 6-4): 0 to 2 divide the three crystals, 6 and 7 hold the chain in reset. */
export const Divider = { LastRunning: 0x20, Reset: 0x60 } as const;

export const ShutdownStatus = { ResumeFromSleep: 0xfe } as const;

/** A byte of the time or of the alarm with both top bits set stands for no number; in the alarm it matches any. */
export const DontCare = 0xc0;
export const Pm = 0x80;
