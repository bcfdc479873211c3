import { bit, device, InterruptPin, reserved } from 'backplane';
import { I2cRegisterDevice, i2cRegisters } from 'backplane/i2c';
import { SpiRegisterDevice, spiRegisters } from 'backplane/spi';
import { testBench } from 'backplane/testing';
import { describe, expect, it } from 'vitest';

const onI2c = i2cRegisters({ name: 'alarm', size: 1 });
const i2cAlarm = onI2c.register(0, {
  width: 8,
  fields: { asked: bit(0), rang: bit(1, 'read-to-clear'), rest: reserved([2, 7]) },
});

@device({ type: 'i2c-alarm', description: 'Rings while a bit of its register is set' })
class I2cAlarm extends I2cRegisterDevice {
  @i2cAlarm alarm = 0;
  readonly irq = new InterruptPin(() => this.alarm !== 0);
}

const onSpi = spiRegisters({ name: 'alarm', size: 1 });
const spiAlarm = onSpi.register(0, { width: 8 });

@device({ type: 'spi-alarm', description: 'Rings while its register is not zero' })
class SpiAlarm extends SpiRegisterDevice {
  @spiAlarm alarm = 0;
  readonly irq = new InterruptPin(() => this.alarm !== 0);
}

describe('an access of a bench to a register behind a bus', () => {
  it('is an event of the chip: its derived pin follows a write', () => {
    const i2c = testBench(I2cAlarm);
    const spi = testBench(SpiAlarm);
    for (const isAsked of [true, false]) {
      i2c.register('alarm').write(Number(isAsked));
      spi.register('alarm').write(Number(isAsked));
      expect([i2c.device.irq.level, spi.device.irq.level]).toEqual([isAsked, isAsked]);
    }
  });

  it('has the pin follow what a read clears', () => {
    const bench = testBench(I2cAlarm);
    bench.device.alarm = 0b10;
    bench.at(onI2c).write8(0, 0);
    expect(bench.device.irq.level).toBe(true);
    expect(bench.register('alarm').read()).toBe(0b10);
    expect([bench.device.alarm, bench.device.irq.level]).toEqual([0, false]);
  });
});
