import { I2cBus, I2cLines } from '../sdk/i2c.ts';
import { bit, device, inject, mmioRegion, reserved, SystemDevice, VirtualClock } from '../sdk/index.ts';

export const sbconRegisters = mmioRegion({ name: 'sbcon', size: 0x1000, accessSizes: [4] });
const fields = { clock: bit(0), data: bit(1), rest: reserved([2, 31]) };
const levels = sbconRegisters.register(0x00, { width: 32, access: 'read-only' });
const release = sbconRegisters.register(0x00, { width: 32, access: 'trigger', fields });
const pull = sbconRegisters.register(0x04, { width: 32, access: 'trigger', fields });

/**
 * Two-wire serial interface: the guest itself moves the lines of an I2C bus. A hostile guest can do any transfer, or a half.
 *
 * @see Arm Versatile Application Baseboard user guide (DUI 0225), "Two-wire serial bus interface"
 */
@device({ type: 'sbcon', description: 'Two-wire serial interface of Arm boards' })
export class Sbcon extends SystemDevice {
  readonly i2c = new I2cBus();
  protected readonly lines = new I2cLines(this.i2c);

  constructor(@inject(VirtualClock) private readonly clock: VirtualClock) {
    super();
  }

  @levels get levels(): number {
    return (this.lines.clockAt(this.clock.now) ? 1 : 0) | (this.lines.data ? 2 : 0);
  }

  @release release(value: number): void {
    this.lines.release((value & 1) !== 0, (value & 2) !== 0);
  }

  @pull pull(value: number): void {
    this.lines.pull((value & 1) !== 0, (value & 2) !== 0);
  }

  override reset(): void {
    super.reset();
    this.lines.reset();
  }
}
