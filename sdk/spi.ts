/** What the file of a controller or a chip of an SPI bus imports. */
export { SpiBus, type SpiBusOptions } from './bus/spi/bus.ts';
export type { SpiBitOrder, SpiChip, SpiMode } from './bus/spi/chip.ts';
export { NoCommand, SpiCommandDevice } from './bus/spi/command-device.ts';
export { SpiDevice } from './bus/spi/device.ts';
export { SpiRegisterDevice, type SpiRegistersSpec, spiRegisters } from './bus/spi/register-device.ts';
