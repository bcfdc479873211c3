import { SECOND, shape, state, type VirtualClock } from '../../sdk/index.ts';
import { updatesUntilAlarm } from './alarm.ts';
import { Divider, StatusA, StatusB } from './registers.ts';
import type { TimeBytes } from './time-bytes.ts';

const MostSeconds = Number.MAX_SAFE_INTEGER;
/**
 * In nanoseconds: from UIP to the update (t_BUC), and the update itself at the crystals of 1 and 4 MHz, and of 32 kHz.
 *
 * @see Motorola MC146818A datasheet, Table 6
 */
const Announcement = 244_000;
const FastUpdate = 248_000;
const SlowUpdate = 1_984_000;

/**
 * The last epoch and its conversion to a number. The conversion is half the cost of a read, and the epoch hardly
 * changes.
 */
const lastEpoch = { exact: 0n, seconds: 0 };

function secondsOf(epoch: bigint): number {
  if (epoch !== lastEpoch.exact) {
    lastEpoch.exact = epoch;
    lastEpoch.seconds = Number(epoch);
  }
  return lastEpoch.seconds;
}

/** The registers of the chip that the time depends on. */
export interface TimeSource {
  readonly statusA: number;
  readonly statusB: number;
}

/** The length of an update, in nanoseconds. The crystal that status A selects decides it. */
export function updateTime(statusA: number): number {
  return (statusA & StatusA.Divider) === Divider.LastRunning ? SlowUpdate : FastUpdate;
}

/**
 * The update cycle: once a second the time advances by one second. No timer runs for it: the bytes are updated when
 * they are read. Each update has the number of the second of guest time in which it ends, and ends at a fixed phase of
 * it. So the result depends neither on the time of the last read nor on the epoch of guest time.
 *
 * @see Motorola MC146818A datasheet, "Update Cycle", Figure 15 and Table 6
 */
export class TimeOfDay {
  /** The number of the last update that the bytes include. */
  @state({ as: shape.integer(-MostSeconds, MostSeconds) }) private shown: number;
  /** Nanoseconds of each second of guest time after which an update ends. */
  @state({ as: shape.integer(0, SECOND - 1) }) private phase: number;
  /** Daylight saving: the hour from 1 AM to 2 AM has been repeated. */
  @state private hourRepeated = false;

  constructor(
    readonly bytes: TimeBytes,
    date: Date,
    private readonly clock: VirtualClock,
    private readonly chip: TimeSource,
  ) {
    const seconds = Math.floor(date.getTime() / 1000);
    this.phase = this.partOf(clock.now - (date.getTime() - seconds * 1000) * 1_000_000);
    this.shown = this.ended();
    bytes.set(seconds, chip.statusB);
  }

  /**
   * Whether updates happen: not while SET is on, and not while the divider chain is in reset or under test.
   *
   * @see Motorola MC146818A datasheet, "Divider Control", and "SET" of Register B
   */
  get running(): boolean {
    return (this.chip.statusB & StatusB.Set) === 0 && (this.chip.statusA & StatusA.Divider) <= Divider.LastRunning;
  }

  /** Performs the updates that are due. Call it before a change of what updates depend on. */
  catchUp(): void {
    if (!this.running) return;
    const ended = this.ended();
    if (ended <= this.shown) return;
    this.hourRepeated = this.bytes.count(ended - this.shown, this.chip.statusB, this.hourRepeated);
    this.shown = ended;
  }

  /** The guest writes an hour or a date. The new time has no repeated hour yet. */
  clearRepeatedHour(): void {
    this.hourRepeated = false;
  }

  /** Updates continue. An update that would be under way is skipped. */
  start(): void {
    this.shown = this.ended();
    if (this.nextUpdate() - this.clock.now < updateTime(this.chip.statusA)) this.shown++;
  }

  /**
   * The divider chain leaves reset. The first update begins half a second later.
   *
   * @see Motorola MC146818A datasheet, "Divider Control"
   */
  releaseDividers(): void {
    this.phase = this.partOf(this.clock.now + SECOND / 2 + updateTime(this.chip.statusA));
    this.shown = this.ended();
  }

  /** Guest time at which the next update ends. */
  nextUpdate(): number {
    return (Math.max(this.shown, this.ended()) + 1 - secondsOf(this.clock.epoch)) * SECOND + this.phase;
  }

  /** Whether an update is under way or announced. */
  get inProgress(): boolean {
    return this.running && this.clock.now >= this.nextUpdate() - updateTime(this.chip.statusA) - Announcement;
  }

  /** Guest time of the next update that may set the alarm flag; Infinity if none does. Call `catchUp` first. */
  nextAlarm(): number {
    const { statusB } = this.chip;
    const updates = updatesUntilAlarm(this.bytes.ram, statusB);
    if (updates === Number.POSITIVE_INFINITY) return updates;
    const special =
      statusB & StatusB.DaylightSaving ? this.bytes.untilSpecial(updates, statusB, this.hourRepeated) : updates;
    return this.nextUpdate() + (Math.min(updates, special) - 1) * SECOND;
  }

  /** Nanoseconds since the last update. */
  sinceUpdate(): number {
    return this.partOf(this.clock.now - this.phase);
  }

  /** The number of the last update that has ended, or would have ended. */
  private ended(): number {
    return secondsOf(this.clock.epoch) + Math.floor((this.clock.now - this.phase) / SECOND);
  }

  private partOf(time: number): number {
    return time - Math.floor(time / SECOND) * SECOND;
  }
}
