import {
  addCoalescedIo,
  bit,
  defineOptions,
  device,
  flushCoalescedIo,
  InterruptPin,
  IsaDevice,
  inject,
  isaIrq,
  MICROSECOND,
  type OptionsOf,
  option,
  options,
  portRegion,
  reserved,
  shape,
  state,
  type Timer,
  VirtualClock,
} from '../../../sdk/index.ts';

const Select = { Channel: 0, Trigger: 1 } as const;
const Register = {
  Control: 0x00,
  Status: 0x01,
  Period: 0x02,
  Level: 0x04,
  Fifo: 0x06,
  Latest: 0x08,
  Exceeded: 0x0a,
  Limits: 0x10,
} as const;
const Channels = 16;
const Depth = 16;
/** Status bits that interrupt where the same bit of the control register is set. */
const Sources = 0x0e;

export const selector = portRegion({ name: 'sampler-select', base: 0x240, size: 2, accessSizes: [1] });
export const setup = portRegion({ name: 'sampler-setup', base: 0x242, size: 1, accessSizes: [1] });
export const registers = portRegion({ name: 'sampler', base: 0x280, size: 0x50, accessSizes: [1, 2] });

const control = registers.register(Register.Control, {
  width: 8,
  fields: { run: bit(0), onSample: bit(1), onOverrun: bit(2), onLimit: bit(3), rest: reserved([4, 7]) },
});
const status = registers.register(Register.Status, {
  width: 8,
  fields: {
    busy: bit(0, 'read-only', { description: 'a conversion is under way' }),
    sample: bit(1, 'write-one-to-clear', { description: 'a sample came into the FIFO' }),
    overrun: bit(2, 'write-one-to-clear', { description: 'a sample found the FIFO full, and is lost' }),
    limit: bit(3, 'read-only', { description: 'a channel is in the register of those that exceeded their limit' }),
    rest: reserved([4, 7]),
  },
});
const period = registers.register(Register.Period, {
  width: 16,
  reset: 100,
  description: 'microseconds a conversion takes; 0 counts as 65536',
});
const limits = registers.register(Register.Limits, {
  width: 16,
  count: Channels,
  stride: 4,
  reset: 0xffff,
  description: 'one of each channel; a sample above it is reported',
});

export const samplerOptions = defineOptions({
  irq: option.integer({
    description: 'ISA interrupt line',
    default: 5,
    range: [0, 15],
    wires: { pin: 'irq', to: isaIrq },
  }),
  ramp: option.integer({
    description: 'what the input rises by from one sample to the next',
    default: 0x101,
    range: [0, 0xfff],
  }),
});

/**
 * Samples sixteen analog channels into a FIFO: one conversion when it is triggered, one after the other while it runs.
 *
 * Choosing a channel does nothing until another port is used, so it may wait in the ring. A trigger may not. A hostile guest
 * can lose samples of its own, and raise one interrupt line once a microsecond.
 */
@device({ type: 'sampler', description: 'Sixteen analog channels' })
@addCoalescedIo(selector, { offset: Select.Channel, size: 1 })
@flushCoalescedIo(setup)
@flushCoalescedIo(registers)
export class Sampler extends IsaDevice {
  readonly irq = new InterruptPin();
  @control control = 0;
  @status status = 0;
  @period period = 100;
  @limits limits = new Uint16Array(Channels).fill(0xffff);
  /** The channel that setup, the trigger and the latest value are about. */
  @state({ as: shape.bits(4) }) channel = 0;
  /** By how many bits a channel's samples are shifted up. */
  @state readonly gains = new Uint8Array(Channels);
  @state readonly latest = new Uint16Array(Channels);
  @state({ as: shape.list(shape.bits(16), Depth) }) readonly fifo: number[] = [];
  /** Channels that exceeded their limit. */
  @state({ as: shape.bits(16) }) exceeded = 0;
  /** The channel that is being converted. */
  @state({ as: shape.bits(4) }) private converting = 0;
  @state({ as: shape.bits(12) }) private input = 0;
  private readonly conversion: Timer;

  constructor(
    @inject(VirtualClock) private readonly clock: VirtualClock,
    @options(samplerOptions) private readonly config: OptionsOf<typeof samplerOptions>,
  ) {
    super();
    this.conversion = clock.timer('conversion', () => this.finish());
    this.conversion.armedWhile = () => (this.status & status.fields.busy.mask) !== 0;
    this.irq.highWhile = () => (this.control & this.status & Sources) !== 0;
  }

  @selector.write(Select.Channel)
  selectChannel(value: number): void {
    this.channel = value & (Channels - 1);
  }

  @selector.write(Select.Trigger)
  trigger(): void {
    if (this.status & status.fields.busy.mask) this.guestError('triggered while a conversion is under way');
    else this.start();
  }

  @setup.write()
  writeGain(value: number): void {
    this.gains[this.channel] = value & 0x07;
  }

  @control.onWrite('run')
  changeRun(run: number, previous: number): void {
    if (run && !previous && !this.conversion.pending) this.start();
    else if (!run && previous) this.stop();
  }

  @control.onWrite()
  @status.onWrite()
  updateInterrupt(): void {
    this.irq.set((this.status & this.control & Sources) !== 0);
  }

  @registers.read(Register.Level, { length: 2 })
  readLevel(offset: number): number {
    return offset === Register.Level ? this.fifo.length : 0;
  }

  /** Takes the oldest sample out; zero if there is none. Half a sample cannot be taken. */
  @registers.read(Register.Fifo, { size: 2 })
  readFifo(): number {
    return this.fifo.shift() ?? 0;
  }

  @registers.read(Register.Latest, { size: 2 })
  readLatest(): number {
    return this.latest[this.channel] as number;
  }

  @registers.read(Register.Exceeded, { size: 2 })
  readExceeded(): number {
    return this.exceeded;
  }

  /** Ones clear; the limit bit of the status goes with the last of them. */
  @registers.write(Register.Exceeded, { size: 2 })
  acknowledgeExceeded(value: number): void {
    this.exceeded &= ~value;
    if (this.exceeded === 0) this.status &= ~status.fields.limit.mask;
    this.updateInterrupt();
  }

  override reset(): void {
    super.reset();
    this.channel = this.converting = this.input = this.exceeded = 0;
    this.gains.fill(0);
    this.latest.fill(0);
    this.fifo.length = 0;
    this.conversion.cancel();
    this.updateInterrupt();
  }

  private start(channel = this.channel): void {
    this.converting = channel;
    this.status |= status.fields.busy.mask;
    this.conversion.arm(this.clock.now + (this.period || 0x1_0000) * MICROSECOND);
  }

  /** What was under way comes to nothing. */
  private stop(): void {
    this.conversion.cancel();
    this.status &= ~status.fields.busy.mask;
  }

  private finish(): void {
    const channel = this.converting;
    this.input = (this.input + this.config.ramp) & 0xfff;
    const sample = Math.min(this.input << (this.gains[channel] as number), 0xffff);
    this.latest[channel] = sample;
    this.status &= ~status.fields.busy.mask;
    if (this.fifo.length >= Depth) this.status |= status.fields.overrun.mask;
    else {
      this.fifo.push(sample);
      this.status |= status.fields.sample.mask;
    }
    if (sample > (this.limits[channel] as number)) {
      this.exceeded |= 1 << channel;
      this.status |= status.fields.limit.mask;
    }
    if (this.control & control.fields.run.mask) this.start(channel);
    this.updateInterrupt();
  }
}
