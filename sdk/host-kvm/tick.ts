import { MILLISECOND, SECOND } from '../clock/index.ts';
import type { Libc } from './libc.ts';

/** How often a signal interrupts KVM_RUN: half of what a queued write may wait at most. */
export const TickInterval = 5 * MILLISECOND;

/** @see sys/time.h, signal.h (x86-64) */
const RealTimer = 0;
const AlarmSignal = 14;
const RestartCalls = 0x1000_0000;
const Microsecond = 1000;
/** struct itimerval: the interval and the time until the first, each in seconds and microseconds of 8 bytes. */
const TimerFields = { intervalSeconds: 0, intervalMicroseconds: 1, firstSeconds: 2, firstMicroseconds: 3, count: 4 };
/** struct sigaction: the handler's address, 128 bytes of a mask, flags, and what libc returns by. */
const SignalAction = { size: 152, handler: 0, flags: 136 };

/**
 * A signal that comes again and again while a guest runs. Its handler does nothing: a signal from outside is enough to bring KVM_RUN
 * back. It repeats by itself, so that an entry costs no call for it, and one that comes just before an entry is not the last. A process
 * has one such timer: a run inside a handler of another machine gives that one its tick back.
 */
export class Tick {
  private readonly timer = new BigInt64Array(TimerFields.count);
  private readonly timerBefore = new BigInt64Array(TimerFields.count);
  private readonly action = new DataView(new ArrayBuffer(SignalAction.size));
  private readonly actionBefore = new DataView(new ArrayBuffer(SignalAction.size));
  private isOn = false;

  constructor(private readonly libc: Libc) {
    const { timer, action } = this;
    timer[TimerFields.intervalSeconds] = timer[TimerFields.firstSeconds] = BigInt(Math.floor(TickInterval / SECOND));
    const microseconds = BigInt(Math.round((TickInterval % SECOND) / Microsecond));
    timer[TimerFields.intervalMicroseconds] = timer[TimerFields.firstMicroseconds] = microseconds;
    action.setBigUint64(SignalAction.handler, libc.doesNothing, true);
    action.setUint32(SignalAction.flags, RestartCalls, true);
  }

  start(): void {
    if (this.isOn) return;
    this.isOn = true;
    this.libc.sigaction(AlarmSignal, this.action, this.actionBefore);
    this.libc.setitimer(RealTimer, this.timer, this.timerBefore);
  }

  /** The process has the timer and the handler of before again, if it had any. */
  stop(): void {
    if (!this.isOn) return;
    this.isOn = false;
    this.libc.setitimer(RealTimer, this.timerBefore, null);
    this.libc.sigaction(AlarmSignal, this.actionBefore, null);
  }
}
