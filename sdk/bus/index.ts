export {
  Bus,
  type BusClass,
  type BusContainers,
  type BusRegisters,
  busesOf,
  type Detach,
  type MappedByBus,
  type Placed,
} from './bus.ts';
export { DmaPort, MemoryDmaPort } from './dma-port.ts';
export { EventNotifiers } from './event-notifiers.ts';
export { InterruptWire, IsaBus, IsaDevice, isaIrq, isaLines } from './isa-bus.ts';
export { PowerController, ResetController, SystemBus, SystemDevice } from './system-bus.ts';
