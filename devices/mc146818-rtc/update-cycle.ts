import type { Timer, VirtualClock } from '../../sdk/index.ts';
import { alarmMatches } from './alarm.ts';
import type { InterruptFlags } from './interrupt-flags.ts';
import { Cause } from './registers.ts';
import type { TimeOfDay } from './time-of-day.ts';

/**
 * What an update does besides counting: the update flag, and the alarm. The timer is armed only while that would change
 * something, so that a guest which ignores the update flag costs nothing.
 */
export class UpdateCycle {
  private readonly timer: Timer;

  constructor(
    clock: VirtualClock,
    private readonly time: TimeOfDay,
    private readonly flags: InterruptFlags,
    private readonly chip: { readonly statusC: number },
  ) {
    this.timer = clock.timer('rtc-update', () => this.end());
  }

  /** To be called when anything changed on which the next event depends. */
  schedule(): void {
    const { statusC } = this.chip;
    const isDone = (statusC & Cause.UpdateEnded) !== 0 && (statusC & Cause.Alarm) !== 0;
    this.time.catchUp();
    const next = isDone || !this.time.running ? Number.POSITIVE_INFINITY : this.nextEvent(statusC);
    if (next === Number.POSITIVE_INFINITY) this.timer.cancel();
    else this.timer.arm(next);
  }

  cancel(): void {
    this.timer.cancel();
  }

  private nextEvent(statusC: number): number {
    return statusC & Cause.UpdateEnded ? this.time.nextAlarm() : this.time.nextUpdate();
  }

  private end(): void {
    this.time.catchUp();
    this.flags.happen(Cause.UpdateEnded | (alarmMatches(this.time.bytes.ram) ? Cause.Alarm : 0));
    this.schedule();
  }
}
