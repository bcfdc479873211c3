export { MICROSECOND, MILLISECOND, NANOSECOND, SECOND } from './duration.ts';
export { HostPacedClock } from './host-paced-clock.ts';
export { afterHostTime, hostDate, hostNanoseconds } from './host-time.ts';
export { ManualClock } from './manual-clock.ts';
export { collectTimers, isMadeLate, LateTimer, runDevice, Timer } from './timer.ts';
export { VirtualClock } from './virtual-clock.ts';
