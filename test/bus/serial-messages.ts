import { I2cBus, I2cDevice, tenBit } from '../../sdk/i2c.ts';
import { device } from '../../sdk/index.ts';
import { SpiBus, SpiDevice } from '../../sdk/spi.ts';
import { testBench } from '../../sdk/testing/index.ts';
import type { Provocation } from '../golden-messages.ts';

@device({ type: 'sensor', description: 'A target on I2C' })
class Sensor extends I2cDevice {}

@device({ type: 'converter', description: 'A chip on SPI' })
class Converter extends SpiDevice {
  onTransfer(word: number): number {
    return word;
  }
}

const sensor = () => testBench(Sensor).device;
const converter = () => testBench(Converter).device;

/** What provokes the codes of the serial buses. */
export const serialProvocations: Readonly<Record<string, Provocation>> = {
  'i2c-address-taken': () => {
    const bus = new I2cBus();
    bus.attach(sensor(), tenBit(0x123));
    bus.attach(sensor(), tenBit(0x123));
  },
  'invalid-i2c-address': () => new I2cBus().attach(sensor(), 0x78),
  'invalid-spi-select': () => new SpiBus({ selects: 4 }).attach(converter(), 4),
  'invalid-spi-selects': () => new SpiBus({ selects: 17 }),
  'spi-select-taken': () => {
    const bus = new SpiBus();
    bus.attach(converter(), 0);
    bus.attach(converter(), 0);
  },
};
