import { GuestOperation, OperationKind } from '../../guest/operation.ts';
import { ExitReason, KvmRun } from '../abi.ts';
import { codePortCosts, programPortCosts } from './guest-time.ts';
import { MemoryInstructions } from './memory-instructions.ts';
import { PortInstructions, Step, type StepValue } from './port-instructions.ts';
import type { ProgramProcessor } from './program-processor.ts';
import type { VirtualMachine } from './virtual-machine.ts';

const Pending = { Nothing: 0, PortRead: 1, Memory: 2 } as const;

/** Executes the operation that a processor has put into it, in as many parts as userspace has to serve. */
export class OperationUnit {
  operation = new GuestOperation();
  /** Operations that the last step has executed: the elements of a string. */
  executed = 0;
  #pending: (typeof Pending)[keyof typeof Pending] = Pending.Nothing;
  readonly #memory: MemoryInstructions;
  /** Those of a program cost what its VM exits do, those of machine code what the bus does. */
  readonly #programPorts: PortInstructions;
  readonly #codePorts: PortInstructions;
  #ports: PortInstructions;

  constructor(
    private readonly machine: VirtualMachine,
    private readonly program: ProgramProcessor,
    private readonly runPage: DataView,
    portPage: DataView,
  ) {
    const { costs } = machine.time;
    this.#programPorts = new PortInstructions(machine, runPage, portPage, programPortCosts(costs));
    this.#codePorts = new PortInstructions(machine, runPage, portPage, codePortCosts(costs));
    this.#ports = this.#programPorts;
    this.#memory = new MemoryInstructions(machine, runPage);
  }

  /** What was under way is dropped. */
  begin(isCode: boolean, operation = new GuestOperation()): void {
    this.#ports = isCode ? this.#codePorts : this.#programPorts;
    this.#memory.begin(isCode);
    this.operation = operation;
    this.#pending = Pending.Nothing;
  }

  get isPending(): boolean {
    return this.#pending !== Pending.Nothing;
  }

  /** Once userspace has served the exit under way, the operation is finished. */
  get isLastPart(): boolean {
    const { finished, kind } = this.operation;
    if (finished || kind === OperationKind.In) return true;
    return this.#pending === Pending.Memory && kind !== OperationKind.RepIns && this.#memory.isLastPart;
  }

  /**
   * Finishes what userspace has served. True if the same instruction has another part for userspace. `executed` is what has to be
   * fetched once more, below 0.
   */
  complete(): boolean {
    const { operation } = this;
    const pending = this.#pending;
    this.executed = 0;
    if (pending === Pending.Memory) {
      const { position } = operation;
      if (this.#memory.complete(operation)) return true;
      this.executed = operation.position - position;
    }
    if (pending === Pending.PortRead) {
      this.#pending = Pending.Memory;
      if (this.#memory.store(operation, this.#ports.complete(operation))) return true;
    }
    this.#pending = Pending.Nothing;
    return false;
  }

  execute(): StepValue {
    const { operation, program } = this;
    const { interruptShadow } = program;
    let step: StepValue = Step.GoOn;
    this.executed = 1;
    program.interruptShadow = false;
    switch (operation.kind) {
      case OperationKind.Out:
        return this.#ports.out(operation);
      case OperationKind.In:
        this.#pending = Pending.PortRead;
        return this.#ports.in(operation);
      case OperationKind.Store:
      case OperationKind.Load:
        step = this.#memory.execute(operation);
        if (step === Step.Exit) this.#pending = Pending.Memory;
        return step;
      case OperationKind.RepOuts:
        step = this.#ports.repOuts(operation);
        this.executed = this.#ports.elements;
        return step;
      case OperationKind.RepIns:
        step = this.#ports.repIns(operation);
        this.executed = this.#ports.elements;
        if (step === Step.Exit) this.#pending = Pending.PortRead;
        return step;
      case OperationKind.Hlt:
        operation.finished = true;
        this.exitHalt(operation.at);
        return Step.Exit;
      case OperationKind.Pause:
        // A loop of plain instructions: the shadow covers the first of them.
        this.#pause(operation, interruptShadow ? Math.max(1, this.machine.time.costs.plain) : Infinity);
        this.executed = operation.finished ? 1 : 0;
        return step;
      default:
        operation.finished = true;
        program.execute(operation.kind);
        this.machine.time.spend(operation.at, this.machine.time.costs.plain);
        return step;
    }
  }

  /** A HLT leaves guest mode, at this recorded time or, for -1, at a modelled cost. */
  exitHalt(at: number): void {
    const { statistics, time } = this.machine;
    statistics.vmExits++;
    statistics.userspaceExits++;
    statistics.haltExits++;
    time.spend(at, time.costs.userspace);
    this.runPage.setUint32(KvmRun.exitReason, ExitReason.Hlt, true);
  }

  exitWindow(): void {
    const { statistics, time } = this.machine;
    statistics.vmExits++;
    statistics.userspaceExits++;
    statistics.interruptWindowExits++;
    time.now += time.costs.userspace;
    this.runPage.setUint32(KvmRun.exitReason, ExitReason.IrqWindowOpen, true);
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
}
