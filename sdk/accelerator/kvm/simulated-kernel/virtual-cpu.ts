import { BackplaneError } from '../../../base/errors.ts';
import { GuestOperation, type GuestSource, OperationKind, refuseOperation } from '../../guest/operation.ts';
import { Errno, ExitReason, KvmRun, PageSize } from '../abi.ts';
import { type GuestProcessor, Interruption, type InterruptionValue, type VcpuExecution } from '../scheduled/kernel.ts';
import { MemoryInstructions } from './memory-instructions.ts';
import { PortInstructions, Step, type StepValue } from './port-instructions.ts';
import { ProcessorState } from './processor-state.ts';
import {
  describeFailedEntry,
  describeFailure,
  type GuestWhereabouts,
  refusedOperation,
  thrownByProgram,
} from './vcpu-failures.ts';
import type { VirtualMachine } from './virtual-machine.ts';

const Pending = { Nothing: 0, PortRead: 1, Memory: 2 } as const;

/** One vCPU: KVM_RUN executes its guest until something needs userspace. @see arch/x86/kvm/x86.c, vcpu_run */
export class VirtualCpu implements GuestProcessor {
  readonly runPage = new DataView(new ArrayBuffer(PageSize));
  readonly portPage = new DataView(new ArrayBuffer(PageSize));
  readonly state: ProcessorState;
  operations = 0;
  slice = Infinity;
  kicked = false;
  guestFinished = false;
  interruption: InterruptionValue = Interruption.None;
  failure: BackplaneError | undefined;
  #guest: GuestSource | undefined;
  #operation = new GuestOperation();
  #pending: (typeof Pending)[keyof typeof Pending] = Pending.Nothing;
  readonly #ports: PortInstructions;
  readonly #memory: MemoryInstructions;

  constructor(
    readonly machine: VirtualMachine,
    readonly id: number,
  ) {
    this.state = new ProcessorState(id);
    this.#ports = new PortInstructions(machine, this.runPage, this.portPage);
    this.#memory = new MemoryInstructions(machine, this.runPage);
    this.describeSpecialRegisters();
  }

  attach(guest: GuestSource): void {
    this.#guest = guest;
    this.#operation = new GuestOperation();
    this.#pending = Pending.Nothing;
    this.state.queuedVector = -1;
    this.state.interruptShadow = false;
    this.failure = undefined;
    this.guestFinished = false;
  }

  get execution(): VcpuExecution {
    const { operations, guestFinished, failure } = this;
    return {
      operation: this.#operation,
      operations,
      guestFinished,
      interruptShadow: this.state.interruptShadow,
      failed: failure !== undefined,
    };
  }

  resume(guest: GuestSource | undefined, execution: VcpuExecution): void {
    this.#guest = guest;
    this.#operation = execution.operation;
    this.#pending = Pending.Nothing;
    this.operations = execution.operations;
    this.guestFinished = execution.guestFinished;
    this.state.interruptShadow = execution.interruptShadow;
    this.failure = undefined;
  }

  /** What kvm_run repeats of the special registers, which only userspace changes. */
  describeSpecialRegisters(): void {
    this.runPage.setBigUint64(KvmRun.cr8, this.state.cr8, true);
    this.runPage.setBigUint64(KvmRun.apicBase, this.state.apicBase, true);
  }

  /** KVM_RUN: 0 and an exit reason, or an errno. */
  run(): number {
    this.interruption = Interruption.None;
    const result = this.#completePending() ? 0 : this.#enter();
    this.#describeState();
    return result;
  }

  /** Finishes what userspace has served. True if the same instruction has another part for userspace. */
  #completePending(): boolean {
    const pending = this.#pending;
    if (pending === Pending.Nothing) return false;
    if (pending === Pending.Memory) {
      const { position } = this.#operation;
      if (this.#memory.complete(this.#operation)) return true;
      // Elements that are fetched once more.
      const again = position - this.#operation.position;
      this.operations -= again;
      this.slice += again;
    }
    if (pending === Pending.PortRead) {
      this.#pending = Pending.Memory;
      if (this.#memory.store(this.#operation, this.#ports.complete(this.#operation))) return true;
    }
    this.#pending = Pending.Nothing;
    return false;
  }

  #enter(): number {
    if (this.runPage.getUint8(KvmRun.immediateExit) !== 0) return this.#interrupted(Interruption.ImmediateExit);
    this.machine.watchDeadline();
    while (true) {
      const due = this.#betweenInstructions();
      if (due >= 0) return due;
      const step = this.#execute();
      if (step !== Step.GoOn) return step === Step.Fault ? Errno.EFAULT : 0;
    }
  }

  /** Everything that can stop the vCPU before an instruction; -1 if it executes the next one. */
  #betweenInstructions(): number {
    const { state } = this;
    if (state.queuedVector >= 0) {
      if (this.kicked) return this.#kick();
      if (!state.acceptsInterrupt) return describeFailedEntry(this.runPage);
      if (!this.#inject()) return this.#fail();
    } else if (this.runPage.getUint8(KvmRun.requestInterruptWindow) !== 0 && state.acceptsInterrupt) {
      return this.#openWindow();
    }
    if (this.kicked) return this.#kick();
    if (this.failure !== undefined) return this.#fail();
    if (this.slice <= 0) return this.#interrupted(Interruption.Slice);
    const { time } = this.machine;
    if (this.machine.isDue(time.now)) return this.#interrupted(this.machine.reachDeadline());
    const operation = this.#operation;
    if (operation.finished && !this.#fetch()) {
      return this.failure === undefined ? this.#interrupted(Interruption.GuestFinished) : this.#fail();
    }
    if (operation.at >= 0) {
      if (this.machine.isDue(operation.at)) return this.#interrupted(this.machine.reachDeadline());
      time.advanceTo(operation.at);
    }
    return -1;
  }

  #execute(): StepValue {
    const operation = this.#operation;
    const { time, statistics } = this.machine;
    let executed = 1;
    let step: StepValue = Step.GoOn;
    const { interruptShadow } = this.state;
    this.state.interruptShadow = false;
    switch (operation.kind) {
      case OperationKind.Out:
        step = this.#ports.out(operation);
        break;
      case OperationKind.In:
        step = this.#ports.in(operation);
        this.#pending = Pending.PortRead;
        break;
      case OperationKind.Store:
      case OperationKind.Load:
        step = this.#memory.execute(operation);
        if (step === Step.Exit) this.#pending = Pending.Memory;
        break;
      case OperationKind.RepOuts:
        step = this.#ports.repOuts(operation);
        executed = this.#ports.elements;
        break;
      case OperationKind.RepIns:
        step = this.#ports.repIns(operation);
        executed = this.#ports.elements;
        if (step === Step.Exit) this.#pending = Pending.PortRead;
        break;
      case OperationKind.Hlt:
        operation.finished = true;
        statistics.vmExits++;
        statistics.userspaceExits++;
        statistics.haltExits++;
        time.spend(operation.at, time.costs.userspace);
        this.runPage.setUint32(KvmRun.exitReason, ExitReason.Hlt, true);
        step = Step.Exit;
        break;
      case OperationKind.Pause:
        // A loop of plain instructions: the shadow covers the first of them.
        this.#pause(operation, interruptShadow ? Math.max(1, time.costs.plain) : Infinity);
        executed = operation.finished ? 1 : 0;
        break;
      default:
        operation.finished = true;
        if (operation.kind === OperationKind.InterruptReturn) this.state.returnFromInterrupt();
        else this.state.setInterruptFlag(operation.kind === OperationKind.Sti);
        time.spend(operation.at, time.costs.plain);
    }
    if (step !== Step.Fault) {
      this.operations += executed;
      this.slice -= executed;
    }
    return step;
  }

  /** Time passes up to the next deadline; the rest of the pause follows when userspace has dealt with that. */
  #pause(operation: GuestOperation, most: number): void {
    const { time } = this.machine;
    // A stop does not shorten the shadow. A deadline may be set to a time that has passed.
    const deadline = most === Infinity ? this.machine.nextDeadline() : this.machine.kvmDeadline();
    const left = Math.max(0, deadline - time.now);
    const spent = Math.min(Math.ceil(operation.duration), left, most);
    time.now += spent;
    operation.duration -= spent;
    operation.finished = operation.duration <= 0;
  }

  /** Asks the guest for its next operation; false if it has none, or none that a processor can execute. */
  #fetch(): boolean {
    if (this.guestFinished) return false;
    const operation = this.#operation;
    try {
      if (this.#guest === undefined) {
        this.failure = new BackplaneError(
          'vcpu-without-guest',
          `vCPU ${this.id} has no guest to execute. Attach a guest before KVM_RUN.`,
        );
        return false;
      }
      this.guestFinished = !this.#guest.next(operation);
      if (this.guestFinished) return false;
    } catch (cause) {
      this.#threw(cause);
      return false;
    }
    const refusal = refuseOperation(operation);
    if (refusal !== undefined) {
      this.failure = refusedOperation(this.#whereabouts(), operation, refusal);
      return false;
    }
    operation.finished = false;
    return true;
  }

  #inject(): boolean {
    const vector = this.state.takeInterrupt();
    this.machine.statistics.injectedInterrupts++;
    try {
      this.#guest?.interrupt(vector, this.#operation);
      this.#operation.finished = true;
      return true;
    } catch (cause) {
      this.#threw(cause);
      return false;
    }
  }

  #threw(cause: unknown): void {
    this.failure = thrownByProgram(this.#whereabouts(), cause);
  }

  #whereabouts(): GuestWhereabouts {
    return { guest: this.#guest?.name, operation: this.operations + 1, vcpu: this.id };
  }

  #fail(): number {
    return describeFailure(this.runPage, this.failure);
  }

  #openWindow(): number {
    const { statistics, time } = this.machine;
    statistics.vmExits++;
    statistics.userspaceExits++;
    statistics.interruptWindowExits++;
    time.now += time.costs.userspace;
    this.runPage.setUint32(KvmRun.exitReason, ExitReason.IrqWindowOpen, true);
    return 0;
  }

  #kick(): number {
    this.kicked = false;
    return this.#interrupted(Interruption.Kick);
  }

  #interrupted(why: InterruptionValue): number {
    this.interruption = why;
    if (why === Interruption.ImmediateExit) return Errno.EINTR;
    this.runPage.setUint32(KvmRun.exitReason, ExitReason.Intr, true);
    if (why < Interruption.Slice) this.machine.statistics.interruptions++;
    return Errno.EINTR;
  }

  /** What kvm_run always says on the way out. @see arch/x86/kvm/x86.c, post_kvm_run_save */
  #describeState(): void {
    const { state, runPage } = this;
    const ready = state.acceptsInterrupt && state.queuedVector < 0;
    runPage.setUint8(KvmRun.readyForInterruptInjection, ready ? 1 : 0);
    runPage.setUint8(KvmRun.ifFlag, state.interruptFlag ? 1 : 0);
  }
}
