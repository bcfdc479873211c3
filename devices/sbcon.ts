import { I2cBus, I2cLines } from '../sdk/i2c.ts';
import { device, inject, mmioRegion, SystemDevice, VirtualClock } from '../sdk/index.ts';

const Register = { Levels: 0, Set: 0, Clear: 4 } as const;
const Line = { Clock: 1, Data: 2 } as const;

export const sbconRegisters = mmioRegion({ name: 'sbcon', size: 0x1000, accessSizes: [4] });

/**
 * Two-wire serial interface: the guest moves the clock and the data line of an I2C bus itself, by two registers that set and
 * clear bits. A hostile guest can do any transfer, also half of one.
 *
 * @see Arm Versatile Application Baseboard user guide (DUI 0225), "Two-wire serial bus interface"
 */
@device({ type: 'sbcon', description: 'Two-wire serial interface of Arm boards' })
export class Sbcon extends SystemDevice {
  readonly i2c = new I2cBus();
  private readonly lines = new I2cLines(this.i2c);

  constructor(@inject(VirtualClock) private readonly clock: VirtualClock) {
    super();
  }

  /** The levels of the lines, whichever side pulls them. */
  @sbconRegisters.read(Register.Levels)
  levels(): number {
    return (this.lines.clockAt(this.clock.now) ? Line.Clock : 0) | (this.lines.data ? Line.Data : 0);
  }

  @sbconRegisters.write(Register.Set)
  release(lines: number): void {
    this.lines.release((lines & Line.Clock) !== 0, (lines & Line.Data) !== 0);
  }

  @sbconRegisters.write(Register.Clear)
  pull(lines: number): void {
    this.lines.pull((lines & Line.Clock) !== 0, (lines & Line.Data) !== 0);
  }

  override reset(): void {
    super.reset();
    this.lines.reset();
  }
}
