import { I2cBus, SmbusError, SmbusHost } from '../sdk/i2c.ts';
import {
  defineOptions,
  device,
  inject,
  type OptionsOf,
  option,
  options,
  shape,
  state,
  type Timer,
  VirtualClock,
} from '../sdk/index.ts';
import { bar, PciDevice, pci } from '../sdk/pci.ts';
import { type BlockRegisters, BlockStep, BlockTransfer } from './ich9-smbus/block-transfer.ts';
import {
  address,
  auxiliaryControl,
  auxiliaryStatus,
  blockData,
  control,
  hostConfiguration,
  Offset,
  Protocol,
  ports,
  Status,
  status,
} from './ich9-smbus/registers.ts';
import { bytesRead, shortTransfer } from './ich9-smbus/transfers.ts';

export const ich9SmbusOptions = defineOptions({
  enabled: option.boolean({
    description: 'whether the ports answer after a reset, as firmware leaves them',
    default: false,
  }),
});

/**
 * The SMBus controller of ICH9 at 00:1f.3. The guest gives address, command and data, starts a transfer, and waits for the
 * status or the interrupt. Blocks go byte by byte, or through a buffer.
 *
 * A transfer takes no time, unless a target holds the clock. Without interrupts its first look at the status shows the guest
 * that it is busy: firmware waits for that.
 *
 * Not modelled: the target side of the controller (ports 0x09 to 0x0b, 0x10 to 0x17), the pins (0x0e, 0x0f), SMIs. They read
 * zero. A hostile guest can do any transfer, as with every controller.
 *
 * @see Intel ICH9 Family datasheet, order number 316972, "SMBus Controller Registers (D31:F3)"
 * @see QEMU 7.2, hw/i2c/pm_smbus.c, smb_transaction_start: what the first look shows
 */
@device({ type: 'ICH9-SMB', description: 'Intel ICH9 SMBus controller' })
@pci({
  vendorId: 0x8086,
  deviceId: 0x2930,
  revision: 2,
  classCode: 0x0c05,
  multifunction: true,
  interruptPin: 'A',
  subsystemVendorId: 0x1af4,
  subsystemId: 0x1100,
})
@bar(4, ports)
export class Ich9Smbus extends PciDevice implements BlockRegisters {
  readonly smbus = new I2cBus();
  readonly lastByteWaits: boolean = true;
  @status status = 0;
  @control control = 0;
  @ports.register(Offset.Command, { width: 8, description: 'HST_CMD' }) command = 0;
  @address address = 0;
  @ports.register(Offset.Data0, { width: 8, description: 'HST_D0; of a block, its length' }) data0 = 0;
  @ports.register(Offset.Data1, { width: 8, description: 'HST_D1' }) data1 = 0;
  @blockData blockData = 0;
  @ports.register(Offset.PacketError, { width: 8, description: 'PEC' }) packetError = 0;
  @auxiliaryStatus auxiliaryStatus = 0;
  @auxiliaryControl auxiliaryControl = 0;
  @hostConfiguration hostConfiguration = 0;
  /** The guest has set START, and has not read the status since. */
  @state private isStarted = false;
  /** What the status shows once no target holds the clock any more. */
  @state({ as: shape.bits(8) }) private outcome = 0;
  private readonly released: Timer;
  readonly #host = new SmbusHost(this.smbus);
  @state private readonly block = new BlockTransfer(this, this.smbus, this.#host);

  constructor(
    @inject(VirtualClock) private readonly clock: VirtualClock,
    @options(ich9SmbusOptions) private readonly settings: OptionsOf<typeof ich9SmbusOptions>,
  ) {
    super();
    this.released = clock.timer('released', () => this.complete(this.outcome));
    this.interrupt.deriveFrom(
      () => (this.control & control.fields.interruptEnable.mask) !== 0 && (this.status & ~Status.busy.mask) !== 0,
    );
  }

  @status.onRead()
  runWhatWasStarted(shown: number): number {
    if (this.isStarted) this.run();
    return shown;
  }

  @status.onWrite()
  clearStatus(value: number, previous: number): void {
    const isTaken = (previous & ~value & Status.byteDone.mask) !== 0;
    if (isTaken && this.block.isUnderWay) this.settle(this.outcomeOf(this.block.next()));
  }

  @control.onRead()
  beginBuffer(): void {
    if (!this.isStarted && !this.block.isUnderWay) this.block.buffer.restart();
  }

  @control.onWrite()
  start(value: number): void {
    if ((value & control.fields.start.mask) !== 0) {
      this.abandon();
      this.status |= Status.busy.mask;
      if ((value & control.fields.interruptEnable.mask) !== 0) this.run();
      else this.isStarted = true;
    }
    if ((value & control.fields.kill.mask) !== 0) {
      this.abandon();
      this.block.buffer.restart();
      this.status |= Status.failed.mask;
    }
  }

  @blockData.onRead()
  takeFromBuffer(shown: number): number {
    return this.usesBuffer ? this.block.buffer.take() : shown;
  }

  @blockData.onWrite()
  putIntoBuffer(value: number): void {
    if (this.usesBuffer) this.block.buffer.put(value);
  }

  @ports.read()
  readUnused(): number {
    return 0;
  }

  @ports.write()
  writeUnused(): void {}

  @hostConfiguration.onWrite()
  configure(value: number): void {
    const { reset, enable } = hostConfiguration.fields;
    this.hostConfiguration &= ~reset.mask;
    if ((value & reset.mask) !== 0) {
      this.abandon();
      this.status = 0;
    }
    this.showPorts((value & enable.mask) !== 0);
  }

  override reset(): void {
    super.reset();
    this.abandon();
    this.block.buffer.reset();
    this.outcome = 0;
    this.smbus.reset();
    this.hostConfiguration = this.settings.enabled ? hostConfiguration.fields.enable.mask : 0;
    this.showPorts(this.settings.enabled);
  }

  override onStateLoaded(version: number): void {
    super.onStateLoaded(version);
    this.showPorts((this.hostConfiguration & hostConfiguration.fields.enable.mask) !== 0);
  }

  protected showPorts(isEnabled: boolean): void {
    this.region(ports).setEnabled(isEnabled);
  }

  /** What was started. An error that the guest has not cleared ends it before it begins. */
  private run(): void {
    this.isStarted = false;
    const isAutomatic = (this.auxiliaryControl & auxiliaryControl.fields.automaticPacketError.mask) !== 0;
    this.#host.usesPacketErrorCode = isAutomatic && (this.control & control.fields.packetError.mask) !== 0;
    this.settle((this.status & Status.deviceError.mask) !== 0 ? Status.deviceError.mask : this.begin());
  }

  /** Answers what the status shows afterwards. */
  private begin(): number {
    const { target, block } = this;
    const reads = (this.address & address.fields.read.mask) !== 0;
    const protocol = control.fields.protocol.of(this.control);
    if (protocol === Protocol.i2cRead) return this.outcomeOf(block.i2cRead());
    if (protocol === Protocol.blockProcess) return this.outcomeOf(block.processCall());
    if (protocol === Protocol.block) return this.outcomeOf(reads ? block.read() : block.write());
    const transfer = { protocol, target, reads, command: this.command, word: this.data0 | (this.data1 << 8) };
    const answer = shortTransfer(this.#host, transfer);
    if (answer >= 0 && bytesRead(transfer) > 0) this.data0 = answer & 0xff;
    if (answer >= 0 && bytesRead(transfer) > 1) this.data1 = answer >> 8;
    return this.outcomeOf(Math.min(answer, BlockStep.Done));
  }

  /** A block of no bytes, or of more than 32, is an error. @see SMBus 3.2, 6.5.7 "Block Write/Read" */
  lengthOf(answer: number): number {
    return answer;
  }

  private outcomeOf(answer: number): number {
    if (answer === SmbusError.PacketError) this.auxiliaryStatus |= auxiliaryStatus.fields.packetError.mask;
    if (answer < 0) return Status.deviceError.mask;
    return answer === BlockStep.ByteWaits ? Status.byteDone.mask : Status.done.mask;
  }

  /** Busy until targets let the clock go. */
  private settle(outcome: number): void {
    const { heldUntil } = this.smbus;
    if (heldUntil <= this.clock.now) this.complete(outcome);
    else {
      this.outcome = outcome;
      this.released.arm(heldUntil);
    }
  }

  /** Busy no longer, unless a byte of a block waits for the guest. */
  private complete(outcome: number): void {
    const waits = outcome === Status.byteDone.mask;
    if (!waits) this.block.end();
    this.status = (this.status & ~Status.busy.mask) | outcome | (waits ? Status.busy.mask : 0);
  }

  private abandon(): void {
    this.block.abandon();
    this.isStarted = false;
    this.released.cancel();
    this.status &= ~Status.busy.mask;
  }

  get target(): number {
    return address.fields.address.of(this.address);
  }

  get isLastByte(): boolean {
    return (this.control & control.fields.lastByte.mask) !== 0;
  }

  get isI2c(): boolean {
    return (this.hostConfiguration & hostConfiguration.fields.i2c.mask) !== 0;
  }

  get usesBuffer(): boolean {
    return (this.auxiliaryControl & auxiliaryControl.fields.buffer.mask) !== 0 && !this.block.isI2cRead;
  }
}
