import {
  addCoalescedIo,
  bit,
  bits,
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

const Register = {
  Data: 0,
  InterruptEnable: 1,
  InterruptStatus: 2,
  Control: 3,
  Divisor: 4,
  Status: 6,
  Scratch: 7,
} as const;
const Monitor = { Sent: 0, Scratch: 2, Received: 4 } as const;
const Cause = { Received: 0x01, Transmitted: 0x02, Overrun: 0x04 } as const;
const FifoSize = 16;

const ports = portRegion({ name: 'serial', base: 0x2f0, size: 8, accessSizes: [1, 2] });
/** Counters for whoever debugs a driver. */
const monitor = portRegion({ name: 'serial-monitor', base: 0x2e0, size: 6, accessSizes: [2] });

const interruptEnable = ports.register(Register.InterruptEnable, {
  width: 8,
  fields: { received: bit(0), transmitted: bit(1), overrun: bit(2), rest: reserved([3, 7]) },
});
const interruptStatus = ports.register(Register.InterruptStatus, {
  width: 8,
  fields: {
    received: bit(0, 'write-one-to-clear'),
    transmitted: bit(1, 'write-one-to-clear'),
    overrun: bit(2, 'write-one-to-clear'),
    rest: reserved([3, 7]),
  },
});
const control = ports.register(Register.Control, {
  width: 8,
  reset: 0x03,
  fields: {
    wordLength: bits(0, 1, 'read-write', { values: { Five: 0, Six: 1, Seven: 2, Eight: 3 } }),
    parity: bits(2, 3, 'read-write', { values: { None: 0, Odd: 1, Even: 2 } }),
    rest: reserved([4, 5]),
    loopback: bit(6),
    clearFifo: bit(7),
  },
});
const status = ports.register(Register.Status, {
  width: 8,
  fields: { busy: bit(0, 'read-only'), ready: bit(1, 'read-only'), rest: reserved([2, 7]) },
});

const serialOptions = defineOptions({
  irq: option.integer({
    default: 3,
    range: [0, 15],
    description: 'ISA interrupt line',
    wires: { pin: 'irq', to: isaIrq },
  }),
  charTime: option.integer({ default: 10 * MICROSECOND, description: 'nanoseconds of a character at divisor 1' }),
});

/**
 * A serial port that talks to itself: in loopback what it sends comes back into a buffer of 16 characters.
 *
 * A hostile guest can fill the buffer, which loses characters, and raise one interrupt line.
 */
@device({ type: 'serial-port', description: 'A serial port to practise on' })
@addCoalescedIo(ports, { offset: Register.Scratch, size: 1 })
@flushCoalescedIo(monitor)
export class SerialPort extends IsaDevice {
  readonly irq = new InterruptPin();
  @interruptEnable interruptEnable = 0;
  @interruptStatus interruptStatus = 0;
  @control control = 0x03;
  @ports.register(Register.Divisor, { width: 16, reset: 0x000c }) divisor = 0x000c;
  @status status = 0;
  @ports.register(Register.Scratch, { width: 8 }) scratch = 0;
  @monitor.register(Monitor.Sent, { width: 16, access: 'read-only' }) sent = 0;
  @monitor.register(Monitor.Received, { width: 16, access: 'read-only' }) received = 0;

  /** The character on the line. */
  @state private shifting = 0;
  @state private readonly fifo = new Uint8Array(FifoSize);
  @state({ as: shape.integer(0, FifoSize - 1) }) private first = 0;
  @state({ as: shape.integer(0, FifoSize) }) private waiting = 0;
  private readonly characterSent: Timer;

  constructor(
    @inject(VirtualClock) private readonly clock: VirtualClock,
    @options(serialOptions) private readonly config: OptionsOf<typeof serialOptions>,
  ) {
    super();
    this.characterSent = clock.timer('character-sent', () => this.finishCharacter());
    this.characterSent.armedWhile = () => (this.status & status.fields.busy.mask) !== 0;
    this.irq.highWhile = () => (this.interruptEnable & this.interruptStatus) !== 0;
  }

  /** A character written while another is on the line is lost. */
  @ports.write(Register.Data, { size: 1 })
  transmit(value: number): void {
    if (this.status & status.fields.busy.mask) {
      this.guestError('transmits while busy');
      return;
    }
    this.shifting = value & this.wordMask;
    this.status |= status.fields.busy.mask;
    this.characterSent.arm(this.clock.now + this.config.charTime * Math.max(this.divisor, 1));
  }

  /** The oldest character, or zero. */
  @ports.read(Register.Data, { size: 1 })
  receive(): number {
    if (this.waiting === 0) return 0;
    const character = this.fifo[this.first] as number;
    this.first = (this.first + 1) % FifoSize;
    this.waiting -= 1;
    if (this.waiting === 0) this.status &= ~status.fields.ready.mask;
    return character;
  }

  @interruptEnable.onWrite()
  @interruptStatus.onWrite()
  updateInterrupt(): void {
    this.irq.set((this.interruptStatus & this.interruptEnable) !== 0);
  }

  /** Ones empty the buffer; the bit itself never stays. */
  @control.onWrite('clearFifo')
  clearFifo(value: number): void {
    this.control = control.fields.clearFifo.with(this.control, 0);
    if (value === 0) return;
    this.waiting = 0;
    this.status &= ~status.fields.ready.mask;
  }

  @monitor.read(Monitor.Scratch)
  readScratchCopy(): number {
    return this.scratch;
  }

  override reset(): void {
    super.reset();
    this.characterSent.cancel();
    this.waiting = 0;
    this.first = 0;
    this.shifting = 0;
    this.irq.set(false);
  }

  private get wordMask(): number {
    return 0xff >> (3 - control.fields.wordLength.of(this.control));
  }

  private finishCharacter(): void {
    this.status &= ~status.fields.busy.mask;
    this.sent = (this.sent + 1) & 0xffff;
    this.raise(Cause.Transmitted);
    if (this.control & control.fields.loopback.mask) this.accept(this.shifting);
  }

  private accept(character: number): void {
    if (this.waiting === FifoSize) {
      this.raise(Cause.Overrun);
      return;
    }
    this.fifo[(this.first + this.waiting) % FifoSize] = character;
    this.waiting += 1;
    this.received = (this.received + 1) & 0xffff;
    this.status |= status.fields.ready.mask;
    this.raise(Cause.Received);
  }

  private raise(cause: number): void {
    this.interruptStatus |= cause;
    this.updateInterrupt();
  }
}
