export { type AccessedMachine, type DescribedAccess, describeAccess } from './access-names.ts';
export { type BuildCheck, buildChecks } from './build-checks.ts';
export { Machine, type MachineRequest } from './machine.ts';
export { MachineBoard } from './machine-board.ts';
export { defineMachine, type MachineDefinition, type MachineOptionValues } from './machine-definition.ts';
export { PluggedDevice } from './machine-parts.ts';
export { type DeviceOptionValues, machineOptionName } from './machine-plan.ts';
export type { ObserverFailureSink } from './observer-hub.ts';
export {
  defineObserver,
  type InterruptEvent,
  isObserver,
  type MachineEvent,
  type MachineObserver,
  type Observation,
  type TimerEvent,
} from './observers.ts';
export { type MachineSnapshot, SnapshotSchema } from './snapshot.ts';
export { NoSuchDevice, type RestoreRequest } from './snapshot-restore.ts';
export { formatSnapshot } from './snapshot-text.ts';
export {
  DeviceWire,
  type DeviceWiring,
  type Placement,
  pin,
  place,
  type UsedDevice,
  use,
  type Wire,
} from './wiring.ts';
export type { Mapping } from './wiring-check.ts';
export { WiringError } from './wiring-error.ts';
