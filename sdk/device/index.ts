export {
  type AttributeDocument,
  type BusOfClass,
  ClassAttribute,
  ClassAttributeList,
  type ClassMetadata,
  type DeviceInstance,
  type DocumentTable,
  type Injection,
  placesByAttribute,
  type RealizeContext,
  type RegionMetadata,
  type Token,
} from './class-metadata.ts';
export { baseMetadataOf, metadataOf, recorderOf } from './class-recorder.ts';
export { constructDevice, subDevice } from './construct.ts';
export { DeviceOptions, device, inject, options } from './decorators.ts';
export {
  type ConcreteDeviceClass,
  Device,
  type DeviceClass,
  eventsOf,
  inDeviceEvent,
  inputsIn,
  type RegistersBehind,
} from './device.ts';
export { DeviceLoading, loadDevice, refusedBy } from './device-loading.ts';
export { captureSchema, firingOrder, saveDevice } from './device-state.ts';
export { type GuestError, type GuestErrorSink, GuestErrors, refusedAccesses } from './guest-errors.ts';
export {
  type InterruptControllerDevice,
  interruptController,
  interruptControllerRole,
} from './interrupt-controller.ts';
export { formatSize, type Option, option } from './options/kinds.ts';
export {
  type BackendsOfClass,
  commandLineName,
  defineOptions,
  type GivenOptionsOfClass,
  machineOptionName,
  OptionSet,
  type OptionsOf,
} from './options/set.ts';
export { stateOfDevice } from './parts.ts';
export { type DeviceEvents, InputPin } from './pins/events.ts';
export {
  deviceInputs,
  type InputArrayNames,
  type InputDeclaration,
  type InputNames,
  input,
  inputNamesIn,
  inputNamesOf,
  inputsOfClass,
} from './pins/input.ts';
export { InterruptLine } from './pins/interrupt-line.ts';
export { InterruptPin, ownPinsOf, type PinNames, pinsOf } from './pins/interrupt-pin.ts';
export { realizeDevice } from './regions/build.ts';
export { HandledRegion, mmioRegion, portRegion } from './regions/handlers.ts';
export { hasPeekHandler } from './regions/peek.ts';
export { buildRam, RamRegion, type RomSpec, romRegion } from './regions/ram.ts';
export { ContainerRegion, type HandlerRoute, RegionTemplate } from './regions/region.ts';
export { declareRegister, registerAtPlace } from './registers/assemble.ts';
export { type BankAccess, bankOf, type CarriedBank, registerBank } from './registers/bank.ts';
export { registerEngine } from './registers/engine.ts';
export {
  bitRangesOf,
  choosingValue,
  chosenIndex,
  type FieldDeclaration,
  type IndexedPlace,
  type RegisterAccess,
  type RegisterBank,
  type RegisterDeclaration,
  type Side,
  sideOf,
} from './registers/model.ts';
export { describeRegisterValue, livesIn, type RegisterPlace, registerAt, registerLabel } from './registers/names.ts';
export { peekDeclared } from './registers/peek.ts';
export type { Register } from './registers/register.ts';
export {
  bit,
  bits,
  type FieldNames,
  type RegisterSpec,
  type RegisterValue,
  reserved,
  undocumented,
} from './registers/spec.ts';
export { devicesIn, type SubDevice, type SubDevicePlace, subDevicesOf } from './sub-devices.ts';
export { type ShowsText, screenLines, showsText, type TextPosition, type TextScreen } from './text-screen.ts';
export { timersOf } from './timers.ts';
