import type { InboxSource, RunOptions, RunOutcome, SliceEnd, SliceLimits } from '../accelerator/accelerator.ts';
import { Errno, ExitReason, KvmRun, VcpuRequest } from '../accelerator/kvm/abi.ts';
import { ExitPump } from '../accelerator/kvm/exit-pump.ts';
import * as outcomes from '../accelerator/kvm/run-control.ts';
import type { TimeKeeper } from '../accelerator/kvm/time-keeper.ts';
import type { LoopParts, UserspaceLoop } from '../accelerator/kvm/userspace-loop.ts';
import { resetRegisters } from '../accelerator/kvm/vm.ts';
import { MILLISECOND } from '../clock/index.ts';
import type { HostKernel } from './host-kernel.ts';
import { HostLimits, runsAlready } from './limits.ts';
import { MachineTime } from './machine-time.ts';
import type { RecordedTime } from './recorded-time.ts';
import type { RecordingPlay } from './recording-play.ts';
import { Tick } from './tick.ts';
import { type HostVcpu, haltedForEver, VcpuTurns } from './vcpu.ts';

interface HostLoopParts extends LoopParts {
  readonly kernel: HostKernel;
  readonly vcpus: readonly HostVcpu[];
  /** The machine has been reset: give each vCPU its guest anew. */
  readonly restartGuests: () => void;
}

type Ending = outcomes.Ending;

const Never = Number.POSITIVE_INFINITY;
/** Where nothing comes from outside. */
const Nothing: InboxSource = { due: Never, deliver: () => false };

/**
 * Enters the vCPUs of the host's kernel and serves what they come back with, in one thread. A tick interrupts a guest that does not
 * come back by itself. A replay has no tick: its clock is the recording's.
 */
export class HostLoop implements UserspaceLoop {
  running = false;
  isOpen = false;
  private ending: Ending | undefined;
  private resetting = false;
  /** A return lay between the last tick and now, so that what is queued is younger than a tick. */
  private hasReturned = false;
  private readonly turns: VcpuTurns;
  /** The recording that is replayed, and its clock. */
  private replay: { readonly play: RecordingPlay; readonly time: RecordedTime } | undefined;
  private readonly exits: ExitPump<HostVcpu>;
  private readonly tick: Tick;
  private readonly time: MachineTime;
  private readonly limits: HostLimits;
  private readonly inbox: InboxSource;
  private readonly drainNow = () => this.drain();

  constructor(
    private readonly parts: HostLoopParts,
    keeper: TimeKeeper,
  ) {
    this.time = new MachineTime(parts.host.clock, keeper);
    this.exits = new ExitPump(
      {
        ...parts,
        time: this.time.atExits,
        failureOf: () => undefined,
      },
      {
        halted: (state) => {
          state.halted = true;
        },
        shutDown: () => {
          this.ending = outcomes.shutDown();
        },
      },
    );
    this.turns = new VcpuTurns(parts.vcpus);
    this.tick = new Tick(parts.kernel.library);
    this.limits = new HostLimits(parts.host.clock);
    this.inbox = parts.host.inbox ?? Nothing;
  }

  /** From here on this recording is replayed, by its own clock. */
  play(play: RecordingPlay, time: RecordedTime): void {
    this.replay = { play, time };
    this.time.use(time);
  }

  run(options: RunOptions): RunOutcome {
    this.begin(options);
    return { ...this.goOn(), operations: this.limits.operations };
  }

  begin(options: RunOptions): void {
    if (this.running || this.isOpen) throw runsAlready(this.running);
    this.limits.begin(options);
    this.ending = undefined;
    this.parts.requests.pause = false;
    this.time.begin();
    this.isOpen = true;
  }

  slice(limits: SliceLimits): SliceEnd {
    if (this.running || !this.isOpen) throw runsAlready(this.running);
    this.limits.beginSlice(limits, this.time.now);
    const end = this.goOn();
    if (end === outcomes.underWay) return 'under-way';
    if (end === outcomes.asleep) return 'asleep';
    return { ...end, operations: this.limits.operations };
  }

  drain(): void {
    if (this.parts.ring.drain() > 0) this.parts.statistics.otherDrains++;
    if (!this.running) this.resetIfRequested();
  }

  settle(): void {
    this.exits.finishInstructions();
    this.drain();
    this.time.runTimers();
  }

  reset(): void {
    const { requests, ring, vm, vcpus, host } = this.parts;
    requests.reset = true;
    this.exits.finishInstructions();
    ring.discard();
    for (const state of vcpus) {
      if (this.replay === undefined) resetRegisters(vm, state.vcpu);
      state.halted = state.exitPending = false;
    }
    this.resetting = true;
    try {
      host.reset();
    } finally {
      requests.reset = this.resetting = false;
      if (!this.running && this.isOpen) this.ending = outcomes.wasReset;
      this.parts.restartGuests();
    }
  }

  private goOn(): Ending {
    this.isOpen = false;
    this.running = true;
    this.time.start(this.replay !== undefined);
    if (this.replay === undefined) this.tick.start();
    try {
      let end = this.resume();
      while (end === undefined) end = this.step();
      this.isOpen = end === outcomes.underWay || end === outcomes.asleep;
      return this.isOpen ? end : this.finish(end);
    } finally {
      this.tick.stop();
      this.time.stop();
      this.running = false;
    }
  }

  /** Completes what a run that ended by an error has left, and performs what was requested since. */
  private resume(): Ending | undefined {
    if (this.parts.requests.reset) this.reset();
    for (const state of this.parts.vcpus) if (state.exitPending) this.exits.serveReturn(state);
    if (this.parts.ring.postponed) this.drain();
    return this.handleRequests() ?? this.deliver();
  }

  private step(): Ending | undefined {
    const { interrupts, ring, consumers, requests, kernel } = this.parts;
    const state = this.turns.take();
    if (state === undefined) return this.waitForInterrupt();
    interrupts.prepare(state.vcpu);
    if (kernel.ioctl(state.vcpu.fd, VcpuRequest.Run, 0) !== 0) this.serveSignal(state);
    else if (this.replay === undefined) {
      this.hasReturned = state.exitPending = true;
      this.exits.serveReturn(state);
    } else if (!this.serveRecorded(state, this.replay.play, this.replay.time)) return undefined;
    this.limits.count();
    if (ring.postponed) this.drain();
    if (consumers.any) consumers.notify(this.drainNow);
    if (requests.any || this.ending !== undefined) {
      const end = this.handleRequests();
      if (end !== undefined) return end;
    }
    return this.limits.isReached || this.inbox.due !== Never ? this.atLimit() : undefined;
  }

  /**
   * A signal has interrupted the guest: the tick, or another one. A guest that has come back since the last one has had its ring drained
   * then, and what is queued is younger than a tick.
   */
  private serveSignal(state: HostVcpu): void {
    const { kernel, vm, ring, statistics, drainsAtReturns, host } = this.parts;
    if (kernel.errno !== Errno.EINTR) throw vm.failure(`run vCPU ${state.vcpu.id}`, 'The guest cannot go on.');
    this.turns.pass();
    this.limits.hasTicked = true;
    this.time.advanceUntilTimer();
    const timerIsDue = host.clock.nextDeadline() <= this.time.now;
    if (drainsAtReturns && (timerIsDue || !this.hasReturned) && ring.drain() > 0) statistics.kicks++;
    this.hasReturned = false;
    this.time.runTimers();
  }

  /** An exit of a recording's code: the clock is at the time of the access that is served. False: its HLT, which is no access. */
  private serveRecorded(state: HostVcpu, play: RecordingPlay, time: RecordedTime): boolean {
    const { ring, kernel, statistics } = this.parts;
    const first = play.next;
    const end = first + ring.pending;
    time.arrive(end);
    if (state.vcpu.run.getUint32(KvmRun.exitReason, true) === ExitReason.Hlt) {
      kernel.counts.forgetHalt();
      state.finished = true;
      return false;
    }
    state.exitPending = true;
    this.exits.serveReturn(state);
    statistics.kicks += time.kicksBetween(first, end);
    return true;
  }

  /** No vCPU can go on: the host sleeps until the next timer, or the run ends. */
  private waitForInterrupt(): Ending | undefined {
    const { vcpus, interrupts, host } = this.parts;
    const { clock } = host;
    const first = vcpus[0] as HostVcpu;
    if (vcpus.every(({ finished }) => finished)) return outcomes.finished;
    if (first.finished || !first.interruptsEnabled) return haltedForEver(first, clock.absolute());
    const end = this.deliver();
    if (end !== undefined) return end;
    if (interrupts.wakes(first)) {
      first.halted = false;
      return undefined;
    }
    const { limits } = this;
    if (clock.nextDeadline() === Never && !limits.waits) return outcomes.nothingArmed(clock);
    const left = clock.nextDeadline() - this.time.now;
    if (left > 0) {
      if (limits.isSliced) return outcomes.asleep;
      this.parts.kernel.library.sleep(left / MILLISECOND);
    }
    return this.runIdleTimers() ?? this.endOfSlice();
  }

  private runIdleTimers(): Ending | undefined {
    const { requests, host, drainsAtReturns } = this.parts;
    this.time.advanceUntilTimer();
    if (host.clock.nextDeadline() > this.time.now) return undefined;
    if (drainsAtReturns) this.drain();
    this.time.runTimers();
    return requests.any ? this.handleRequests() : this.limits.noteIdleTimer();
  }

  /** A limit of the run or of the slice, or something from outside. */
  private atLimit(): Ending | undefined {
    const end = this.deliver();
    if (end !== undefined || !this.limits.isRunOver) return end ?? this.endOfSlice();
    return outcomes.operationLimit;
  }

  private endOfSlice(): Ending | undefined {
    return this.limits.isSliceOver(this.time.now) ? outcomes.underWay : undefined;
  }

  /** What is queued and what is timed precedes the event: its device sees the guest's past in order. */
  private deliver(): Ending | undefined {
    const { host, requests, ring, drainsAtReturns } = this.parts;
    const { inbox } = this;
    if (inbox.due === Never) return undefined;
    this.time.advanceUntilTimer();
    if (drainsAtReturns) this.drain();
    this.time.runTimers();
    while (!requests.any && inbox.deliver(Never, host.clock.absolute())) {}
    if (ring.postponed) this.drain();
    return requests.any ? this.handleRequests() : undefined;
  }

  private handleRequests(): Ending | undefined {
    const { requests } = this.parts;
    if (requests.pause && !requests.reset) this.exits.finishInstructions();
    if (requests.reset) {
      this.reset();
      return outcomes.wasReset;
    }
    const wrongMap = requests.mapChanged ? this.parts.checkMap() : undefined;
    requests.mapChanged = false;
    if (requests.pause) return outcomes.wasPaused;
    if (wrongMap !== undefined) return outcomes.halted(wrongMap);
    return this.ending;
  }

  /** A device that changes the memory map in its reset drains too: that is not another reset. */
  private resetIfRequested(): void {
    if (!this.resetting && this.parts.requests.reset && this.parts.host.topology.handlerDepth === 0) this.reset();
  }

  private finish(end: Ending): Ending {
    const { ring, statistics, requests, drainsAtReturns } = this.parts;
    statistics.entriesAtEnd = ring.pending;
    this.time.advanceUntilTimer();
    if (drainsAtReturns) this.drain();
    this.time.runTimers();
    if (end === outcomes.finished) this.replay?.play.end();
    requests.pause = false;
    return requests.reset ? (this.handleRequests() ?? end) : end;
  }
}
