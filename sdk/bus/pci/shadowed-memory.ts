import { KiB, MemoryRegion, type RegionOwner } from '../../memory/index.ts';
import type { SystemBus } from '../system-bus.ts';
import type { PciConfigSpace } from './config-space.ts';

const Windows = 13;
/** How many PAM registers there are, one after the other. */
export const PamRegisterCount = 7;

/** A part of the area between 640 KiB and 1 MiB, and the two bits that say what is there. */
export interface PamWindow {
  readonly start: number;
  readonly size: number;
  readonly register: number;
  readonly shift: number;
}

/**
 * The thirteen windows of a chipset whose PAM registers begin at `first`: 64 KiB from 0xf0000, then 16 KiB each from 0xc0000
 * up to there.
 */
export function pamWindows(first: number): readonly PamWindow[] {
  return Array.from({ length: Windows }, (_, window) =>
    window === 0
      ? { start: 0xf_0000, size: 64 * KiB, register: first, shift: 4 }
      : {
          start: 0xc_0000 + (window - 1) * 16 * KiB,
          size: 16 * KiB,
          register: first + Math.ceil(window / 2),
          shift: window % 2 === 0 ? 4 : 0,
        },
  );
}

/** What the configuration has a window show now. */
export function shadowOf({ register, shift }: PamWindow, config: PciConfigSpace): number {
  return (config.get(register, 1) >> shift) & 3;
}

const OverRam = 1;
const VgaWindow = { start: 0xa_0000, size: 128 * KiB } as const;

/**
 * The area from 640 KiB to 1 MiB as a PC's memory controller shows it. Each of thirteen windows shows RAM or the PCI bus.
 * The window of the VGA card hides the RAM below it until it is opened.
 */
export class ShadowedMemory {
  /** By the two bits of its PAM register, what a window shows; one of them is enabled. */
  private readonly windows: readonly { place: PamWindow; views: readonly MemoryRegion[] }[];
  private readonly vga: MemoryRegion;

  constructor(
    firstRegister: number,
    /** The views of the windows are mapped into `memory`, and show RAM or what is on the PCI bus, firmware for instance. */
    private readonly context: Pick<SystemBus, 'topology' | 'memory' | 'ram'> & {
      readonly owner: RegionOwner;
      readonly pci: MemoryRegion;
    },
  ) {
    const { ram, pci } = context;
    this.windows = pamWindows(firstRegister).map((place) => {
      const views = { rom: this.map('pam-rom', ram, place), ram: this.map('pam-ram', ram, place) };
      views.rom.setReadOnly(true);
      // Silicon alone tells write-only RAM from RAM.
      return { place, views: [this.map('pam-pci', pci, place), views.rom, views.ram, views.ram] };
    });
    this.vga = this.map('smram-region', pci, VgaWindow);
    this.vga.setEnabled(true);
  }

  /** Shows what the PAM registers say, in one change of the map. */
  arrange(config: PciConfigSpace, isVgaOpen: boolean): void {
    this.context.topology.transaction(() => {
      for (const { place, views } of this.windows) {
        const shown = views[shadowOf(place, config)];
        for (const view of views) view.setEnabled(view === shown);
      }
      this.vga.setEnabled(!isVgaOpen);
    });
  }

  remove(): void {
    const views = new Set([...this.windows.flatMap((window) => window.views), this.vga]);
    for (const view of views) this.context.memory.removeSubregion(view);
  }

  private map(name: string, target: MemoryRegion, { start, size }: { start: number; size: number }): MemoryRegion {
    const { topology, owner, memory } = this.context;
    const alias = MemoryRegion.alias(topology, name, target, start, size, { owner });
    alias.setEnabled(false);
    memory.addSubregion(start, alias, OverRam);
    return alias;
  }
}
