import { BackplaneError } from '../../base/errors.ts';
import type { RunOptions, RunOutcome, SliceEnd, SliceLimits } from '../accelerator.ts';
import type { EnteredVcpu, ExitPump } from './exit-pump.ts';
import * as outcomes from './run-control.ts';
import type { TimeKeeper } from './time-keeper.ts';
import type { LoopParts, UserspaceLoop } from './userspace-loop.ts';

type Ending = outcomes.Ending;

/** A vCPU as a loop sees it. */
export interface LoopVcpu extends EnteredVcpu {
  halted: boolean;
}

/** What a loop works with, of whichever kernel. */
export interface EntryLoopParts<Vcpu extends LoopVcpu> extends LoopParts {
  /** All of them; more may come. */
  readonly vcpus: readonly Vcpu[];
  /** The machine has been reset: give each vCPU its guest anew. */
  readonly restartGuests: () => void;
}

/** The machine's clock, and the kernel's time beside it. */
export interface LoopTime extends Pick<TimeKeeper, 'begin' | 'advanceUntilTimer' | 'runTimers'> {
  /** Runs due timers while no vCPU runs. */
  settle(): void;
}

/**
 * What the loops of both kernels do around their entries: runs and slices begin and end, the ring is drained, the machine is reset.
 * How vCPUs are entered is a kernel's own.
 */
export abstract class EntryLoop<Vcpu extends LoopVcpu, Parts extends EntryLoopParts<Vcpu>> implements UserspaceLoop {
  running = false;
  isOpen = false;
  /** Why the run ends without a request: a triple fault, or too many timers. */
  protected ending: Ending | undefined;
  protected readonly drainNow = () => this.drain();
  protected abstract readonly exits: ExitPump<Vcpu>;
  protected abstract readonly time: LoopTime;
  private resetting = false;

  constructor(protected readonly parts: Parts) {}

  /** Operations of the run. */
  protected abstract get executed(): number;
  protected abstract beginRun(options: RunOptions): void;
  protected abstract beginSlice(limits: SliceLimits): void;
  /** What precedes the first entry of a run or slice. How that ends it, if it does. */
  protected abstract enter(): Ending | undefined;
  /** Enters a vCPU, and serves what it comes back with. */
  protected abstract step(): Ending | undefined;
  /** The vCPUs are as after power-on. */
  protected abstract resetProcessors(): void;

  run(options: RunOptions): RunOutcome {
    this.begin(options);
    return { ...this.goOn(), operations: this.executed };
  }

  begin(options: RunOptions): void {
    if (this.running || this.isOpen) throw runsAlready(this);
    this.ending = undefined;
    this.parts.requests.pause = false;
    this.parts.requests.powerOff = undefined;
    this.beginRun(options);
    this.isOpen = true;
  }

  slice(limits: SliceLimits): SliceEnd {
    if (this.running || !this.isOpen) throw runsAlready(this);
    this.beginSlice(limits);
    const end = this.goOn();
    if (end === outcomes.underWay) return 'under-way';
    if (end === outcomes.asleep) return 'asleep';
    return { ...end, operations: this.executed };
  }

  drain(): void {
    if (this.parts.ring.drain() > 0) this.parts.statistics.otherDrains++;
    if (!this.running) this.resetIfRequested();
  }

  settle(): void {
    this.exits.finishInstructions();
    this.drain();
    this.time.settle();
  }

  reset(): void {
    const { requests, ring, vcpus, host } = this.parts;
    requests.reset = true;
    this.exits.finishInstructions();
    ring.discard();
    for (const state of vcpus) state.halted = state.exitPending = false;
    this.resetProcessors();
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
  protected goOn(): Ending {
    this.isOpen = false;
    this.running = true;
    try {
      let end = this.enter();
      while (end === undefined) end = this.step();
      this.isOpen = end === outcomes.underWay || end === outcomes.asleep;
      return this.isOpen ? end : this.finish(end);
    } finally {
      this.running = false;
    }
  }

  /** Completes what a run that ended by an error has left, and performs what was requested since. */
  protected resume(): Ending | undefined {
    if (this.parts.requests.reset) this.reset();
    for (const state of this.parts.vcpus) if (state.exitPending) this.exits.serveReturn(state);
    if (this.parts.ring.postponed) this.drain();
    return this.handleRequests();
  }

  /** Performs requests between two instructions; answers how they end the run, if they do. */
  protected handleRequests(): Ending | undefined {
    const { requests } = this.parts;
    if (requests.pause && !requests.reset) this.exits.finishInstructions();
    if (requests.reset) {
      this.reset();
      return outcomes.wasReset;
    }
    const wrongMap = requests.mapChanged ? this.parts.checkMap() : undefined;
    requests.mapChanged = false;
    if (requests.pause) return requests.powerOff ?? outcomes.wasPaused;
    if (wrongMap !== undefined) return outcomes.halted(wrongMap);
    return this.ending;
  }

  /** The end drains, like a kick, and is not an exit; QEMU's policy leaves the ring as it is. */
  protected finish(end: Ending): Ending {
    const { ring, statistics, requests, drainsAtReturns } = this.parts;
    statistics.entriesAtEnd = ring.pending;
    this.time.advanceUntilTimer();
    if (drainsAtReturns) this.drain();
    this.time.runTimers();
    requests.pause = false;
    return requests.reset ? (this.handleRequests() ?? end) : end;
  }

  /** A device that changes the memory map in its reset drains too: that is not another reset. */
  private resetIfRequested(): void {
    if (!this.resetting && this.parts.requests.reset && this.parts.host.topology.handlerDepth === 0) this.reset();
  }
}

function runsAlready({ running, isOpen }: UserspaceLoop): BackplaneError {
  const why = running
    ? 'run(): the machine runs already. Call pause() from a handler instead.'
    : isOpen
      ? 'run(): a run in slices is under way. Let it end first: call pause(), and runSlice() once more.'
      : 'runSlice(): no run is under way. Call begin() first.';
  return new BackplaneError('machine-running', why);
}
