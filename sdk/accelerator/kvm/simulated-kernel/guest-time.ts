import { EpochMovesAt } from '../../../clock/time.ts';
import { DefaultExitCosts } from '../../exit-table.ts';
import { Interruption, type InterruptionValue } from '../scheduled/kernel.ts';

/** What an operation of a guest program costs in guest time, in nanoseconds. Modelled: nothing here is measured. */
export interface OperationCosts {
  /** A VM exit that stays in the kernel. */
  readonly kernel: number;
  /** A VM exit that goes to userspace. */
  readonly userspace: number;
  /** An operation that does not leave guest mode. */
  readonly plain: number;
}

export const DefaultOperationCosts: OperationCosts = { ...DefaultExitCosts, plain: 10 };

/** Guest time of one simulated kernel, shared by its vCPUs, and the deadlines at which it interrupts KVM_RUN. */
export class GuestTime {
  /** Whole nanoseconds since the epoch. */
  now = NaN;
  /** Absolute; Infinity is never. */
  kickAt = Infinity;
  /** Where the userspace of a simulated kernel stops it, in absolute time and uncounted; Infinity is never. */
  stopAt = Infinity;
  /** How long a write may wait in the ring; Infinity is without limit. */
  longestQueued = Infinity;
  /** Until then no deadline can have been reached, so that none is computed. */
  quietUntil = NaN;

  constructor(readonly costs: OperationCosts) {
    this.now = this.quietUntil = 0; // having been NaN, they are doubles to V8 before 2^31 ns too
  }

  /** The modelled cost of an operation; one with a recorded time costs nothing. */
  spend(at: number, nanoseconds: number): void {
    if (at < 0) this.now += nanoseconds;
  }

  /** Goes on to a deadline. Answers what it is one for. `counted` is the next one that KVM knows. */
  reach(deadline: number, counted: number): InterruptionValue {
    this.advanceTo(deadline);
    if (deadline < counted) return Interruption.Stop;
    if (deadline < this.kickAt) return Interruption.Queued;
    return deadline < EpochMovesAt ? Interruption.Deadline : Interruption.Epoch;
  }

  /** The epoch has moved on. */
  rebase(nanoseconds: number): void {
    this.now -= nanoseconds;
    this.kickAt -= nanoseconds;
    this.stopAt -= nanoseconds;
    this.quietUntil = 0;
  }

  /** Time never goes back. */
  advanceTo(time: number): void {
    if (time > this.now) this.now = time;
  }
}
