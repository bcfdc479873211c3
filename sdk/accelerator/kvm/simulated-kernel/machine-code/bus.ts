import type { CodeObserver } from '../../../guest/code.ts';
import { MemoryRegionFlag, PageSize } from '../../abi.ts';
import { loadNumber, storeValue } from '../../coalesced-ring.ts';
import type { ExecutionContext } from '../guest-time.ts';
import { BusAnswer, type BusAnswerValue } from '../io-bus.ts';
import type { MachineCodeVm, Processor, ProcessorBus } from '../processor.ts';

/** An access takes as much of the host's time as so many elements of a string in RAM. */
const ElementsOfAccess = 64;

/**
 * What the kernel answers in the middle of an instruction of machine code: ring, ioeventfds and slots. Only what is taken is counted;
 * what is refused comes again as an operation, and is counted there. Guest time follows the instructions before each time stamp.
 */
export class CodeBus implements ProcessorBus {
  low = 0;
  high = 0;
  observer: CodeObserver | undefined;
  /** What was answered here, since `takeAccesses`. */
  #accesses = 0;
  readonly processor: Processor;
  /** Instructions whose time has passed. */
  #timed = 0;
  /** Those of them that the vCPU has counted. */
  #counted = 0;

  constructor(
    code: MachineCodeVm,
    private readonly context: ExecutionContext,
    private readonly nsPerInstruction: number,
    private readonly portCost: number,
  ) {
    this.processor = code.processor(this);
  }

  /** The processor was reset, or is another one: its count begins anew. */
  restart(): void {
    this.#timed = this.#counted = this.processor.instructions;
  }

  /** Time passes for what was executed since the last call. */
  passTime(): void {
    const { instructions } = this.processor;
    if (instructions <= this.#timed) return;
    this.context.time.now += (instructions - this.#timed) * this.nsPerInstruction;
    this.#timed = instructions;
  }

  /** Instructions since the last call. */
  takeCount(): number {
    this.passTime();
    const count = this.#timed - this.#counted;
    this.#counted = this.#timed;
    return count;
  }

  /** Accesses since the last call. */
  takeAccesses(): number {
    const accesses = this.#accesses;
    this.#accesses = 0;
    return accesses;
  }

  /** An entry that has executed something of which the processor does not know how much. */
  countOne(): number {
    this.context.time.now += this.nsPerInstruction;
    return 1;
  }

  /** Before the processor is there, none of its instructions is. */
  now(): number {
    const executed = this.processor === undefined ? 0 : this.processor.instructions - this.#timed;
    return this.context.time.now + Math.max(0, executed) * this.nsPerInstruction;
  }

  portWrite(port: number, size: number, value: number): boolean {
    this.passTime();
    const { statistics, time, ports } = this.context;
    if (!this.#count(ports.write(port, size, value, 0))) return false;
    this.observer?.wrote(true, port, size, value, 0);
    statistics.samplePort(port, true);
    time.now += this.portCost;
    return true;
  }

  longString(elements: number): void {
    this.#accesses += Math.ceil(elements / ElementsOfAccess);
  }

  memoryWrite(address: number, size: number, low: number, high: number): boolean {
    if (!isPlain(address, size)) return false;
    const { slots, ioeventfds, memory, statistics, time } = this.context;
    const slot = slots.find(address);
    if (slot !== undefined && (slot.flags & MemoryRegionFlag.Readonly) === 0) {
      if (slot.view === undefined) return false;
      storeValue(slot.view, address - slot.guestAddress, size, low, high);
      slots.markDirty(slot, address - slot.guestAddress);
      this.#accesses++;
      return true;
    }
    this.passTime();
    const fast = ioeventfds.fastMemory.write(address, 0, 0, 0);
    const answer = fast === BusAnswer.Signalled ? fast : memory.write(address, size, low, size === 8 ? high : 0);
    if (!this.#count(answer)) return false;
    this.observer?.wrote(false, address, size, low, high);
    statistics.sampleMemory(address, true);
    time.now += time.costs.kernel;
    return true;
  }

  takes(isPort: boolean, address: number, size: number, low: number, high: number): boolean {
    const { ports, memory, ioeventfds } = this.context;
    if (isPort) return ports.takes(address, size, low, 0);
    return ioeventfds.fastMemory.takes(address, 0, 0, 0) || memory.takes(address, size, low, size === 8 ? high : 0);
  }

  memoryRead(address: number, size: number): boolean {
    if (!isPlain(address, size)) return false;
    const slot = this.context.slots.find(address);
    if (slot?.view === undefined) return false;
    this.#accesses++;
    const at = address - slot.guestAddress;
    this.low = loadNumber(slot.view, at, Math.min(size, 4));
    this.high = size === 8 ? loadNumber(slot.view, at + 4, 4) : 0;
    return true;
  }

  /** True if it was taken: a VM exit that stays in the kernel. */
  #count(answer: BusAnswerValue): boolean {
    const { statistics } = this.context;
    if (answer === BusAnswer.Queued) statistics.coalescedWrites++;
    else if (answer === BusAnswer.Signalled) statistics.ioeventfdSignals++;
    else return false;
    statistics.vmExits++;
    this.#accesses++;
    return true;
  }
}

/** Everything else is served in parts. */
const isPlain = (address: number, size: number): boolean =>
  (size === 1 || size === 2 || size === 4 || size === 8) && (address & (PageSize - 1)) + size <= PageSize;
