import type { BackplaneError } from '../../../base/errors.ts';
import type { Json, JsonReader } from '../../../base/json-reader.ts';
import type { GuestOperation } from '../../guest/operation.ts';
import type { CpuidEntry } from '../cpuid.ts';
import type { KernelMemorySlot } from './guest-memory.ts';

export type { CpuidEntry } from '../cpuid.ts';
export type { KernelMemorySlot } from './guest-memory.ts';

/** Why a processor came back from `enter`. */
export const Stop = {
  /** The limit of instructions was reached. */
  Limit: 0,
  /** An instruction needs what is outside of the processor: the operation is filled in, and not executed yet. */
  Operation: 1,
  /** HLT. The next entry goes on behind it. */
  Halt: 2,
  /** An interrupt can be taken now, as `windowWanted` asked for. */
  Window: 3,
  /** A fault of a fault: the processor stands still until it is reset. */
  Shutdown: 4,
  /** It cannot go on, and `failure` says why. */
  Failed: 5,
  /** The guest has ended: programs only. */
  Finished: 6,
} as const;
export type StopValue = (typeof Stop)[keyof typeof Stop];

/**
 * What a vCPU executes: machine code, or a guest program. KVM_RUN, run page, ring, statistics and time are the vCPU's.
 * Nothing here throws because of what a guest does.
 */
export interface Processor {
  /** How messages name it. */
  readonly name: string;
  /** How messages say where it is: `0xf000:0xe05b, instruction 1,234,567`. */
  readonly whereabouts?: string | undefined;
  /**
   * Ends the instruction that is under way, and takes the queued interrupt, if there is one. Then it executes at most `limit`
   * instructions, and one more where the last is STI. A limit of 0 only ends the instruction: it takes no interrupt, and begins nothing.
   */
  enter(limit: number, operation: GuestOperation): StopValue;
  /** Takes over what an In, Load or RepIns has read. Called once, when the operation is finished, before the next entry. */
  complete(operation: GuestOperation): void;
  /** Executed since it was created or reset; grows to 2 ** 53. The instruction of an operation may be counted before or after it. */
  readonly instructions: number;
  readonly interruptFlag: boolean;
  /** The instruction behind STI, MOV SS or POP SS runs before any interrupt does. */
  readonly interruptShadow: boolean;
  /**
   * Whether the next entry takes an interrupt before it executes anything: the flag, no shadow, and nothing under way. Between
   * `Stop.Operation` and `complete` it says what holds once the operation is complete.
   */
  readonly acceptsInterrupt: boolean;
  /** An instruction has more parts than the last operation: no state can be saved before `enter(0)` has ended it. */
  readonly underWay: boolean;
  /** The vector for the next entry; -1 is none. The entry that takes it sets -1. */
  queuedVector: number;
  /** Whether to come back with `Stop.Window` as soon as an interrupt is accepted. */
  windowWanted: boolean;
  /** Why it stopped with `Stop.Failed` or `Stop.Shutdown`. */
  readonly failure?: BackplaneError | undefined;
  /** With `Stop.Failed`: the bytes of the instruction that it cannot execute, at most 15, if they are known. */
  readonly failedInstruction?: Uint8Array | undefined;

  /**
   * struct kvm_regs and kvm_sregs, byte for byte as in abi.ts. A set answers false for values it cannot have. The interrupt bitmap
   * of kvm_sregs is the vCPU's: leave it alone.
   */
  getRegisters(to: DataView): void;
  setRegisters(from: DataView): boolean;
  getSpecialRegisters(to: DataView): void;
  setSpecialRegisters(from: DataView): boolean;
  /** struct kvm_fpu. */
  getFpu?(to: DataView): void;
  setFpu?(from: DataView): boolean;
  /** Undefined: there is no such register. */
  getMsr?(index: number): bigint | undefined;
  /** False: there is none, or it cannot have this value. */
  setMsr?(index: number, value: bigint): boolean;
  /** As after power-on; `instructions` is 0, the queued vector is gone, and guest memory stays. */
  reset(): void;
  /** What those structs and guest memory do not hold. Called between instructions only. */
  save(): Json;
  /** Notes in the reader what is wrong; the answer puts the state in place, and cannot fail. */
  read(reader: JsonReader): () => void;
}

/**
 * What the kernel answers in the middle of an instruction, without an exit. The vCPU implements it. What is refused becomes an
 * operation; so does every later access of the same instruction, without being asked here, because the order is kept.
 */
export interface ProcessorBus {
  /** True: the ring or an ioeventfd took it. False: an exit, so that it becomes an operation. */
  portWrite(port: number, size: number, value: number): boolean;
  /** True: the ring, an ioeventfd, or the bytes of a writable slot took it. `high` counts with size 8 only. */
  memoryWrite(address: number, size: number, low: number, high: number): boolean;
  /** Whether the ring or an ioeventfd would take this write now. */
  takes(isPort: boolean, address: number, size: number, low: number, high: number): boolean;
  /** True: `low` and `high` hold the bytes of a slot. False: an exit. */
  memoryRead(address: number, size: number): boolean;
  /** A string instruction has done so many elements in RAM in one go. It asks for none of them here. */
  longString(elements: number): void;
  /** What the last read found: unsigned, 32 bits each. */
  readonly low: number;
  readonly high: number;
  /** Guest time in nanoseconds, with the instructions of this entry. */
  now(): number;
}

/** Guest memory that lives in the processor. */
export interface ProcessorMemory {
  /** The machine's RAM, physical 0 upwards, zeroed. Called once, before the processor is made. Throws if it is too much. */
  allocate(size: number, name: string): { readonly bytes: Uint8Array; readonly view: DataView };
  /** All slots of the VM, after a change. Windows below the end of RAM (PAM, ROM) get the bytes that are read there now. */
  slotsChanged(slots: readonly KernelMemorySlot[]): void;
  /** The host wrote into the machine's RAM: DMA, a loader, a restore. Offsets count from its start. */
  written(start: number, size: number): void;
  /**
   * Looks for bytes of read-only memory that the guest has changed because nothing stopped it, and puts them back. Answers the
   * first such guest physical address, or -1. Asked before slots change, before a snapshot, and at reset.
   */
  findOverwritten(): number;
}

/** The memory and the processor of one VM. */
export interface MachineCodeVm {
  readonly memory: ProcessorMemory;
  /** Called once, for vCPU 0. */
  processor(bus: ProcessorBus): Processor;
}

/** What a simulated kernel is given so that it executes machine code: `new SimulatedKernel({ machineCode })`. */
export interface MachineCode {
  /** How messages name it. */
  readonly name: string;
  /** What CPUID answers. KVM_SET_CPUID2 accepts this table only. */
  readonly cpuid: readonly CpuidEntry[];
  /** The model specific registers that can be read or set. */
  readonly msrs: readonly number[];
  /** The largest RAM in bytes. */
  readonly largestRam: number;
  /** One call for each VM. */
  create(): MachineCodeVm;
}
