export {
  type AttributeDocument,
  ClassAttribute,
  ClassAttributeList,
  type ClassMetadata,
  type CoalescedDeclaration,
  type DeviceDescription,
  type DeviceInstance,
  type Injection,
  type RealizeContext,
  type RegionMetadata,
  type Token,
} from './class-metadata.ts';
export { baseMetadataOf, metadataOf, recorderOf } from './class-recorder.ts';
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
export { type ConcreteDeviceClass, Device, type DeviceClass } from './device.ts';
export {
  captureSchema,
  compareDevice,
  DeviceLoading,
  firingOrder,
  loadDevice,
  refusedBy,
  type SavedDevice,
  saveDevice,
} from './device-state.ts';
export { type GuestError, type GuestErrorSink, GuestErrors } from './guest-errors.ts';
export { formatSize, type NumberOptionSpec, type Option, type OptionSpec, option } from './options/kinds.ts';
export {
  commandLineName,
  defineOptions,
  type GivenOptionsOfClass,
  type OptionDeclarations,
  OptionSet,
  type OptionsOf,
} from './options/set.ts';
export { InterruptLine, InterruptPin, type PinNames, pinOf, pinsOf } from './pins.ts';
export { HandledRegion, mmioRegion, portRegion } from './regions/handlers.ts';
export {
  ContainerRegion,
  containerRegion,
  type HandledRegionSpec,
  type HandlerOptions,
  type HandlerRoute,
  IoRegionTemplate,
  type ReadHandler,
  type ReadWithAttributesHandler,
  RegionTemplate,
  type WriteHandler,
  type WriteWithAttributesHandler,
} from './regions/region.ts';
export { registerAtPlace } from './registers/assemble.ts';
export {
  type AtReset,
  choosingValue,
  chosenIndex,
  type FieldDeclaration,
  type IndexedPlace,
  type NarrowAccess,
  type RegisterAccess,
  type RegisterDeclaration,
  type RegisterWidth,
  type Side,
  sideOf,
} from './registers/model.ts';
export { describeRegisterValue, type RegisterPlace, registerAt, registerLabel } from './registers/names.ts';
export type { RegisterLocks } from './registers/parts.ts';
export {
  IndexedRegisters,
  type IndexedRegistersSpec,
  indexedRegisters,
  type ReadHook,
  type Register,
  type RegisterField,
  type WriteHook,
} from './registers/register.ts';
export { registerEngine, registerLocks } from './registers/runtime.ts';
export {
  bit,
  bits,
  type FieldNames,
  type FieldOptions,
  type FieldSpec,
  type RegisterMember,
  type RegisterSpec,
  type RegisterValue,
  reserved,
  undocumented,
} from './registers/spec.ts';
export { constructDevice, timersOf } from './timers.ts';
