/** What a device or machine file imports. */
export { BackplaneError } from './base/errors.ts';
export { hex } from './base/text.ts';
export type { BusContainers } from './bus/bus.ts';
export { DmaPort } from './bus/dma-port.ts';
export { EventNotifiers } from './bus/event-notifiers.ts';
export { type InterruptWire, IsaBus, IsaDevice, isaIrq, isaLines } from './bus/isa-bus.ts';
export { PowerController, ResetController, SystemBus, SystemDevice } from './bus/system-bus.ts';
export { type CalendarTime, calendar } from './clock/calendar.ts';
export type { Countdown, CountdownOptions } from './clock/countdown.ts';
export type { Counter, CounterOptions } from './clock/counter.ts';
export type { Counting, CountingOptions } from './clock/counting.ts';
export { MICROSECOND, MILLISECOND, NANOSECOND, SECOND } from './clock/time.ts';
export { Timer } from './clock/timer.ts';
export { VirtualClock } from './clock/virtual-clock.ts';
export type { CoalescedDeclaration, DeviceDescription, DeviceInstance, Token } from './device/class-metadata.ts';
export type { MethodDecoratorFor } from './device/class-recorder.ts';
export { subDevice } from './device/construct.ts';
export {
  addCoalescedIo,
  contains,
  DeviceOptions,
  device,
  flushCoalescedIo,
  inject,
  optional,
  options,
} from './device/decorators.ts';

export {
  type ConcreteDeviceClass,
  Device,
  type DeviceClass,
  inDeviceEvent,
  type RegistersBehind,
} from './device/device.ts';
export { interruptController } from './device/interrupt-controller.ts';

export {
  type BackendOption,
  type NumberOptionSpec,
  type Option,
  type OptionSpec,
  option,
} from './device/options/kinds.ts';
export {
  defineOptions,
  type GivenOptionsOfClass,
  type OptionDeclarations,
  type OptionSet,
  type OptionsOf,
} from './device/options/set.ts';
export type { BackendClass, BackendPart } from './device/part.ts';
export { type InputArrayNames, type InputNames, input } from './device/pins/input.ts';
export type { InterruptLine } from './device/pins/interrupt-line.ts';
export { InterruptPin, type PinNames } from './device/pins/interrupt-pin.ts';
export { HandledRegion, mmioRegion, portRegion } from './device/regions/handlers.ts';
export { type RamRegion, type RomSpec, ramRegion, romRegion } from './device/regions/ram.ts';
export {
  ContainerRegion,
  containerRegion,
  type HandledRegionSpec,
  type HandlerOptions,
  type IoRegionTemplate,
  type Nothing,
  type PlaceSpec,
  type ReadHandler,
  type ReadWithAttributesHandler,
  RegionTemplate,
  type WriteHandler,
  type WriteWithAttributesHandler,
} from './device/regions/region.ts';
export type { BankAccess } from './device/registers/bank.ts';
export type { AtReset, NarrowAccess, RegisterAccess, RegisterBank } from './device/registers/model.ts';
export {
  type IndexedRegisters,
  type IndexedRegistersSpec,
  indexedRegisters,
  type ReadHook,
  type Register,
  type RegisterField,
  type WriteHook,
} from './device/registers/register.ts';
export {
  bit,
  bits,
  type FieldNames,
  type FieldOptions,
  type FieldSpec,
  type RegisterMember,
  type RegisterSpec,
  type RegisterValue,
  type ReservedFieldSpec,
  reserved,
  undocumented,
} from './device/registers/spec.ts';
export { type RegisterTable, withRegisters } from './device/registers/table.ts';
export type { SubDevicePlace } from './device/sub-devices.ts';
export type { ShowsText, TextPosition, TextScreen } from './device/text-screen.ts';

export { defineMachine, type MachineDefinition, type PreparedMachine } from './machine/definition.ts';
export type { Presence } from './machine/presence.ts';
export {
  allOf,
  anyOf,
  type DeviceWire,
  type Gate,
  type Inverted,
  inverted,
  pin,
  type ServiceWire,
  type Signal,
  type Wire,
} from './machine/wires/wire.ts';
export {
  type DeviceWiring,
  type MachineOptionValues,
  type Placement,
  place,
  type UsedDevice,
  use,
} from './machine/wiring.ts';
export { type MemTxAttributes, MemTxResult, requesterOf } from './memory/access-attributes.ts';
export { GiB, KiB, MiB } from './memory/address-range.ts';
export type { CoalescedIoFlusher, CoalescedRange, IoeventfdSpec } from './memory/memory-listener.ts';
export { MemoryRegion, type RegionKind } from './memory/memory-region.ts';
export type { RamBlock } from './memory/ram-block.ts';
export type { RegionOptions, RegionOwner } from './memory/reentrancy-guard.ts';
export type { AccessSizes, SealedRegionOps } from './memory/region-access.ts';
export type { RegionAttachments } from './memory/region-attachments.ts';
export type { MemoryTopology } from './memory/topology.ts';
export { type Shape, type StateOptions, type Subsection, state, subsection } from './state/schema.ts';
export { guestTime, guestTimeOrNever, shape } from './state/shapes.ts';
