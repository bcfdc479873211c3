import type { Timer, VirtualClock } from '../../sdk/index.ts';
import { alarmMatches } from './alarm.ts';
import type { InterruptFlags } from './interrupt-flags.ts';
import { Cause } from './registers.ts';
import type { TimeOfDay } from './time-of-day.ts';

/**
 * The update-ended flag (UF) and the alarm flag (AF). The timer is armed only while an update would set one of them. A
 * guest that ignores UF costs nothing.
 *
 * @see Motorola MC146818A datasheet, "UF" and "AF" of Register C
 */
export class UpdateCycle {
  private readonly timer: Timer;

  constructor(
    clock: VirtualClock,
    private readonly time: TimeOfDay,
    private readonly flags: InterruptFlags,
    private readonly chip: { readonly statusC: number },
  ) {
    this.timer = clock.timer('rtc-update', () => this.endUpdate());
  }

  /** Call it after a change of what the next event depends on. */
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

  private endUpdate(): void {
    this.time.catchUp();
    this.flags.raise(Cause.UpdateEnded | (alarmMatches(this.time.bytes.ram) ? Cause.Alarm : 0));
    this.schedule();
  }
}
