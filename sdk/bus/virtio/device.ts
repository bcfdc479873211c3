import { ConfigurationWindow } from './capabilities.ts';
import { VirtioCore } from './core.ts';
import { CapabilityOffset } from './declaration.ts';
import { NoVector, VirtioFeature, VirtioStatus } from './features.ts';
import * as modern from './modern-regions.ts';
import type { SplitQueue } from './split-queue.ts';

/**
 * A virtio 1.2 device on PCI, with split queues. The class has `@virtio({ deviceType, queues, ... })` and a method `serve`, which is
 * called for each request of the driver.
 *
 * A hostile driver can build any queue. A malformed one is reported, and the device stops until it is reset. No access of the guest
 * costs more than one turn of `bytesOfTurn` bytes. A timer goes on with the rest.
 *
 * @see virtio 1.2, 2 "Basic Facilities of a Virtio Device" and 4.1 "Virtio Over PCI Bus"
 */
export abstract class VirtioPciDevice extends VirtioCore {
  @modern.deviceFeatureSelect deviceFeatureSelect = 0;
  @modern.driverFeatureSelect driverFeatureSelect = 0;
  readonly #window = new ConfigurationWindow(this.config, CapabilityOffset.Window);

  @modern.deviceFeature get deviceFeature(): number {
    return wordOf(this.offeredFeatures, this.deviceFeatureSelect);
  }

  @modern.driverFeature get driverFeature(): number {
    return wordOf(this.driverFeatures, this.driverFeatureSelect);
  }

  /** After FEATURES_OK the driver may accept no more. */
  set driverFeature(word: number) {
    if (this.driverFeatureSelect > 1 || (this.deviceStatus & VirtioStatus.FeaturesOk) !== 0) return;
    const shift = BigInt(32 * this.driverFeatureSelect);
    this.driverFeatures = (this.driverFeatures & ~(0xffff_ffffn << shift)) | (BigInt(word) << shift);
  }

  @modern.queueCount get queueCount(): number {
    return this.queues.length;
  }

  /** FEATURES_OK stays 0 if the driver accepts what is not offered, or not VERSION_1. */
  @modern.deviceStatus.onWrite()
  writeStatus(status: number, previous: number): number {
    if (status === 0) {
      this.resetFunction();
      return 0;
    }
    let kept = status | (previous & VirtioStatus.NeedsReset);
    const asks = (status & ~previous & VirtioStatus.FeaturesOk) !== 0;
    if (asks && !this.canAgree()) kept &= ~VirtioStatus.FeaturesOk;
    this.deviceStatus = previous;
    this.proceed(kept);
    return this.deviceStatus;
  }

  @modern.configurationGeneration get configurationGeneration(): number {
    return this.generation;
  }

  @modern.queueSize get queueSize(): number {
    return this.selected?.size ?? 0;
  }

  set queueSize(size: number) {
    const queue = this.selected;
    if (queue === undefined || queue.enabled) return;
    if (queue.isPossible(size)) queue.size = size;
    else this.guestError(`queue size ${size}, which is no power of two up to ${queue.largest}`);
  }

  @modern.queueVector get queueVector(): number {
    return this.selected?.vector ?? NoVector;
  }

  set queueVector(vector: number) {
    if (this.selected !== undefined) this.selected.vector = this.vectorOf(vector);
  }

  @modern.queueEnable get queueEnable(): number {
    return this.selected?.enabled ? 1 : 0;
  }

  /** A queue is disabled by a reset only. */
  set queueEnable(enable: number) {
    if (enable !== 1) this.guestError(`queue enable ${enable}, and only a reset disables a queue`);
    else if (this.selected !== undefined) this.selected.enabled = true;
  }

  @modern.queueNotifyOffset get queueNotifyOffset(): number {
    return this.queueSelect;
  }

  @modern.queueDescriptors get queueDescriptors(): bigint {
    return this.selected?.descriptors ?? 0n;
  }

  set queueDescriptors(address: bigint) {
    const queue = this.#changeable;
    if (queue !== undefined) queue.descriptors = address;
  }

  @modern.queueDriver get queueDriver(): bigint {
    return this.selected?.available ?? 0n;
  }

  set queueDriver(address: bigint) {
    const queue = this.#changeable;
    if (queue !== undefined) queue.available = address;
  }

  @modern.queueDevice get queueDevice(): bigint {
    return this.selected?.used ?? 0n;
  }

  set queueDevice(address: bigint) {
    const queue = this.#changeable;
    if (queue !== undefined) queue.used = address;
  }

  /** The queue that is selected, while the driver may say where it is. */
  get #changeable(): SplitQueue | undefined {
    return this.selected?.enabled === false ? this.selected : undefined;
  }

  /** Reads 0 again at once: the queue uses no memory from here on. @see virtio 1.2, 2.6.1 "Virtqueue Reset" */
  @modern.queueReset get queueReset(): number {
    return 0;
  }

  set queueReset(value: number) {
    if (value === 1 && this.has(VirtioFeature.RingReset)) this.selected?.reset();
  }

  @modern.notifyRegion.write()
  notify(_value: number, offset: number): void {
    this.processQueue(Math.floor(offset / modern.NotifyMultiplier));
  }

  override readConfig(offset: number, size: number): number {
    if (this.realized && this.#window.covers(offset, size)) this.#window.fetch();
    return super.readConfig(offset, size);
  }

  override writeConfig(offset: number, value: number, size: number): void {
    super.writeConfig(offset, value, size);
    if (this.realized && this.#window.covers(offset, size)) this.#window.deliver();
  }

  protected override onRealize(): void {
    super.onRealize();
    this.#window.open(this.id, this.region(modern.modernBar));
  }

  protected override onUnrealize(): void {
    this.#window.close();
    super.onUnrealize();
  }

  /** Whether FEATURES_OK stays. */
  protected canAgree(): boolean {
    return this.has(VirtioFeature.Version1) && (this.driverFeatures & ~this.offeredFeatures) === 0n;
  }
}

const wordOf = (features: bigint, select: number): number =>
  select > 1 ? 0 : Number((features >> BigInt(32 * select)) & 0xffff_ffffn);
