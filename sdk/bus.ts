/** What the file of a bus imports, beside `backplane`. */
export {
  Bus,
  type BusClass,
  type BusContainers,
  type BusContext,
  type BusRegisters,
  busesOf,
  type Detach,
  type MappedByBus,
  type Placed,
} from './bus/bus.ts';
export { DevicePart } from './device/part.ts';
