import { I2cRegisterDevice, i2cRegisters } from '../../../sdk/i2c.ts';
import {
  bit,
  bits,
  device,
  guestTime,
  InterruptPin,
  inject,
  input,
  MILLISECOND,
  reserved,
  shape,
  state,
  type Timer,
  VirtualClock,
} from '../../../sdk/index.ts';

const Conversion = 30 * MILLISECOND;
const Channels = 4;

export const thermometerRegisters = i2cRegisters({ name: 'thermometer', size: 0x10 });
const start = thermometerRegisters.register(0x00, { width: 8, access: 'trigger', name: 'start' });
const status = thermometerRegisters.register(0x01, {
  width: 8,
  fields: {
    busy: bit(0, 'read-only', { description: 'a conversion is under way' }),
    hot: bit(1, 'read-only', { description: 'a channel is above its limit' }),
    rest: reserved([2, 3]),
    conversions: bits(4, 6, 'read-only', { description: 'how many there were, modulo 8' }),
    zero: reserved([7, 7]),
  },
});
const hottest = thermometerRegisters.register(0x02, {
  width: 8,
  access: 'read-only',
  description: 'number of the first channel above its limit, from 1 on; 0: there is none',
});
const limit = thermometerRegisters.register(0x04, { width: 8, count: Channels, reset: 0xff, description: 'degrees' });
const temperature = thermometerRegisters.register(0x08, {
  width: 8,
  count: Channels,
  access: 'read-only',
  description: 'degrees of the last conversion',
});

/**
 * Thermometer with four channels on I2C. A channel is warm while its input is high, and cold while it is low. A conversion begins
 * by a write, and takes 30 ms. Until then the registers show the temperatures before it. A hostile guest can only convert.
 */
@device({ type: 'thermometer', description: 'Thermometer with four channels' })
export class Thermometer extends I2cRegisterDevice {
  readonly alert = new InterruptPin(() => this.hottest !== 0);
  readonly busy = new InterruptPin(() => this.isBusy);
  @limit readonly limit = new Uint8Array(Channels).fill(0xff);
  @temperature readonly temperature = new Uint8Array(Channels);
  @state({ as: shape.bits(8) }) private conversions = 0;
  @state({ as: guestTime }) private readyAt = 0;
  @state({ atReset: 'kept' }) private readonly warm = [false, false, false, false];
  private readonly converted: Timer;

  constructor(@inject(VirtualClock) private readonly clock: VirtualClock) {
    super();
    this.converted = clock.timer('converted', () => this.finish());
  }

  @input({ count: Channels, description: 'high: warm' })
  probe(level: boolean, channel: number): void {
    this.warm[channel] = level;
  }

  @start
  startConversion(): void {
    if (this.isBusy) return;
    this.readyAt = this.clock.now + Conversion;
    this.converted.arm(this.readyAt);
  }

  @status get status(): number {
    const busy = this.isBusy ? status.fields.busy.mask : 0;
    const hot = this.hottest === 0 ? 0 : status.fields.hot.mask;
    return busy | hot | ((this.conversions & 7) << 4);
  }

  @hottest get hottest(): number {
    return this.hotChannels[0]?.number ?? 0;
  }

  override reset(): void {
    super.reset();
    this.converted.cancel();
    this.readyAt = 0;
    this.conversions = 0;
  }

  private finish(): void {
    this.conversions = (this.conversions + 1) & 0xff;
    for (let channel = 0; channel < Channels; channel++) this.temperature[channel] = this.warm[channel] ? 60 : 20;
  }

  private get isBusy(): boolean {
    return this.clock.now < this.readyAt;
  }

  private get hotChannels(): readonly { readonly number: number }[] {
    const all = Array.from(this.temperature, (degrees, channel) => ({ number: channel + 1, degrees }));
    return all.filter(({ degrees, number }) => degrees > (this.limit[number - 1] as number));
  }
}
