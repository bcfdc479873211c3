import { type GuestOperation, OperationKind } from '../../sdk/accelerator/guest/operation.ts';
import { Registers, Rflags } from '../../sdk/accelerator/kvm/abi.ts';
import { registersAfterReset, specialRegistersAfterReset } from '../../sdk/accelerator/kvm/reset-values.ts';
import {
  type MachineCode,
  type MachineCodeVm,
  type Processor,
  type ProcessorBus,
  type ProcessorMemory,
  Stop,
  type StopValue,
} from '../../sdk/accelerator/kvm/simulated-kernel/processor.ts';
import { BackplaneError } from '../../sdk/base/errors.ts';
import type { Json, JsonReader } from '../../sdk/base/json-reader.ts';

/** An instruction of a script, or several plain ones. */
export type Step =
  | ['run', number]
  | ['out', number, number, number]
  | ['in', number, number]
  | ['store', number, number, number, number?]
  | ['load', number, number]
  /** Two stores of one instruction. */
  | ['stores', number, number]
  | ['outs', number, readonly number[]]
  | ['ins', number, number]
  | ['sti' | 'cli' | 'hlt' | 'iret' | 'shutdown' | 'fail']
  | ['jump', number];

type Access = Extract<Step, ['out' | 'store', ...unknown[]]>;

/** Interprets a script as a processor does machine code: an instruction each, in blocks of up to `block`. */
export class ScriptedProcessor implements Processor {
  readonly name = 'scripted';
  queuedVector = -1;
  windowWanted = false;
  instructions = 0;
  interruptFlag = false;
  interruptShadow = false;
  failure: BackplaneError | undefined;
  failedInstruction: Uint8Array | undefined;
  /** What it has read, and the vectors that it took. */
  readonly reads: number[] = [];
  readonly vectors: number[] = [];
  /** The limits that entries had. */
  readonly limits: number[] = [];
  #at = 0;
  /** Plain instructions of the step that are done. */
  #done = 0;
  #rest: Access[] = [];
  #registers = registersAfterReset();
  #special = specialRegistersAfterReset(0);

  constructor(
    private readonly script: readonly Step[],
    readonly bus: ProcessorBus,
    private readonly block: number,
  ) {}

  get whereabouts(): string {
    return `step ${this.#at}`;
  }

  get underWay(): boolean {
    return this.#rest.length > 0;
  }

  get acceptsInterrupt(): boolean {
    return this.interruptFlag && !this.interruptShadow && !this.underWay;
  }

  enter(limit: number, operation: GuestOperation): StopValue {
    this.limits.push(limit);
    const rest = this.#rest.shift();
    if (rest !== undefined) return ask(operation, rest);
    if (limit === 0) return Stop.Limit;
    if (this.queuedVector >= 0 && this.acceptsInterrupt) {
      this.vectors.push(this.queuedVector);
      this.queuedVector = -1;
      this.interruptFlag = false;
    }
    const end = this.instructions + limit;
    while (true) {
      if (this.windowWanted && this.acceptsInterrupt) return Stop.Window;
      if (this.instructions >= end) return Stop.Limit;
      const stop = this.#step(operation, end);
      if (stop !== undefined) return stop;
    }
  }

  complete(operation: GuestOperation): void {
    if (operation.kind === OperationKind.RepIns) this.reads.push(...(operation.bytes ?? []));
    else if (operation.kind === OperationKind.In || operation.kind === OperationKind.Load)
      this.reads.push(operation.value);
  }

  getRegisters(to: DataView): void {
    const flag = this.interruptFlag ? Rflags.InterruptEnable : 0;
    this.#registers.setUint32(Registers.rflags, Rflags.AlwaysOne | flag, true);
    this.#registers.setUint32(Registers.rax, this.#at, true);
    copy(this.#registers, to);
  }

  setRegisters(from: DataView): boolean {
    copy(from, this.#registers);
    this.interruptFlag = (from.getUint32(Registers.rflags, true) & Rflags.InterruptEnable) !== 0;
    return from.getUint32(Registers.rbx, true) !== 0xdead;
  }

  getSpecialRegisters(to: DataView): void {
    copy(this.#special, to);
  }

  setSpecialRegisters(from: DataView): boolean {
    copy(from, this.#special);
    return true;
  }

  getMsr(index: number): bigint | undefined {
    return index === 0x10 ? BigInt(this.bus.now()) : undefined;
  }

  setMsr(index: number, value: bigint): boolean {
    return index === 0x10 && value >= 0n;
  }

  reset(): void {
    this.#at = this.#done = this.instructions = 0;
    this.#rest = [];
    this.queuedVector = -1;
    this.interruptFlag = this.interruptShadow = false;
    this.failure = this.failedInstruction = undefined;
    this.#registers = registersAfterReset();
    this.#special = specialRegistersAfterReset(0);
  }

  save(): Json {
    if (this.underWay) throw new Error('saved in the middle of an instruction');
    return { at: this.#at, done: this.#done, instructions: this.instructions, shadow: this.interruptShadow };
  }

  read(reader: JsonReader): () => void {
    const at = reader.only('at', 'done', 'instructions', 'shadow').member('at').integer(0, this.script.length);
    const [done, instructions] = [reader.member('done').integer(0), reader.member('instructions').integer(0)];
    const shadow = reader.member('shadow').boolean();
    return () => {
      this.#at = at;
      this.#done = done;
      this.instructions = instructions;
      this.interruptShadow = shadow;
    };
  }

  #step(operation: GuestOperation, end: number): StopValue | undefined {
    const step = this.script[this.#at];
    if (step === undefined) return Stop.Halt;
    const { interruptShadow } = this;
    this.interruptShadow = false;
    if (step[0] === 'run') {
      const left = Math.min(end - this.instructions, step[1] - this.#done);
      // To the end of a block, which may be behind the limit.
      const some = Math.min(Math.ceil(left / this.block) * this.block, step[1] - this.#done);
      this.#done += some;
      this.instructions += some;
      if (this.#done < step[1]) return undefined;
      this.#done = 0;
      this.#at++;
      return undefined;
    }
    if (step[0] === 'shutdown') {
      this.failure = new BackplaneError('triple-fault', 'a script shut the processor down');
      this.interruptShadow = interruptShadow;
      return Stop.Shutdown;
    }
    if (step[0] === 'fail') {
      this.failure = new BackplaneError('instruction-not-executed', `${this.whereabouts}: it has no such instruction`);
      this.failedInstruction = Uint8Array.of(0x0f, 0x0b);
      return Stop.Failed;
    }
    this.instructions++;
    this.#at++;
    return this.#plain(step, operation);
  }

  #plain(step: Step, operation: GuestOperation): StopValue | undefined {
    switch (step[0]) {
      case 'hlt':
        return Stop.Halt;
      case 'sti':
        this.interruptShadow = !this.interruptFlag;
        this.interruptFlag = true;
        return undefined;
      case 'cli':
        this.interruptFlag = false;
        return undefined;
      case 'iret':
        this.interruptFlag = true;
        return undefined;
      case 'jump':
        this.#at = step[1];
        return undefined;
      case 'out':
      case 'store':
        return this.#offers(step) ? undefined : ask(operation, step);
      case 'load':
        if (this.bus.memoryRead(step[1], step[2])) {
          this.reads.push(this.bus.low);
          return undefined;
        }
        return ask(operation, step);
      case 'stores': {
        const [first, second]: [Access, Access] = [
          ['store', step[1], 4, step[2]],
          ['store', step[1] + 4, 4, step[2] + 1],
        ];
        const isFirst = this.#offers(first);
        if (isFirst && this.#offers(second)) return undefined;
        if (!isFirst) this.#rest = [second];
        return ask(operation, isFirst ? second : first);
      }
      default:
        return ask(operation, step);
    }
  }

  #offers(step: Access): boolean {
    if (step[0] === 'out') return this.bus.portWrite(step[1], step[2], step[3]);
    return this.bus.memoryWrite(step[1], step[2], step[3], step[4] ?? 0);
  }
}

const Kinds = {
  out: OperationKind.Out,
  in: OperationKind.In,
  store: OperationKind.Store,
  load: OperationKind.Load,
  outs: OperationKind.RepOuts,
  ins: OperationKind.RepIns,
} as const;

function ask(operation: GuestOperation, step: Step): StopValue {
  operation.kind = Kinds[step[0] as keyof typeof Kinds];
  operation.address = step[1] as number;
  operation.position = 0;
  operation.stored = false;
  operation.destination = 0;
  if (step[0] === 'outs') {
    operation.size = 1;
    operation.count = step[2].length;
    operation.bytes = Uint8Array.from(step[2]);
  } else if (step[0] === 'ins') {
    operation.size = 1;
    operation.count = step[2];
  } else {
    operation.size = step[2] as number;
    operation.value = (step[3] as number) ?? 0;
    operation.valueHigh = (step[4] as number) ?? 0;
  }
  return Stop.Operation;
}

/** RAM in the middle of a larger buffer, as in the memory of a wasm module. */
export class ScriptedMemory implements ProcessorMemory {
  bytes = new Uint8Array(0);
  readonly written: (start: number, size: number) => void;
  /** What was called: `written 0x1000+4`, `slots 3`. */
  readonly calls: string[] = [];
  /** What the next search finds. */
  overwritten = -1;

  constructor() {
    this.written = (start, size) => this.calls.push(`written 0x${start.toString(16)}+${size}`);
  }

  allocate(size: number): { bytes: Uint8Array; view: DataView } {
    const buffer = new ArrayBuffer(size + 0x2000);
    this.bytes = new Uint8Array(buffer, 0x1000, size);
    return { bytes: this.bytes, view: new DataView(buffer, 0x1000, size) };
  }

  slotsChanged(slots: readonly unknown[]): void {
    this.calls.push(`slots ${slots.length}`);
  }

  findOverwritten(): number {
    const found = this.overwritten;
    this.overwritten = -1;
    return found;
  }
}

/** Machine code that is a script, and the processors and memories that were made for it. */
export interface ScriptedCode extends MachineCode {
  readonly processors: ScriptedProcessor[];
  readonly memories: ScriptedMemory[];
}

export function scriptedCode(script: readonly Step[], { block = 1 } = {}): ScriptedCode {
  const processors: ScriptedProcessor[] = [];
  const memories: ScriptedMemory[] = [];
  return {
    name: 'scripted',
    cpuid: [
      { function: 0, eax: 1, ebx: 2, ecx: 3, edx: 4 },
      { function: 4, index: 1, eax: 5, ebx: 6, ecx: 7, edx: 8 },
    ],
    msrs: [0x10],
    largestRam: 0x10_0000,
    processors,
    memories,
    create(): MachineCodeVm {
      const memory = new ScriptedMemory();
      memories.push(memory);
      return {
        memory,
        processor(bus) {
          const processor = new ScriptedProcessor(script, bus, block);
          processors.push(processor);
          return processor;
        },
      };
    },
  };
}

function copy(from: DataView, to: DataView): void {
  for (let at = 0; at < Math.min(from.byteLength, to.byteLength); at++) to.setUint8(at, from.getUint8(at));
}
