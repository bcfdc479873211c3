import type { InboxSource, RunOptions, SliceLimits } from '../accelerator/accelerator.ts';
import { Errno, ExitReason, KvmRun, VcpuRequest } from '../accelerator/kvm/abi.ts';
import { EntryLoop, type EntryLoopParts } from '../accelerator/kvm/entry-loop.ts';
import { ExitPump } from '../accelerator/kvm/exit-pump.ts';
import * as outcomes from '../accelerator/kvm/run-control.ts';
import type { TimeKeeper } from '../accelerator/kvm/time-keeper.ts';
import { resetRegisters } from '../accelerator/kvm/vm.ts';
import { MILLISECOND } from '../clock/index.ts';
import type { HostKernel } from './host-kernel.ts';
import { HostLimits } from './limits.ts';
import { MachineTime } from './machine-time.ts';
import type { RecordedTime } from './recorded-time.ts';
import type { RecordingPlay } from './recording-play.ts';
import { stoppedVcpu } from './stopped-vcpu.ts';
import { Tick } from './tick.ts';
import { type HostVcpu, haltedForEver, VcpuTurns } from './vcpu.ts';

interface HostLoopParts extends EntryLoopParts<HostVcpu> {
  readonly kernel: HostKernel;
}

type Ending = outcomes.Ending;

const Never = Number.POSITIVE_INFINITY;
/** Where nothing comes from outside. */
const Nothing: InboxSource = { due: Never, deliver: () => false };

/**
 * Enters the vCPUs of the host's kernel and serves what they come back with, in one thread. A tick interrupts a guest that does not
 * come back by itself. A replay has no tick: its clock is the recording's.
 */
export class HostLoop extends EntryLoop<HostVcpu, HostLoopParts> {
  /** A return lay between the last tick and now, so that what is queued is younger than a tick. */
  private hasReturned = false;
  private readonly turns: VcpuTurns;
  /** The recording that is replayed, and its clock. */
  private replay: { readonly play: RecordingPlay; readonly time: RecordedTime } | undefined;
  protected readonly exits: ExitPump<HostVcpu>;
  private readonly tick: Tick;
  protected readonly time: MachineTime;
  private readonly limits: HostLimits;
  private readonly inbox: InboxSource;

  constructor(parts: HostLoopParts, keeper: TimeKeeper) {
    super(parts);
    this.time = new MachineTime(parts.host.clock, keeper);
    this.exits = new ExitPump(
      {
        ...parts,
        time: this.time.atExits,
        failureOf: ({ vcpu, image }) => stoppedVcpu(parts.vm, vcpu, image?.name),
      },
      {
        halted: (state) => {
          state.halted = true;
        },
        shutDown: ({ image }) => {
          this.ending = outcomes.shutDown(image && `Guest '${image.name}' has shut the processor down (triple fault).`);
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

  protected get executed(): number {
    return this.limits.operations;
  }

  protected beginRun(options: RunOptions): void {
    this.limits.begin(options);
    this.time.begin();
  }

  protected beginSlice(limits: SliceLimits): void {
    this.limits.beginSlice(limits, this.time.now);
  }

  /** A recording goes on where it was: its registers are not the machine's. */
  protected resetProcessors(): void {
    if (this.replay !== undefined) return;
    const { vm, vcpus } = this.parts;
    for (const state of vcpus) resetRegisters(vm, state.vcpu);
  }

  protected override goOn(): Ending {
    this.time.start(this.replay !== undefined);
    if (this.replay === undefined) this.tick.start();
    try {
      return super.goOn();
    } finally {
      this.tick.stop();
      this.time.stop();
    }
  }

  protected enter(): Ending | undefined {
    return this.resume() ?? this.deliver();
  }

  protected step(): Ending | undefined {
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

  protected override finish(end: Ending): Ending {
    const ending = super.finish(end);
    if (end === outcomes.finished) this.replay?.play.end();
    return ending;
  }
}
