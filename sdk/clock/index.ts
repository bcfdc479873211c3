export { type CalendarDate, type CalendarTime, calendar } from './calendar.ts';
export { Countdown, type CountdownMode, type CountdownOptions, type Reloading } from './countdown.ts';
export { Counter, type CounterOptions } from './counter.ts';
export { Counting, type CountingOptions, type Expiry } from './counting.ts';
export { afterHostTime, HostPacedClock, hostNanoseconds } from './host-time.ts';
export { ManualClock } from './manual-clock.ts';
export { MICROSECOND, MILLISECOND, NANOSECOND, SECOND } from './time.ts';
export { collectTimers, isMadeLate, runDevice, Timer, type TimerState } from './timer.ts';
export { VirtualClock } from './virtual-clock.ts';
