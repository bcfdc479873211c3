import { SECOND, shape, state, type VirtualClock } from '../../sdk/index.ts';
import { updatesUntilAlarm } from './alarm.ts';
import { Divider, StatusA, StatusB } from './registers.ts';
import type { TimeBytes } from './time-bytes.ts';

const MostSeconds = Number.MAX_SAFE_INTEGER;
/** Nanoseconds for which an update is announced, and which it takes at the crystals of 1 and 4 MHz, and of 32 kHz. */
const Announcement = 244_000;
const FastUpdate = 248_000;
const SlowUpdate = 1_984_000;

/** The epoch of the last call, which hardly ever changes, as a number: a conversion costs as much as all the rest of a read. */
const lastEpoch = { exact: 0n, seconds: 0 };

function secondsOf(epoch: bigint): number {
  if (epoch !== lastEpoch.exact) {
    lastEpoch.exact = epoch;
    lastEpoch.seconds = Number(epoch);
  }
  return lastEpoch.seconds;
}

/** What the time needs of its chip. */
export interface TimeSource {
  readonly statusA: number;
  readonly statusB: number;
}

/** How long an update takes, from the selection of the crystal in status A. */
export function updateTime(statusA: number): number {
  return (statusA & StatusA.Divider) === Divider.LastRunning ? SlowUpdate : FastUpdate;
}

/**
 * The update cycle: once a second the bytes of the time go on by one. Nothing ticks here: they are brought up to date when
 * they are looked at. Updates are numbered by the seconds of guest time in which they end, and end at one point of them; so it
 * does not matter how long ago the last look was, nor from which epoch guest time is counted.
 *
 * @see Motorola MC146818A datasheet, "Update Cycle", Figure 15 and Table 6
 */
export class TimeOfDay {
  /** The last update that the bytes show. */
  @state({ as: shape.integer(-MostSeconds, MostSeconds) }) private shown: number;
  /** Nanoseconds of each second of guest time after which an update ends. */
  @state({ as: shape.integer(0, SECOND - 1) }) private phase: number;
  /** Daylight saving: the hour that comes twice has come once. */
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

  /** Whether updates happen: not while the guest sets the time, and not while the divider chain is held or tested. */
  get running(): boolean {
    return (this.chip.statusB & StatusB.Set) === 0 && (this.chip.statusA & StatusA.Divider) <= Divider.LastRunning;
  }

  /** Brings the bytes up to date. To be called before anything changes on which updates depend. */
  catchUp(): void {
    if (!this.running) return;
    const ended = this.ended();
    if (ended <= this.shown) return;
    this.hourRepeated = this.bytes.count(ended - this.shown, this.chip.statusB, this.hourRepeated);
    this.shown = ended;
  }

  /** The guest writes an hour or a date, which is a time of its own: what was repeated is not repeated in it. */
  setAnew(): void {
    this.hourRepeated = false;
  }

  /** Updates happen again. One that would have begun by now does not. */
  start(): void {
    this.shown = this.ended();
    if (this.nextUpdate() - this.clock.now < updateTime(this.chip.statusA)) this.shown++;
  }

  /** The divider chain begins to count: half a second later the first update begins. */
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

  /** Guest time of the next update at which the alarm may go off; Infinity if it never does. To be asked when caught up. */
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

  /** The number of the update that has ended last, or would have. */
  private ended(): number {
    return secondsOf(this.clock.epoch) + Math.floor((this.clock.now - this.phase) / SECOND);
  }

  private partOf(time: number): number {
    return time - Math.floor(time / SECOND) * SECOND;
  }
}
