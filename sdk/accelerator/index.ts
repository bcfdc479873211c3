export * from './accelerator.ts';
export type {
  AcceleratorEvent,
  AcceleratorListener,
  AccessEvent,
  CoalescedWriteEvent,
  ExitEvent,
  ExitReasonName,
  Moment,
  VectorEvent,
} from './events.ts';
export { ExitStatistics, type ExitSummary } from './exit-statistics.ts';
export * from './exit-table.ts';
export type { GuestStep } from './guest/access-step.ts';
export {
  type CodePiece,
  type CodeStart,
  type GeneralRegisters,
  type GuestCode,
  isGuestCode,
  type ProcessorMode,
} from './guest/code.ts';
export { FlatBinary, type FlatBinaryOptions } from './guest/flat-binary.ts';
export type { GuestOperation, GuestSource } from './guest/operation.ts';
export { GuestProgram, guestProgram } from './guest/program.ts';
export type { Guest, GuestBody } from './guest/vocabulary.ts';
export type { GuestAccess, HandlerProfileRow } from './guest-access.ts';
export { Capability } from './kvm/abi.ts';
export { KvmAccelerator } from './kvm/accelerator.ts';
export {
  type AcceleratorSettings,
  acceleratorOptions,
  type DrainPolicy,
  type KvmAcceleratorOptions,
  parseAcceleratorSettings,
} from './kvm/options.ts';
export type {
  CpuidEntry,
  MachineCode,
  MachineCodeVm,
  Processor,
  ProcessorBus,
  ProcessorMemory,
} from './kvm/simulated-kernel/processor.ts';
export { type SimulatedAcceleratorOptions, simulatedAccelerator } from './simulated-accelerator.ts';
export {
  type ConditionalModel,
  type DeviceAgreementReport,
  type DisagreementExample,
  type RecordedAccess,
  TraceAnswers,
  type UnmodelledAccesses,
} from './trace/answers.ts';
export { TraceGuest, type TraceGuestOptions } from './trace/guest.ts';
export { DefaultTraceSizeLimit, TraceParser } from './trace/parser.ts';
export type { RecordedTrace } from './trace/recorded-trace.ts';
