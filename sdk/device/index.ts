export type { Json } from '../base/json-reader.ts';
export {
  baseBlueprintOf,
  blueprintOf,
  type CoalescedDeclaration,
  type ConcreteDeviceClass,
  type DeviceBlueprint,
  type DeviceClass,
  type DeviceDescription,
  Facet,
  type FacetDocument,
  type Injection,
  ListFacet,
  type OffsetRange,
  type RegionBlueprint,
  recordOf,
  type Token,
} from './blueprint.ts';
export {
  addCoalescedIo,
  contains,
  DeviceOptions,
  device,
  flushCoalescedIo,
  inject,
  optional,
  options,
} from './decorators.ts';
export { Device, type DeviceSurroundings } from './device.ts';
export {
  compareDevice,
  DeviceLoading,
  firingOrder,
  loadDevice,
  refusedBy,
  rememberState,
  type SavedDevice,
  saveDevice,
} from './device-state.ts';
export { constructDevice, timersOf } from './device-timers.ts';
export { type GuestError, type GuestErrorSink, GuestErrors } from './guest-errors.ts';
export type {
  HandlerOptions,
  HandlerRoute,
  Read64Handler,
  ReadHandler,
  ReadWithAttributesHandler,
  Write64Handler,
  WriteHandler,
  WriteWithAttributesHandler,
} from './handlers.ts';
export { InterruptLine } from './interrupt-line.ts';
export { InterruptPin, type InterruptSink } from './interrupt-pin.ts';
export { formatSize } from './option-grammar.ts';
export { type Option, option, type WiringOption } from './option-kinds.ts';
export {
  commandLineName,
  defineOptions,
  type GivenOptions,
  type GivenOptionsOfClass,
  type OptionDeclarations,
  OptionSet,
  type OptionsOf,
} from './options.ts';
export { type PerPin, type PinNames, pinOf, pinsOf } from './pins.ts';
export {
  ContainerRegion,
  containerRegion,
  HandledRegion,
  type HandledRegionSpec,
  mmioRegion,
  portRegion,
  RegionTemplate,
  type TemplateKind,
} from './region-template.ts';
export { type ObservedDevice, registerDocument, registerFacts } from './register-document.ts';
export { choosingValue, chosenIndex } from './registers/choice.ts';
export { type RegisterLocks, registerLocks } from './registers/compiled-registers.ts';
export type {
  AtReset,
  FieldDeclaration,
  IndexedPlace,
  NarrowAccess,
  RegisterAccess,
  RegisterDeclaration,
  RegisterWidth,
} from './registers/declaration.ts';
export { bit, bits, type FieldOptions, type FieldSpec, reserved, undocumented } from './registers/fields.ts';
export { IndexedRegisters, type IndexedRegistersSpec, indexedRegisters } from './registers/indexed.ts';
export { describeRegisterValue, type RegisterPlace, registerAt, registerLabel } from './registers/names.ts';
export type {
  FieldNames,
  ReadHook,
  Register,
  RegisterField,
  RegisterMember,
  RegisterSpec,
  RegisterValue,
  WriteHook,
} from './registers/register.ts';
export { registerAtPlace } from './registers/register-completion.ts';
export { type Side, sideOf } from './registers/sides.ts';
export { type StateDeclaration, type StateOptions, type Subsection, state, stateOf, subsection } from './state.ts';
export { readBytes, writeBytes } from './state-bytes.ts';
export { describeDifference, type StateDifference, StateError } from './state-error.ts';
export { type FailField, readFields, rebaseFields, rememberShapes, writeFields } from './state-inference.ts';
export { StateLoading } from './state-loading.ts';
export type { EpochMove, LoadPlan, Shape, StatePlace } from './state-shape.ts';
export { guestTime, guestTimeOrNever, shape } from './state-shapes.ts';
