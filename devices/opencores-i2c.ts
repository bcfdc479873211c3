import { I2cBus } from '../sdk/i2c.ts';
import {
  bit,
  bits,
  defineOptions,
  device,
  InterruptPin,
  inject,
  mmioRegion,
  type OptionsOf,
  option,
  options,
  reserved,
  SECOND,
  SystemDevice,
  shape,
  state,
  type Timer,
  VirtualClock,
} from '../sdk/index.ts';

const Register = { Prescale: 0, Control: 2, Data: 3, Command: 4, End: 8 } as const;
/** Clocks of the prescaled clock for each bit on the bus, bits of a byte with its acknowledge. */
const [ClocksPerBit, BitsPerByte] = [5, 9];

export const opencoresI2cRegisters = mmioRegion({ name: 'opencores-i2c', size: Register.End, accessSizes: [1] });
const registers = opencoresI2cRegisters;
const prescale = registers.register(Register.Prescale, { width: 16, reset: 0xffff });
const control = registers.register(Register.Control, {
  width: 8,
  fields: { rest: reserved([0, 5]), interruptEnable: bit(6), enable: bit(7) },
});
const transmit = registers.register(Register.Data, { width: 8, access: 'write-only' });
const receive = registers.register(Register.Data, { width: 8, access: 'read-only' });
const command = registers.register(Register.Command, {
  width: 8,
  fields: {
    acknowledgeInterrupt: bit(0, 'write-only'),
    rest: reserved([1, 2]),
    noAcknowledge: bit(3, 'write-only', { description: 'of the byte that is read' }),
    write: bit(4, 'write-only'),
    read: bit(5, 'write-only'),
    stop: bit(6, 'write-only'),
    start: bit(7, 'write-only', { description: 'the byte that is written then is an address' }),
  },
});
const status = registers.register(Register.Command, {
  width: 8,
  fields: {
    interrupt: bit(0, 'read-only'),
    transferring: bit(1, 'read-only'),
    rest: bits(2, 4, 'constant'),
    arbitrationLost: bit(5, 'constant'),
    busy: bit(6, 'read-only'),
    noAcknowledge: bit(7, 'read-only'),
  },
});
const Command = {
  AcknowledgeInterrupt: command.fields.acknowledgeInterrupt.mask,
  NoAcknowledge: command.fields.noAcknowledge.mask,
  Write: command.fields.write.mask,
  Read: command.fields.read.mask,
  Stop: command.fields.stop.mask,
  Start: command.fields.start.mask,
  Byte: command.fields.write.mask | command.fields.read.mask,
  Any: 0xf0,
} as const;
const Status = {
  Interrupt: status.fields.interrupt.mask,
  Transferring: status.fields.transferring.mask,
  Busy: status.fields.busy.mask,
  NoAcknowledge: status.fields.noAcknowledge.mask,
} as const;

export const opencoresI2cOptions = defineOptions({
  frequency: option.integer({
    description: 'of the clock of the chip',
    unit: 'Hz',
    default: 50_000_000,
    range: [1000, 1_000_000_000],
  }),
});

/**
 * I2C master core of OpenCores. The guest writes a byte and a command, and gets an interrupt when the byte has been transferred.
 * Arbitration is never lost: there is one controller on the bus. A hostile guest can do any transfer; commands that it gives
 * during one are dropped.
 *
 * @see OpenCores I2C-Master Core Specification 0.9, 3 "Registers" and 4 "Operation"
 */
@device({ type: 'opencores-i2c', description: 'I2C master core of OpenCores' })
export class OpencoresI2c extends SystemDevice {
  readonly irq = new InterruptPin(() => this.interrupts);
  readonly i2c = new I2cBus();
  @prescale prescale = 0xffff;
  @control control = 0;
  @transmit transmit = 0;
  @receive receive = 0;
  @command command = 0;
  @status status = 0;
  /** The command that is being carried out; 0: none. */
  @state({ as: shape.bits(8) }) private running = 0;
  /** A start has been sent, and the next byte that is written is an address. */
  @state private isAddress = false;
  private readonly transferred: Timer;

  constructor(
    @inject(VirtualClock) private readonly clock: VirtualClock,
    @options(opencoresI2cOptions) private readonly config: OptionsOf<typeof opencoresI2cOptions>,
  ) {
    super();
    this.transferred = clock.timer('transferred', () => this.finish());
  }

  /** Without the enable bit a transfer ends where it is, and leaves the bus so. */
  @control.onWrite()
  configure(value: number): void {
    if ((value & control.fields.enable.mask) === 0) this.abandon();
  }

  /** Takes effect only while the core is enabled. */
  @command.onWrite()
  execute(value: number): void {
    if ((this.control & control.fields.enable.mask) === 0) return;
    if (value & Command.AcknowledgeInterrupt) this.status &= ~Status.Interrupt;
    if ((value & Command.Any) === 0) return;
    if (this.transferred.pending) this.guestError('a command during a transfer is dropped');
    else this.begin(value);
  }

  override reset(): void {
    super.reset();
    this.abandon();
    this.isAddress = false;
    this.i2c.reset();
  }

  private begin(value: number): void {
    this.running = value;
    if (value & Command.Start) this.status |= Status.Busy;
    if (value & Command.Byte) this.status |= Status.Transferring;
    const bits =
      [Command.Start, Command.Stop].filter((one) => value & one).length + (value & Command.Byte ? BitsPerByte : 0);
    const clocks = bits * ClocksPerBit * (this.prescale + 1);
    this.transferred.arm(this.clock.now + (clocks * SECOND) / this.config.frequency);
  }

  /** The last bit is over, or a target has let the clock go. */
  private finish(): void {
    if (this.running !== 0) this.transfer();
    this.running = 0;
    if (this.i2c.heldUntil > this.clock.now) this.transferred.arm(this.i2c.heldUntil);
    else this.status = (this.status & ~Status.Transferring) | Status.Interrupt;
  }

  private transfer(): void {
    const { running, i2c } = this;
    if (running & Command.Start) this.isAddress = true;
    if (running & Command.Write) this.acknowledged(this.send(this.transmit));
    else if (running & Command.Read) this.receiveByte((running & Command.NoAcknowledge) === 0);
    if ((running & Command.Stop) === 0) return;
    i2c.stop();
    this.isAddress = false;
    this.status &= ~Status.Busy;
  }

  private send(byte: number): boolean {
    if (!this.isAddress) return this.i2c.write(byte);
    this.isAddress = false;
    return this.i2c.start(byte >> 1, byte & 1 ? 'read' : 'write');
  }

  private receiveByte(acknowledges: boolean): void {
    this.receive = this.i2c.read(acknowledges);
    this.acknowledged(acknowledges);
  }

  private acknowledged(isIt: boolean): void {
    this.status = isIt ? this.status & ~Status.NoAcknowledge : this.status | Status.NoAcknowledge;
  }

  private abandon(): void {
    this.transferred.cancel();
    this.running = 0;
    this.status &= ~Status.Transferring;
  }

  private get interrupts(): boolean {
    const isEnabled = (this.control & control.fields.interruptEnable.mask) !== 0;
    return isEnabled && (this.status & Status.Interrupt) !== 0;
  }
}
