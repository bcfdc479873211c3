import {
  defineOptions,
  device,
  EventNotifiers,
  type IoeventfdSpec,
  inject,
  KiB,
  MemoryRegion,
  mmioRegion,
  type OptionsOf,
  option,
  options,
  portRegion,
  type RegionTemplate,
  shape,
  state,
} from '../sdk/index.ts';
import { bar, PciDevice, pci } from '../sdk/pci.ts';

const memory = mmioRegion({ name: 'pci-testdev-mmio', size: 4 * KiB, accepts: { max: 8 }, implements: { max: 1 } });
const ports = portRegion({ name: 'pci-testdev-portio', size: 256, implements: { max: 1 } });

/** Offsets in the header, the first half of each BAR. @see QEMU 7.2, hw/misc/pci-testdev.c, PCITestDevHdr */
const Header = { Test: 0x00, Width: 0x01, Offset: 0x04, Data: 0x08, Count: 0x0c, Name: 0x10 } as const;
const Data = { Matching: 0xfa, Wildcard: 0xce } as const;
const kinds = ['no-eventfd', 'wildcard-eventfd', 'datamatch-eventfd'] as const;
const None = -1;

/** One test: a byte in the second half of a BAR, and the value of a write that counts. */
interface Test {
  readonly name: string;
  readonly region: RegionTemplate;
  readonly offset: number;
  readonly data: number;
  readonly notifies: boolean;
  readonly matches: boolean;
}

const tests: readonly Test[] = [memory, ports].flatMap((region, space) =>
  kinds.map((kind, index) => ({
    name: `${space === 0 ? 'mmio' : 'portio'}-${kind}`,
    region,
    offset: region.size / 2 + space * kinds.length + index,
    data: kind === 'wildcard-eventfd' ? Data.Wildcard : Data.Matching,
    notifies: kind !== 'no-eventfd',
    matches: kind !== 'wildcard-eventfd',
  })),
);

export const pciTestdevOptions = defineOptions({
  membar: option.size({ description: 'size of an empty third BAR; 0 for none', default: 0 }),
});

/**
 * A device for measuring accesses, used by kvm-unit-tests: bytes that count the writes which reach them, and ioeventfds
 * that take those writes.
 *
 * A hostile guest can select tests and count; at most one ioeventfd is registered at a time.
 *
 * @see QEMU 7.2, docs/specs/pci-testdev.txt, and hw/misc/pci-testdev.c, pci_testdev_write
 */
@device({ type: 'pci-testdev', description: 'PCI Test Device' })
@pci({ vendorId: 0x1b36, deviceId: 0x0005, classCode: 0x00ff, subsystemVendorId: 0x1af4, subsystemId: 0x1100 })
@bar(0, memory)
@bar(1, ports)
export class PciTestdev extends PciDevice {
  /** The selected test of either BAR; -1 if none is. */
  @state({ as: shape.integer(None, tests.length - 1) }) selected: number = None;
  /** Writes that reached the selected test. */
  @state({ as: shape.bits(32) }) count = 0;
  /** Writes that an ioeventfd took. */
  @state notifications = 0;
  private readonly membar: number;
  private readonly eventfd: number;
  private armed: { readonly region: MemoryRegion; readonly spec: IoeventfdSpec } | undefined;

  constructor(
    @inject(EventNotifiers) notifiers: EventNotifiers,
    @options(pciTestdevOptions) { membar }: OptionsOf<typeof pciTestdevOptions>,
  ) {
    super();
    this.membar = membar;
    this.eventfd = notifiers.add(() => this.notifications++);
  }

  @memory.write()
  selectOrRunTestByMemory(value: number, offset: number): void {
    this.write(0, value, offset);
  }

  @memory.read()
  readHeaderByMemory(offset: number): number {
    return this.readHeader(offset);
  }

  @ports.write()
  selectOrRunTestByPort(value: number, offset: number): void {
    this.write(kinds.length, value, offset);
  }

  @ports.read()
  readHeaderByPort(offset: number): number {
    return this.readHeader(offset);
  }

  override reset(): void {
    this.select(None);
    this.notifications = 0;
  }

  protected override onRealize(): void {
    if (this.membar === 0) return;
    const region = MemoryRegion.container(this.topology, 'pci-testdev-membar', this.membar, { owner: this });
    this.bars.addRegion(2, region, { is64Bit: true, prefetchable: true });
  }

  override onStateLoaded(version: number): void {
    super.onStateLoaded(version);
    this.arm();
  }

  /** `firstTest` is the first test of the BAR that was written. */
  private write(firstTest: number, value: number, offset: number): void {
    const test = tests[this.selected];
    if (offset === Header.Test) this.select(value < kinds.length ? firstTest + value : None);
    else if (test !== undefined && offset === test.offset && (!test.matches || value === test.data)) {
      this.count = (this.count + 1) >>> 0;
    }
  }

  private select(test: number): void {
    this.selected = test;
    this.count = 0;
    this.arm();
  }

  /** Registers the ioeventfd of the selected test, and removes the last one. */
  private arm(): void {
    this.armed?.region.removeIoeventfd(this.armed.spec);
    this.armed = undefined;
    const { notifies, region, offset, matches, data } = tests[this.selected] ?? { notifies: false as const };
    if (!notifies) return;
    const spec = { offset, size: 1, fd: this.eventfd, ...(matches ? { match: data } : {}) };
    this.armed = { region: this.region(region), spec };
    this.armed.region.addIoeventfd(spec);
  }

  /** Both BARs show the header of the selected test. Bytes outside it are zero. */
  private readHeader(offset: number): number {
    const test = tests[this.selected];
    if (test === undefined) return 0;
    if (offset >= Header.Name) return test.name.charCodeAt(offset - Header.Name) || 0;
    if (offset >= Header.Count) return byteOf(this.count, offset - Header.Count);
    if (offset >= Header.Data) return byteOf(test.data, offset - Header.Data);
    if (offset >= Header.Offset) return byteOf(test.offset, offset - Header.Offset);
    return offset === Header.Test ? this.selected : offset === Header.Width ? 1 : 0;
  }
}

const byteOf = (value: number, byte: number): number => (value >>> (8 * byte)) & 0xff;
