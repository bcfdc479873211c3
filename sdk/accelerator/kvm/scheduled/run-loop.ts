import { BackplaneError } from '../../../base/errors.ts';
import type { RunOptions, RunOutcome, SliceEnd, SliceLimits } from '../../accelerator.ts';
import { Errno } from '../abi.ts';
import { ExitPump } from '../exit-pump.ts';
import * as outcomes from '../run-control.ts';
import type { LoopParts, UserspaceLoop } from '../userspace-loop.ts';
import { resetRegisters } from '../vm.ts';
import { endlessWait, endOfHalt, haltedTooLong } from './halt-outcomes.ts';
import { Interruption, type ScheduledKernel } from './kernel.ts';
import { IdleWatch } from './run-limits.ts';
import { RunStops } from './run-stops.ts';
import type { ScheduledTime } from './time.ts';
import { TurnScheduler } from './turn-scheduler.ts';
import type { ScheduledVcpu, VcpuSchedule } from './vcpu-schedule.ts';

/** What the loop works with; the accelerator puts it together. */
interface RunLoopParts extends LoopParts {
  readonly kernel: ScheduledKernel;
  readonly schedule: VcpuSchedule;
  readonly time: ScheduledTime;
  /** The machine has been reset: give each vCPU its guest anew. */
  readonly restartGuests: () => void;
}

type Ending = outcomes.Ending;

/** A guest that waits for the outside has had so many timers to no effect: it is `asleep` from there on at each. */
const FruitlessTimers = 1000;

/** Enters the vCPUs in turn and serves what they come back with, until something ends it. */
export class RunLoop implements UserspaceLoop {
  /** A slice is under way, or a run that is not sliced. */
  running = false;
  /** A run was begun and has not ended: between two slices too. */
  isOpen = false;
  /** Why the run ends without a request: a triple fault, or too many timers. */
  private ending: Ending | undefined;
  private resetting = false;
  /** The run has not entered the guest yet. */
  private isNew = true;
  private readonly idle = new IdleWatch();
  private readonly turns: TurnScheduler;
  private readonly exits: ExitPump<ScheduledVcpu>;
  private readonly stops: RunStops;
  private readonly drainNow = () => this.drain();

  constructor(private readonly parts: RunLoopParts) {
    const { kernel, host, schedule } = parts;
    const failureOf = ({ vcpu }: ScheduledVcpu) => kernel.processor(vcpu.fd).failure;
    this.turns = new TurnScheduler(parts);
    this.stops = new RunStops(host, parts.time, this.turns);
    this.exits = new ExitPump(
      { ...parts, vcpus: schedule.vcpus, failureOf },
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
    return { ...this.goOn(), operations: this.turns.executed };
  }

  /** Begins a run. Its slices carry it out. */
  begin(options: RunOptions): void {
    if (this.running || this.isOpen) throw runsAlready(this);
    this.turns.begin(options);
    this.idle.begin(options);
    this.ending = undefined;
    this.parts.requests.pause = false;
    this.parts.time.begin();
    this.stops.begin();
    this.isOpen = this.isNew = true;
  }

  /** Goes on with the run that was begun. */
  slice(limits: SliceLimits): SliceEnd {
    if (this.running || !this.isOpen) throw runsAlready(this);
    this.stops.beginSlice(limits);
    const end = this.goOn();
    if (end === outcomes.underWay) return 'under-way';
    if (end === outcomes.asleep) return 'asleep';
    return { ...end, operations: this.turns.executed };
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
  private goOn(): Ending {
    const { isNew } = this;
    this.isNew = this.isOpen = false;
    this.running = true;
    try {
      let end = (isNew ? this.resume() : this.handleRequests()) ?? this.betweenSteps();
      while (end === undefined) end = this.step();
      this.isOpen = end === outcomes.underWay || end === outcomes.asleep;
      return this.isOpen ? end : this.finish(end);
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
    const { turns, stops } = this;
    const state = turns.current ?? turns.take();
    if (state === undefined) return this.waitForInterrupt();
    time.prepareEntry();
    interrupts.prepare(state.vcpu);
    const isExit = this.exits.enter(state);
    if (!isExit && this.serveInterruption(state)) return this.betweenSteps();
    if (ring.postponed) this.drain();
    if (consumers.any) consumers.notify(this.drainNow);
    if (schedule.vcpus.length > 1) turns.yieldToWoken();
    if (requests.any || turns.budget.left <= 0 || this.ending !== undefined) {
      const end = this.handleRequests();
      if (end !== undefined) return end;
    }
    return (isExit ? stops.afterExit : stops.any) ? this.betweenSteps() : undefined;
  }

  /** Between two instructions: delivers what came from outside, and ends the slice if it is over. */
  private betweenSteps(): Ending | undefined {
    const { stops } = this;
    const { operations } = this.turns;
    const end = stops.isDue(operations) ? this.deliver(operations) : undefined;
    if (end !== undefined) return end;
    if (stops.isSliceOver(operations)) return outcomes.underWay;
    stops.arm(operations);
    return undefined;
  }

  /** What is queued and what is timed precedes the event: its device sees the guest's past in order. */
  private deliver(operations: number): Ending | undefined {
    const { time, requests, ring, schedule, drainsAtReturns } = this.parts;
    do {
      time.advanceUntilTimer();
      if (drainsAtReturns) this.drain();
      time.runTimers();
    } while (!requests.any && this.stops.deliver(operations));
    if (ring.postponed) this.drain();
    if (schedule.vcpus.length > 1) this.turns.yieldToWoken();
    return requests.any ? this.handleRequests() : undefined;
  }

  private halt(state: ScheduledVcpu): void {
    state.halted = true;
    this.turns.end();
  }

  /** True if the kernel has stopped in the middle of a turn because the loop wanted it. Nothing has happened then. */
  private serveInterruption(state: ScheduledVcpu): boolean {
    const { kernel, vm, host, time, statistics } = this.parts;
    if (kernel.errno !== Errno.EINTR) throw vm.failure(`run vCPU ${state.vcpu.id}`, 'The guest cannot go on.');
    const reason = kernel.processor(state.vcpu.fd).interruption;
    if (reason === Interruption.Epoch) return false;
    if (reason === Interruption.Stop || (reason === Interruption.Slice && this.turns.isCut(state))) return true;
    if (reason === Interruption.Slice || reason === Interruption.GuestFinished) {
      state.finished = reason === Interruption.GuestFinished;
      this.turns.end();
      return false;
    }
    if (reason === Interruption.Queued) statistics.kicks++;
    this.stops.countTimer();
    time.advanceUntilTimer();
    if (this.parts.drainsAtReturns) this.drain();
    time.runTimers();
    const { operations, budget } = this.turns;
    if (this.idle.note(operations, host.clock))
      this.ending = endlessWait(this.idle, state.guest, operations - budget.start, host.clock);
    return false;
  }

  /** No vCPU can go on: time jumps from timer to timer until one raises an interrupt, or something from outside does. */
  private waitForInterrupt(): Ending | undefined {
    const { schedule, interrupts, time, host, requests, drainsAtReturns } = this.parts;
    const end = endOfHalt(schedule.vcpus, host.clock);
    if (end !== undefined) return end;
    const first = schedule.vcpus[0] as ScheduledVcpu;
    while (!interrupts.wakes(first)) {
      if (!this.stops.waits && this.stops.nothingComes) return outcomes.nothingArmed(host.clock);
      if (this.stops.sleepsLong(this.idle)) return outcomes.asleep;
      if (!time.sleep()) {
        const stopped = time.hasStop ? this.betweenSteps() : outcomes.asleep;
        if (stopped !== undefined) return stopped === outcomes.underWay ? outcomes.asleep : stopped;
        continue;
      }
      this.stops.countTimer();
      if (drainsAtReturns) this.drain();
      time.runTimers();
      if (requests.any) return this.handleRequests();
      if (interrupts.wakes(first)) break;
      const over = this.watchHalt() ?? this.betweenSteps();
      if (over !== undefined) return over;
    }
    return this.betweenSteps();
  }

  /** A timer has woken no vCPU. */
  private watchHalt(): Ending | undefined {
    const [{ idle }, { clock }] = [this, this.parts.host];
    const isOver = idle.note(this.turns.operations, clock) || idle.isHaltedTooLong(clock);
    if (this.stops.waits) return idle.expired >= FruitlessTimers ? outcomes.asleep : undefined;
    return isOver ? haltedTooLong(idle, clock) : undefined;
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
