/** What gives a simulated kernel a processor for machine code, what such a processor is, and what boots on it: `backplane/x86`. */

export type { GuestCode } from './accelerator/guest/code.ts';
export type { GuestOperation } from './accelerator/guest/operation.ts';
export {
  type CpuidEntry,
  type KernelMemorySlot,
  type MachineCode,
  type MachineCodeVm,
  type Processor,
  type ProcessorBus,
  type ProcessorMemory,
  Stop,
  type StopValue,
} from './accelerator/kvm/simulated-kernel/processor.ts';
export type { Json, JsonObject, JsonProblem, JsonReader } from './base/json-reader.ts';
export {
  isMultiboot,
  type LinuxKernelOptions,
  linuxKernel,
  type MultibootModule,
  type MultibootOptions,
  multibootImage,
} from './boot/index.ts';
export { loadX86, type WasmResponse, type X86Settings } from './processor/x86/load.ts';
