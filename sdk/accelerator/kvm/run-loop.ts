import { BackplaneError } from '../../memory/index.ts';
import type { AcceleratorHost, RunEnd, RunOptions } from '../accelerator.ts';
import type { ExitStatistics } from '../exit-statistics.ts';
import { Errno, ExitReason, InternalErrorExit, KvmRun, VcpuRequest } from './abi.ts';
import type { EventConsumers } from './event-consumers.ts';
import type { ExitService } from './exit-service.ts';
import { finishInstruction } from './instruction-boundary.ts';
import type { InterruptLine } from './interrupt-line.ts';
import type { KvmVm } from './kvm-vm.ts';
import { resetRegisters } from './reset-state.ts';
import type { RingDrain } from './ring-drain.ts';
import type { RunRequests } from './run-requests.ts';
import type { ScheduledKernel } from './scheduled-kernel.ts';
import { Interruption } from './simulated-kernel/index.ts';
import type { TimeKeeper } from './time-keeper.ts';
import type { ScheduledVcpu, VcpuSchedule } from './vcpu-schedule.ts';

/** What the loop works with; the accelerator puts it together. */
export interface RunLoopParts {
  readonly kernel: ScheduledKernel;
  readonly vm: KvmVm;
  readonly host: AcceleratorHost;
  readonly schedule: VcpuSchedule;
  readonly ring: RingDrain;
  readonly service: ExitService;
  readonly interrupts: InterruptLine;
  readonly time: TimeKeeper;
  readonly consumers: EventConsumers;
  readonly requests: RunRequests;
  readonly statistics: ExitStatistics;
  /** Every return to userspace drains; otherwise only the memory core asks for it. */
  readonly drainsAtReturns: boolean;
  /** The machine has been reset: give each vCPU its guest anew. */
  readonly restartGuests: () => void;
}

export interface LoopEnd {
  readonly reason: RunEnd;
  readonly message: string;
}

const DefaultOperationLimit = 100_000_000;
const DefaultProgressEvery = 10_000;
/** A signal must not wait for long on a guest that never leaves guest mode. */
const OperationsBetweenEvents = 64;
/** Timers that expire during one HLT without an interrupt: after so many, none is going to come. */
const MostTimersOfOneHalt = 100_000;

/** Enters the vCPUs in turn and serves what they come back with, until something ends it. */
export class RunLoop {
  running = false;
  private current: ScheduledVcpu | undefined;
  private operationsLeft = 0;
  private progressEvery = DefaultProgressEvery;
  private progressLeft = DefaultProgressEvery;
  private onProgress: ((operations: number) => void) | undefined;
  private operationsAtStart = 0;
  private sliceStart = 0;
  private hasShutDown = false;
  private resetting = false;

  constructor(private readonly parts: RunLoopParts) {}

  run(options: RunOptions): LoopEnd & { operations: number } {
    if (this.running) throw new BackplaneError('run(): the machine runs already. Call pause() from a handler instead.');
    this.running = true;
    try {
      this.begin(options);
      let end = this.resume();
      while (end === undefined) end = this.step();
      end = this.finish(end);
      return { ...end, operations: this.totalOperations() - this.operationsAtStart };
    } finally {
      this.running = false;
    }
  }

  /** Delivers what is queued, for somebody other than an exit. */
  drain(): void {
    if (this.parts.ring.drain() > 0) this.parts.statistics.otherDrains++;
    if (!this.running) this.obeyOutside();
  }

  /** Ends every instruction that has begun and delivers what is queued. */
  settle(): void {
    this.finishInstructions();
    this.drain();
    this.parts.time.catchUp();
  }

  /** Between two instructions. What the guest did after it had asked for the reset is dropped, not carried out. */
  reset(): void {
    const { requests, ring, vm, schedule, host } = this.parts;
    requests.reset = true;
    this.finishInstructions();
    ring.discard();
    for (const state of schedule.vcpus) {
      resetRegisters(vm, state.vcpu);
      state.halted = state.unserved = false;
    }
    this.current = undefined;
    this.resetting = true;
    try {
      host.reset();
    } finally {
      requests.reset = this.resetting = false;
      this.parts.restartGuests();
    }
  }

  private begin(options: RunOptions): void {
    this.operationsLeft = options.operationLimit ?? DefaultOperationLimit;
    this.progressEvery = this.progressLeft = options.progressEvery ?? DefaultProgressEvery;
    this.onProgress = options.onProgress;
    this.operationsAtStart = this.sliceStart = this.totalOperations();
    this.current = undefined;
    this.hasShutDown = false;
    this.parts.requests.pause = false;
    this.parts.time.begin();
  }

  /** What a run that ended by an error has left undone, and a reset that was asked for from outside since. */
  private resume(): LoopEnd | undefined {
    if (this.parts.requests.reset) this.reset();
    for (const state of this.parts.schedule.vcpus) if (state.unserved) this.serveReturn(state);
    if (this.parts.ring.postponed) this.drain();
    return this.obey();
  }

  private step(): LoopEnd | undefined {
    const { kernel, time, interrupts, ring, consumers, requests } = this.parts;
    const state = this.current ?? this.takeTurn();
    if (state === undefined) return this.waitForInterrupt();
    time.armKick();
    interrupts.prepare(state.vcpu);
    if (kernel.ioctl(state.vcpu.fd, VcpuRequest.Run, 0) === 0) {
      state.unserved = true;
      this.serveReturn(state);
    } else {
      this.serveInterruption(state);
    }
    if (ring.postponed) this.drain();
    if (consumers.any) consumers.notify(() => this.drain());
    if (requests.any || this.operationsLeft <= 0 || this.hasShutDown) return this.obey();
    return undefined;
  }

  /** Control is back because of the guest: the ring first, then timers, then what the guest wants. */
  private serveReturn(state: ScheduledVcpu): void {
    const { ring, time, service, statistics, drainsAtReturns } = this.parts;
    time.approach();
    service.note(state.vcpu);
    if (drainsAtReturns && ring.drain() > 0) statistics.drainsAtExits++;
    time.catchUp();
    state.unserved = false;
    this.serveExit(state);
  }

  private serveExit(state: ScheduledVcpu): void {
    const { service } = this.parts;
    const reason = state.vcpu.run.getUint32(KvmRun.exitReason, true);
    if (reason === ExitReason.Io) service.serveIo(state.vcpu);
    else if (reason === ExitReason.Mmio) service.serveMmio(state.vcpu);
    else if (reason === ExitReason.Hlt) this.halt(state);
    else if (reason === ExitReason.Shutdown) this.hasShutDown = true;
    else if (reason !== ExitReason.IrqWindowOpen && reason !== ExitReason.Intr) throw this.unknownExit(state, reason);
  }

  private halt(state: ScheduledVcpu): void {
    state.halted = true;
    this.current = undefined;
  }

  private serveInterruption(state: ScheduledVcpu): void {
    const { kernel, vm, time, statistics } = this.parts;
    if (kernel.errno !== Errno.EINTR) throw vm.failure(`run vCPU ${state.vcpu.id}`, 'The guest cannot go on.');
    const reason = kernel.interruption(state.vcpu.fd);
    if (reason === Interruption.Slice || reason === Interruption.GuestFinished) {
      state.finished = reason === Interruption.GuestFinished;
      this.endTurn();
      return;
    }
    if (reason === Interruption.Queued) statistics.kicks++;
    time.approach();
    if (this.parts.drainsAtReturns) this.drain();
    time.catchUp();
  }

  /** The end of a turn is not a return to userspace: on real processors there are no turns. */
  private endTurn(): void {
    const total = this.totalOperations();
    this.current = undefined;
    this.operationsLeft -= total - this.sliceStart;
    this.progressLeft -= total - this.sliceStart;
    this.sliceStart = total;
    if (this.progressLeft > 0) return;
    this.progressLeft = this.progressEvery;
    this.onProgress?.(total - this.operationsAtStart);
  }

  private takeTurn(): ScheduledVcpu | undefined {
    const { schedule, interrupts, kernel, consumers } = this.parts;
    for (const state of schedule.vcpus) if (state.halted && interrupts.wakes(state)) state.halted = false;
    const state = schedule.next();
    if (state === undefined) return undefined;
    const bound = Math.min(this.operationsLeft, this.onProgress === undefined ? Infinity : this.progressLeft);
    const turn = Math.min(schedule.turnLength(), consumers.any ? OperationsBetweenEvents : Infinity, bound);
    kernel.sliceOperations(state.vcpu.fd, turn);
    this.current = state;
    return state;
  }

  /** No vCPU can go on: time jumps from timer to timer until one raises an interrupt. */
  private waitForInterrupt(): LoopEnd | undefined {
    const { schedule, interrupts, time, host } = this.parts;
    const halted = schedule.vcpus.filter((state) => state.halted && !state.finished);
    if (halted.length === 0) return { reason: 'finished', message: 'The guest has finished.' };
    const when = () => `HLT at ${host.clock.now} ns of guest time`;
    if (!halted.some((state) => state.vcpu.id === 0 && state.interruptsEnabled)) {
      return {
        reason: 'halted',
        message: `${when()} with interrupts disabled: nothing can wake it. Execute sti first.`,
      };
    }
    for (let expired = 0; expired < MostTimersOfOneHalt; expired++) {
      if (halted.some((state) => interrupts.wakes(state))) return undefined;
      if (!time.sleep()) {
        return {
          reason: 'halted',
          message: `${when()}: no interrupt is pending and no timer is armed, so nothing can wake it.`,
        };
      }
      if (this.parts.drainsAtReturns) this.drain();
      time.catchUp();
      if (this.parts.requests.any) return this.obey();
    }
    const message = `${when()}: ${MostTimersOfOneHalt} timers have expired and none raised an interrupt.`;
    return { reason: 'halted', message };
  }

  /** Does what was asked between two instructions; answers how the run ends by that. */
  private obey(): LoopEnd | undefined {
    const { requests, schedule } = this.parts;
    if (requests.pause && !requests.reset) this.finishInstructions();
    if (requests.reset) {
      this.reset();
      return { reason: 'reset', message: 'The guest has reset the machine.' };
    }
    if (requests.pause) return { reason: 'paused', message: 'The machine was paused.' };
    if (this.hasShutDown)
      return { reason: 'shutdown', message: 'The guest has shut the processor down (triple fault).' };
    if (this.operationsLeft > 0 || schedule.vcpus.every((state) => state.finished)) return undefined;
    return { reason: 'operation-limit', message: 'The guest was stopped at its operation limit.' };
  }

  /** A device that rearranges the memory map in its reset drains too: that is not another reset. */
  private obeyOutside(): void {
    if (!this.resetting && this.parts.requests.reset && this.parts.host.topology.handlerDepth === 0) this.reset();
  }

  /** The end drains, like a kick, and is not an exit; QEMU's policy leaves the ring as it is. */
  private finish(end: LoopEnd): LoopEnd {
    const { ring, time, statistics, requests, drainsAtReturns } = this.parts;
    statistics.entriesAtEnd = ring.pending;
    time.approach();
    if (drainsAtReturns) this.drain();
    time.catchUp();
    requests.pause = false;
    return requests.reset ? (this.obey() ?? end) : end;
  }

  private finishInstructions(): void {
    const { vm, schedule, ring, drainsAtReturns } = this.parts;
    for (const state of schedule.vcpus) {
      finishInstruction(vm, state, () => {
        if (drainsAtReturns) ring.drain();
        this.serveExit(state);
      });
    }
  }

  private unknownExit(state: ScheduledVcpu, reason: number): Error {
    const failure = this.parts.kernel.guestFailure(state.vcpu.fd);
    if (failure !== undefined) return failure;
    const detail =
      reason === ExitReason.InternalError
        ? `, suberror ${state.vcpu.run.getUint32(InternalErrorExit.suberror, true)}`
        : '';
    return new BackplaneError(
      `KVM stopped vCPU ${state.vcpu.id} with exit reason ${reason}${detail}: the guest cannot go on.`,
    );
  }

  private totalOperations(): number {
    const { kernel, schedule } = this.parts;
    return schedule.vcpus.reduce((sum, state) => sum + kernel.operations(state.vcpu.fd), 0);
  }
}
