import type { Guest, GuestStep } from '../../sdk/runtime.ts';
import { Common, Feature, Flag, type Offered, Status } from '../bus/virtio/driver.ts';
import { PciFunction } from './pci-guest.ts';

const Bar4 = 0x20;
const Structure = { InterruptStatus: 0x1000, Notify: 0x3000 } as const;
const QueueSize = 8;

/** A driver of the modern interface, as a guest: queues of 8 descriptors, answers awaited by looking at the used ring. */
export class VirtioGuest {
  private offered = 0;

  private constructor(
    private readonly guest: Guest,
    /** Where BAR 4 is. */
    readonly bar: number,
    /** Of the first queue; each has 12 KiB. */
    private readonly memory: number,
  ) {}

  /** Finds the function, gives BAR 4 an address, agrees on VERSION_1 and event indexes, and starts the queues. */
  static *start(guest: Guest, deviceId: number, bar: number, memory: number, queues: number): GuestStep<VirtioGuest> {
    const card = yield* PciFunction.find(guest, 0x1af4, deviceId);
    yield* card.write32(guest, Bar4, bar);
    yield* card.write32(guest, Bar4 + 4, 0);
    yield* card.write16(guest, 0x04, 0x06);
    const driver = new VirtioGuest(guest, bar, memory);
    yield* guest.store8(bar + Common.Status, 0);
    yield* guest.store8(bar + Common.Status, Status.Acknowledge | Status.Driver);
    for (const [select, word] of [
      [0, 2 ** Feature.EventIndex],
      [1, 1],
    ] as const) {
      yield* guest.store32(bar + Common.DriverFeatureSelect, select);
      yield* guest.store32(bar + Common.DriverFeature, word);
    }
    const agreed = Status.Acknowledge | Status.Driver | Status.FeaturesOk;
    yield* guest.store8(bar + Common.Status, agreed);
    for (let queue = 0; queue < queues; queue++) yield* driver.place(queue);
    yield* guest.store8(bar + Common.Status, agreed | Status.DriverOk);
    return driver;
  }

  private *place(queue: number): GuestStep<void> {
    const { guest, bar } = this;
    yield* guest.store16(bar + Common.QueueSelect, queue);
    yield* guest.store16(bar + Common.QueueSize, QueueSize);
    for (const [register, part] of [
      [Common.Descriptors, 0],
      [Common.Driver, 0x1000],
      [Common.Device, 0x2000],
    ] as const) {
      yield* guest.store32(bar + register, this.memory + 0x3000 * queue + part);
      yield* guest.store32(bar + register + 4, 0);
    }
    yield* guest.store16(bar + Common.QueueEnable, 1);
  }

  /** Offers one chain of buffers to a queue, and notifies. */
  *offer(queue: number, buffers: readonly Offered[]): GuestStep<void> {
    const { guest, bar } = this;
    const at = this.memory + 0x3000 * queue;
    for (const [index, { address, length, flags = 0 }] of buffers.entries()) {
      yield* guest.store64(at + 16 * index, BigInt(address));
      yield* guest.store32(at + 16 * index + 8, length);
      yield* guest.store16(at + 16 * index + 12, flags | (index + 1 < buffers.length ? Flag.Next : 0));
      yield* guest.store16(at + 16 * index + 14, index + 1);
    }
    yield* guest.store16(at + 0x1004 + 2 * (this.offered % QueueSize), 0);
    this.offered = (yield* guest.load16(at + 0x1002)) + 1;
    yield* guest.store16(at + 0x1002, this.offered);
    yield* guest.store16(bar + Structure.Notify + 4 * queue, queue);
  }

  /** Waits for the answer to the last offer: how many bytes the device wrote. */
  *answer(queue: number): GuestStep<number> {
    const { guest } = this;
    const used = this.memory + 0x3000 * queue + 0x2000;
    while ((yield* guest.load16(used + 2)) !== this.offered);
    yield* guest.load8(this.bar + Structure.InterruptStatus);
    return yield* guest.load32(used + 8 + 8 * ((this.offered - 1) % QueueSize));
  }
}
