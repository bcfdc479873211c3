import type { BackplaneError } from '../../base/errors.ts';
import { ExitReason, KvmRun, VcpuRequest } from './abi.ts';
import { unknownExit } from './exit-service.ts';
import type { KvmKernel } from './kernel.ts';
import type { TimeKeeper } from './time-keeper.ts';
import type { LoopParts } from './userspace-loop.ts';
import { finishInstruction, type KvmVcpu } from './vm.ts';

/** A vCPU as the pump enters it. */
export interface EnteredVcpu {
  readonly vcpu: KvmVcpu;
  /** An exit has come back and was not carried out yet; it must be, whatever happens in between. */
  exitPending: boolean;
}

/** What the pump works with. */
export interface ExitPumpParts<Vcpu extends EnteredVcpu>
  extends Pick<LoopParts, 'vm' | 'ring' | 'service' | 'statistics' | 'drainsAtReturns'> {
  readonly kernel: KvmKernel;
  /** All of them; more may come. */
  readonly vcpus: readonly Vcpu[];
  readonly time: Pick<TimeKeeper, 'advanceUntilTimer' | 'runTimers'>;
  /** Why a vCPU cannot go on, where the kernel knows it. */
  readonly failureOf: (state: Vcpu) => BackplaneError | undefined;
}

/** What an exit means for turns; an access means nothing. */
export interface ExitConsequences<Vcpu extends EnteredVcpu> {
  halted(state: Vcpu): void;
  shutDown(state: Vcpu): void;
}

/** An interrupt may be let in now, or has been. Which one has the highest priority is the machine's own business. */
const AsksForNothing: readonly number[] = [ExitReason.IrqWindowOpen, ExitReason.Intr, ExitReason.SetTpr];

/** Enters the guest and serves what KVM_RUN comes back with: QEMU's kvm_cpu_exec(). It knows a kernel of KVM's interface, and no turns. */
export class ExitPump<Vcpu extends EnteredVcpu> {
  constructor(
    private readonly parts: ExitPumpParts<Vcpu>,
    private readonly consequences: ExitConsequences<Vcpu>,
  ) {}

  /** KVM_RUN, and its exit if there was one. False: it was interrupted, and `errno` says how. */
  enter(state: Vcpu): boolean {
    if (this.parts.kernel.ioctl(state.vcpu.fd, VcpuRequest.Run, 0) !== 0) return false;
    state.exitPending = true;
    this.serveReturn(state);
    return true;
  }

  /** KVM_RUN came back with an exit: the ring is drained first, then timers run, then the exit is served. */
  serveReturn(state: Vcpu): void {
    const { ring, time, service, statistics, drainsAtReturns } = this.parts;
    time.advanceUntilTimer();
    service.note(state.vcpu);
    if (drainsAtReturns && ring.drain() > 0) statistics.drainsAtExits++;
    time.runTimers();
    state.exitPending = false;
    this.serveExit(state);
  }

  /** Takes every vCPU to the end of the instruction that it is in. */
  finishInstructions(): void {
    const { vm, vcpus, ring, drainsAtReturns } = this.parts;
    for (const state of vcpus) {
      finishInstruction(vm, state.vcpu, () => {
        if (drainsAtReturns) ring.drain();
        this.serveExit(state);
      });
    }
  }

  private serveExit(state: Vcpu): void {
    const { service } = this.parts;
    const reason = state.vcpu.run.getUint32(KvmRun.exitReason, true);
    if (reason === ExitReason.Io) service.serveIo(state.vcpu);
    else if (reason === ExitReason.Mmio) service.serveMmio(state.vcpu);
    else if (reason === ExitReason.Hlt) this.consequences.halted(state);
    else if (reason === ExitReason.Shutdown) this.consequences.shutDown(state);
    else if (!AsksForNothing.includes(reason)) throw this.parts.failureOf(state) ?? unknownExit(state.vcpu, reason);
  }
}
