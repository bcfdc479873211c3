import { type GuestOperation, OperationKind } from '../../guest/operation.ts';
import { ExitReason, KvmRun, MemoryRegionFlag, MmioExit, PageSize } from '../abi.ts';
import { storeValue } from '../coalesced-ring.ts';
import { type ExecutionContext, Step, type StepValue } from './execution.ts';
import { BusAnswer } from './io-bus.ts';
import type { KernelMemorySlot } from './kernel-memory-slots.ts';

/** How the part of an access that lies in one page ended. */
const Part = { InRam: 0, InKernel: 1, ToUserspace: 2, Fault: 3, SkipsRest: 4 } as const;
type PartValue = (typeof Part)[keyof typeof Part];

/**
 * Loads and stores. RAM is accessed directly; everything else leaves guest mode.
 *
 * An access that crosses a page is tested page by page before userspace sees anything: a second half that a zone
 * takes is queued before the first half's exit. @see arch/x86/kvm/x86.c, emulator_read_write, complete_emulated_mmio
 */
export class MemoryInstructions {
  readonly #context: ExecutionContext;
  readonly #run: DataView;
  /** The bytes of the access, gathered or to be written. */
  readonly #bytes = new DataView(new ArrayBuffer(8));
  /** Parts that userspace must serve: where they begin in the access, and how long they are. */
  readonly #partStart = new Int32Array(2);
  readonly #partLength = new Int32Array(2);
  #parts = 0;
  #served = 0;

  constructor(context: ExecutionContext, runPage: DataView) {
    this.#context = context;
    this.#run = runPage;
  }

  execute(operation: GuestOperation): StepValue {
    const { address, size } = operation;
    const isWrite = operation.kind === OperationKind.Store;
    const bytes = this.#bytes;
    bytes.setUint32(0, isWrite ? operation.value : 0, true);
    bytes.setUint32(4, isWrite ? operation.valueHigh : 0, true);
    this.#parts = this.#served = 0;
    const inPage = PageSize - (address % PageSize);
    const first = Math.min(size, inPage);
    const part = this.#access(address, 0, first, isWrite);
    if (part === Part.Fault) return Step.Fault;
    let leftGuestMode = part !== Part.InRam;
    if (first < size && part !== Part.SkipsRest) {
      const second = this.#access(address + first, first, size - first, isWrite);
      if (second === Part.Fault) return Step.Fault;
      leftGuestMode ||= second !== Part.InRam;
    }
    const { statistics, time } = this.#context;
    if (leftGuestMode) statistics.vmExits++;
    if (this.#parts > 0) return this.#exit(operation);
    time.spend(operation.at, leftGuestMode ? time.costs.kernel : time.costs.plain);
    this.#finish(operation);
    return Step.GoOn;
  }

  /** Userspace served the part it was shown; true if there is another one to show. */
  complete(operation: GuestOperation): boolean {
    if (operation.kind === OperationKind.Load) {
      const start = this.#partStart[this.#served]!;
      const length = this.#partLength[this.#served]!;
      for (let byte = 0; byte < length; byte++) {
        this.#bytes.setUint8(start + byte, this.#run.getUint8(MmioExit.data + byte));
      }
    }
    this.#served++;
    if (this.#served < this.#parts) {
      this.#exit(operation);
      return true;
    }
    this.#finish(operation);
    return false;
  }

  #finish(operation: GuestOperation): void {
    operation.finished = true;
    if (operation.kind === OperationKind.Store) return;
    operation.value = this.#bytes.getUint32(0, true);
    operation.valueHigh = this.#bytes.getUint32(4, true);
  }

  #access(address: number, start: number, length: number, isWrite: boolean): PartValue {
    const slot = this.#context.slots.find(address);
    if (slot !== undefined && !(isWrite && (slot.flags & MemoryRegionFlag.Readonly) !== 0)) {
      if (slot.view === undefined) return Part.Fault;
      this.#accessRam(slot, slot.view, address - slot.guestAddress, start, length, isWrite);
      return Part.InRam;
    }
    this.#context.statistics.sampleMemory(address, isWrite);
    if (isWrite) {
      const taken = this.#offer(address, start, length);
      if (taken !== Part.ToUserspace) return taken;
    }
    this.#partStart[this.#parts] = start;
    this.#partLength[this.#parts] = length;
    this.#parts++;
    return Part.ToUserspace;
  }

  #accessRam(
    slot: KernelMemorySlot,
    ram: DataView,
    offset: number,
    start: number,
    length: number,
    isWrite: boolean,
  ): void {
    const bytes = this.#bytes;
    for (let byte = 0; byte < length; byte++) {
      if (isWrite) ram.setUint8(offset + byte, bytes.getUint8(start + byte));
      else bytes.setUint8(start + byte, ram.getUint8(offset + byte));
    }
    if (isWrite) this.#context.slots.markDirty(slot, offset);
  }

  /** The fast bus is asked by the address at which the access begins, and takes the whole instruction. */
  #offer(address: number, start: number, length: number): PartValue {
    const { statistics, ioeventfds, memory, time } = this.#context;
    if (start === 0 && ioeventfds.fastMemory.write(address, 0, 0, 0, time.now) === BusAnswer.Signalled) {
      statistics.ioeventfdSignals++;
      return Part.SkipsRest;
    }
    const answer = memory.write(address, length, this.#value(start, length), this.#valueHigh(start, length), time.now);
    if (answer === BusAnswer.Queued) statistics.coalescedWrites++;
    else if (answer === BusAnswer.Signalled) statistics.ioeventfdSignals++;
    else {
      if (answer === BusAnswer.RingFull) statistics.ringFullExits++;
      return Part.ToUserspace;
    }
    return Part.InKernel;
  }

  #value(start: number, length: number): number {
    let value = 0;
    for (let byte = Math.min(length, 4) - 1; byte >= 0; byte--) {
      value = ((value << 8) | this.#bytes.getUint8(start + byte)) >>> 0;
    }
    return value;
  }

  #valueHigh(start: number, length: number): number {
    let value = 0;
    for (let byte = length - 1; byte >= 4; byte--) value = ((value << 8) | this.#bytes.getUint8(start + byte)) >>> 0;
    return value;
  }

  #exit(operation: GuestOperation): StepValue {
    const start = this.#partStart[this.#served]!;
    const length = this.#partLength[this.#served]!;
    const address = operation.address + start;
    const isWrite = operation.kind === OperationKind.Store;
    const { statistics, time } = this.#context;
    statistics.exitMemory(address, isWrite);
    time.spend(operation.at, time.costs.userspace);
    const run = this.#run;
    run.setUint32(KvmRun.exitReason, ExitReason.Mmio, true);
    run.setUint32(MmioExit.address, address % 2 ** 32, true);
    run.setUint32(MmioExit.address + 4, address / 2 ** 32, true);
    run.setUint32(MmioExit.length, length, true);
    run.setUint8(MmioExit.isWrite, isWrite ? 1 : 0);
    if (isWrite) {
      storeValue(run, MmioExit.data, length, this.#value(start, length), this.#valueHigh(start, length));
    }
    return Step.Exit;
  }
}
