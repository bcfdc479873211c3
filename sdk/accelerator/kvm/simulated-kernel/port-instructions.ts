import { type GuestOperation, OperationKind } from '../../guest/operation.ts';
import { ExitReason, IoDirection, IoExit, KvmRun, PageSize } from '../abi.ts';
import { loadNumber, storeNumber } from '../coalesced-ring.ts';
import type { ExecutionContext, PortCosts } from './guest-time.ts';
import { BusAnswer } from './io-bus.ts';

/** How one step of an operation ended. */
export const Step = {
  /** The processor goes on: the operation is finished, or reached a point where it can be interrupted. */
  GoOn: 0,
  /** KVM_RUN returns to userspace with the exit that kvm_run now describes. */
  Exit: 1,
  /** KVM_RUN fails with EFAULT: a memory slot names userspace memory that is not there. */
  Fault: 2,
} as const;
export type StepValue = (typeof Step)[keyof typeof Step];

/** The emulator's read-ahead buffer: one exit of a string that reads carries no more. */
export const ReadAheadBytes = 1024;
/** A string that stays in the kernel goes back to the guest whenever its count is a multiple of this. */
const ReentryMask = 0x3ff;

/**
 * IN, OUT and their REP strings. @see arch/x86/kvm/x86.c, emulator_pio_in_out; arch/x86/kvm/emulate.c, pio_in_emulated
 * and x86_emulate_insn for where a string goes back to the guest
 */
export class PortInstructions {
  /** Elements that the last step executed. */
  elements = 1;
  /** Elements that the exit under way fetches. */
  #batch = 0;

  constructor(
    private readonly context: ExecutionContext,
    private readonly run: DataView,
    private readonly data: DataView,
    private readonly costs: PortCosts,
  ) {}

  out(operation: GuestOperation): StepValue {
    const { statistics, time } = this.context;
    statistics.vmExits++;
    operation.finished = true;
    if (this.#offer(operation.address, operation.size, operation.value)) {
      time.spend(operation.at, this.costs.queued);
      return Step.GoOn;
    }
    time.spend(operation.at, this.costs.exit);
    return this.#exitOut(operation.address, operation.size, operation.value);
  }

  in(operation: GuestOperation): StepValue {
    const { statistics, time } = this.context;
    statistics.vmExits++;
    statistics.samplePort(operation.address, false);
    time.spend(operation.at, this.costs.exit);
    this.#batch = 1;
    return this.#exitIn(operation.address, operation.size, 1);
  }

  /** Element by element: in a zone the whole string is one VM exit, each element that exits goes to userspace alone. */
  repOuts(operation: GuestOperation): StepValue {
    const { statistics, time } = this.context;
    const { address, size, count } = operation;
    this.elements = 0;
    if (operation.position === count) return this.#empty(operation);
    statistics.vmExits++;
    while (operation.position < count) {
      const value = element(operation.bytes!, operation.position * size, size);
      const taken = this.#offer(address, size, value);
      operation.position++;
      this.elements++;
      operation.finished = operation.position === count;
      if (!taken) {
        time.spend(operation.at, this.elements > 1 ? this.costs.furtherExit : this.costs.exit);
        return this.#exitOut(address, size, value);
      }
      time.spend(operation.at, this.elements > 1 ? this.costs.furtherQueued : this.costs.queued);
      if (((count - operation.position) & ReentryMask) === 0) break;
    }
    return Step.GoOn;
  }

  /** One exit fetches a batch of elements. */
  repIns(operation: GuestOperation): StepValue {
    const { statistics, time } = this.context;
    const { address, size, count, position } = operation;
    this.elements = 0;
    if (position === count) return this.#empty(operation);
    if (position === 0) operation.bytes = new Uint8Array(count * size);
    this.#batch = this.elements = batchOf(operation);
    statistics.vmExits++;
    statistics.samplePort(address, false);
    time.spend(operation.at, this.costs.exit + (this.#batch - 1) * this.costs.furtherRead);
    return this.#exitIn(address, size, this.#batch);
  }

  /** Userspace has put the data of an IN or INS into the port page. Answers how many elements a string has fetched. */
  complete(operation: GuestOperation): number {
    const { size } = operation;
    if (operation.kind === OperationKind.In) {
      operation.value = loadNumber(this.data, 0, size);
      operation.finished = true;
      return 0;
    }
    const start = operation.position * size;
    const length = this.#batch * size;
    const bytes = operation.bytes!;
    for (let index = 0; index < length; index++) bytes[start + index] = this.data.getUint8(index);
    operation.position += this.#batch;
    operation.finished = operation.position === operation.count;
    return this.#batch;
  }

  #empty(operation: GuestOperation): StepValue {
    this.elements = 1;
    operation.finished = true;
    operation.bytes ??= new Uint8Array(0);
    this.context.time.spend(operation.at, this.context.time.costs.plain);
    return Step.GoOn;
  }

  /** Whether something inside the kernel took the write. */
  #offer(port: number, size: number, value: number): boolean {
    const { statistics, ports } = this.context;
    statistics.samplePort(port, true);
    const answer = ports.write(port, size, value, 0);
    if (answer === BusAnswer.Queued) statistics.coalescedWrites++;
    else if (answer === BusAnswer.Signalled) statistics.ioeventfdSignals++;
    else {
      if (answer === BusAnswer.RingFull) statistics.ringFullExits++;
      return false;
    }
    return true;
  }

  #exitOut(port: number, size: number, value: number): StepValue {
    storeNumber(this.data, 0, size, value);
    this.context.statistics.exitPort(port, true);
    this.#describe(IoDirection.Out, port, size, 1);
    return Step.Exit;
  }

  #exitIn(port: number, size: number, count: number): StepValue {
    this.context.statistics.exitPort(port, false);
    this.#describe(IoDirection.In, port, size, count);
    return Step.Exit;
  }

  #describe(direction: number, port: number, size: number, count: number): void {
    const run = this.run;
    run.setUint32(KvmRun.exitReason, ExitReason.Io, true);
    run.setUint8(IoExit.direction, direction);
    run.setUint8(IoExit.size, size);
    run.setUint16(IoExit.port, port, true);
    run.setUint32(IoExit.count, count, true);
    run.setUint32(IoExit.dataOffset, PageSize, true);
    run.setUint32(IoExit.dataOffset + 4, 0, true);
  }
}

/**
 * As many elements as the read-ahead buffer holds, but at least one. KVM takes no more *elements* than there are *bytes* from
 * DI to the end of its page, or backwards to its start. So the last elements may lie in the next page. A program has no
 * segments, so its destination is DI. @see arch/x86/kvm/emulate.c, pio_in_emulated
 */
function batchOf({ size, count, position, destination, descending }: GuestOperation): number {
  const done = position * size;
  const inPage = descending ? (destination - done) % PageSize : PageSize - ((destination + done) % PageSize);
  return Math.max(1, Math.min(inPage, ReadAheadBytes / size, count - position));
}

function element(bytes: Uint8Array, offset: number, size: number): number {
  let value = 0;
  for (let byte = size - 1; byte >= 0; byte--) value = ((value << 8) | bytes[offset + byte]!) >>> 0;
  return value;
}
