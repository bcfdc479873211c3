import type { RunOptions } from '../../accelerator.ts';
import type { EventConsumers } from '../event-consumers.ts';
import type { InterruptInjection } from '../interrupt-injection.ts';
import type { GuestProcessor, ScheduledKernel } from './kernel.ts';
import { RunBudget } from './run-limits.ts';
import type { ScheduledVcpu, VcpuSchedule } from './vcpu-schedule.ts';

/** A signal of an ioeventfd waits at most so long for a guest that never leaves guest mode. */
const OperationsBetweenEvents = 64;
/** Instructions of machine code are plain ones for the most part: 82 us at 10 ns each. */
const InstructionsBetweenEvents = 8192;

/** What the scheduler works with. */
interface TurnSchedulerParts {
  readonly kernel: ScheduledKernel;
  readonly schedule: VcpuSchedule;
  readonly interrupts: InterruptInjection;
  readonly consumers: EventConsumers;
}

/**
 * Whose turn it is, and until which operation. A turn ends at a HLT, when its operations are used up, or for a vCPU that was
 * woken. A stop in the middle of a turn is no end of it, and nothing shows it.
 */
export class TurnScheduler {
  /** The vCPU whose turn is under way. */
  current: ScheduledVcpu | undefined;
  readonly budget = new RunBudget();
  /** Of the vCPU whose turn is under way. */
  private processor: GuestProcessor | undefined;
  /** A vCPU that was woken while another had its turn: the next turn is its own. */
  private woken: ScheduledVcpu | undefined;
  /** The kernel stops when the guests have executed so many operations. */
  private stop = Number.POSITIVE_INFINITY;
  /** Operations of the turn under way that lie behind that stop: the kernel does not know of them yet. */
  private withheld = 0;
  /** The kernel stops when machine code has made so many accesses: the slice of the run is over. */
  accessStop = Number.POSITIVE_INFINITY;

  constructor(private readonly parts: TurnSchedulerParts) {}

  /** Operations that all guests have executed. */
  get operations(): number {
    const { kernel, schedule } = this.parts;
    let operations = 0;
    for (const state of schedule.vcpus) operations += kernel.processor(state.vcpu.fd).operations;
    return operations;
  }

  /** Accesses of machine code, which vCPU 0 executes. */
  get accesses(): number {
    const [first] = this.parts.schedule.vcpus;
    return first === undefined ? 0 : this.parts.kernel.processor(first.vcpu.fd).accesses;
  }

  /** Whether its accesses end the run. */
  get isOutOfAccesses(): boolean {
    return this.accesses >= this.budget.lastAccess;
  }

  /** Operations that the run has executed. */
  get executed(): number {
    return this.operations - this.budget.start;
  }

  begin(options: RunOptions): void {
    this.budget.begin(options, this.operations, this.accesses);
    this.stop = this.accessStop = Number.POSITIVE_INFINITY;
    this.forget();
  }

  /** No turn is under way any more: the guests begin anew. */
  forget(): void {
    this.current = this.processor = this.woken = undefined;
    this.withheld = 0;
  }

  /** The kernel stops when all guests have executed `stop` operations. Now it is `operations`. A turn under way goes on then. */
  stopAt(stop: number, operations: number): void {
    this.stop = stop;
    if (this.current === undefined) return;
    const processor = this.parts.kernel.processor(this.current.vcpu.fd);
    this.grant(this.current, processor.slice + processor.unused + this.withheld, stop - operations);
  }

  /** The vCPU whose turn it is has executed what the kernel was given, or no turn is under way. */
  get isUsedUp(): boolean {
    return this.processor === undefined || this.processor.slice <= 0;
  }

  /** The kernel has used up what it was given. True if that was a stop only, and the turn goes on later. */
  isCut(state: ScheduledVcpu): boolean {
    const { slice, unused } = this.parts.kernel.processor(state.vcpu.fd);
    const withheld = this.withheld + unused;
    return withheld > 0 && slice + withheld > 0 && !this.isOutOfAccesses;
  }

  /** Begins the next turn. Undefined if no vCPU can run. */
  take(): ScheduledVcpu | undefined {
    const { schedule, interrupts, consumers } = this.parts;
    for (const state of schedule.vcpus) {
      if (!state.halted || !interrupts.wakes(state)) continue;
      state.halted = false;
      this.woken = state;
    }
    const state = this.woken ?? schedule.next();
    this.woken = undefined;
    if (state === undefined) return undefined;
    const isCode = this.parts.kernel.processor(state.vcpu.fd).executesCode;
    const most = isCode ? InstructionsBetweenEvents : OperationsBetweenEvents;
    const between = consumers.any ? most : Number.POSITIVE_INFINITY;
    const turn = Math.min(schedule.turnLength(), between, this.budget.longestTurn);
    this.grant(state, turn, this.stop - this.budget.counted);
    this.current = state;
    return state;
  }

  /** The end of a turn is not a return to userspace: on real processors there are no turns. */
  end(): void {
    this.current = this.processor = undefined;
    this.budget.spend(this.operations, this.accesses);
  }

  /** An interrupt that vCPU 0 can take ends another vCPU's turn at once. */
  yieldToWoken(): void {
    const first = this.parts.schedule.vcpus[0] as ScheduledVcpu;
    if (this.current === undefined || this.current === first || first.finished) return;
    if (!this.parts.interrupts.wakes(first)) return;
    this.end();
    this.woken = first;
  }

  private grant(state: ScheduledVcpu, turn: number, most: number): void {
    this.processor = this.parts.kernel.processor(state.vcpu.fd);
    this.processor.slice = Math.min(turn, most);
    this.processor.accessStop = Math.min(this.budget.lastAccess, this.accessStop);
    this.processor.unused = 0;
    this.withheld = turn > most ? turn - most : 0;
  }
}
