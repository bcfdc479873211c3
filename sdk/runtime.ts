/** Build, run, observe, save and analyse machines. */
export {
  Accelerator,
  type AcceleratorHost,
  type GuestImage,
  type GuestRunOptions,
  type InboxSource,
  type InterruptController,
  type MachineClock,
  type ProgramImage,
  type ResetPort,
  type RunEnd,
  type RunOptions,
  type RunOutcome,
  type SliceEnd,
  type SliceLimits,
} from './accelerator/accelerator.ts';
export type {
  AcceleratorEvent,
  AcceleratorListener,
  AccessEvent,
  CoalescedWriteEvent,
  ExitEvent,
  ExitReasonName,
  Moment,
  Moments,
  VectorEvent,
} from './accelerator/events.ts';
export { ExitStatistics, type ExitSummary } from './accelerator/exit-statistics.ts';
export {
  averageCost,
  type CostDistribution,
  DefaultExitCosts,
  describeCosts,
  type ExitCost,
  type ExitCosts,
  type ExitRow,
  type ExitTableOptions,
  formatExitTable,
  type ModelledTime,
  modelledTime,
} from './accelerator/exit-table.ts';
export type { GuestStep } from './accelerator/guest/access-step.ts';
export {
  type CodePiece,
  type CodeStart,
  type GeneralRegisters,
  type GuestCode,
  isGuestCode,
} from './accelerator/guest/code.ts';
export { type GuestOperation, type GuestSource, OperationKind } from './accelerator/guest/operation.ts';
export { GuestProgram, guestProgram } from './accelerator/guest/program.ts';
export { Guest, type GuestBody, type StringDestination } from './accelerator/guest/vocabulary.ts';
export type { GuestAccess, HandlerProfileRow } from './accelerator/guest-access.ts';
export { Capability } from './accelerator/kvm/abi.ts';
export { KvmAccelerator } from './accelerator/kvm/accelerator.ts';
export {
  type AcceleratorOption,
  type AcceleratorSettings,
  acceleratorOptions,
  type DrainPolicy,
  type KvmAcceleratorOptions,
  parseAcceleratorSettings,
} from './accelerator/kvm/options.ts';
export { type SimulatedAcceleratorOptions, simulatedAccelerator } from './accelerator/simulated-accelerator.ts';
export type { AccessTap, TappedValue } from './accelerator/tap.ts';
export {
  type ConditionalModel,
  type DeviceAgreementReport,
  type DisagreementExample,
  type RecordedAccess,
  TraceAnswers,
  type UnmodelledAccesses,
} from './accelerator/trace/answers.ts';
export { TraceGuest, type TraceGuestOptions } from './accelerator/trace/guest.ts';
export { DefaultTraceSizeLimit, TraceParser } from './accelerator/trace/parser.ts';
export type {
  OutsideLine,
  OutsideWord,
  RecordedDma,
  RecordedEnd,
  RecordedRun,
  RecordedString,
  RecordedTrace,
} from './accelerator/trace/recorded-trace.ts';
export type { RunDifference } from './accelerator/trace/run-guest.ts';
export { type Replay, type ReplayObserver, type ReplaySetup, replayTrace } from './analysis/replay.ts';
export { BackplaneError, DeviceFailure, describeThrown, type Problem } from './base/errors.ts';
export type { Json } from './base/json-reader.ts';
export { hex, nearest } from './base/text.ts';
export { MemoryDmaPort } from './bus/dma-port.ts';
export { InterruptWire } from './bus/isa-bus.ts';
export { HostPacedClock } from './clock/host-time.ts';
export { ManualClock } from './clock/manual-clock.ts';
export { VirtualClock } from './clock/virtual-clock.ts';
export { explainCoalescedIo } from './coalescing/explain.ts';
export type {
  CoalescedRangeReport,
  CoalescedVerdict,
  Culprit,
  ExplainedDevice,
  ExplainedMachine,
  NamedRegister,
  WidthVerdict,
} from './coalescing/report.ts';
export { coalescedWarnings, explainVerdict, formatCoalescedReport, infoCoalesced } from './coalescing/text.ts';
export type {
  BusOfClass,
  ClassAttribute,
  ClassAttributeList,
  ClassMetadata,
  Injection,
  RegionMetadata,
} from './device/class-metadata.ts';
export { metadataOf } from './device/class-recorder.ts';
export { constructDevice } from './device/construct.ts';
export type { ConcreteDeviceClass } from './device/device.ts';
export { compareDevice, loadDevice } from './device/device-loading.ts';
export { type SavedDevice, type SavedFields, saveDevice } from './device/device-state.ts';
export { type GuestError, type GuestErrorSink, GuestErrors } from './device/guest-errors.ts';
export { commandLineName } from './device/options/set.ts';
export { InputPin } from './device/pins/events.ts';
export { inputNamesIn, inputNamesOf } from './device/pins/input.ts';
export { InterruptLine } from './device/pins/interrupt-line.ts';
export { pinOf, pinsOf } from './device/pins/interrupt-pin.ts';
export type { HandlerForm, HandlerRoute } from './device/regions/region.ts';
export { bankOf, CarriedBank, type RegisterBankSpec, registerBank } from './device/registers/bank.ts';
export { registerEngine } from './device/registers/engine.ts';
export { type RegisterLocks, registerLocks } from './device/registers/locks.ts';
export type {
  AbsentBytes,
  FieldDeclaration,
  IndexedPlace,
  RegisterDeclaration,
  RegisterKind,
  RegisterWidth,
} from './device/registers/model.ts';
export { type AccessedMachine, type DescribedAccess, describeAccess } from './machine/access-names.ts';
export { MachineBoard } from './machine/board.ts';
export type { MachineBus } from './machine/buses/list.ts';
export type { BusPlace } from './machine/buses/places.ts';
export type {
  MachineDefinition,
  MachineRequest,
  ObserverFailureSink,
  RestoreRequest,
  RunningMachine,
} from './machine/definition.ts';
export type { FirmwareImage } from './machine/firmware-image.ts';
export { Machine } from './machine/machine.ts';
export {
  defineObserver,
  type InboxDelivery,
  type InputEvent,
  type InterruptEvent,
  isObserver,
  type MachineEvent,
  type MachineObserver,
  type Observation,
  type TimerEvent,
} from './machine/observers.ts';
export { type PumpOptions, pump } from './machine/pump.ts';
export { NoSuchDevice } from './machine/snapshot/restore.ts';
export { formatSnapshot, type MachineSnapshot, SnapshotSchema } from './machine/snapshot/save.ts';
export { tap } from './machine/tap.ts';
export type { Wire } from './machine/wires/wire.ts';
export {
  type DeviceOptionValues,
  type MachineOptionValues,
  type MappedRange,
  type Mapping,
  PluggedDevice,
  type UsedDevice,
  WiringError,
} from './machine/wiring.ts';
export { MemTxAttributes, requesterOf, withRequester } from './memory/access-attributes.ts';
export { type AddressRange, WholeSpace } from './memory/address-range.ts';
export { AddressSpace } from './memory/address-space.ts';
export { FlatRange, type FlatView } from './memory/flat-view.ts';
export {
  type CoalescedIoFlusher,
  type CoalescedRange,
  type CoalescedZones,
  type Ioeventfd,
  type IoeventfdSpec,
  type ListenedSection,
  ListenerPriority,
  type MappedSpace,
  type MemoryListener,
  type MemorySection,
} from './memory/memory-listener.ts';
export { MemoryRegion, type RegionKind } from './memory/memory-region.ts';
export { formatFlatViews, formatMemoryTree, type MemoryTreeOptions } from './memory/memory-tree.ts';
export { DirtyLog, DirtyLogClient, DirtyPageSize, DirtySnapshot, type RamBlock } from './memory/ram-block.ts';
export { IoGuard, type RegionOptions, type RegionOwner } from './memory/reentrancy-guard.ts';
export type {
  AcceptedSizes,
  AccessSizes,
  AnswerWatch,
  MissingRoute,
  RegionOpsSpec,
  Route,
} from './memory/region-access.ts';
export { RegionOps } from './memory/region-ops.ts';
export { type AccessObserver, MemoryTopology, registerMemoryListener } from './memory/topology.ts';
export { infoBlock, infoChardev } from './monitor/backends.ts';
export { formatDeviceTree, infoMachine, infoMtree, infoQtree, type MemoryTreeRequest } from './monitor/info.ts';
export {
  type ObservedDevice,
  type ObservedSubDevice,
  observeSubDevices,
  registerDocument,
  registerFacts,
} from './monitor/reference.ts';
export { infoRegisters } from './monitor/registers.ts';
export type { RecordedBackend, RecordedImage, RunHeader } from './recording/header.ts';
export { type RecordingSink, type RecordOptions, type RunRecording, recordRun } from './recording/recorder.ts';
export { type ReplayedOutput, type RunReplay, type RunReplaySetup, replayRun } from './recording/replay.ts';
export { type StateChange, type StateDifference, StateError } from './state/restore-plan.ts';
export type { StateDeclaration } from './state/schema.ts';
