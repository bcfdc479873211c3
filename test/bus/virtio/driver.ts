import { type PciDevice, PciRegister } from '../../../sdk/pci.ts';
import type { TestBench } from '../../../sdk/testing/index.ts';

/** Offsets in the common configuration structure. */
export const Common = {
  DeviceFeatureSelect: 0x00,
  DeviceFeature: 0x04,
  DriverFeatureSelect: 0x08,
  DriverFeature: 0x0c,
  ConfigVector: 0x10,
  QueueCount: 0x12,
  Status: 0x14,
  Generation: 0x15,
  QueueSelect: 0x16,
  QueueSize: 0x18,
  QueueVector: 0x1a,
  QueueEnable: 0x1c,
  NotifyOffset: 0x1e,
  Descriptors: 0x20,
  Driver: 0x28,
  Device: 0x30,
  Reset: 0x3a,
} as const;
export const Status = {
  Acknowledge: 1,
  Driver: 2,
  DriverOk: 4,
  FeaturesOk: 8,
  NeedsReset: 0x40,
  Failed: 0x80,
} as const;
export const Feature = { Indirect: 28, EventIndex: 29, Version1: 32, RingReset: 40 } as const;
export const Flag = { Next: 1, Write: 2, Indirect: 4 } as const;

/** A buffer as a driver offers it: bytes that the device reads, or room for what it writes. */
export interface Offered {
  readonly address: number;
  readonly length: number;
  readonly flags?: number;
}

const QueueSpace = 0x4000;
const FirstQueue = 0x1_0000;

/** A driver of the modern interface, on a bench. Each queue has 16 KiB of memory: descriptors, available ring, used ring. */
export class BenchDriver {
  private readonly next: number[] = [];

  constructor(readonly bench: TestBench<PciDevice>) {}

  private get bar(): number {
    return (this.bench.device.config.get(PciRegister.BaseAddress0 + 16, 4) & ~0xf) >>> 0;
  }

  read(offset: number, size: 1 | 2 | 4): number {
    const { bench, bar } = this;
    return size === 1
      ? bench.load8(bar + offset)
      : size === 2
        ? bench.load16(bar + offset)
        : bench.load32(bar + offset);
  }

  write(offset: number, size: 1 | 2 | 4, value: number): void {
    const { bench, bar } = this;
    if (size === 1) bench.store8(bar + offset, value);
    else if (size === 2) bench.store16(bar + offset, value);
    else bench.store32(bar + offset, value);
  }

  /** Reads the interrupt status, which clears it. */
  takeInterrupts(): number {
    return this.bench.load8(this.bar + 0x1000);
  }

  config(offset: number, size: 1 | 2 | 4): number {
    return this.read(0x2000 + offset, size);
  }

  get status(): number {
    return this.read(Common.Status, 1);
  }

  offered(): bigint {
    const word = (select: number) => {
      this.write(Common.DeviceFeatureSelect, 4, select);
      return BigInt(this.read(Common.DeviceFeature, 4));
    };
    return word(0) | (word(1) << 32n);
  }

  /** Acknowledges the device and accepts features, by their bits, with VERSION_1. Answers whether the device agrees. */
  negotiate(...features: readonly number[]): boolean {
    const all = [Feature.Version1, ...features].reduce((mask, bit) => mask | (1n << BigInt(bit)), 0n);
    this.write(Common.Status, 1, 0);
    this.write(Common.Status, 1, Status.Acknowledge | Status.Driver);
    for (const select of [0, 1]) {
      this.write(Common.DriverFeatureSelect, 4, select);
      this.write(Common.DriverFeature, 4, Number((all >> BigInt(32 * select)) & 0xffff_ffffn));
    }
    this.write(Common.Status, 1, Status.Acknowledge | Status.Driver | Status.FeaturesOk);
    return (this.status & Status.FeaturesOk) !== 0;
  }

  placeOf(queue: number): { readonly descriptors: number; readonly available: number; readonly used: number } {
    const descriptors = FirstQueue + QueueSpace * queue;
    return { descriptors, available: descriptors + 0x1000, used: descriptors + 0x2000 };
  }

  setUp(queue: number, size?: number): void {
    const { descriptors, available, used } = this.placeOf(queue);
    for (let at = descriptors; at < descriptors + QueueSpace; at += 4) this.bench.store32(at, 0);
    this.next[queue] = 0;
    this.write(Common.QueueSelect, 2, queue);
    if (size !== undefined) this.write(Common.QueueSize, 2, size);
    for (const [register, address] of [
      [Common.Descriptors, descriptors],
      [Common.Driver, available],
      [Common.Device, used],
    ] as const) {
      this.write(register, 4, address);
      this.write(register + 4, 4, 0);
    }
    this.write(Common.QueueEnable, 2, 1);
  }

  ready(): void {
    this.write(Common.Status, 1, this.status | Status.DriverOk);
  }

  /** All of it. */
  start(queues: number, ...features: readonly number[]): void {
    this.negotiate(...features);
    for (let queue = 0; queue < queues; queue++) this.setUp(queue);
    this.ready();
  }

  describe(table: number, index: number, { address, length, flags = 0 }: Offered, next = 0): void {
    const at = table + 16 * index;
    this.bench.store32(at, address);
    this.bench.store32(at + 4, 0);
    this.bench.store32(at + 8, length);
    this.bench.store16(at + 12, flags);
    this.bench.store16(at + 14, next);
  }

  /** Puts a chain of buffers into the queue, from descriptor `head` on, without a notification. */
  offer(queue: number, buffers: readonly Offered[], head = 0): void {
    const { descriptors, available } = this.placeOf(queue);
    buffers.forEach((buffer, index) => {
      const isLast = index === buffers.length - 1;
      const flags = (buffer.flags ?? 0) | (isLast ? 0 : Flag.Next);
      this.describe(descriptors, head + index, { ...buffer, flags }, head + index + 1);
    });
    this.makeAvailable(queue, head, available);
  }

  makeAvailable(queue: number, head: number, available = this.placeOf(queue).available): void {
    const { bench } = this;
    const index = this.next[queue] ?? 0;
    bench.store16(available + 4 + 2 * (index % this.sizeOf(queue)), head);
    this.next[queue] = (index + 1) & 0xffff;
    bench.store16(available + 2, this.next[queue] as number);
  }

  notify(queue: number): void {
    this.write(0x3000 + 4 * queue, 2, queue);
  }

  /** How many requests the device has answered. */
  answered(queue: number): number {
    return this.bench.load16(this.placeOf(queue).used + 2);
  }

  /** Head and bytes of an answer. */
  answer(queue: number, index: number): readonly [head: number, written: number] {
    const at = this.placeOf(queue).used + 4 + 8 * (index % this.sizeOf(queue));
    return [this.bench.load32(at), this.bench.load32(at + 4)];
  }

  sizeOf(queue: number): number {
    this.write(Common.QueueSelect, 2, queue);
    return this.read(Common.QueueSize, 2);
  }

  store(address: number, bytes: Iterable<number>): void {
    let at = address;
    for (const byte of bytes) this.bench.store8(at++, byte);
  }

  load(address: number, length: number): number[] {
    return Array.from({ length }, (_, at) => this.bench.load8(address + at));
  }
}
