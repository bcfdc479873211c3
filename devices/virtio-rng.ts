import {
  addCoalescedIo,
  BackplaneError,
  bar,
  defineOptions,
  device,
  inject,
  KiB,
  MICROSECOND,
  type OptionsOf,
  option,
  options,
  PciCommand,
  PciDevice,
  PciRegister,
  pci,
  shape,
  state,
  type Timer,
  VirtualClock,
} from '../sdk/index.ts';
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
/** A queue number from here on selects nothing: what was selected stays so. */
const MostQueues = 1024;
/** The device is noticed, and has a driver: `acknowledge` and `driver`, and nothing else. */
const DriverFound = 0x03;
const PageSize = 4 * KiB;
const QueueInterrupt = 0x01;
/** A request gets no more bytes than this, however large its buffers are: the guest asks again for the rest. */
const MostBytes = 64 * KiB;
/** What one turn brings. Where handlers take them byte by byte, this many cost the host some milliseconds. */
const BytesOfTurn = 4 * KiB;
const BetweenTurns = 10 * MICROSECOND;

export const virtioRngOptions = defineOptions({
  seed: option.integer({ description: 'decides which random bytes come', default: 1, range: [0, 0xffff_ffff] }),
});

/**
 * A source of random bytes: virtio-rng behind virtio-pci's legacy ports (virtio 0.9.5).
 *
 * Writes to the queue selector may wait in the ring. They do nothing by themselves: they say which queue the next access to
 * another register is about, and each of those leaves guest mode and has the ring delivered first, this region's reads
 * included. The other registers must not wait. A notification is the request itself: the driver goes to sleep after it, and
 * nothing would ever come back to userspace to deliver it. The status' zero is a promise that the device has stopped using
 * the driver's memory when the instruction is over, and guests free that memory next; its other values let the device start.
 * The page of a queue belongs to the queue selected at that moment, and its zero resets too.
 *
 * A hostile guest can build any queue it likes. One that cannot be (loops, numbers and addresses that lead outside) is
 * reported, and the device does nothing more until it is reset. No instruction costs more than one turn of 4 KiB, wherever the
 * buffers lie; the rest of what was asked for comes by a timer.
 */
@device({ type: 'virtio-rng-pci', description: 'Source of random bytes' })
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
  @queueSize queueSize = 0;
  @queueSelect queueSelect = 0;
  @queueNotify queueNotify = 0;
  @deviceStatus deviceStatus = 0;
  @interruptStatus interruptStatus = 0;
  /** The driver made a queue that cannot be: nothing more happens until a reset. */
  @state broken = false;
  @state readonly queue: Virtqueue;
  @state readonly random: RandomSource;
  /** Bytes that the request at the head of the queue has got in earlier turns. */
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
    this.interrupt.highWhile = () => this.interruptStatus !== 0;
  }

  @queuePage.onRead()
  readQueuePage(page: number): number {
    return this.queueSelect === 0 ? page : 0;
  }

  @queuePage.onWrite()
  writeQueuePage(page: number, previous: number): void {
    if (page === 0) this.resetFunction();
    else if (this.queueSelect !== 0) this.queuePage = previous;
  }

  @queueSize.onRead()
  readQueueSize(): number {
    return this.queueSelect === 0 ? QueueSize : 0;
  }

  @queueSelect.onWrite()
  selectQueue(queue: number, previous: number): void {
    if (queue >= MostQueues) this.queueSelect = previous;
  }

  @queueNotify.onWrite()
  notify(queue: number): void {
    if (queue === 0) this.processQueue();
  }

  @deviceStatus.onWrite()
  writeStatus(status: number): void {
    if (status === DriverFound) this.becomeMaster();
    if (status === 0) this.resetFunction();
    else this.processQueue();
  }

  @interruptStatus.onRead()
  readInterruptStatus(): undefined {
    this.interrupt.set(false);
    return undefined;
  }

  override reset(): void {
    this.resetFunction();
    this.random.restart();
  }

  override onStateLoaded(version: number): void {
    super.onStateLoaded(version);
    if (this.queueSelect < MostQueues) return;
    throw new BackplaneError(`queue ${this.queueSelect} is selected, and there are ${MostQueues}`);
  }

  /** What the queue is made of. */
  protected queueClass(): typeof Virtqueue {
    return Virtqueue;
  }

  /** As the driver asks for it: everything but the random bytes begins anew. */
  private resetFunction(): void {
    super.reset();
    this.queue.reset();
    this.nextTurn.cancel();
    this.filled = 0;
    this.broken = false;
    this.interrupt.set(false);
  }

  /** Linux before 2.6.34 leaves the function no bus master and expects transfers all the same: a driver that is there makes it one. */
  private becomeMaster(): void {
    this.writeConfig(PciRegister.Command, this.config.get(PciRegister.Command, 1) | PciCommand.Master, 1);
  }

  /** One turn. Only a driver that said it is ready has queues to look at. */
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
      this.stopWorking(error.message);
    }
  }

  protected stopWorking(why: string): void {
    this.broken = true;
    this.guestError(`${why}: the device stops until it is reset`);
  }

  protected interruptDriver(): void {
    this.interruptStatus |= QueueInterrupt;
    this.interrupt.set(true);
  }

  protected store(address: bigint, bytes: Uint8Array): void {
    if (this.busMaster.write(address, bytes) === 0) return;
    throw new MalformedQueue(`a buffer at 0x${address.toString(16)}, where the device cannot write`);
  }

  /**
   * Random bytes into the writable buffers, up to the limit, from where the last turn ended. Answers how many there are, or
   * nothing while some are left for another turn. The guest may have changed the buffers in between: no answer is longer than they
   * are now.
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
