import { BackplaneError } from '../../base/errors.ts';
import { At, ModuleStack } from './state-layout.ts';
import { type WasmGlobal, type WasmMemory, type WasmModule, webAssembly } from './wasm-file.ts';
import { Question } from './wasm-patch.ts';

/** Slots of the table of functions: those of the module, and those of compiled guest code, which is never made here. */
const TableSize = 1024 + 900;
/** Above the deepest place: the frames between two deliveries of a fault. */
const ModuleFrames = 0x1000;
/** Number of the setting, and its value: the interpreter only. */
const CompilerOff = [0, 1] as const;

/** What the processor asks in the middle of an instruction. Addresses and values are unsigned. */
export interface ProcessorRequests {
  readPort(port: number, size: number): number;
  writePort(port: number, size: number, value: number): void;
  readMemory(address: number, size: number): number;
  writeMemory(address: number, size: number, low: number, high: number): void;
  /** An interrupt could be taken here. */
  interruptible(): void;
  /** A run of instructions has used its budget, or stops for another reason. */
  sliceEnds(): void;
  /** CPUID. */
  identify(): void;
  /** RDTSC. False: it is not allowed here. */
  readTimeStamp(): boolean;
  /** A string instruction of more elements than a page has bytes begins. */
  longString(): void;
  /** Guest time in nanoseconds. */
  now(): number;
  random(): number;
  /** The processor gives up: its last words. */
  panic(text: string): void;
}

/** The functions of the module that are called here. */
interface Exports {
  readonly memory: WasmMemory;
  readonly __stack_pointer: WasmGlobal;
  rust_init(): void;
  allocate_memory(size: number): number;
  reset_cpu(): void;
  main_loop(): number;
  call_interrupt_vector(vector: number, isSoftware: number, hasCode: number, code: number): void;
  set_jit_config(setting: number, value: number): void;
  full_clear_tlb(): void;
  update_state_flags(): void;
  get_eflags(): number;
  set_control_word(value: number): void;
}

/** One processor: an instance of the module with memory of its own. */
export class WasmInstance {
  readonly exports: Exports;
  /** Who answers; nothing is asked before the first instruction. */
  requests!: ProcessorRequests;

  constructor(module: WasmModule) {
    const instance = new webAssembly.Instance(module, { env: importsFor(this) });
    this.exports = instance.exports as unknown as Exports;
    if (this.exports.__stack_pointer.value !== ModuleStack.top) {
      throw new BackplaneError('wasm-differs', 'The processor keeps its stack at another place than was tried.');
    }
    this.exports.rust_init();
    this.exports.set_jit_config(...CompilerOff);
  }

  /** Guest memory of so many bytes, with `below` bytes before it that wrap around to the end of the address space. */
  allocate(size: number, below: number): number {
    new DataView(this.exports.memory.buffer).setUint32(At.memorySize, size, true);
    const start = this.exports.allocate_memory(size + below);
    const view = new DataView(this.exports.memory.buffer);
    if (view.getUint32(At.guestMemory, true) !== start) {
      throw new BackplaneError('wasm-differs', 'The processor keeps its guest memory at another place than was tried.');
    }
    view.setUint32(At.guestMemory, start + below, true);
    return start + below;
  }

  /** Whether a throw came from a fault of a fault of a fault, and so on. Before `unwind`. */
  get isDeep(): boolean {
    return (this.exports.__stack_pointer.value as number) < ModuleStack.deepest + ModuleFrames;
  }

  /** What a throw through the module has left on its stack. */
  unwind(): void {
    this.exports.__stack_pointer.value = ModuleStack.top;
  }
}

function importsFor(wasm: WasmInstance): Readonly<Record<string, unknown>> {
  return {
    __indirect_function_table: new webAssembly.Table({ element: 'anyfunc', initial: TableSize }),
    microtick: () => wasm.requests.now() / 1e6,
    run_hardware_timers: () => {
      wasm.requests.sliceEnds();
      return 0;
    },
    cpu_event_halt: () => {},
    stop_idling: () => {},
    get_rand_int: () => wasm.requests.random(),
    io_port_read8: (port: number) => wasm.requests.readPort(port >>> 0, 1),
    io_port_read16: (asked: number) => answer(wasm.requests, asked >>> 0),
    io_port_read32: (port: number) => wasm.requests.readPort(port >>> 0, 4),
    io_port_write8: (port: number, value: number) => wasm.requests.writePort(port >>> 0, 1, value & 0xff),
    io_port_write16: (port: number, value: number) => wasm.requests.writePort(port >>> 0, 2, value & 0xffff),
    io_port_write32: (port: number, value: number) => wasm.requests.writePort(port >>> 0, 4, value >>> 0),
    mmap_read8: (address: number) => wasm.requests.readMemory(address >>> 0, 1),
    mmap_read32: (address: number) => wasm.requests.readMemory(address >>> 0, 4),
    mmap_write8: (address: number, value: number) => wasm.requests.writeMemory(address >>> 0, 1, value & 0xff, 0),
    mmap_write16: (address: number, value: number) => wasm.requests.writeMemory(address >>> 0, 2, value & 0xffff, 0),
    mmap_write32: (address: number, value: number) => wasm.requests.writeMemory(address >>> 0, 4, value >>> 0, 0),
    mmap_write64: (address: number, low: number, high: number) =>
      wasm.requests.writeMemory(address >>> 0, 8, low >>> 0, high >>> 0),
    mmap_write128: (address: number, a: number, b: number, c: number, d: number) => {
      wasm.requests.writeMemory(address >>> 0, 8, a >>> 0, b >>> 0);
      wasm.requests.writeMemory((address >>> 0) + 8, 8, c >>> 0, d >>> 0);
    },
    codegen_finalize: () => {},
    jit_clear_func: () => {},
    console_log_from_wasm: (start: number, length: number) =>
      wasm.requests.panic(new TextDecoder().decode(new Uint8Array(wasm.exports.memory.buffer, start, length).slice())),
  };
}

/** See `Question`: the one import of 16 bits is asked five things. */
function answer(to: ProcessorRequests, asked: number): number {
  if (asked <= 0xffff) return to.readPort(asked, 2);
  if (asked > Question.LongString) return to.readMemory(asked, 2);
  if (asked === Question.TimeStamp) return to.readTimeStamp() ? 0 : 1;
  if (asked === Question.Acknowledge) to.interruptible();
  else if (asked === Question.LongString) to.longString();
  else to.identify();
  return 0;
}
