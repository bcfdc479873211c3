import { BackplaneError } from '../../base/errors.ts';
import type { MemoryRegion } from '../../memory/index.ts';
import type { BusContainers } from '../bus.ts';
import { type BarDeclaration, type BarSpec, checkBar, isRomSize, registersOf } from './bar-declaration.ts';
import type { PciConfigSpace } from './config-space.ts';
import { PciCommand, PciRegister } from './header.ts';

const BarType = { Ports: 0x1, Is64Bit: 0x4, Prefetchable: 0x8 } as const;
const RomEnable = 0x1;
/** The last byte of 4 GiB. A 32-bit BAR that would reach it is not mapped: all ones written to it ask for its size. */
const Last32Bit = 0xffff_ffff;
const LastPort = 0xffff;
/** BARs have priority over regions of the bus itself. */
const BarPriority = 1;

/** One BAR, or the expansion ROM: its register, and where its region is now. */
export interface PciBar extends Required<BarSpec> {
  /** 0 to 5; undefined for the expansion ROM. */
  readonly index: number | undefined;
  readonly kind: 'ports' | 'memory';
  readonly size: number;
  /** Its (first) register in configuration space. */
  readonly register: number;
  /** Where the guest has put it, in the bus's ports or memory; undefined while it is not mapped. */
  readonly address: number | undefined;
  /** What is mapped there; undefined until the device is realized. @internal */
  readonly region: MemoryRegion | undefined;
}

interface BarState extends PciBar {
  readonly declared: boolean;
  region: MemoryRegion | undefined;
  address: number | undefined;
}

/**
 * The base address registers of one function. The guest writes addresses; a region is mapped there while the command
 * register lets the function decode them. Written with ones, a register answers with the bits that an address can have,
 * which is how guests learn the size.
 */
export class PciBars {
  private bars: BarState[] = [];
  private containers: BusContainers | undefined;

  constructor(private readonly config: PciConfigSpace) {}

  /** In the order of their registers. */
  get all(): readonly PciBar[] {
    return this.bars;
  }

  /** As declared by `@bar`; the region comes when the device is realized. @internal */
  declare({ index, region, kind, is64Bit, prefetchable }: BarDeclaration): void {
    this.add(index, { kind, size: region.size, is64Bit, prefetchable }, undefined);
  }

  /** For BARs that depend on options, whose region the device makes itself. */
  addRegion(
    index: number,
    region: MemoryRegion,
    { kind = 'memory', is64Bit = false, prefetchable = false }: BarSpec,
  ): void {
    const shape = { kind, size: region.size, is64Bit, prefetchable };
    const refuse = (code: string, why: string) =>
      new BackplaneError(code, `BAR ${index} (region '${region.name}'): ${why}`);
    checkBar(index, shape, refuse);
    const registers = registersOf({ index, is64Bit });
    const other = this.bars.find(
      (one) => one.index !== undefined && registersOf(one as never).some((r) => registers.includes(r)),
    );
    if (other !== undefined)
      throw refuse('bar-register-taken', `its register belongs to BAR ${other.index}. Give one of them another index.`);
    this.add(index, shape, region);
  }

  /** The expansion ROM has a register of its own, with an enable bit. */
  addRom(region: MemoryRegion): void {
    const { size } = region;
    if (!isRomSize(size)) {
      throw new BackplaneError(
        'invalid-expansion-rom',
        `Expansion ROM '${region.name}': ${size} bytes is not a power of two from 2 KiB to 16 MiB. Fill it up with 0xff.`,
      );
    }
    if (this.bars.some(({ index }) => index === undefined)) {
      throw new BackplaneError(
        'expansion-rom-twice',
        `Expansion ROM '${region.name}': the function has one already. Keep one of them.`,
      );
    }
    this.config.setWritable(PciRegister.ExpansionRom, (~(size - 1) | RomEnable) >>> 0, 4);
    const register = PciRegister.ExpansionRom;
    const shape = { kind: 'memory', size, is64Bit: false, prefetchable: false } as const;
    this.bars.push({ ...shape, index: undefined, register, region, address: undefined, declared: false });
  }

  /** The device is realized: what its class declared has regions now. */
  fill(regionOf: (index: number) => MemoryRegion): void {
    for (const bar of this.bars) if (bar.index !== undefined) bar.region ??= regionOf(bar.index);
  }

  /** The device is unrealized: its regions are gone, and so are BARs that it made by hand. */
  release(): void {
    this.bars = this.bars.filter(({ declared }) => declared);
    for (const bar of this.bars) bar.region = undefined;
  }

  /** The device is on a bus: from now on its registers have an effect. */
  connect(containers: BusContainers): void {
    this.containers = containers;
    this.update();
  }

  /** Off the bus: nothing of it stays mapped. */
  disconnect(): void {
    this.containers = undefined;
    this.update();
  }

  /** Whether a write to these bytes of the configuration can move something. */
  concerns(offset: number, size: number): boolean {
    if (this.bars.length === 0) return false;
    const touches = (start: number, length: number) => offset < start + length && start < offset + size;
    return touches(PciRegister.Command, 1) || this.bars.some((bar) => touches(bar.register, bar.is64Bit ? 8 : 4));
  }

  /** Maps and unmaps what the registers say now, in one transaction; nothing happens if nothing moves. */
  update(): void {
    const moving = this.bars.filter((bar) => bar.region !== undefined && this.placeOf(bar) !== bar.address);
    const topology = moving[0]?.region?.topology;
    topology?.transaction(() => {
      for (const bar of moving) this.unmap(bar);
      for (const bar of moving) this.map(bar);
    });
  }

  /** A bus reset leaves the type bits only. */
  reset(): void {
    for (const bar of this.bars) this.clear(bar);
  }

  private add(index: number, shape: BarShape, region: MemoryRegion | undefined): void {
    const register = PciRegister.BaseAddress0 + 4 * index;
    const bar = { ...shape, index, register, region, address: undefined, declared: region === undefined };
    const at = this.bars.findIndex((other) => other.index === undefined || other.index > index);
    this.bars.splice(at < 0 ? this.bars.length : at, 0, bar);
    const above4GiB = Math.max(bar.size / 2 ** 32, 1);
    this.config.setWritable(bar.register, bar.size < 2 ** 32 ? 2 ** 32 - bar.size : 0, 4);
    if (bar.is64Bit) this.config.setWritable(bar.register + 4, (2 ** 32 - above4GiB) % 2 ** 32, 4);
    this.clear(bar);
  }

  private clear(bar: BarState): void {
    const { kind, is64Bit, prefetchable, register, index } = bar;
    const memoryBits = (is64Bit ? BarType.Is64Bit : 0) | (prefetchable ? BarType.Prefetchable : 0);
    const type = index === undefined ? 0 : kind === 'ports' ? BarType.Ports : memoryBits;
    this.config.set(register, type, 4);
    if (is64Bit) this.config.set(register + 4, 0, 4);
  }

  /** Where the registers put it. Address 0, or an end at or beyond the last one, means: not mapped. */
  private placeOf({ index, kind, size, is64Bit, register }: BarState): number | undefined {
    const { config } = this;
    const decodes = config.get(PciRegister.Command, 1) & (kind === 'ports' ? PciCommand.Io : PciCommand.Memory);
    if (this.containers === undefined || decodes === 0) return undefined;
    const low = config.get(register, 4);
    if (index === undefined && (low & RomEnable) === 0) return undefined;
    const whole = is64Bit ? config.get(register + 4, 4) * 2 ** 32 + low : low;
    const address = Math.floor(whole / size) * size;
    const last = address + size - 1;
    if (address === 0) return undefined;
    if (kind === 'ports') return last > LastPort ? undefined : address;
    // No processor of this kind has 53 address bits, and beyond them numbers are not exact.
    const end = is64Bit ? Number.MAX_SAFE_INTEGER : Last32Bit;
    return last >= end ? undefined : address;
  }

  private unmap(bar: BarState): void {
    if (bar.address === undefined) return;
    const region = bar.region as MemoryRegion;
    region.container?.removeSubregion(region);
    bar.address = undefined;
  }

  private map(bar: BarState): void {
    const address = this.placeOf(bar);
    if (address === undefined || this.containers === undefined) return;
    const container = bar.kind === 'ports' ? this.containers.io : this.containers.memory;
    container.addSubregion(address, bar.region as MemoryRegion, BarPriority);
    bar.address = address;
  }
}

interface BarShape extends Required<BarSpec> {
  readonly kind: 'ports' | 'memory';
  readonly size: number;
}
