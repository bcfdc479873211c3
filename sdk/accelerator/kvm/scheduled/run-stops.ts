import type { AcceleratorHost, InboxSource, SliceLimits } from '../../accelerator.ts';
import type { IdleWatch } from './run-limits.ts';
import type { ScheduledTime } from './time.ts';
import type { TurnScheduler } from './turn-scheduler.ts';

const Never = Number.POSITIVE_INFINITY;
/** Where nothing comes from outside. */
const Nothing: InboxSource = { due: Never, deliver: () => false };

/**
 * Where the run stops between two instructions, though its guest goes on: at the end of a slice, and where something from outside
 * is delivered. A place in the run is known by the operations that were executed and the guest time. A stop is where both were
 * reached first, so that a replay finds the place again.
 */
export class RunStops {
  /** Where nothing wakes the guest, something from outside may. */
  waits = false;
  private isSliced = false;
  private isTimed = false;
  /** The slice ends when the guests have executed so many operations, or when guest time has come to so many timers in the run. */
  private lastOperation = Never;
  private lastTimer = Never;
  private timers = 0;
  private readonly inbox: InboxSource;

  constructor(
    private readonly host: AcceleratorHost,
    private readonly time: ScheduledTime,
    private readonly turns: TurnScheduler,
  ) {
    this.inbox = host.inbox ?? Nothing;
  }

  /** Whether there is anything to stop for. */
  get any(): boolean {
    return this.isSliced || this.inbox.due !== Never;
  }

  /** Whether an exit may have brought the run to a stop: the quick look that each of them can afford. */
  get afterExit(): boolean {
    return this.inbox.due !== Never || (this.isSliced && (this.isTimed || this.turns.isUsedUp));
  }

  /** A run begins; without slices it has no end of one. */
  begin(): void {
    this.isSliced = this.waits = false;
    this.lastOperation = this.lastTimer = Never;
    this.timers = 0;
    this.time.limitTo(Never);
    this.turns.accessStop = Never;
  }

  beginSlice({ operations, time = Never, waits = false }: SliceLimits): void {
    this.isSliced = true;
    this.isTimed = time !== Never;
    this.waits = waits;
    this.lastOperation = this.turns.operations + operations;
    this.lastTimer = this.timers + operations;
    this.turns.accessStop = this.turns.accesses + operations;
    this.time.limitTo(time);
  }

  /** Control has come back for a timer. One at a time that has passed already is no place of its own, and ends no slice. */
  countTimer(): void {
    if (this.time.now > this.host.clock.now) this.timers++;
  }

  isSliceOver(operations: number): boolean {
    const { turns, lastOperation, lastTimer } = this;
    if (!this.isSliced) return false;
    if (operations >= lastOperation || this.timers >= lastTimer || this.time.isOver) return true;
    return turns.isUsedUp && turns.accesses >= turns.accessStop;
  }

  /** The guest goes on until the next stop. */
  arm(operations: number): void {
    const { due } = this.inbox;
    this.turns.stopAt(due > operations ? Math.min(due, this.lastOperation) : this.lastOperation, operations);
    this.time.stopAt(this.eventTime(operations));
  }

  /** Whether an event is to be delivered here. */
  isDue(operations: number): boolean {
    return this.inbox.due <= operations && this.dueTime <= this.time.now;
  }

  /** Delivers one event. False: none could be. */
  deliver(operations: number): boolean {
    return this.isDue(operations) && this.inbox.deliver(operations, this.host.clock.absolute());
  }

  /** The guest waits for the outside, and its next timer is far away: the host's time passes too. */
  sleepsLong(idle: IdleWatch): boolean {
    return this.waits && !this.time.hasStop && idle.waitsLong(this.turns.operations, this.host.clock);
  }

  /** No timer is armed, and no event waits for its time. */
  get nothingComes(): boolean {
    return this.host.clock.nextDeadline() === Never && this.eventTime(this.turns.operations) === Never;
  }

  /** The guest time of an event that has come to its operation, and waits for its time. */
  private eventTime(operations: number): number {
    if (this.inbox.due > operations) return Never;
    const { dueTime } = this;
    return dueTime > this.time.now ? dueTime : Never;
  }

  /** Counted as the clock counts. */
  private get dueTime(): number {
    const { dueTime } = this.inbox;
    return dueTime === undefined ? Number.NEGATIVE_INFINITY : Number(dueTime - this.host.clock.absolute(0));
  }
}
