import { type GuestOperation, OperationKind } from '../../sdk/accelerator/guest/operation.ts';
import {
  type MachineCode,
  type MachineCodeVm,
  type Processor,
  type ProcessorBus,
  Stop,
} from '../../sdk/accelerator/kvm/simulated-kernel/processor.ts';

/** A hash so far, for JSON: another process goes on from it. */
export interface AccessHashState {
  readonly lanes: readonly number[];
  readonly accesses: number;
}

/** What the hash counts besides the kinds of operations. */
const Halt = 0x40;
const Interrupt = 0x41;

const Primes = [0x9e37_79b1, 0x85eb_ca77, 0xc2b2_ae3d, 0x27d4_eb2f] as const;
const Rotations = [13, 11, 17, 7] as const;

/**
 * A hash of 128 bits over all that a guest accesses, in the order of its instructions: kind, port or address, size, value, and the number
 * of the instruction; interrupts and HLT too. A write that waits in the ring counts where the guest made it. It is no cryptographic hash.
 *
 * @see Y. Collet, xxHash fast digest algorithm (IETF draft): the primes
 */
export class AccessHash {
  readonly #lanes: number[];
  accesses: number;

  constructor({ lanes, accesses }: AccessHashState = { lanes: Primes, accesses: 0 }) {
    this.#lanes = [...lanes];
    this.accesses = accesses;
  }

  /** 32 hexadecimal digits. */
  get digest(): string {
    return this.#lanes.map((lane) => (lane >>> 0).toString(16).padStart(8, '0')).join('');
  }

  save(): AccessHashState {
    return { lanes: [...this.#lanes], accesses: this.accesses };
  }

  add(kind: number, address: number, size: number, low: number, high: number, instruction: number): void {
    this.accesses++;
    this.#mix(kind | (size << 8));
    this.#mix(address);
    this.#mix(low);
    this.#mix(high);
    this.#mix(instruction);
    this.#mix(instruction / 2 ** 32);
  }

  addBytes(bytes: Uint8Array, length: number): void {
    for (let at = 0; at < length; at++) this.#mix(bytes[at]!);
  }

  /** The low 32 bits of a number. */
  #mix(word: number): void {
    const lanes = this.#lanes;
    for (let lane = 0; lane < 4; lane++) {
      const mixed = lanes[lane]! ^ word;
      const turn = Rotations[lane]!;
      lanes[lane] = Math.imul((mixed << turn) | (mixed >>> (32 - turn)), Primes[lane]!) + (lanes[(lane + 1) & 3]! | 0);
    }
  }
}

/**
 * The processor with a hash over its accesses: `simulatedAccelerator({ machineCode: hashedAccesses(machineCode, hash) })`. It is for one
 * machine. The guest does the same with it and without.
 */
export function hashedAccesses(machineCode: MachineCode, hash: AccessHash): MachineCode {
  return {
    ...machineCode,
    create(): MachineCodeVm {
      const { memory, ...vm } = machineCode.create();
      return {
        memory,
        processor(bus) {
          let processor: Processor | undefined;
          const refused: Refused = { isNext: false, instruction: 0 };
          processor = vm.processor(hashedBus(bus, hash, refused, () => processor?.instructions ?? 0));
          hashOperations(processor, hash, refused);
          return processor;
        },
      };
    },
  };
}

/** A write that the kernel did not take. It leaves with those that follow it in the same instruction, which no bus is asked for. */
interface Refused {
  /** It is the next write to leave, and was counted. */
  isNext: boolean;
  instruction: number;
}

/** Writes, and what the kernel answers in the middle of an instruction. Whether a write then leaves depends on how full the ring is. */
function hashedBus(bus: ProcessorBus, hash: AccessHash, refused: Refused, instructions: () => number): ProcessorBus {
  const told = (isTaken: boolean): boolean => {
    refused.isNext = !isTaken;
    refused.instruction = instructions();
    return isTaken;
  };
  return {
    takes: (...write) => bus.takes(...write),
    portWrite(port, size, value) {
      hash.add(OperationKind.Out, port, size, value, 0, instructions());
      return told(bus.portWrite(port, size, value));
    },
    memoryWrite(address, size, low, high) {
      hash.add(OperationKind.Store, address, size, low, size === 8 ? high : 0, instructions());
      return told(bus.memoryWrite(address, size, low, high));
    },
    memoryRead(address, size) {
      const isTaken = bus.memoryRead(address, size);
      if (isTaken) hash.add(OperationKind.Load, address, size, bus.low, size === 8 ? bus.high : 0, instructions());
      return isTaken;
    },
    longString: (elements) => bus.longString(elements),
    now: () => bus.now(),
    get low() {
      return bus.low;
    },
    get high() {
      return bus.high;
    },
  };
}

/** What leaves the processor, but for the writes that the bus was asked for: reads when they are answered. */
function hashOperations(processor: Processor, hash: AccessHash, refused: Refused): void {
  const enter = processor.enter.bind(processor);
  const complete = processor.complete.bind(processor);
  const add = (operation: GuestOperation, instruction = processor.instructions) => {
    const { kind, address, size, value, valueHigh } = operation;
    const isString = kind === OperationKind.RepIns || kind === OperationKind.RepOuts;
    const low = isString ? operation.count : value;
    hash.add(kind, address, size, low, size === 8 ? valueHigh : 0, instruction);
    if (isString && operation.bytes !== undefined) hash.addBytes(operation.bytes, operation.count * size);
  };
  processor.enter = (limit, operation) => {
    const vector = processor.queuedVector;
    if (limit > 0 && vector >= 0 && processor.acceptsInterrupt)
      hash.add(Interrupt, vector, 0, 0, 0, processor.instructions);
    const stop = enter(limit, operation);
    if (stop === Stop.Halt) hash.add(Halt, 0, 0, 0, 0, processor.instructions);
    else if (stop === Stop.Operation && operation.kind === OperationKind.RepOuts) add(operation);
    else if (stop === Stop.Operation && isWrite(operation)) {
      if (!refused.isNext) add(operation, refused.instruction);
      refused.isNext = false;
    }
    return stop;
  };
  processor.complete = (operation) => {
    if (!isWrite(operation)) add(operation);
    complete(operation);
  };
}

const isWrite = ({ kind }: GuestOperation): boolean =>
  kind === OperationKind.Out || kind === OperationKind.Store || kind === OperationKind.RepOuts;
