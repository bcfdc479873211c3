import type { BackplaneError } from '../../../base/errors.ts';
import type { Json, JsonReader } from '../../../base/json-reader.ts';
import type { GuestSource } from '../../guest/operation.ts';
import { Errno, ExitReason, KvmRun, PageSize, SpecialRegisters, StructSize } from '../abi.ts';
import { type GuestProcessor, Interruption, type InterruptionValue, type VcpuExecution } from '../scheduled/kernel.ts';
import type { CodeExecution } from './machine-code/execution.ts';
import { OperationUnit } from './operation-unit.ts';
import { Step } from './port-instructions.ts';
import { type MachineCode, type Processor, Stop, type StopValue } from './processor.ts';
import { ProgramProcessor } from './program-processor.ts';
import { describeFailedEntry, describeFailure, describeShutdown, noProcessorFor } from './vcpu-failures.ts';
import type { VirtualMachine } from './virtual-machine.ts';

/** Between two instructions: the operation is executed, or the vCPU looks again what stops it. */
const Execute = -1;
const LookAgain = -2;

/** One vCPU: KVM_RUN executes its guest until something needs userspace. @see arch/x86/kvm/x86.c, vcpu_run */
export class VirtualCpu implements GuestProcessor {
  readonly runPage = new DataView(new ArrayBuffer(PageSize));
  readonly portPage = new DataView(new ArrayBuffer(PageSize));
  operations = 0;
  slice = Infinity;
  accesses = 0;
  accessStop = Infinity;
  unused = 0;
  interruption: InterruptionValue = Interruption.None;
  #processor: Processor;
  /** Undefined while it executes a program. */
  #code: CodeExecution | undefined;
  /** It executes machine code as long as it is given no program. */
  #isUndecided: boolean;
  readonly #program: ProgramProcessor;
  readonly #unit: OperationUnit;

  constructor(
    readonly machine: VirtualMachine,
    readonly id: number,
  ) {
    this.#processor = this.#program = new ProgramProcessor(this);
    this.#isUndecided = machine.code !== undefined && id === 0;
    this.#unit = new OperationUnit(machine, this.#program, this.runPage, this.portPage);
    const special = new DataView(new ArrayBuffer(StructSize.specialRegisters));
    this.#program.getSpecialRegisters(special);
    this.describeSpecialRegisters(special);
  }

  /** What it executes, whose registers those of the vCPU are. */
  get processor(): Processor {
    if (this.#isUndecided) this.attachCode();
    return this.#processor;
  }

  get failure(): BackplaneError | undefined {
    return this.#processor.failure;
  }

  get guestFinished(): boolean {
    return this.#code === undefined && this.#program.finished;
  }

  get executesCode(): boolean {
    return this.#code !== undefined;
  }

  get machineCode(): MachineCode | undefined {
    return this.#code === undefined ? undefined : this.machine.code?.machineCode;
  }

  refuseCode(guest: string): BackplaneError | undefined {
    const { code } = this.machine;
    return code === undefined ? noProcessorFor(guest) : code.refuse(guest);
  }

  get execution(): VcpuExecution {
    const { operations, guestFinished } = this;
    const { interruptShadow, failure } = this.#processor;
    const failed = failure !== undefined || this.#code?.isStopped === true;
    return { operation: this.#unit.operation, operations, guestFinished, interruptShadow, failed };
  }

  attach(guest: GuestSource): void {
    this.#begin(undefined);
    this.#program.reset();
    this.#program.attach(guest);
  }

  attachCode(): void {
    const code = this.id === 0 ? this.machine.code?.execution : undefined;
    this.machine.code?.checkReadonly();
    this.#begin(code);
    this.#processor.reset();
    code?.begin();
  }

  resume(guest: GuestSource | undefined, execution: VcpuExecution): void {
    this.#begin(undefined, execution);
    this.#program.attach(guest, execution.guestFinished);
    this.#program.interruptShadow = execution.interruptShadow;
  }

  saveCode(): Json {
    return this.machine.code?.save() ?? null;
  }

  readCode(reader: JsonReader): () => void {
    const { code } = this.machine;
    if (code !== undefined && this.id === 0) return code.read(reader);
    reader.refuse('there is no processor for machine code');
    return () => {};
  }

  resumeCode(execution: VcpuExecution): void {
    this.#begin(this.machine.code?.execution, execution);
  }

  /** What kvm_run repeats of the special registers. */
  describeSpecialRegisters(special: DataView): void {
    this.runPage.setBigUint64(KvmRun.cr8, special.getBigUint64(SpecialRegisters.cr8, true), true);
    this.runPage.setBigUint64(KvmRun.apicBase, special.getBigUint64(SpecialRegisters.apicBase, true), true);
  }

  /** KVM_RUN: 0 and an exit reason, or an errno. */
  run(): number {
    if (this.#isUndecided) this.attachCode();
    this.interruption = Interruption.None;
    const result = this.#unit.isPending && this.#completePending() ? 0 : this.#enter();
    this.#describeState();
    return result;
  }

  #begin(code: CodeExecution | undefined, execution?: VcpuExecution): void {
    this.#isUndecided = false;
    this.#code = code;
    this.#processor = code?.processor ?? this.#program;
    this.#unit.begin(code !== undefined, execution?.operation);
    if (execution !== undefined) this.operations = execution.operations;
  }

  /** Finishes what userspace has served. True if the same instruction has another part for userspace. */
  #completePending(): boolean {
    const unit = this.#unit;
    if (unit.complete()) return true;
    if (this.#code === undefined) this.#count(unit.executed);
    else if (unit.operation.finished) this.#code.complete(unit.operation);
    return false;
  }

  #enter(): number {
    const isProgram = this.#code === undefined;
    const begun = isProgram ? Execute : this.#endInstruction();
    if (begun !== Execute) return begun;
    if (this.runPage.getUint8(KvmRun.immediateExit) !== 0) return this.#interrupted(Interruption.ImmediateExit);
    this.machine.watchDeadline();
    return isProgram ? this.#runProgram() : this.#runCode();
  }

  #runProgram(): number {
    const unit = this.#unit;
    while (true) {
      const due = this.#betweenOperations();
      if (due >= 0) return due;
      const step = unit.execute();
      if (step === Step.Fault) return Errno.EFAULT;
      this.#count(unit.executed);
      if (step === Step.Exit) return 0;
    }
  }

  #runCode(): number {
    while (true) {
      let due = this.#betweenInstructions();
      if (due === Execute) due = this.#executeForCode();
      if (due >= 0) return due;
    }
  }

  /** Machine code is interrupted, saved and reset between instructions only, and a string is one. */
  #endInstruction(): number {
    while (true) {
      if (this.#unit.operation.finished) {
        const due = this.#processor.underWay ? this.#enterCode(0) : LookAgain;
        if (due !== Execute) return due === LookAgain ? Execute : due;
      }
      const due = this.#executeForCode();
      if (due >= 0) return due;
    }
  }

  /** Everything that can stop the vCPU before an operation of a program, which may be under way. */
  #betweenOperations(): number {
    const program = this.#program;
    const { operation } = this.#unit;
    if (program.queuedVector >= 0) {
      if (!program.acceptsInterrupt) return describeFailedEntry(this.runPage);
      this.machine.statistics.injectedInterrupts++;
      if (!program.takeInterrupt(operation)) return describeFailure(this.runPage, this.#processor);
    } else if (this.#wantsWindow && program.acceptsInterrupt) return this.#stopped(Stop.Window);
    if (program.failure !== undefined) return describeFailure(this.runPage, this.#processor);
    const due = this.#due();
    if (due >= 0) return due;
    if (operation.finished) {
      const stop = program.enter(1, operation);
      if (stop !== Stop.Operation) return this.#stopped(stop);
    }
    if (operation.at >= 0) {
      if (this.machine.isDue(operation.at)) return this.#interrupted(this.machine.reachDeadline());
      this.machine.time.advanceTo(operation.at);
    }
    return Execute;
  }

  /** The same before an instruction of machine code, which takes a queued interrupt itself. */
  #betweenInstructions(): number {
    const processor = this.#processor;
    const { queuedVector } = processor;
    if (queuedVector >= 0 && !processor.acceptsInterrupt) return describeFailedEntry(this.runPage);
    if (queuedVector < 0 && this.#wantsWindow && this.#takesInterrupt()) return this.#stopped(Stop.Window);
    const due = this.#due();
    if (due >= 0) return due;
    return this.#unit.operation.finished ? this.#enterCode(this.#code!.limit(this.#left)) : Execute;
  }

  /** The slice is over, or a deadline is reached. */
  #due(): number {
    if (this.slice <= 0) return this.#interrupted(Interruption.Slice);
    if (this.machine.isDue(this.machine.time.now)) return this.#interrupted(this.machine.reachDeadline());
    return Execute;
  }

  get #wantsWindow(): boolean {
    return this.runPage.getUint8(KvmRun.requestInterruptWindow) !== 0;
  }

  /** Machine code goes on until it needs something from outside. */
  #enterCode(limit: number): number {
    const code = this.#code!;
    code.processor.windowWanted = this.#wantsWindow;
    const stop = code.enter(limit, this.#unit.operation);
    this.#count(code.executed);
    this.accesses += code.accesses;
    if (stop === Stop.Operation) return Execute;
    return stop === Stop.Limit ? LookAgain : this.#stopped(stop);
  }

  #stopped(stop: StopValue): number {
    if (stop === Stop.Finished) return this.#interrupted(Interruption.GuestFinished);
    this.#code?.stopped(stop);
    if (stop === Stop.Halt) this.#unit.exitHalt(-1);
    else if (stop === Stop.Window) this.#unit.exitWindow();
    else
      return stop === Stop.Shutdown ? describeShutdown(this.runPage) : describeFailure(this.runPage, this.#processor);
    return 0;
  }

  /** A step of the operation. Below 0: the processor goes on. */
  #executeForCode(): number {
    const unit = this.#unit;
    const step = unit.execute();
    this.accesses += unit.executed;
    if (step !== Step.GoOn) return step === Step.Fault ? Errno.EFAULT : 0;
    if (unit.operation.finished) this.#code?.complete(unit.operation);
    return Execute;
  }

  #count(executed: number): void {
    this.operations += executed;
    this.slice -= executed;
  }

  /** Where the accesses are used up is no place that a replay finds. Behind the next instruction is one: its number is new. */
  get #left(): number {
    if (this.accesses < this.accessStop || this.slice <= 1) return this.slice;
    this.unused += this.slice - 1;
    this.slice = 1;
    return 1;
  }

  #interrupted(why: InterruptionValue): number {
    this.interruption = why;
    if (why === Interruption.ImmediateExit) return Errno.EINTR;
    this.runPage.setUint32(KvmRun.exitReason, ExitReason.Intr, true);
    if (why < Interruption.Slice) this.machine.statistics.interruptions++;
    return Errno.EINTR;
  }

  /** Machine code is interrupted between instructions only. */
  #takesInterrupt(): boolean {
    return this.#processor.acceptsInterrupt && this.#unit.isLastPart;
  }

  /** What kvm_run always says on the way out. @see arch/x86/kvm/x86.c, post_kvm_run_save */
  #describeState(): void {
    const { queuedVector, interruptFlag } = this.#processor;
    const accepts = this.#code === undefined ? this.#processor.acceptsInterrupt : this.#takesInterrupt();
    this.runPage.setUint8(KvmRun.readyForInterruptInjection, accepts && queuedVector < 0 ? 1 : 0);
    this.runPage.setUint8(KvmRun.ifFlag, interruptFlag ? 1 : 0);
  }
}
