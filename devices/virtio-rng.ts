import {
  addCoalescedIo,
  BackplaneError,
  bar,
  bit,
  bits,
  defineOptions,
  device,
  KiB,
  type OptionsOf,
  option,
  options,
  PciCommand,
  PciDevice,
  PciRegister,
  pci,
  portRegion,
  reserved,
  state,
} from '../sdk/index.ts';
import { RandomSource } from './virtio-rng/random-source.ts';
import { MalformedQueue, type VirtioRequest, Virtqueue } from './virtio-rng/virtqueue.ts';

const Port = {
  DeviceFeatures: 0x00,
  GuestFeatures: 0x04,
  QueuePage: 0x08,
  QueueSize: 0x0c,
  QueueSelect: 0x0e,
  QueueNotify: 0x10,
  DeviceStatus: 0x12,
  InterruptStatus: 0x13,
} as const;

const QueueSize = 8;
/** A queue number from here on selects nothing: what was selected stays so. */
const MostQueues = 1024;
/** The device is noticed, and has a driver: `acknowledge` and `driver`, and nothing else. */
const DriverFound = 0x03;
const PageSize = 4 * KiB;
const QueueInterrupt = 0x01;
/** A request gets no more bytes than this, however large its buffers are: the guest asks again for the rest. */
const MostBytes = 64 * KiB;
const ChunkSize = 4 * KiB;

const ports = portRegion({ name: 'virtio-pci', size: 32 });
const queuePage = ports.register(Port.QueuePage, {
  width: 32,
  description: 'where the selected queue is, in pages of 4 KiB; 0 resets the device',
});
const queueSize = ports.register(Port.QueueSize, {
  width: 16,
  access: 'read-only',
  description: 'descriptors of the selected queue; 0 if there is no such queue',
});
const queueSelect = ports.register(Port.QueueSelect, {
  width: 16,
  description: 'which queue the two registers before are of',
});
const queueNotify = ports.register(Port.QueueNotify, {
  width: 16,
  access: 'write-only',
  description: 'the number of a queue with new requests in it',
});
const deviceStatus = ports.register(Port.DeviceStatus, {
  width: 8,
  description: 'how far the driver has come; 0 resets the device',
  fields: { acknowledge: bit(0), driver: bit(1), driverOk: bit(2), others: bits(3, 6), failed: bit(7) },
});
const interruptStatus = ports.register(Port.InterruptStatus, {
  width: 8,
  description: 'reading clears it and lowers the interrupt',
  fields: { queue: bit(0, 'read-to-clear'), rest: reserved([1, 7]) },
});

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
 * reported, and the device does nothing more until it is reset. A notification costs at most eight requests of 64 KiB.
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
  @ports.register(Port.DeviceFeatures, { width: 32, access: 'constant', description: 'none' }) deviceFeatures = 0;
  @ports.register(Port.GuestFeatures, { width: 32, description: 'what the driver takes of them' }) guestFeatures = 0;
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
  private readonly chunk = new Uint8Array(ChunkSize);

  constructor(@options(virtioRngOptions) { seed }: OptionsOf<typeof virtioRngOptions>) {
    super();
    this.queue = new Virtqueue(QueueSize, this.busMaster);
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

  /** As the driver asks for it: everything but the random bytes begins anew. */
  private resetFunction(): void {
    super.reset();
    this.queue.reset();
    this.broken = false;
    this.interrupt.set(false);
  }

  /** Linux before 2.6.34 leaves the function no bus master and expects transfers all the same: a driver that is there makes it one. */
  private becomeMaster(): void {
    this.writeConfig(PciRegister.Command, this.config.get(PciRegister.Command, 1) | PciCommand.Master, 1);
  }

  /** Only a driver that said it is ready has queues to look at. */
  private processQueue(): void {
    const ready = (this.deviceStatus & deviceStatus.fields.driverOk.mask) !== 0;
    if (!ready || this.broken || this.queuePage === 0) return;
    try {
      if (!this.queue.process(this.queuePage * PageSize, (request) => this.fill(request))) return;
      this.interruptStatus |= QueueInterrupt;
      this.interrupt.set(true);
    } catch (error) {
      if (!(error instanceof MalformedQueue)) throw error;
      this.broken = true;
      this.guestError(`${error.message}: the device stops until it is reset`);
    }
  }

  /** Random bytes into the writable buffers, up to the limit. Answers how many there are. */
  private fill({ buffers }: VirtioRequest): number {
    let written = 0;
    for (const { address, length, writable } of buffers) {
      if (!writable) continue;
      for (let at = 0; at < length && written < MostBytes; ) {
        const bytes = this.chunk.subarray(0, Math.min(length - at, ChunkSize, MostBytes - written));
        this.random.fill(bytes);
        if (this.busMaster.write(BigInt(address) + BigInt(at), bytes) !== 0) {
          throw new MalformedQueue(`a buffer at 0x${address.toString(16)}, where the device cannot write`);
        }
        at += bytes.length;
        written += bytes.length;
      }
    }
    return written;
  }
}
