/** What the file of a controller or a chip of an SPI bus imports. */
export { type SpiBitOrder, SpiBus, type SpiBusOptions, SpiDevice, type SpiMode } from './bus/spi/bus.ts';
export { NoCommand, SpiCommandDevice } from './bus/spi/command-device.ts';
