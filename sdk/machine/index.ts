export type { MachineBus } from './buses/list.ts';
export type {
  MachineDefinition,
  MachineRequest,
  ObserverFailureSink,
  PreparedMachine,
  RestoreRequest,
  RunningMachine,
} from './definition.ts';
export { Machine } from './machine.ts';
export { isObserver, type MachineObserver } from './observers.ts';
export { NoSuchDevice } from './snapshot/restore.ts';
export { formatSnapshot } from './snapshot/save.ts';
export { signalInto } from './wires/connections.ts';
export { controllerIds } from './wires/interrupt-controllers.ts';
export type { PluggedDevice, UsedDevice } from './wiring.ts';
