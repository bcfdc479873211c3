import { guestTimeOrNever, SECOND, state, type Timer, type VirtualClock } from '../../sdk/index.ts';
import type { InterruptFlags } from './interrupt-flags.ts';
import { Cause, Divider, StatusA, StatusB } from './registers.ts';
import type { TimeOfDay } from './time-of-day.ts';

/** Nanoseconds: status A announces an update eight ticks of the crystal before it. */
const Warning = 244_140;

/** What the update cycle needs of its chip. */
export interface UpdateSource {
  statusA: number;
  readonly statusB: number;
  readonly statusC: number;
  readonly running: boolean;
}

/**
 * The chip's once-a-second event: the update flag, the alarm, and the warning that comes before. The timer is armed only
 * while the event would change something, so that a guest which ignores the update flag costs nothing.
 */
export class UpdateCycle {
  private readonly timer: Timer;
  @state({ as: guestTimeOrNever }) private alarmAt = Number.POSITIVE_INFINITY;

  constructor(
    private readonly clock: VirtualClock,
    private readonly time: TimeOfDay,
    private readonly flags: InterruptFlags,
    private readonly chip: UpdateSource,
  ) {
    this.timer = clock.timer('rtc-update', () => this.end());
  }

  /** To be called when anything changed on which the next event depends. */
  schedule(): void {
    const { statusA, statusB, statusC } = this.chip;
    const { now } = this.clock;
    const isSet = (statusB & StatusB.Set) !== 0;
    const inReset = (statusA & Divider.Reset) === Divider.Reset;
    const stands = (statusA & StatusA.Divider) > Divider.LastRunning;
    // At the settings that are for no crystal the bytes show the time, standing, whenever something here changes.
    if (!isSet && !inReset) this.time.store(now, statusB);
    this.alarmAt = isSet || stands ? Number.POSITIVE_INFINITY : this.time.nextAlarm(now, statusB);
    const nextSecond = now + SECOND - this.time.subsecond(now);
    const flagIsUp = (statusC & Cause.UpdateEnded) !== 0 && (statusA & StatusA.UpdateInProgress) === 0;
    const alarmIsUp = (statusC & Cause.Alarm) !== 0;
    if (stands || (flagIsUp && alarmIsUp)) this.timer.cancel();
    else this.timer.arm(flagIsUp ? this.alarmAt : nextSecond);
  }

  /** Whether the time is about to change. Once a guest has been told so, it stays told until the update. */
  announce(): boolean {
    if (!this.chip.running) return false;
    const { now } = this.clock;
    if (now >= this.timer.deadline - Warning) this.chip.statusA |= StatusA.UpdateInProgress;
    const told = (this.chip.statusA & StatusA.UpdateInProgress) !== 0;
    return told || this.time.subsecond(now) >= SECOND - Warning;
  }

  cancel(): void {
    this.timer.cancel();
  }

  private end(): void {
    this.chip.statusA &= ~StatusA.UpdateInProgress;
    this.flags.happen(Cause.UpdateEnded | (this.clock.now >= this.alarmAt ? Cause.Alarm : 0));
    this.schedule();
  }
}
