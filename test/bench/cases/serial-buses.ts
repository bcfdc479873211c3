import { Ds1307, Eeprom } from '../../../devices/index.ts';
import { I2cBus } from '../../../sdk/i2c.ts';
import type { ConcreteDeviceClass } from '../../../sdk/index.ts';
import { testBench } from '../../../sdk/testing/index.ts';
import type { BenchCase, Subject } from '../bench-case.ts';

const table = 'A transfer on I2C: two bytes written, a repeated start, one byte read, a stop';
const operations = 4096;
const At = 0x50;

/** As a controller makes it. The bytes that are written set the pointer. */
function transfers(bus: I2cBus): Subject {
  const run = () => {
    let sum = 0;
    for (let index = 0; index < operations; index++) {
      bus.start(At, 'write');
      bus.write(0);
      bus.write(index & 0x1f);
      bus.start(At, 'read');
      sum += bus.read(false);
      bus.stop();
    }
    return sum;
  };
  return { operations, run };
}

function busWith(target: ConcreteDeviceClass | undefined): I2cBus {
  const bus = new I2cBus();
  if (target !== undefined) bus.attach(testBench(target).device as Eeprom, At);
  return bus;
}

export const cases: readonly BenchCase[] = [
  { name: 'to no target', target: undefined },
  { name: 'to a 24C256', target: Eeprom },
  { name: 'to a DS1307, whose registers are declared', target: Ds1307 },
].map(({ name, target }) => ({
  table,
  name,
  throughput: 'transfers',
  prepare: () => transfers(busWith(target as ConcreteDeviceClass | undefined)),
}));
