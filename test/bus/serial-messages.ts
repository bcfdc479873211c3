import { I2cBus, I2cDevice, I2cMemoryDevice, I2cRegisterDevice, tenBit } from '../../sdk/i2c.ts';
import { device } from '../../sdk/index.ts';
import { SpiBus, SpiDevice, SpiRegisterDevice } from '../../sdk/spi.ts';
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

@device({ type: 'unregistered', description: 'Has no register' })
class Unregistered extends I2cRegisterDevice {}

@device({ type: 'uncommanded', description: 'Has no register' })
class Uncommanded extends SpiRegisterDevice {}

@device({ type: 'long', description: 'Has more bytes than its pointer reaches' })
class LongMemory extends I2cMemoryDevice {
  constructor() {
    super({ size: 0x1000 });
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
  'i2c-pointer-too-short': () => testBench(LongMemory),
  'i2c-register-banks': () => testBench(Unregistered),
  'invalid-i2c-address': () => new I2cBus().attach(sensor(), 0x78),
  'invalid-spi-select': () => new SpiBus({ selects: 4 }).attach(converter(), 4),
  'invalid-spi-selects': () => new SpiBus({ selects: 17 }),
  'spi-register-banks': () => testBench(Uncommanded),
  'spi-select-taken': () => {
    const bus = new SpiBus();
    bus.attach(converter(), 0);
    bus.attach(converter(), 0);
  },
};
