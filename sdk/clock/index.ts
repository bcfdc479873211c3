export { type CalendarTime, calendar } from './calendar.ts';
export { Countdown, type CountdownOptions } from './countdown.ts';
export { Counter, type CounterOptions } from './counter.ts';
export { Counting, type CountingOptions } from './counting.ts';
export { afterHostTime, HostPacedClock, hostNanoseconds, hostTurn } from './host-time.ts';
export { ManualClock } from './manual-clock.ts';
export { MICROSECOND, MILLISECOND, NANOSECOND, SECOND } from './time.ts';
export { collectTimers, isMadeLate, runDevice, Timer, type TimerState } from './timer.ts';
export { VirtualClock } from './virtual-clock.ts';
