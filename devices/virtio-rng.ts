import {
  addCoalescedIo,
  BackplaneError,
  defineOptions,
  device,
  inject,
  KiB,
  MICROSECOND,
  type OptionsOf,
  option,
  options,
  shape,
  state,
  type Timer,
  VirtualClock,
} from '../sdk/index.ts';
import { bar, PciCommand, PciDevice, pci } from '../sdk/pci.ts';
import { RandomSource } from './virtio-rng/random-source.ts';
import {
  deviceFeatures,
  deviceStatus,
  guestFeatures,
  interruptStatus,
  Port,
  ports,
  queueNotify,
  queuePage,
  queueSelect,
  queueSize,
} from './virtio-rng/registers.ts';
import { MalformedQueue, type VirtioRequest, Virtqueue } from './virtio-rng/virtqueue.ts';

const QueueSize = 8;
/** A queue number from here on keeps the selection. @see QEMU 7.2, include/hw/virtio/virtio.h, VIRTIO_QUEUE_MAX */
const MostQueues = 1024;
/** Exactly ACKNOWLEDGE and DRIVER. */
const DriverFound = 0x03;
const PageSize = 4 * KiB;
const QueueInterrupt = 0x01;
/** The most bytes that a request gets. The guest requests the rest again. */
const MostBytes = 64 * KiB;
/** Bytes of one turn. They cost the host some milliseconds where a handler takes them one by one. */
const BytesOfTurn = 4 * KiB;
const BetweenTurns = 10 * MICROSECOND;

export const virtioRngOptions = defineOptions({
  seed: option.integer({ description: 'seed of the random bytes', default: 1, range: [0, 0xffff_ffff] }),
});

/**
 * A source of random bytes: virtio-rng at the legacy ports of virtio-pci.
 *
 * The queue selector is coalesced. It has no effect of its own: it selects the queue of the next access to another
 * register, which exits and delivers the ring first. The other registers must not be coalesced:
 * - A notification starts a request. The driver sleeps after it, and no later exit would deliver it.
 * - Status 0 must have stopped all use of the driver's memory when the instruction ends, since guests free that memory
 *   next. Its other values may start the device.
 * - A queue page belongs to the queue that is selected at that moment, and page 0 resets the device.
 *
 * A hostile guest can build any queue. A malformed one (loops, indexes and addresses out of range) is reported, and the
 * device stops until it is reset. No instruction costs more than one turn of 4 KiB, wherever the buffers are. A timer
 * serves the rest of the request.
 *
 * @see virtio 1.0, 4.1.4.8 "Legacy Interfaces: A Note on PCI Device Layout", and 5.4 "Entropy Device"
 * @see QEMU 7.2, hw/virtio/virtio-pci.c, virtio_ioport_write and virtio_ioport_read
 */
@device({
  type: 'virtio-rng-pci',
  description: 'Source of random bytes',
  version: 2,
  retired: ['queueNotify', 'queueSize'],
})
@pci({
  vendorId: 0x1af4,
  deviceId: 0x1005,
  classCode: 0x00ff,
  interruptPin: 'A',
  subsystemVendorId: 0x1af4,
  subsystemId: 0x0004,
})
@bar(0, ports)
@addCoalescedIo(ports, { offset: Port.QueueSelect, size: 2 })
export class VirtioRng extends PciDevice {
  @deviceFeatures deviceFeatures = 0;
  @guestFeatures guestFeatures = 0;
  @queuePage queuePage = 0;
  @queueSelect queueSelect = 0;
  @deviceStatus deviceStatus = 0;
  @interruptStatus interruptStatus = 0;
  /** The queue was malformed: stopped until a reset. @see QEMU 7.2, hw/virtio/virtio.c, virtio_error */
  @state broken = false;
  /** @internal */ @state readonly queue: Virtqueue;
  /** @internal */ @state readonly random: RandomSource;
  /** Bytes that earlier turns wrote for the first request of the queue. */
  @state({ as: shape.bits(17) }) filled = 0;
  protected readonly mostBytes: number = MostBytes;
  protected readonly bytesOfTurn: number = BytesOfTurn;
  private readonly chunk = new Uint8Array(BytesOfTurn);
  private readonly nextTurn: Timer;

  constructor(
    @inject(VirtualClock) private readonly clock: VirtualClock,
    @options(virtioRngOptions) { seed }: OptionsOf<typeof virtioRngOptions>,
  ) {
    super();
    this.nextTurn = clock.timer('turn', () => this.processQueue());
    this.queue = new (this.queueClass())(QueueSize, this.busMaster);
    this.random = new RandomSource(seed);
    this.interrupt.deriveFrom(() => this.interruptStatus !== 0);
  }

  @queuePage.onRead()
  readQueuePage(page: number): number {
    return this.queueSelect === 0 ? page : 0;
  }

  /** Page 0 resets the device. @see QEMU 7.2, hw/virtio/virtio-pci.c, virtio_ioport_write, VIRTIO_PCI_QUEUE_PFN */
  @queuePage.onWrite()
  writeQueuePage(page: number, previous: number): number {
    if (page === 0) this.resetFunction();
    return page === 0 || this.queueSelect === 0 ? page : previous;
  }

  @queueSize get queueSize(): number {
    return this.queueSelect === 0 ? QueueSize : 0;
  }

  @queueSelect.onWrite()
  selectQueue(queue: number, previous: number): number {
    return queue < MostQueues ? queue : previous;
  }

  @queueNotify
  notify(queue: number): void {
    if (queue === 0) this.processQueue();
  }

  @deviceStatus.onWrite()
  writeStatus(status: number): void {
    if (status === DriverFound) this.becomeMaster();
    if (status === 0) this.resetFunction();
    else this.processQueue();
  }

  override reset(): void {
    this.resetFunction();
    this.random.restart();
  }

  override onStateLoaded(version: number): void {
    super.onStateLoaded(version);
    if (this.queueSelect < MostQueues) return;
    throw new BackplaneError(
      'queue-out-of-range',
      `queue ${this.queueSelect} is selected, and the last queue is ${MostQueues - 1}. Restore an unchanged snapshot.`,
    );
  }

  /** The class of the queue. A subclass may replace it. @internal */
  protected queueClass(): typeof Virtqueue {
    return Virtqueue;
  }

  /** A reset by the driver. The random bytes continue. */
  private resetFunction(): void {
    super.reset();
    this.queue.reset();
    this.nextTurn.cancel();
    this.filled = 0;
    this.broken = false;
  }

  /**
   * Makes the function a bus master. Linux before 2.6.34 does not set the bit itself, and expects transfers.
   *
   * @see QEMU 7.2, hw/virtio/virtio-pci.c, virtio_ioport_write, VIRTIO_PCI_STATUS
   */
  private becomeMaster(): void {
    this.setCommand(PciCommand.Master);
  }

  /** Performs one turn. The queue is used after DRIVER_OK only. @see virtio 1.0, 2.1 "Device Status Field" */
  protected processQueue(): void {
    this.nextTurn.cancel();
    const ready = (this.deviceStatus & deviceStatus.fields.driverOk.mask) !== 0;
    if (!ready || this.broken || this.queuePage === 0) return;
    try {
      const turn = { left: this.bytesOfTurn };
      const { wantsInterrupt, isDone } = this.queue.process(this.queuePage * PageSize, (request) => {
        return this.fill(request, turn);
      });
      if (!isDone) this.nextTurn.arm(this.clock.now + BetweenTurns);
      if (wantsInterrupt) this.interruptDriver();
    } catch (error) {
      if (!(error instanceof MalformedQueue)) throw error;
      this.stopWorking(error);
    }
  }

  protected stopWorking({ message }: Error): void {
    this.broken = true;
    this.guestError(`${message}: the device stops until it is reset`);
  }

  protected interruptDriver(): void {
    this.interruptStatus |= QueueInterrupt;
  }

  protected store(address: bigint, bytes: Uint8Array): void {
    if (this.busMaster.write(address, bytes) === 0) return;
    throw new MalformedQueue('unwritable', `a buffer at 0x${address.toString(16)}, where the device cannot write`);
  }

  /**
   * Writes random bytes into the writable buffers, up to the limit, from where the last turn ended. Returns their
   * number, or undefined while some are left for another turn. The guest may change the buffers between turns, so the
   * result is at most their length now.
   */
  private fill({ buffers }: VirtioRequest, turn: { left: number }): number | undefined {
    let end = 0;
    for (const { address, length, writable } of buffers) {
      if (!writable) continue;
      const start = end;
      end = Math.min(start + length, this.mostBytes);
      while (this.filled < end) {
        if (turn.left === 0) return undefined;
        const bytes = this.chunk.subarray(0, Math.min(end - this.filled, turn.left, BytesOfTurn));
        this.random.fill(bytes);
        this.store(BigInt(address) + BigInt(this.filled - start), bytes);
        turn.left -= bytes.length;
        this.filled += bytes.length;
      }
    }
    const written = Math.min(this.filled, end);
    this.filled = 0;
    return written;
  }
}
