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
export { machineOptionName } from './plan.ts';
export { NoSuchDevice } from './snapshot/restore.ts';
export { formatSnapshot, type MachineSnapshot, SnapshotSchema } from './snapshot/save.ts';
export {
  type DeviceOptionValues,
  DeviceWire,
  type DeviceWiring,
  type MachineOptionValues,
  type Mapping,
  type Placement,
  PluggedDevice,
  pin,
  place,
  type UsedDevice,
  use,
  type Wire,
  WiringError,
} from './wiring.ts';
