import {
  defineOptions,
  device,
  InterruptPin,
  inject,
  input,
  type OptionsOf,
  option,
  options,
  SECOND,
  SystemDevice,
  shape,
  state,
  type Timer,
  VirtualClock,
} from '../sdk/index.ts';
import { SpiBus, type SpiMode } from '../sdk/spi.ts';
import { Fifo } from './parts/fifo.ts';
import {
  control0,
  control1,
  dmaControl,
  identification,
  interruptClear,
  interruptMask,
  pl022Registers,
  prescale,
  Register,
  readOnly,
  received,
  sent,
} from './pl022/registers.ts';

export { pl022Registers };

/** Frames of each FIFO. Both interrupts of it are about its half. */
const [Depth, Half] = [8, 4];
const Selects = 4;
const Interrupt = { Overrun: 1, Timeout: 2, Receive: 4, Transmit: 8 } as const;
const Status = { TransmitEmpty: 1, TransmitNotFull: 2, ReceiveNotEmpty: 4, ReceiveFull: 8, Busy: 0x10 } as const;
/** Bit periods without a frame after which what was received is reported. @see Arm DDI 0194, 3.4.4 */
const TimeoutBits = 32;
const Motorola = 0;

export const pl022Options = defineOptions({
  frequency: option.integer({
    description: 'frequency of SSPCLK; with 0 a frame takes no time',
    unit: 'Hz',
    default: 24_000_000,
    range: [0, 1_000_000_000],
  }),
});

/**
 * PL022: a synchronous serial port as SPI controller, with FIFOs of eight frames. Chip selects are lines of the board: pins of
 * a GPIO drive its inputs `select`, low for the chip that takes part.
 *
 * A hostile guest can fill the FIFOs, lose frames, and interrupt itself. One access shifts at most eight frames.
 *
 * @see Arm DDI 0194, 2.3 "PrimeCell SSP functional description", 3.3 "Register descriptions" and 3.4 "Interrupts"
 */
@device({ type: 'pl022', description: 'PL022 synchronous serial port' })
export class Pl022 extends SystemDevice {
  readonly irq = new InterruptPin(() => this.maskedStatus !== 0);
  readonly spi = new SpiBus({ selects: Selects });
  @control0 control0 = 0;
  @control1 control1 = 0;
  @prescale prescale = 0;
  @interruptMask interruptMask = 0;
  @dmaControl dmaControl = 0;
  @received readonly received = 0;
  @identification readonly identification = Uint32Array.of(0x22, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1);
  @state private readonly transmit = new Fifo(Depth);
  @state private readonly receive = new Fifo(Depth);
  @state private shifting = 0;
  /** Overrun and timeout: those that are latched. */
  @state({ as: shape.bits(2) }) private latched = 0;
  private readonly frameSent: Timer;
  private readonly timeout: Timer;

  constructor(
    @inject(VirtualClock) private readonly clock: VirtualClock,
    @options(pl022Options) private readonly config: OptionsOf<typeof pl022Options>,
  ) {
    super();
    this.frameSent = clock.timer('frame', () => {
      this.endFrame();
      this.startFrame();
    });
    this.timeout = clock.timer('receive-timeout', () => this.reportTimeout());
  }

  @input({ count: Selects, unconnected: true, description: 'chip selects of the board, low for the selected chip' })
  select(level: boolean, chip: number): void {
    this.spi.select(chip, !level);
  }

  @control0.onWrite()
  configure(): void {
    const { mode, dataSize, frameFormat } = control0.fields;
    const phaseAndPolarity = mode.of(this.control0);
    this.spi.mode = (((phaseAndPolarity & 1) << 1) | (phaseAndPolarity >> 1)) as SpiMode;
    this.spi.wordBits = dataSize.of(this.control0) + 1;
    if (frameFormat.of(this.control0) !== Motorola)
      this.guestError('frames that are not in the SPI format are not modelled');
  }

  /** The prescaler starts the clock. */
  @prescale.onWrite()
  @control1.onWrite()
  enable(): void {
    this.startFrame();
  }

  /** An empty FIFO reads as zero. */
  @received.onRead()
  readFrame(): number {
    const frame = this.receive.shift();
    if (this.receive.length === 0) this.latched &= ~Interrupt.Timeout;
    this.startFrame();
    return frame;
  }

  @sent
  writeFrame(value: number): void {
    if (!this.transmit.push(value)) this.guestError('the transmit FIFO is full: a frame is lost');
    this.startFrame();
  }

  @pl022Registers.register(Register.Status, readOnly)
  get status(): number {
    const { transmit, receive } = this;
    return (
      (transmit.length === 0 ? Status.TransmitEmpty : 0) |
      (transmit.isFull ? 0 : Status.TransmitNotFull) |
      (receive.length === 0 ? 0 : Status.ReceiveNotEmpty) |
      (receive.isFull ? Status.ReceiveFull : 0) |
      (transmit.length > 0 || this.frameSent.pending ? Status.Busy : 0)
    );
  }

  @pl022Registers.register(Register.RawStatus, readOnly)
  get rawStatus(): number {
    const receive = this.receive.length >= Half ? Interrupt.Receive : 0;
    return this.latched | receive | (this.transmit.length <= Half ? Interrupt.Transmit : 0);
  }

  @pl022Registers.register(Register.MaskedStatus, readOnly)
  get maskedStatus(): number {
    return this.rawStatus & this.interruptMask;
  }

  @interruptClear
  clearInterrupts(value: number): void {
    this.latched &= ~value;
  }

  override reset(): void {
    super.reset();
    this.frameSent.cancel();
    this.timeout.cancel();
    this.transmit.clear();
    this.receive.clear();
    this.latched = 0;
    this.shifting = 0;
    this.spi.reset();
    this.configure();
  }

  /** A frame leaves the FIFO when it starts, and what came in is there when it ends. Frames follow each other. */
  protected startFrame(): void {
    while (this.isReady()) {
      this.shifting = this.transmit.shift();
      const time = Math.round(this.bitTime() * this.spi.wordBits);
      if (time === 0) this.endFrame();
      else this.frameSent.arm(this.clock.now + time);
    }
  }

  /** Whether the next frame may start. */
  protected isReady(): boolean {
    if (this.frameSent.pending || this.transmit.length === 0) return false;
    return control1.fields.enable.of(this.control1) === 1 && Number.isFinite(this.bitTime());
  }

  private endFrame(): void {
    const isLooped = control1.fields.loopBack.of(this.control1) === 1;
    const sent = this.shifting & (2 ** this.spi.wordBits - 1);
    const frame = isLooped ? sent : this.spi.exchange(sent);
    this.latched &= ~Interrupt.Timeout;
    if (!this.receive.push(frame)) this.latched |= Interrupt.Overrun;
    const period = this.bitTime() * TimeoutBits;
    if (period > 0 && Number.isFinite(period)) this.timeout.arm(this.clock.now + Math.round(period));
  }

  private reportTimeout(): void {
    if (this.receive.length > 0) this.latched |= Interrupt.Timeout;
  }

  /** Nanoseconds; without a prescaler there is no clock. @see Arm DDI 0194, 3.3.1, SCR, and 3.3.5 */
  private bitTime(): number {
    const { frequency } = this.config;
    if (frequency === 0) return 0;
    const divisor = this.prescale * (1 + control0.fields.clockRate.of(this.control0));
    return divisor === 0 ? Number.POSITIVE_INFINITY : (divisor * SECOND) / frequency;
  }
}
