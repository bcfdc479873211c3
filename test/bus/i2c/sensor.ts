import { bit, bits, device, reserved, state } from 'backplane';
import { I2cRegisterDevice, i2cRegisters } from 'backplane/i2c';

const Register = { Control: 0x00, Sample: 0x02, Limits: 0x10 } as const;

const registers = i2cRegisters({ name: 'thermometer', size: 0x14 });
const control = registers.register(Register.Control, {
  width: 8,
  fields: {
    rate: bits(0, 1, 'read-write', { values: { Stopped: 0, Slow: 1, Fast: 3 } }),
    overrun: bit(7, 'read-to-clear'),
    rest: reserved([2, 6]),
  },
});
const sample = registers.register(Register.Sample, { width: 16, access: 'read-only', description: 'in 1/16 K' });
const limits = registers.register(Register.Limits, { width: 16, count: 2 });

/** A sensor as a newcomer writes one. */
@device({ type: 'thermometer', description: 'Thermometer on I2C' })
export class Thermometer extends I2cRegisterDevice {
  @control control = 0;
  @sample sample = 0;
  @limits readonly limits = new Uint16Array(2);
  /** What the room has; a test sets it. */
  @state({ atReset: 'kept' }) kelvins = 293;

  @control.onWrite('rate')
  start(rate: number): void {
    if (rate === control.fields.rate.values.Stopped) return;
    if (this.sample !== 0) this.control |= control.fields.overrun.mask;
    this.sample = this.kelvins * 16;
  }
}
