export { type CalendarDate, type CalendarTime, calendar } from './calendar.ts';
export { afterHostTime, HostPacedClock, hostNanoseconds } from './host-time.ts';
export { ManualClock } from './manual-clock.ts';
export { MICROSECOND, MILLISECOND, NANOSECOND, SECOND } from './time.ts';
export { collectTimers, isMadeLate, runDevice, Timer } from './timer.ts';
export { VirtualClock } from './virtual-clock.ts';
