import { BackplaneError } from '../../base/errors.ts';
import type { AcceleratorHost, RunOptions, RunOutcome } from '../accelerator.ts';
import type { ExitStatistics } from '../exit-statistics.ts';
import { Errno, ExitReason, KvmRun, VcpuRequest } from './abi.ts';
import type { EventConsumers } from './event-consumers.ts';
import { type ExitService, unknownExit } from './exit-service.ts';
import type { InterruptInjection } from './interrupt-injection.ts';
import { Interruption, type ScheduledKernel } from './kernel.ts';
import type { RingDrain } from './ring-drain.ts';
import { IdleWatch, RunBudget, type RunRequests } from './run-control.ts';
import * as outcomes from './run-outcomes.ts';
import type { TimeKeeper } from './time-keeper.ts';
import type { ScheduledVcpu, VcpuSchedule } from './vcpu-schedule.ts';
import { finishInstruction, type KvmVm, resetRegisters } from './vm.ts';

/** What the loop works with; the accelerator puts it together. */
interface RunLoopParts {
  readonly kernel: ScheduledKernel;
  readonly vm: KvmVm;
  readonly host: AcceleratorHost;
  readonly schedule: VcpuSchedule;
  readonly ring: RingDrain;
  readonly service: ExitService;
  readonly interrupts: InterruptInjection;
  readonly time: TimeKeeper;
  readonly consumers: EventConsumers;
  readonly requests: RunRequests;
  readonly statistics: ExitStatistics;
  /** Every return to userspace drains; otherwise only the memory core asks for it. */
  readonly drainsAtReturns: boolean;
  /** The machine has been reset: give each vCPU its guest anew. */
  readonly restartGuests: () => void;
  /** Why the guest must not run with the memory map as it is now. */
  readonly checkMap: () => string | undefined;
}

type Ending = outcomes.Ending;

/** A signal of an ioeventfd waits at most so long for a guest that never leaves guest mode. */
const OperationsBetweenEvents = 64;

/** Enters the vCPUs in turn and serves what they come back with, until something ends it. */
export class RunLoop {
  running = false;
  private current: ScheduledVcpu | undefined;
  /** A vCPU that was woken while another had its turn: the next turn is its own. */
  private woken: ScheduledVcpu | undefined;
  /** Why the run ends without a request: a triple fault, or too many timers. */
  private ending: Ending | undefined;
  private resetting = false;
  private readonly idle = new IdleWatch();
  private readonly budget = new RunBudget();
  private readonly drainNow = () => this.drain();

  constructor(private readonly parts: RunLoopParts) {}

  run(options: RunOptions): RunOutcome {
    if (this.running)
      throw new BackplaneError(
        'machine-running',
        'run(): the machine runs already. Call pause() from a handler instead.',
      );
    this.running = true;
    try {
      this.begin(options);
      let end = this.resume();
      while (end === undefined) end = this.step();
      end = this.finish(end);
      return { ...end, operations: this.totalOperations() - this.budget.start };
    } finally {
      this.running = false;
    }
  }

  /** Delivers what is queued, for another reason than an exit. */
  drain(): void {
    if (this.parts.ring.drain() > 0) this.parts.statistics.otherDrains++;
    if (!this.running) this.resetIfRequested();
  }

  /** Ends every instruction that has begun and delivers what is queued. */
  settle(): void {
    this.finishInstructions();
    this.drain();
    this.parts.time.settle();
  }

  countFromEpoch(): void {
    this.parts.time.countFromEpoch();
  }

  /** Between two instructions. What the guest did after it had asked for the reset is dropped, not carried out. */
  reset(): void {
    const { requests, ring, vm, schedule, host } = this.parts;
    requests.reset = true;
    this.finishInstructions();
    ring.discard();
    for (const state of schedule.vcpus) {
      resetRegisters(vm, state.vcpu);
      state.halted = state.exitPending = false;
    }
    this.current = this.woken = undefined;
    this.resetting = true;
    try {
      host.reset();
    } finally {
      requests.reset = this.resetting = false;
      this.parts.restartGuests();
    }
  }

  private begin(options: RunOptions): void {
    this.budget.begin(options, this.totalOperations());
    this.idle.begin(options);
    this.current = this.woken = this.ending = undefined;
    this.parts.requests.pause = false;
    this.parts.time.begin();
  }

  /** Completes what a run that ended by an error has left, and performs a reset that was requested since. */
  private resume(): Ending | undefined {
    if (this.parts.requests.reset) this.reset();
    for (const state of this.parts.schedule.vcpus) if (state.exitPending) this.serveReturn(state);
    if (this.parts.ring.postponed) this.drain();
    return this.handleRequests();
  }

  private step(): Ending | undefined {
    const { kernel, time, interrupts, ring, consumers, requests, schedule } = this.parts;
    const state = this.current ?? this.takeTurn();
    if (state === undefined) return this.waitForInterrupt();
    time.prepareEntry();
    interrupts.prepare(state.vcpu);
    if (kernel.ioctl(state.vcpu.fd, VcpuRequest.Run, 0) === 0) {
      state.exitPending = true;
      this.serveReturn(state);
    } else {
      this.serveInterruption(state);
    }
    if (ring.postponed) this.drain();
    if (consumers.any) consumers.notify(this.drainNow);
    if (schedule.vcpus.length > 1) this.yieldToWoken();
    if (requests.any || this.budget.left <= 0 || this.ending !== undefined) return this.handleRequests();
    return undefined;
  }

  /** KVM_RUN came back with an exit: the ring is drained first, then timers run, then the exit is served. */
  private serveReturn(state: ScheduledVcpu): void {
    const { ring, time, service, statistics, drainsAtReturns } = this.parts;
    time.advanceUntilTimer();
    service.note(state.vcpu);
    if (drainsAtReturns && ring.drain() > 0) statistics.drainsAtExits++;
    time.runTimers();
    state.exitPending = false;
    this.serveExit(state);
  }

  private serveExit(state: ScheduledVcpu): void {
    const { service } = this.parts;
    const reason = state.vcpu.run.getUint32(KvmRun.exitReason, true);
    if (reason === ExitReason.Io) service.serveIo(state.vcpu);
    else if (reason === ExitReason.Mmio) service.serveMmio(state.vcpu);
    else if (reason === ExitReason.Hlt) this.halt(state);
    else if (reason === ExitReason.Shutdown)
      this.ending = outcomes.shutDown(this.parts.kernel.processor(state.vcpu.fd).failure?.message);
    else if (reason !== ExitReason.IrqWindowOpen && reason !== ExitReason.Intr)
      throw unknownExit(this.parts.kernel, state.vcpu, reason);
  }

  private halt(state: ScheduledVcpu): void {
    state.halted = true;
    this.endTurn();
  }

  private serveInterruption(state: ScheduledVcpu): void {
    const { kernel, vm, host, time, statistics } = this.parts;
    if (kernel.errno !== Errno.EINTR) throw vm.failure(`run vCPU ${state.vcpu.id}`, 'The guest cannot go on.');
    const reason = kernel.processor(state.vcpu.fd).interruption;
    if (reason === Interruption.Epoch) return;
    if (reason === Interruption.Slice || reason === Interruption.GuestFinished) {
      state.finished = reason === Interruption.GuestFinished;
      this.endTurn();
      return;
    }
    if (reason === Interruption.Queued) statistics.kicks++;
    time.advanceUntilTimer();
    if (this.parts.drainsAtReturns) this.drain();
    time.runTimers();
    const operations = this.totalOperations();
    if (!this.idle.note(operations, host.clock)) return;
    this.ending = outcomes.endlessWait(this.idle, state.guest, operations - this.budget.start, host.clock);
  }

  /** An interrupt that vCPU 0 can take ends another vCPU's turn at once. */
  private yieldToWoken(): void {
    const first = this.parts.schedule.vcpus[0] as ScheduledVcpu;
    if (this.current === undefined || this.current === first || first.finished) return;
    if (!this.parts.interrupts.wakes(first)) return;
    this.endTurn();
    this.woken = first;
  }

  /** The end of a turn is not a return to userspace: on real processors there are no turns. */
  private endTurn(): void {
    this.current = undefined;
    this.budget.spend(this.totalOperations());
  }

  private takeTurn(): ScheduledVcpu | undefined {
    const { schedule, interrupts, kernel, consumers } = this.parts;
    for (const state of schedule.vcpus) {
      if (!state.halted || !interrupts.wakes(state)) continue;
      state.halted = false;
      this.woken = state;
    }
    const state = this.woken ?? schedule.next();
    this.woken = undefined;
    if (state === undefined) return undefined;
    const between = consumers.any ? OperationsBetweenEvents : Number.POSITIVE_INFINITY;
    const turn = Math.min(schedule.turnLength(), between, this.budget.longestTurn);
    kernel.processor(state.vcpu.fd).slice = turn;
    this.current = state;
    return state;
  }

  /** No vCPU can go on: time jumps from timer to timer until one raises an interrupt. */
  private waitForInterrupt(): Ending | undefined {
    const { schedule, interrupts, time, host, requests, drainsAtReturns } = this.parts;
    const end = outcomes.endOfHalt(schedule.vcpus, host.clock);
    if (end !== undefined) return end;
    const first = schedule.vcpus[0] as ScheduledVcpu;
    const operations = this.totalOperations();
    while (!interrupts.wakes(first)) {
      if (!time.sleep()) return outcomes.nothingArmed(host.clock);
      if (drainsAtReturns) this.drain();
      time.runTimers();
      if (requests.any) return this.handleRequests();
      if (interrupts.wakes(first)) break;
      if (this.idle.note(operations, host.clock) || this.idle.isHaltedTooLong(host.clock))
        return outcomes.haltedTooLong(this.idle, host.clock);
    }
    return undefined;
  }

  /** Performs requests between two instructions; answers how they end the run, if they do. */
  private handleRequests(): Ending | undefined {
    const { requests, schedule } = this.parts;
    if (requests.pause && !requests.reset) this.finishInstructions();
    if (requests.reset) {
      this.reset();
      return outcomes.wasReset;
    }
    const wrongMap = requests.mapChanged ? this.parts.checkMap() : undefined;
    requests.mapChanged = false;
    if (requests.pause) return outcomes.wasPaused;
    if (wrongMap !== undefined) return outcomes.halted(wrongMap);
    if (this.ending !== undefined) return this.ending;
    if (this.budget.left > 0 || schedule.vcpus.every((state) => state.finished)) return undefined;
    return outcomes.operationLimit;
  }

  /** A device that changes the memory map in its reset drains too: that is not another reset. */
  private resetIfRequested(): void {
    if (!this.resetting && this.parts.requests.reset && this.parts.host.topology.handlerDepth === 0) this.reset();
  }

  /** The end drains, like a kick, and is not an exit; QEMU's policy leaves the ring as it is. */
  private finish(end: Ending): Ending {
    const { ring, time, statistics, requests, drainsAtReturns } = this.parts;
    statistics.entriesAtEnd = ring.pending;
    time.advanceUntilTimer();
    if (drainsAtReturns) this.drain();
    time.runTimers();
    requests.pause = false;
    return requests.reset ? (this.handleRequests() ?? end) : end;
  }

  private finishInstructions(): void {
    const { vm, schedule, ring, drainsAtReturns } = this.parts;
    for (const state of schedule.vcpus) {
      finishInstruction(vm, state.vcpu, () => {
        if (drainsAtReturns) ring.drain();
        this.serveExit(state);
      });
    }
  }

  private totalOperations(): number {
    const { kernel, schedule } = this.parts;
    let operations = 0;
    for (const state of schedule.vcpus) operations += kernel.processor(state.vcpu.fd).operations;
    return operations;
  }
}
