import { AddressSpace, type MemoryRegion } from '../../memory/index.ts';
import { type CapabilitySpec, PciCapabilityId } from '../pci/capabilities.ts';
import type { PciConfigSpace } from '../pci/config-space.ts';
import { ModernBar, StructureSize } from './modern-regions.ts';

const LinkSize = 2;
const WindowType = 5;
/** Of a structure, and of one with a further word. */
const Size = { Plain: 16, WithWord: 20 } as const;
/** Where a window has its parts, from the start of the capability. */
const Window = { Bar: 4, Offset: 8, Length: 12, Data: 16, Size: 20 } as const;

const word = (value: number): number[] => [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);

/** Number and link apart. @see virtio 1.2, 4.1.4 "Virtio Structure PCI Capabilities" */
export function vendorCapability(type: number, bar: number, offset: number, more?: number): number[] {
  const length = more === undefined ? Size.Plain : Size.WithWord;
  return [
    length,
    type,
    bar,
    0,
    0,
    0,
    ...word(offset),
    ...word(StructureSize),
    ...(more === undefined ? [] : word(more)),
  ];
}

/**
 * A window by which firmware reaches the structures before it has mapped the BAR.
 *
 * @see virtio 1.2, 4.1.4.9 "PCI configuration access capability"
 */
export function configurationWindow(offset: number): CapabilitySpec {
  const contents = [Size.WithWord, WindowType, ...Array<number>(Window.Size - LinkSize - 2).fill(0)];
  const isWritable = (at: number) => at === Window.Bar || at >= Window.Offset;
  const writable = contents.map((_, index) => (isWritable(index + LinkSize) ? 0xff : 0));
  return { id: PciCapabilityId.VendorSpecific, offset, contents, writable };
}

/** An access of the window's data is one of the memory BAR, at the offset and of the length that were written before. */
export class ConfigurationWindow {
  private space: AddressSpace | undefined;

  constructor(
    private readonly config: PciConfigSpace,
    /** Of the capability. */
    private readonly offset: number,
  ) {}

  open(name: string, bar: MemoryRegion): void {
    this.space = new AddressSpace(bar.topology, `${name}-pci-cfg`, bar);
  }

  close(): void {
    this.space?.dispose();
    this.space = undefined;
  }

  /** Whether an access of configuration space reaches the data. */
  covers(offset: number, size: number): boolean {
    const data = this.offset + Window.Data;
    return offset < data + 4 && data < offset + size;
  }

  /** The data becomes what the BAR has there. */
  fetch(): void {
    const place = this.place();
    if (place !== undefined) this.store(this.space?.read(place, this.length) ?? 0);
  }

  /** The data goes to the BAR. */
  deliver(): void {
    const place = this.place();
    if (place === undefined) return;
    this.space?.write(place, this.config.get(this.offset + Window.Data, this.length), this.length);
  }

  private store(value: number): void {
    this.config.set(this.offset + Window.Data, value, this.length);
  }

  private get length(): number {
    return this.config.get(this.offset + Window.Length, 4);
  }

  /** Where an access goes; undefined if the driver has not written one that is possible. */
  private place(): number | undefined {
    const { config, length } = this;
    const offset = config.get(this.offset + Window.Offset, 4);
    const isPossible =
      config.get(this.offset + Window.Bar, 1) === ModernBar && (length === 1 || length === 2 || length === 4);
    return isPossible && offset % length === 0 ? offset : undefined;
  }
}
