// Longer than 250 lines: one state machine, whose phases are seen through the same registers.
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
import { BlockBuffer } from './ich9-smbus/block-buffer.ts';
import {
  address,
  auxiliaryControl,
  auxiliaryStatus,
  BlockSize,
  blockData,
  control,
  hostConfiguration,
  Offset,
  Protocol,
  ports,
  Status,
  status,
} from './ich9-smbus/registers.ts';
import { bytesRead, readUncounted, shortTransfer, writeUncounted } from './ich9-smbus/transfers.ts';

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
export class Ich9Smbus extends PciDevice {
  readonly smbus = new I2cBus();
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
  @state private readonly block = new BlockBuffer();
  /** What the guest has started and not looked at, or is taking byte by byte. */
  @state({ as: shape.choice(['none', 'started', 'write', 'read', 'i2c-read']) }) private phase: Phase = 'none';
  /** What the status shows once no target holds the clock any more. */
  @state({ as: shape.bits(8) }) private outcome = 0;
  private readonly released: Timer;
  readonly #host = new SmbusHost(this.smbus);

  constructor(
    @inject(VirtualClock) private readonly clock: VirtualClock,
    @options(ich9SmbusOptions) private readonly settings: OptionsOf<typeof ich9SmbusOptions>,
  ) {
    super();
    this.released = clock.timer('released', () => this.complete(this.outcome));
  }

  @status.onRead()
  runWhatWasStarted(shown: number): number {
    if (this.phase === 'started') this.run();
    return shown;
  }

  @status.onWrite()
  clearStatus(value: number, previous: number): void {
    const isTaken = (previous & ~value & Status.byteDone.mask) !== 0;
    if (isTaken && this.phase !== 'started' && this.phase !== 'none') this.settle(this.nextByte());
    this.updateInterrupt();
  }

  @control.onRead()
  beginBuffer(): void {
    if (this.phase === 'none') this.block.restart();
  }

  @control.onWrite()
  start(value: number): void {
    if ((value & control.fields.start.mask) !== 0) {
      this.abandon();
      this.status |= Status.busy.mask;
      if ((value & control.fields.interruptEnable.mask) !== 0) this.run();
      else this.phase = 'started';
    }
    if ((value & control.fields.kill.mask) !== 0) {
      this.abandon();
      this.block.restart();
      this.status |= Status.failed.mask;
    }
    this.updateInterrupt();
  }

  @blockData.onRead()
  takeFromBuffer(shown: number): number {
    return this.usesBuffer ? this.block.take() : shown;
  }

  @blockData.onWrite()
  putIntoBuffer(value: number): void {
    if (this.usesBuffer) this.block.put(value);
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
      this.updateInterrupt();
    }
    this.showPorts((value & enable.mask) !== 0);
  }

  override reset(): void {
    super.reset();
    this.abandon();
    this.block.reset();
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
    this.phase = 'none';
    const isAutomatic = (this.auxiliaryControl & auxiliaryControl.fields.automaticPacketError.mask) !== 0;
    this.#host.usesPacketErrorCode = isAutomatic && (this.control & control.fields.packetError.mask) !== 0;
    this.settle((this.status & Status.deviceError.mask) !== 0 ? Status.deviceError.mask : this.begin());
  }

  /** Answers what the status shows afterwards. */
  private begin(): number {
    const target = address.fields.address.of(this.address);
    const reads = (this.address & address.fields.read.mask) !== 0;
    const protocol = control.fields.protocol.of(this.control);
    if (protocol === Protocol.i2cRead) return this.beginI2cRead(target);
    if (protocol === Protocol.blockProcess) return this.blockProcessCall(target);
    if (protocol === Protocol.block) return reads ? this.readBlock(target) : this.beginBlockWrite(target);
    const transfer = { protocol, target, reads, command: this.command, word: this.data0 | (this.data1 << 8) };
    const answer = shortTransfer(this.#host, transfer);
    if (answer >= 0 && bytesRead(transfer) > 0) this.data0 = answer & 0xff;
    if (answer >= 0 && bytesRead(transfer) > 1) this.data1 = answer >> 8;
    return this.outcomeOf(answer);
  }

  private readBlock(target: number): number {
    const { bytes } = this.block;
    const length = this.isI2c
      ? readUncounted(this.smbus, target, bytes)
      : this.#host.readBlock(target, this.command, bytes);
    return this.showBlock(this.lengthOf(length), this.usesBuffer);
  }

  /** A block of no bytes, or of more than 32, is an error. @see SMBus 3.2, 6.5.7 "Block Write/Read" */
  protected lengthOf(answer: number): number {
    return answer;
  }

  private blockProcessCall(target: number): number {
    const { bytes } = this.block;
    const length = this.#host.blockProcessCall(target, this.command, bytes.slice(0, this.data0), bytes);
    return this.showBlock(length, true);
  }

  private showBlock(length: number, isWhole: boolean): number {
    this.block.restart();
    if (length < 0) return this.outcomeOf(length);
    this.data0 = length;
    return isWhole ? Status.done.mask : this.showByte('read', this.block.current);
  }

  private showByte(phase: Phase, byte: number): number {
    this.phase = phase;
    this.blockData = byte;
    return Status.byteDone.mask;
  }

  private beginBlockWrite(target: number): number {
    if (this.usesBuffer) return this.outcomeOf(this.writeBlock(target));
    this.block.restart();
    this.block.current = this.blockData;
    return this.showByte('write', this.blockData);
  }

  /** The offset that is read from is in HST_D1. @see Intel ICH9 Family datasheet, "I2C Read" */
  private beginI2cRead(target: number): number {
    const { smbus } = this;
    const isThere = smbus.start(target, 'write') && smbus.write(this.data1) && smbus.start(target, 'read');
    if (isThere) return this.showByte('i2c-read', smbus.read());
    smbus.stop();
    return Status.deviceError.mask;
  }

  /** The guest has taken a byte of a block, or given the next one. */
  private nextByte(): number {
    const { smbus, phase } = this;
    const isLast = (this.control & control.fields.lastByte.mask) !== 0;
    if (phase === 'i2c-read') {
      this.blockData = smbus.read(!isLast);
      if (isLast) smbus.stop();
      return isLast ? Status.done.mask : Status.byteDone.mask;
    }
    this.block.advance();
    if (phase === 'read') {
      this.blockData = this.block.current;
      return isLast ? Status.done.mask : Status.byteDone.mask;
    }
    if (this.block.index === this.data0)
      return this.outcomeOf(this.writeBlock(address.fields.address.of(this.address)));
    this.block.current = this.blockData;
    return Status.byteDone.mask;
  }

  private writeBlock(target: number): number {
    this.block.restart();
    if (this.data0 > BlockSize) return SmbusError.BlockCount;
    const bytes = this.block.bytes.subarray(0, this.data0);
    return this.isI2c
      ? writeUncounted(this.smbus, target, this.command, bytes)
      : this.#host.writeBlock(target, this.command, bytes);
  }

  private outcomeOf(answer: number): number {
    if (answer === SmbusError.PacketError) this.auxiliaryStatus |= auxiliaryStatus.fields.packetError.mask;
    return answer < 0 ? Status.deviceError.mask : Status.done.mask;
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
    if (!waits) this.phase = 'none';
    this.status = (this.status & ~Status.busy.mask) | outcome | (waits ? Status.busy.mask : 0);
    this.updateInterrupt();
  }

  private abandon(): void {
    if (this.phase === 'i2c-read') this.smbus.stop();
    if (this.phase === 'read' || this.phase === 'write') this.block.restart();
    this.phase = 'none';
    this.released.cancel();
    this.status &= ~Status.busy.mask;
  }

  private updateInterrupt(): void {
    const isEnabled = (this.control & control.fields.interruptEnable.mask) !== 0;
    this.interrupt.set(isEnabled && (this.status & ~Status.busy.mask) !== 0);
  }

  private get isI2c(): boolean {
    return (this.hostConfiguration & hostConfiguration.fields.i2c.mask) !== 0;
  }

  private get usesBuffer(): boolean {
    return (this.auxiliaryControl & auxiliaryControl.fields.buffer.mask) !== 0 && this.phase !== 'i2c-read';
  }
}

type Phase = 'none' | 'started' | 'write' | 'read' | 'i2c-read';
