import { BackplaneError } from '../../base/errors.ts';
import { MICROSECOND, type Timer, type VirtualClock } from '../../clock/index.ts';
import { rememberReserved, reserveMembers } from '../../device/class-checks.ts';
import { state } from '../../state/schema.ts';
import { shape } from '../../state/shapes.ts';
import { PciDevice } from '../pci/device.ts';
import { type VirtioSpec, virtioSpec } from './declaration.ts';
import {
  featureMask,
  MostQueues,
  NoVector,
  transportFeatures,
  VirtioFeature,
  VirtioInterrupt,
  VirtioStatus,
} from './features.ts';
import * as modern from './modern-regions.ts';
import { MalformedQueue, type VirtioRequest } from './request.ts';
import { SplitQueue, type VirtioAnswer } from './split-queue.ts';

const BetweenTurns = 10 * MICROSECOND;
/** Bytes of a turn, unless the class says otherwise. */
const BytesOfTurn = 64 * 1024;

/** What every virtio device does, by whichever registers the driver reaches it: features, queues, turns and interrupts. */
export abstract class VirtioCore extends PciDevice {
  @modern.configurationVector configurationVector: number = NoVector;
  @modern.deviceStatus deviceStatus = 0;
  @modern.queueSelect queueSelect = 0;
  @modern.interruptStatus interruptStatus = 0;
  /** What the driver accepts. */
  @state({ as: shape.bigBits(64) }) driverFeatures = 0n;
  @state({ as: shape.bits(8) }) protected generation = 0;
  /** A queue was malformed: stopped until a reset. @see QEMU 7.2, hw/virtio/virtio.c, virtio_error */
  @state broken = false;
  /** @internal */ @state readonly queues: readonly SplitQueue[];
  /** Bytes of buffers that one turn may move. */
  protected readonly bytesOfTurn: number = BytesOfTurn;
  private offered = 0n;
  private readonly nextTurn: Timer;

  constructor(protected readonly clock: VirtualClock) {
    super();
    const { queues, features = {} } = this.#spec();
    this.queues = queues.map((size) => new (this.queueClass())(size, this.busMaster));
    for (const bit of [...transportFeatures, ...Object.values(features)]) this.offered |= featureMask(bit);
    this.nextTurn = clock.timer('turn', () => this.processQueues());
    this.interrupt.deriveFrom(() => this.interruptStatus !== 0);
    rememberReserved(this, VirtioCore);
  }

  /**
   * Serves a request of a queue, and answers how many bytes it wrote. 'turn': the turn has no bytes left; it is called again, with
   * `request.progress` kept. 'wait': it is called again by `kick`.
   */
  protected abstract serve(request: VirtioRequest, queue: number): VirtioAnswer;

  /** The driver, or the machine, has reset the device. What is no register goes back to its beginning here. */
  protected onDriverReset(): void {}

  /** The driver is ready, and the queues are in use. */
  protected onDriverReady(): void {}

  /** Whether the driver has accepted a feature, by its bit. */
  protected has(feature: number): boolean {
    return (this.driverFeatures & featureMask(feature)) !== 0n;
  }

  /** Offers a feature of the class only where it is there: in the constructor. */
  protected offer(feature: number, isThere: boolean): void {
    this.offered = isThere ? this.offered | featureMask(feature) : this.offered & ~featureMask(feature);
  }

  /** Something has happened for which requests of a queue wait. */
  protected kick(queue: number): void {
    this.processQueue(queue);
  }

  /** Registers of the device-specific configuration have changed: the driver reads them again. */
  protected configurationChanged(): void {
    this.generation = (this.generation + 1) & 0xff;
    if (!this.isReady) return;
    this.interruptStatus |= VirtioInterrupt.Configuration;
    this.#signal(this.configurationVector);
  }

  /** The driver is ready, and the queues can be used. */
  protected get isReady(): boolean {
    return modern.isReady(this.deviceStatus) && !this.broken;
  }

  /** The features that the device offers. */
  protected get offeredFeatures(): bigint {
    return this.offered;
  }

  /** An MSI-X vector as the driver reads it back: none, if there is no such one. */
  @modern.configurationVector.onWrite()
  vectorOf(vector: number): number {
    return vector < this.msix.vectors ? vector : NoVector;
  }

  @modern.queueSelect.onWrite()
  selectQueue(queue: number, previous: number): number {
    return queue < MostQueues ? queue : previous;
  }

  /** The queue that is selected; undefined if there is none of that number. @internal */
  protected get selected(): SplitQueue | undefined {
    return this.queues[this.queueSelect];
  }

  override reset(): void {
    this.resetFunction();
    this.generation = 0;
  }

  override onStateLoaded(version: number): void {
    super.onStateLoaded(version);
    this.applyFeatures();
    const problem = this.#loadedProblem();
    if (problem === undefined) return;
    throw new BackplaneError('queue-out-of-range', `${problem}. Restore an unchanged snapshot.`);
  }

  /** A reset by the driver. */
  protected resetFunction(): void {
    super.reset();
    for (const queue of this.queues) queue.reset();
    this.msix.forgetPending();
    this.driverFeatures = 0n;
    this.nextTurn.cancel();
    this.broken = false;
    this.applyFeatures();
    this.onDriverReset();
  }

  /** The driver has written another status than 0. */
  protected proceed(status: number): void {
    const wasReady = modern.isReady(this.deviceStatus);
    this.deviceStatus = status;
    this.applyFeatures();
    if (modern.isReady(status) && !wasReady) this.onDriverReady();
    this.processQueues();
  }

  /** The queues behave as the driver has accepted. */
  protected applyFeatures(): void {
    for (const queue of this.queues) {
      queue.hasIndirect = this.has(VirtioFeature.IndirectDescriptors);
      queue.hasEventIndex = this.has(VirtioFeature.EventIndex);
    }
  }

  protected processQueues(): void {
    for (let queue = 0; queue < this.queues.length; queue++) this.processQueue(queue);
  }

  /** Performs one turn. A queue is used after DRIVER_OK only. @see virtio 1.2, 2.1 "Device Status Field" */
  protected processQueue(index: number): void {
    const queue = this.queues[index];
    if (!this.isReady || queue === undefined || !queue.enabled) return;
    try {
      const { wantsInterrupt, isDone } = queue.process(this.bytesOfTurn, (request) => this.serve(request, index));
      if (!isDone && !this.nextTurn.pending) this.nextTurn.arm(this.clock.now + BetweenTurns);
      if (wantsInterrupt) this.interruptDriver(queue.vector);
    } catch (error) {
      if (!(error instanceof MalformedQueue)) throw error;
      this.stopWorking(error);
    }
  }

  /**
   * A driver of virtio 1 sees DEVICE_NEEDS_RESET.
   *
   * @see virtio 1.2, 2.1.2 "Device Requirements: Device Status Field"
   * @internal
   */
  protected stopWorking({ message }: MalformedQueue): void {
    this.guestError(`${message}: the device stops until it is reset`);
    if (this.has(VirtioFeature.Version1)) {
      this.deviceStatus |= VirtioStatus.NeedsReset;
      this.configurationChanged();
    }
    this.broken = true;
  }

  /** With MSI-X too the interrupt status says it. @see QEMU 7.2, hw/virtio/virtio.c, virtio_irq */
  protected interruptDriver(vector: number): void {
    this.interruptStatus |= VirtioInterrupt.Queue;
    this.#signal(vector);
  }

  /** The class of the queues. A subclass may replace it. @internal */
  protected queueClass(): typeof SplitQueue {
    return SplitQueue;
  }

  /** INTx follows the interrupt status by itself. */
  #signal(vector: number): void {
    if (this.msix.enabled && vector !== NoVector) this.sendMessage(vector);
  }

  /** What of a snapshot no driver can have brought about. */
  #loadedProblem(): string | undefined {
    if (this.queueSelect >= MostQueues)
      return `queue ${this.queueSelect} is selected, and the last queue is ${MostQueues - 1}`;
    if (this.vectorOf(this.configurationVector) !== this.configurationVector)
      return `the configuration has the MSI-X vector ${this.configurationVector}, of ${this.msix.vectors}`;
    for (const [index, queue] of this.queues.entries()) {
      if (!queue.isPossible(queue.size)) return `queue ${index} has a size of ${queue.size}`;
      if (this.vectorOf(queue.vector) !== queue.vector)
        return `queue ${index} has the MSI-X vector ${queue.vector}, of ${this.msix.vectors}`;
    }
    return undefined;
  }

  #spec(): VirtioSpec {
    const spec = this.metadata.attribute(virtioSpec);
    if (spec !== undefined) return spec;
    throw new BackplaneError(
      'missing-virtio-declaration',
      `Class ${this.constructor.name} extends VirtioPciDevice and has no @virtio. Add @virtio({ deviceType, queues }).`,
    );
  }
}

reserveMembers(VirtioCore, {
  queues: 'its virtqueues',
});
