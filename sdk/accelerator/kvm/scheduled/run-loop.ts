import type { RunOptions, SliceLimits } from '../../accelerator.ts';
import { withGuestName } from '../../guest/code.ts';
import { Errno } from '../abi.ts';
import { EntryLoop, type EntryLoopParts } from '../entry-loop.ts';
import { ExitPump } from '../exit-pump.ts';
import * as outcomes from '../run-control.ts';
import { resetRegisters } from '../vm.ts';
import { endlessWait, endOfHalt, haltedTooLong } from './halt-outcomes.ts';
import { Interruption, type ScheduledKernel } from './kernel.ts';
import { IdleWatch } from './run-limits.ts';
import { RunStops } from './run-stops.ts';
import type { ScheduledTime } from './time.ts';
import { TurnScheduler } from './turn-scheduler.ts';
import type { ScheduledVcpu, VcpuSchedule } from './vcpu-schedule.ts';

/** What the loop works with; the accelerator puts it together. */
interface RunLoopParts extends EntryLoopParts<ScheduledVcpu> {
  readonly kernel: ScheduledKernel;
  readonly schedule: VcpuSchedule;
  readonly time: ScheduledTime;
}

type Ending = outcomes.Ending;

/** A guest that waits for the outside has had so many timers to no effect: it is `asleep` from there on at each. */
const FruitlessTimers = 1000;

/** Enters the vCPUs in turn and serves what they come back with, until something ends it. */
export class RunLoop extends EntryLoop<ScheduledVcpu, RunLoopParts> {
  /** The run has not entered the guest yet. */
  private isNew = true;
  private readonly idle = new IdleWatch();
  private readonly turns: TurnScheduler;
  protected readonly exits: ExitPump<ScheduledVcpu>;
  protected readonly time: ScheduledTime;
  private readonly stops: RunStops;

  constructor(parts: RunLoopParts) {
    super(parts);
    const { kernel, host } = parts;
    const failureOf = ({ vcpu, image }: ScheduledVcpu) => withGuestName(kernel.processor(vcpu.fd).failure, image);
    this.time = parts.time;
    this.turns = new TurnScheduler(parts);
    this.stops = new RunStops(host, parts.time, this.turns);
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

  protected get executed(): number {
    return this.turns.executed;
  }

  protected beginRun(options: RunOptions): void {
    this.turns.begin(options);
    this.idle.begin(options);
    this.time.begin();
    this.stops.begin();
    this.isNew = true;
  }

  protected beginSlice(limits: SliceLimits): void {
    this.stops.beginSlice(limits);
  }

  protected resetProcessors(): void {
    const { vm, vcpus } = this.parts;
    for (const state of vcpus) resetRegisters(vm, state.vcpu);
    this.turns.forget();
  }

  protected enter(): Ending | undefined {
    const { isNew } = this;
    this.isNew = false;
    return (isNew ? this.resume() : this.handleRequests()) ?? this.betweenSteps();
  }

  protected step(): Ending | undefined {
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
      this.ending = endlessWait(this.idle, state.guest ?? state.image, operations - budget.start, host.clock);
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

  protected override handleRequests(): Ending | undefined {
    const end = super.handleRequests();
    if (end !== undefined) return end;
    if (this.turns.budget.left > 0 || this.parts.vcpus.every((state) => state.finished)) return undefined;
    const { accesses, budget, isOutOfAccesses } = this.turns;
    return isOutOfAccesses ? outcomes.accessLimit(accesses - budget.firstAccess) : outcomes.operationLimit;
  }
}
