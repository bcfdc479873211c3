import { BackplaneError } from '../../base/errors.ts';
import type { AcceleratorHost, RunOptions, RunOutcome } from '../accelerator.ts';
import { Errno } from './abi.ts';
import type { EventConsumers } from './event-consumers.ts';
import { ExitPump, type ExitPumpParts } from './exit-pump.ts';
import type { InterruptInjection } from './interrupt-injection.ts';
import { Interruption, type ScheduledKernel } from './kernel.ts';
import { IdleWatch, type RunRequests } from './run-control.ts';
import * as outcomes from './run-outcomes.ts';
import { TurnScheduler } from './turn-scheduler.ts';
import type { ScheduledVcpu } from './vcpu-schedule.ts';
import { resetRegisters } from './vm.ts';

/** What the loop works with; the accelerator puts it together. */
interface RunLoopParts extends Omit<ExitPumpParts, 'failureOf'> {
  readonly kernel: ScheduledKernel;
  readonly host: AcceleratorHost;
  readonly interrupts: InterruptInjection;
  readonly consumers: EventConsumers;
  readonly requests: RunRequests;
  /** The machine has been reset: give each vCPU its guest anew. */
  readonly restartGuests: () => void;
  /** Why the guest must not run with the memory map as it is now. */
  readonly checkMap: () => string | undefined;
}

type Ending = outcomes.Ending;

/** Ends a slice, and no run. */
const endOfSlice: Ending = { reason: 'paused', message: 'A slice of the run has ended.' };

/** Enters the vCPUs in turn and serves what they come back with, until something ends it. */
export class RunLoop {
  /** A slice is under way, or a run that is not sliced. */
  running = false;
  /** A run was begun and has not ended: between two slices too. */
  isOpen = false;
  /** Why the run or the slice ends without a request: a triple fault, or too many timers. */
  private ending: Ending | undefined;
  private resetting = false;
  /** The slice ended while every vCPU waited. */
  private asleep = false;
  /** The run has not entered the guest yet. */
  private isNew = true;
  /** Timers after which the slice ends: each takes the host's time, though the guest executes nothing. */
  private lastTimer = Number.POSITIVE_INFINITY;
  private readonly idle = new IdleWatch();
  private readonly turns: TurnScheduler;
  private readonly exits: ExitPump;
  private readonly drainNow = () => this.drain();

  constructor(private readonly parts: RunLoopParts) {
    const { kernel } = parts;
    const failureOf = ({ vcpu }: ScheduledVcpu) => kernel.processor(vcpu.fd).failure;
    this.turns = new TurnScheduler(parts);
    this.exits = new ExitPump(
      { ...parts, failureOf },
      {
        halted: (state) => this.halt(state),
        shutDown: (state) => {
          this.ending = outcomes.shutDown(failureOf(state)?.message);
        },
      },
    );
  }

  run(options: RunOptions): RunOutcome {
    this.begin(options);
    return this.goOn() as RunOutcome;
  }

  /** Begins a run. Its slices carry it out. */
  begin(options: RunOptions): void {
    if (this.running || this.isOpen) throw runsAlready(this);
    this.turns.begin(options);
    this.idle.begin(options);
    this.ending = undefined;
    this.asleep = false;
    this.lastTimer = Number.POSITIVE_INFINITY;
    this.parts.requests.pause = false;
    this.parts.time.begin();
    this.isOpen = this.isNew = true;
  }

  /** Goes on with the run that was begun, for so many operations or timers. Undefined: the run has not ended. */
  slice(operations: number): RunOutcome | undefined {
    if (this.running || !this.isOpen) throw runsAlready(this);
    this.turns.beginSlice(operations);
    this.lastTimer = this.idle.total + operations;
    return this.goOn();
  }

  /** Delivers what is queued, for another reason than an exit. */
  drain(): void {
    if (this.parts.ring.drain() > 0) this.parts.statistics.otherDrains++;
    if (!this.running) this.resetIfRequested();
  }

  /** Ends every instruction that has begun and delivers what is queued. */
  settle(): void {
    this.exits.finishInstructions();
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
    this.exits.finishInstructions();
    ring.discard();
    for (const state of schedule.vcpus) {
      resetRegisters(vm, state.vcpu);
      state.halted = state.exitPending = false;
    }
    this.turns.forget();
    this.resetting = true;
    try {
      host.reset();
    } finally {
      requests.reset = this.resetting = false;
      // The reset button, between two slices.
      if (!this.running && this.isOpen) this.ending = outcomes.wasReset;
      this.parts.restartGuests();
    }
  }

  /** Runs until the end of the run, or of the slice. */
  private goOn(): RunOutcome | undefined {
    const { isNew } = this;
    this.isNew = this.isOpen = false;
    this.running = true;
    if (this.ending === endOfSlice) this.ending = undefined;
    try {
      let end = isNew ? this.resume() : this.handleRequests();
      while (end === undefined) end = this.step();
      this.isOpen = end === endOfSlice;
      if (this.isOpen) return undefined;
      end = this.finish(end);
      return { ...end, operations: this.turns.executed };
    } finally {
      this.running = false;
    }
  }

  /** Completes what a run that ended by an error has left, and performs a reset that was requested since. */
  private resume(): Ending | undefined {
    if (this.parts.requests.reset) this.reset();
    for (const state of this.parts.schedule.vcpus) if (state.exitPending) this.exits.serveReturn(state);
    if (this.parts.ring.postponed) this.drain();
    return this.handleRequests();
  }

  private step(): Ending | undefined {
    const { time, interrupts, ring, consumers, requests, schedule } = this.parts;
    const { turns } = this;
    const state = turns.current ?? (this.asleep ? undefined : turns.take());
    if (state === undefined) return this.waitForInterrupt();
    time.prepareEntry();
    interrupts.prepare(state.vcpu);
    if (!this.exits.enter(state) && this.serveInterruption(state)) return endOfSlice;
    if (ring.postponed) this.drain();
    if (consumers.any) consumers.notify(this.drainNow);
    if (schedule.vcpus.length > 1) turns.yieldToWoken();
    if (requests.any || turns.budget.left <= 0 || this.ending !== undefined) return this.handleRequests();
    return undefined;
  }

  private halt(state: ScheduledVcpu): void {
    state.halted = true;
    this.endTurn();
  }

  private endTurn(): void {
    this.turns.end();
    if (this.turns.sliceIsOver) this.ending ??= endOfSlice;
  }

  /** True if only the slice of the run has ended, in the middle of a turn: nothing may happen here. */
  private serveInterruption(state: ScheduledVcpu): boolean {
    const { kernel, vm, host, time, statistics } = this.parts;
    if (kernel.errno !== Errno.EINTR) throw vm.failure(`run vCPU ${state.vcpu.id}`, 'The guest cannot go on.');
    const reason = kernel.processor(state.vcpu.fd).interruption;
    if (reason === Interruption.Epoch) return false;
    if (reason === Interruption.Slice && this.turns.isCut(state)) return true;
    if (reason === Interruption.Slice || reason === Interruption.GuestFinished) {
      state.finished = reason === Interruption.GuestFinished;
      this.endTurn();
      return false;
    }
    if (reason === Interruption.Queued) statistics.kicks++;
    time.advanceUntilTimer();
    if (this.parts.drainsAtReturns) this.drain();
    time.runTimers();
    const { operations, budget } = this.turns;
    if (this.idle.note(operations, host.clock))
      this.ending = outcomes.endlessWait(this.idle, state.guest, operations - budget.start, host.clock);
    else if (this.idle.total >= this.lastTimer) this.ending ??= endOfSlice;
    return false;
  }

  /** No vCPU can go on: time jumps from timer to timer until one raises an interrupt. */
  private waitForInterrupt(): Ending | undefined {
    const { schedule, interrupts, time, host, requests, drainsAtReturns } = this.parts;
    const end = outcomes.endOfHalt(schedule.vcpus, host.clock);
    if (end !== undefined) return end;
    const first = schedule.vcpus[0] as ScheduledVcpu;
    const { operations } = this.turns;
    this.asleep = false;
    while (!interrupts.wakes(first)) {
      if (!time.sleep()) return outcomes.nothingArmed(host.clock);
      if (drainsAtReturns) this.drain();
      time.runTimers();
      if (requests.any) return this.handleRequests();
      if (interrupts.wakes(first)) break;
      if (this.idle.note(operations, host.clock) || this.idle.isHaltedTooLong(host.clock))
        return outcomes.haltedTooLong(this.idle, host.clock);
      this.asleep = this.idle.total >= this.lastTimer;
      if (this.asleep) return endOfSlice;
    }
    return undefined;
  }

  /** Performs requests between two instructions; answers how they end the run, if they do. */
  private handleRequests(): Ending | undefined {
    const { requests, schedule } = this.parts;
    if (requests.pause && !requests.reset) this.exits.finishInstructions();
    if (requests.reset) {
      this.reset();
      return outcomes.wasReset;
    }
    const wrongMap = requests.mapChanged ? this.parts.checkMap() : undefined;
    requests.mapChanged = false;
    if (requests.pause) return outcomes.wasPaused;
    if (wrongMap !== undefined) return outcomes.halted(wrongMap);
    if (this.ending !== undefined) return this.ending;
    if (this.turns.budget.left > 0 || schedule.vcpus.every((state) => state.finished)) return undefined;
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
}

function runsAlready({ running, isOpen }: RunLoop): BackplaneError {
  const why = running
    ? 'run(): the machine runs already. Call pause() from a handler instead.'
    : isOpen
      ? 'run(): a run in slices is under way. Let it end first: call pause(), and runSlice() once more.'
      : 'runSlice(): no run is under way. Call begin() first.';
  return new BackplaneError('machine-running', why);
}
