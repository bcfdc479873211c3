export * from './accelerator.ts';
export {
  type AcceleratorSettings,
  acceleratorOptions,
  type DrainPolicy,
  parseAcceleratorSettings,
} from './accelerator-options.ts';
export * from './exit-cost.ts';
export { ExitStatistics, type ExitSummary } from './exit-statistics.ts';
export { type ExitRow, type ExitTableOptions, formatExitTable } from './exit-table.ts';
export { type Guest, type GuestBody, GuestProgram, type GuestStep, guestProgram } from './guest/guest-program.ts';
export type { GuestOperation, GuestSource } from './guest/operation.ts';
export type { RecordedTrace } from './guest/recorded-trace.ts';
export { TraceGuest, type TraceGuestOptions } from './guest/trace-guest.ts';
export { DefaultTraceSizeLimit, TraceParser } from './guest/trace-parser.ts';
export { type ReadTraceOptions, readTrace } from './guest/trace-reader.ts';
export type { GuestAccess } from './guest-access.ts';
export type { HandlerProfileRow } from './handler-profile.ts';
export { Capability } from './kvm/abi.ts';
export type { KvmAcceleratorOptions } from './kvm/checked-options.ts';
export type { Zone } from './kvm/coalesced-zone-listener.ts';
export { KvmAccelerator } from './kvm/kvm-accelerator.ts';
export type {
  AcceleratorEvent,
  AcceleratorListener,
  AccessEvent,
  CoalescedWriteEvent,
  ExitEvent,
  ExitReasonName,
  Moment,
  VectorEvent,
} from './observation.ts';
export type { DeviceAgreementReport, DisagreementExample } from './replay/device-agreement.ts';
export {
  type ConditionalModel,
  type RecordedAccess,
  TraceAnswers,
  type UnmodelledAccesses,
} from './replay/trace-answers.ts';
export { type SimulatedAcceleratorOptions, simulatedAccelerator } from './simulated-accelerator.ts';
