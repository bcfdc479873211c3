export { type AccessedMachine, type DescribedAccess, describeAccess } from './access-names.ts';
export { MachineBoard } from './board.ts';
export {
  defineMachine,
  type MachineDefinition,
  type MachineRequest,
  type ObserverFailureSink,
  type PreparedMachine,
  type RestoreRequest,
  type RunningMachine,
} from './definition.ts';
export { Machine } from './machine.ts';
export {
  defineObserver,
  type InterruptEvent,
  isObserver,
  type MachineEvent,
  type MachineObserver,
  type Observation,
  type TimerEvent,
} from './observers.ts';
export { type Mapping, PluggedDevice } from './parts.ts';
export { machineOptionName } from './plan.ts';
export { formatSnapshot, type MachineSnapshot, SnapshotSchema } from './snapshot/document.ts';
export { NoSuchDevice } from './snapshot/restore.ts';
export {
  type DeviceOptionValues,
  DeviceWire,
  type DeviceWiring,
  type MachineOptionValues,
  type Placement,
  pin,
  place,
  type UsedDevice,
  use,
  type Wire,
  WiringError,
} from './wiring.ts';
