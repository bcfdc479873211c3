import { BcdClock, I2cRegisterDevice, i2cRegisters } from '../sdk/i2c.ts';
import {
  bit,
  bits,
  defineOptions,
  device,
  inject,
  type OptionsOf,
  option,
  options,
  reserved,
  state,
  VirtualClock,
} from '../sdk/index.ts';

const Present = [0xff, 0x7f, 0x7f, 0x07, 0x3f, 0x1f, 0xff]; // bits of the time; others read as zero
const kept = { width: 8, atReset: 'kept' } as const;
const controlFields = { rate: bits(0, 1), squareWave: bit(4), output: bit(7), rest: reserved([2, 3], [5, 6]) };

const chip = i2cRegisters({ name: 'ds1307', size: 0x40 });
const time = chip.register(0x00, { ...kept, count: BcdClock.bytes, description: 'seconds to year, in decimal digits' });
const control = chip.register(0x07, { ...kept, reset: 0x03, fields: controlFields });
const ram = chip.register(0x08, { ...kept, count: 56 });

export const ds1307Options = defineOptions({
  date: option.date({ description: 'date and time at power-on, UTC', default: new Date('2026-01-01T00:00:00Z') }),
});

/**
 * DS1307 real-time clock with 56 bytes of RAM. It shows the time of the last start. Impossible dates carry into possible ones.
 * The square-wave pin is not modelled. A hostile guest can set any time.
 *
 * @see Maxim DS1307 datasheet, "Clock and Calendar", "Control Register" and "I2C Data Bus"
 */
@device({ type: 'ds1307', description: 'DS1307 real-time clock on I2C' })
export class Ds1307 extends I2cRegisterDevice {
  @time readonly time = new Uint8Array(BcdClock.bytes);
  @control control = 0x03;
  @ram readonly ram = new Uint8Array(56);
  @state({ atReset: 'kept' }) private readonly clock: BcdClock;

  constructor(
    @inject(VirtualClock) clock: VirtualClock,
    @options(ds1307Options) { date }: OptionsOf<typeof ds1307Options>,
  ) {
    super();
    this.clock = new BcdClock(clock, date);
  }

  protected override latch(): void {
    this.clock.show(this.time);
  }

  @time.onWrite()
  setTime(value: number, _previous: number, at: number): number {
    if (at === 0) this.clock.running = value < 0x80; // bit 7 halts the oscillator
    this.clock.set(this.time, at);
    return value & (Present[at] as number);
  }
}
