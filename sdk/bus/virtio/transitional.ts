import { BackplaneError } from '../../base/errors.ts';
import {
  type BankAccess,
  bankOf,
  ContainerRegion,
  type HandledRegion,
  portRegion,
  recorderOf,
} from '../../device/index.ts';
import { bar, pciBarRegions } from '../pci/bar-declaration.ts';
import { PciCommand } from '../pci/header.ts';
import type { PciClass } from '../pci/identity.ts';
import type { TransitionalParts, VirtioSpec } from './declaration.ts';
import { virtioSpec } from './declaration.ts';
import { VirtioPciDevice } from './device.ts';
import { VirtioStatus } from './features.ts';
import * as legacy from './legacy-ports.ts';
import { common } from './modern-regions.ts';

const { LegacyPort, LegacyVector } = legacy;
const LegacyBar = 0;
/** @see virtio 1.2, 4.1.2.1 "Device Requirements: PCI Device Discovery" */
const transitionalIds: Readonly<Record<number, number>> = {
  ...{ 1: 0x1000, 2: 0x1001, 3: 0x1003, 4: 0x1005, 5: 0x1002, 8: 0x1004, 9: 0x1009 },
};
const PageSize = 4096;
/** Exactly ACKNOWLEDGE and DRIVER. */
const DriverFound = VirtioStatus.Acknowledge | VirtioStatus.Driver;

/**
 * A virtio device that drivers of the legacy interface find too, by ports in BAR 0. They accept no VERSION_1, and put each queue
 * into pages that follow each other.
 *
 * The legacy queue selector is coalesced. It has no effect of its own: it selects the queue of the next access to another
 * register, which exits and delivers the ring first. The other registers must not be coalesced:
 * - A notification starts a request. The driver sleeps after it, and no later exit would deliver it.
 * - Status 0 must have stopped all use of the driver's memory when the instruction ends, since guests free that memory next.
 * - A queue page belongs to the queue that is selected at that moment, and page 0 resets the device.
 *
 * @see virtio 1.2, 2.7.3 and 4.1.4.10 "Legacy Interfaces"; QEMU 7.2, hw/virtio/virtio-pci.c, virtio_ioport_write
 */
export abstract class TransitionalVirtioPciDevice extends VirtioPciDevice {
  #configuration: BankAccess | undefined;

  /** @internal */
  static transitional({ deviceType, config }: VirtioSpec): TransitionalParts {
    const used = LegacyPort.End + LegacyVector.End + (config?.size ?? 0);
    const size = 2 ** Math.ceil(Math.log2(used));
    const behind = portRegion({ name: 'virtio-pci-config', size: size - LegacyPort.End });
    const deviceId = transitionalIds[deviceType];
    if (deviceId === undefined) {
      throw new BackplaneError(
        'invalid-virtio-device',
        `@virtio has deviceType ${deviceType}, for which there is no transitional device. Let the class extend VirtioPciDevice.`,
      );
    }
    return {
      deviceId,
      declare: (deviceClass) =>
        declareLegacy(deviceClass, new ContainerRegion({ name: 'virtio-pci-legacy', size }), behind),
    };
  }

  @legacy.deviceFeatures get legacyDeviceFeatures(): number {
    return Number(this.offeredFeatures & 0xffff_ffffn);
  }

  @legacy.guestFeatures get legacyGuestFeatures(): number {
    return Number(this.driverFeatures & 0xffff_ffffn);
  }

  set legacyGuestFeatures(features: number) {
    const taken = Number(this.offeredFeatures & BigInt(features));
    if (taken !== features) this.guestError('the driver accepts a feature that is not offered');
    this.driverFeatures = BigInt(taken);
    this.applyFeatures();
  }

  /** Page 0 resets the device. @see QEMU 7.2, hw/virtio/virtio-pci.c, virtio_ioport_write, VIRTIO_PCI_QUEUE_PFN */
  @legacy.queuePage get queuePage(): number {
    const queue = this.selected;
    return queue === undefined ? 0 : Math.floor(Number(queue.descriptors) / PageSize) >>> 0;
  }

  set queuePage(page: number) {
    if (page === 0) this.resetFunction();
    else this.selected?.placeInPages(page * PageSize);
  }

  @legacy.queueSize get legacyQueueSize(): number {
    return this.selected?.size ?? 0;
  }

  @legacy.queueSelect get legacyQueueSelect(): number {
    return this.queueSelect;
  }

  set legacyQueueSelect(queue: number) {
    this.queueSelect = this.selectQueue(queue, this.queueSelect);
  }

  @legacy.queueNotify
  legacyNotify(queue: number): void {
    this.processQueue(queue);
  }

  @legacy.deviceStatus get legacyDeviceStatus(): number {
    return this.deviceStatus;
  }

  set legacyDeviceStatus(status: number) {
    if (status === DriverFound) this.#becomeMaster();
    if (status === 0) this.resetFunction();
    else this.proceed(status);
  }

  @legacy.interruptStatus get legacyInterruptStatus(): number {
    return this.interruptStatus;
  }

  @legacy.interruptStatus.onRead()
  takeInterruptStatus(status: number): number {
    this.interruptStatus = 0;
    return status;
  }

  @legacy.legacyPorts.peek(LegacyPort.InterruptStatus, { length: 1 })
  peekInterruptStatus(): number {
    return this.interruptStatus;
  }

  /** Behind the legacy registers: with MSI-X two vectors, then the device-specific configuration. @internal */
  readLegacyConfiguration(offset: number, size: number): number {
    const vector = this.#vectorAt(offset);
    if (vector === LegacyVector.Configuration) return this.configurationVector;
    if (vector === LegacyVector.Queue) return this.queueVector;
    const place = this.#placeOf(offset, size);
    return place < 0 ? 0xffff_ffff : (this.#configuration?.read(place, size) ?? 0);
  }

  /** @internal */
  writeLegacyConfiguration(value: number, offset: number, size: number): void {
    const vector = this.#vectorAt(offset);
    if (vector === LegacyVector.Configuration) this.configurationVector = this.vectorOf(value);
    else if (vector === LegacyVector.Queue) this.queueVector = value;
    else {
      const place = this.#placeOf(offset, size);
      if (place >= 0) this.#configuration?.write(place, value, size);
    }
  }

  /** @internal */
  peekLegacyConfiguration(offset: number, size: number): number | undefined {
    if (this.#vectorAt(offset) !== undefined) return this.readLegacyConfiguration(offset, size);
    const place = this.#placeOf(offset, size);
    return place < 0 ? 2 ** (8 * size) - 1 : this.#configuration?.peek(place, size);
  }

  protected override onRealize(): void {
    super.onRealize();
    const { config } = this.metadata.attribute(virtioSpec) as VirtioSpec;
    this.#configuration = config && bankOf(this, config);
  }

  /**
   * Makes the function a bus master. Linux before 2.6.34 does not set the bit itself, and expects transfers.
   *
   * @see QEMU 7.2, hw/virtio/virtio-pci.c, virtio_ioport_write, VIRTIO_PCI_STATUS
   */
  #becomeMaster(): void {
    this.setCommand(PciCommand.Master);
  }

  #vectorAt(offset: number): number | undefined {
    return this.msix.enabled && offset < LegacyVector.End ? offset & ~1 : undefined;
  }

  /** In the configuration; -1 outside. */
  #placeOf(offset: number, size: number): number {
    const place = offset - (this.msix.enabled ? LegacyVector.End : 0);
    const { config } = this.metadata.attribute(virtioSpec) as VirtioSpec;
    return config !== undefined && place + size <= config.size ? place : -1;
  }
}

function declareLegacy(deviceClass: PciClass, container: ContainerRegion, behind: HandledRegion): void {
  const record = recorderOf(deviceClass);
  bar(LegacyBar, container, { kind: 'ports' })(deviceClass);
  record.prepend(pciBarRegions, { bar: LegacyBar, offset: LegacyPort.End, region: behind });
  record.prepend(pciBarRegions, { bar: LegacyBar, offset: 0, region: legacy.legacyPorts });
  const whole = { form: 'plain', offset: undefined, length: undefined, sizes: undefined } as const;
  const declare = (method: string, isWrite: boolean) =>
    record.add('handlers', { region: behind, declaration: { ...whole, method, isWrite } }, '@virtio');
  declare('readLegacyConfiguration', false);
  declare('writeLegacyConfiguration', true);
  behind.peek()(deviceClass.prototype as never, 'peekLegacyConfiguration', {} as never);
  const independent = record
    .list(pciBarRegions)
    .map(({ region }) => region)
    .filter((region) => region !== common && region !== legacy.legacyPorts);
  const declaration = { offset: LegacyPort.QueueSelect, size: 2, independent };
  record.add('coalesced', { region: legacy.legacyPorts, declaration }, '@virtio');
  record.add('flushing', common, '@virtio');
}
