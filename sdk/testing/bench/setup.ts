import type { Bus } from '../../bus/bus.ts';
import type { ConcreteDeviceClass, Device, GivenOptionsOfClass } from '../../device/index.ts';
import type { Placement } from '../../machine/wiring.ts';
import type { MemoryTopology } from '../../memory/index.ts';
import type { BenchService } from './services.ts';
import type { TestImage } from './test-backends.ts';

/** How a device is put on the bench. Everything may be left out. */
export interface TestBenchOptions<C extends ConcreteDeviceClass> {
  /** Values that differ from the defaults, as `use()` takes them. */
  readonly options?: GivenOptionsOfClass<C>;
  /** Where regions go that are not to be at their base: `at: [place(ports, 0x170)]`. */
  readonly at?: readonly Placement[];
  /** The bus that it plugs into, in place of a new one: `bus: new I2cBus()`. */
  readonly bus?: Bus;
  /** Its address there: '0x68'. Default: one that the bus has for benches. */
  readonly addr?: string;
  /** What the device's constructor asks for beyond clock, buses and DMA: `services: [[Disk, new FakeDisk()]]`. */
  readonly services?: readonly BenchService[];
  /** Bytes of guest RAM from address 0, for devices that reach it. Default: 1 MiB. */
  readonly ram?: number;
  /** Where RAM comes from, for an accelerator that is to share it. */
  readonly allocateRam?: MemoryTopology['allocateRam'];
  /** Guest time on the clock when the device is made, in nanoseconds; a bigint beyond 2^53. Default: 0. */
  readonly startAt?: number | bigint;
  /** What is in the images of block options, by the names of the options: bytes, or how many zeros. Default: 64 KiB of zeros. */
  readonly images?: { readonly [option: string]: TestImage };
  /** False: no option of the device has a back end behind it. */
  readonly backends?: false;
  /** Looks at the device when it is realized, and before its first reset. */
  readonly beforeReset?: (device: Device) => void;
}

export const setupWords: Readonly<Record<keyof TestBenchOptions<ConcreteDeviceClass>, true>> = {
  options: true,
  at: true,
  bus: true,
  addr: true,
  services: true,
  ram: true,
  allocateRam: true,
  startAt: true,
  images: true,
  backends: true,
  beforeReset: true,
};
