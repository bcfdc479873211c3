import { EpochMovesAt } from '../../../clock/time.ts';
import { DefaultExitCosts } from '../../exit-table.ts';
import { DefaultIsaAccess } from '../options.ts';
import { Interruption, type InterruptionValue } from '../scheduled/kernel.ts';
import type { KernelExitStatistics } from '../scheduled/kernel-exit-statistics.ts';
import type { KernelMemorySlots } from './guest-memory.ts';
import type { IoBus } from './io-bus.ts';
import type { KernelIoeventfds } from './ioeventfds.ts';

/** What an operation of a guest program costs in guest time, in nanoseconds. Modelled: nothing here is measured. */
export interface OperationCosts {
  /** A VM exit that stays in the kernel. */
  readonly kernel: number;
  /** A VM exit that goes to userspace. */
  readonly userspace: number;
  /** An operation, or an instruction of machine code, that does not leave guest mode. */
  readonly plain: number;
  /** A port access of machine code, whether it is queued or exits: of an ISA bus, 1 us. */
  readonly isa: number;
}

export const DefaultOperationCosts: OperationCosts = { ...DefaultExitCosts, plain: 10, isa: DefaultIsaAccess };

/** What port accesses cost in guest time, in nanoseconds. */
export interface PortCosts {
  /** A write that something in the kernel takes, and one that exits; a read exits. */
  readonly queued: number;
  readonly exit: number;
  /** The same of a further element of a string, in the same VM exit. */
  readonly furtherQueued: number;
  readonly furtherExit: number;
  /** A further element that the same exit reads. */
  readonly furtherRead: number;
}

/** A VM exit is what costs time: a string that stays in the kernel has one. */
export function programPortCosts({ kernel, userspace, plain }: OperationCosts): PortCosts {
  const furtherExit = Math.max(0, userspace - kernel);
  return { queued: kernel, exit: userspace, furtherQueued: plain, furtherExit, furtherRead: 0 };
}

/** The bus is what costs time, so that polling loops turn as often as on a PC. */
export function codePortCosts({ isa }: OperationCosts): PortCosts {
  return { queued: isa, exit: isa, furtherQueued: isa, furtherExit: isa, furtherRead: isa };
}

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

/** What the vCPUs of a VM share when they execute. */
export interface ExecutionContext {
  readonly statistics: KernelExitStatistics;
  readonly time: GuestTime;
  readonly ports: IoBus;
  readonly memory: IoBus;
  readonly ioeventfds: KernelIoeventfds;
  readonly slots: KernelMemorySlots;
}
