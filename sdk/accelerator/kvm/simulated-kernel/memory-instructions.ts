import { type GuestOperation, OperationKind } from '../../guest/operation.ts';
import { ExitReason, KvmRun, MemoryRegionFlag, MmioExit, PageSize } from '../abi.ts';
import { storeValue } from '../coalesced-ring.ts';
import type { KernelMemorySlot } from './guest-memory.ts';
import type { ExecutionContext } from './guest-time.ts';
import { BusAnswer } from './io-bus.ts';
import { ReadAheadBytes, Step, type StepValue } from './port-instructions.ts';

/** How the part of an access that lies in one page ended. */
const Part = { InRam: 0, InKernel: 1, ToUserspace: 2, Fault: 3, SkipsRest: 4 } as const;
type PartValue = (typeof Part)[keyof typeof Part];
/** A bus inside the kernel, and kvm_run, take no more at once. */
const MmioBytes = 8;
/** The remainder of a number above 2 ** 31 takes as long as ten of these. */
const PageMask = PageSize - 1;

/**
 * Loads and stores, and the memory side of a string that reads. RAM is accessed directly. Everything else leaves guest mode.
 * An access that crosses a page is tested page by page before userspace sees anything. A second half that a zone takes is
 * queued before the first half's exit. @see arch/x86/kvm/x86.c, emulator_read_write, complete_emulated_mmio
 */
export class MemoryInstructions {
  /** The bytes of the access, gathered or to be written. */
  readonly #bytes = new DataView(new ArrayBuffer(ReadAheadBytes));
  #address = 0;
  #isWrite = false;
  /** Elements that a string has fetched and not stored yet. */
  #elements = 0;
  /** Parts that userspace must serve: where they begin in the access, and how long they are. */
  readonly #partStart = new Int32Array(2);
  readonly #partLength = new Int32Array(2);
  #parts = 0;
  #served = 0;
  /** What a write costs that exits, in guest nanoseconds. */
  #writeCost: number;

  constructor(
    private readonly context: ExecutionContext,
    private readonly run: DataView,
  ) {
    this.#writeCost = context.time.costs.userspace;
  }

  /** A write of machine code costs the same whether it is queued or exits: how full the ring is depends on where runs end. */
  begin(isCode: boolean): void {
    const { kernel, userspace } = this.context.time.costs;
    this.#writeCost = isCode ? kernel : userspace;
  }

  execute(operation: GuestOperation): StepValue {
    const { address, size } = operation;
    const isWrite = operation.kind === OperationKind.Store;
    const bytes = this.#bytes;
    bytes.setUint32(0, isWrite ? operation.value : 0, true);
    bytes.setUint32(4, isWrite ? operation.valueHigh : 0, true);
    this.#elements = 0;
    const worst = this.#begin(address, size, isWrite);
    if (worst === Part.Fault) return Step.Fault;
    const { statistics, time } = this.context;
    if (worst !== Part.InRam) statistics.vmExits++;
    if (this.#parts > 0) return this.#exit(operation);
    time.spend(operation.at, worst === Part.InRam ? time.costs.plain : time.costs.kernel);
    this.#finish(operation);
    return Step.GoOn;
  }

  /** Stores the elements that a string has just fetched. True if there is a part for userspace. */
  store(operation: GuestOperation, elements: number): boolean {
    if (elements === 0 || !operation.stored) return false;
    this.#elements = elements;
    this.#parts = this.#served = 0;
    return this.#goOn(operation);
  }

  /** The part that userspace is shown ends the access. */
  get isLastPart(): boolean {
    return this.#served + 1 >= this.#parts && this.#elements === 0 && this.#partLength[this.#served]! <= MmioBytes;
  }

  /** Userspace served the part it was shown; true if there is another one to show. */
  complete(operation: GuestOperation): boolean {
    const shown = Math.min(this.#partLength[this.#served]!, MmioBytes);
    const start = this.#partStart[this.#served]!;
    if (!this.#isWrite && shown === 4) this.#bytes.setUint32(start, this.run.getUint32(MmioExit.data, true), true);
    else if (!this.#isWrite) {
      for (let byte = 0; byte < shown; byte++) {
        this.#bytes.setUint8(start + byte, this.run.getUint8(MmioExit.data + byte));
      }
    }
    this.#partStart[this.#served] = start + shown;
    this.#partLength[this.#served]! -= shown;
    if (this.#partLength[this.#served] === 0) this.#served++;
    return this.#goOn(operation);
  }

  /** Shows the next part; if there is none, a string stores what is left: forwards all at once, backwards one by one. */
  #goOn(operation: GuestOperation): boolean {
    // A store that userspace has served goes back to the guest: what a descending string has read ahead is lost, and read again.
    if (this.#served === this.#parts && this.#parts > 0) this.#forgetElements(operation);
    while (this.#served === this.#parts && this.#elements > 0) {
      const { size, destination, descending, position } = operation;
      const first = position - this.#elements;
      const count = descending ? 1 : this.#elements;
      for (let byte = 0; byte < count * size; byte++)
        this.#bytes.setUint8(byte, operation.bytes![first * size + byte]!);
      this.#elements -= count;
      this.#begin(descending ? destination - first * size : destination + first * size, count * size, true, true);
    }
    if (this.#served < this.#parts) {
      this.#exit(operation);
      return true;
    }
    this.#finish(operation);
    return false;
  }

  #forgetElements(operation: GuestOperation): void {
    if (this.#elements === 0) return;
    operation.position -= this.#elements;
    operation.finished = false;
    this.#elements = 0;
  }

  /** Accesses what needs no userspace, page by page, and notes what does. Answers what took the access farthest. */
  #begin(address: number, length: number, isWrite: boolean, isString = false): PartValue {
    this.#address = address;
    this.#isWrite = isWrite;
    this.#parts = this.#served = 0;
    const first = Math.min(length, PageSize - (address & PageMask));
    const part = this.#access(0, first, isString);
    if (part === Part.Fault || part === Part.SkipsRest || first === length) return part;
    const second = this.#access(first, length - first, isString);
    return second === Part.InRam ? part : second;
  }

  #finish(operation: GuestOperation): void {
    if (operation.kind === OperationKind.RepIns) return;
    operation.finished = true;
    if (operation.kind === OperationKind.Store) return;
    operation.value = this.#bytes.getUint32(0, true);
    operation.valueHigh = this.#bytes.getUint32(4, true);
  }

  #access(start: number, length: number, isString: boolean): PartValue {
    const address = this.#address + start;
    const isWrite = this.#isWrite;
    const slot = this.context.slots.find(address);
    if (slot !== undefined && !(isWrite && (slot.flags & MemoryRegionFlag.Readonly) !== 0)) {
      if (slot.view !== undefined) {
        this.#accessRam(slot, slot.view, address - slot.guestAddress, start, length, isWrite);
        return Part.InRam;
      }
      // What the emulator itself cannot store is MMIO to it.
      if (!isString) return Part.Fault;
    }
    this.context.statistics.sampleMemory(address, isWrite);
    if (isWrite && !isString && start === 0 && this.#signalsFast(address)) return Part.SkipsRest;
    const taken = isWrite ? this.#offer(start, length) : 0;
    if (taken === length) return Part.InKernel;
    this.#partStart[this.#parts] = start + taken;
    this.#partLength[this.#parts] = length - taken;
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
    if (isWrite) this.context.slots.markDirty(slot, offset);
  }

  /** The fast bus is asked by the address at which the access begins, and takes the whole instruction. */
  #signalsFast(address: number): boolean {
    const { statistics, ioeventfds } = this.context;
    if (ioeventfds.fastMemory.write(address, 0, 0, 0) !== BusAnswer.Signalled) return false;
    statistics.ioeventfdSignals++;
    return true;
  }

  /** How many bytes something inside the kernel took: what follows the first refusal goes to userspace. */
  #offer(start: number, length: number): number {
    const { statistics, memory } = this.context;
    for (let taken = 0; taken < length; taken += MmioBytes) {
      const at = start + taken;
      const size = Math.min(length - taken, MmioBytes);
      const answer = memory.write(this.#address + at, size, this.#value(at, size), this.#valueHigh(at, size));
      if (answer === BusAnswer.Queued) statistics.coalescedWrites++;
      else if (answer === BusAnswer.Signalled) statistics.ioeventfdSignals++;
      else {
        if (answer === BusAnswer.RingFull) statistics.ringFullExits++;
        return taken;
      }
    }
    return length;
  }

  #value(start: number, length: number): number {
    if (length >= 4) return this.#bytes.getUint32(start, true);
    let value = 0;
    for (let byte = length - 1; byte >= 0; byte--) {
      value = (value << 8) | this.#bytes.getUint8(start + byte);
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
    const length = Math.min(this.#partLength[this.#served]!, MmioBytes);
    const address = this.#address + start;
    const isWrite = this.#isWrite;
    const { statistics, time } = this.context;
    statistics.exitMemory(address, isWrite);
    time.spend(operation.at, isWrite ? this.#writeCost : time.costs.userspace);
    const run = this.run;
    run.setUint32(KvmRun.exitReason, ExitReason.Mmio, true);
    run.setUint32(MmioExit.address, address, true); // stores the low 32 bits
    run.setUint32(MmioExit.address + 4, address / 2 ** 32, true);
    run.setUint32(MmioExit.length, length, true);
    run.setUint8(MmioExit.isWrite, isWrite ? 1 : 0);
    if (isWrite) {
      storeValue(run, MmioExit.data, length, this.#value(start, length), this.#valueHigh(start, length));
    }
    return Step.Exit;
  }
}
