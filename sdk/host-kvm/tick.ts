import { MILLISECOND, SECOND } from '../clock/index.ts';
import type { Libc } from './libc.ts';

/** How often a signal interrupts KVM_RUN: half of what a queued write may wait at most. */
export const TickInterval = 5 * MILLISECOND;

/** @see sys/time.h, signal.h (x86-64) */
const RealTimer = 0;
const AlarmSignal = 14;
const Microsecond = 1000;
/** struct itimerval: the interval and the time until the first, each in seconds and microseconds of 8 bytes. */
const TimerFields = { intervalSeconds: 0, intervalMicroseconds: 1, firstSeconds: 2, firstMicroseconds: 3, count: 4 };

/**
 * A signal that comes again and again while a guest runs. Its handler does nothing: a signal from outside is enough to bring KVM_RUN
 * back. It repeats by itself, so that an entry costs no call for it, and one that comes just before an entry is not the last.
 */
export class Tick {
  private readonly timer = new BigInt64Array(TimerFields.count);
  private before: bigint | undefined;

  constructor(private readonly libc: Libc) {}

  start(): void {
    if (this.before !== undefined) return;
    this.before = this.libc.signal(AlarmSignal, this.libc.doesNothing);
    this.set(TickInterval);
  }

  /** The process has the handler of before again, and no timer. */
  stop(): void {
    if (this.before === undefined) return;
    this.set(0);
    this.libc.signal(AlarmSignal, this.before);
    this.before = undefined;
  }

  private set(nanoseconds: number): void {
    const seconds = BigInt(Math.floor(nanoseconds / SECOND));
    const microseconds = BigInt(Math.round((nanoseconds % SECOND) / Microsecond));
    this.timer[TimerFields.intervalSeconds] = this.timer[TimerFields.firstSeconds] = seconds;
    this.timer[TimerFields.intervalMicroseconds] = this.timer[TimerFields.firstMicroseconds] = microseconds;
    this.libc.setitimer(RealTimer, this.timer);
  }
}
