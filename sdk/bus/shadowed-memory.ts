import { KiB, MemoryRegion, type MemoryTopology, type RegionOwner } from '../memory/index.ts';
import type { PciConfigSpace } from './pci/config-space.ts';

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

/** Where the views of a window are mapped, and what they show. */
export interface ShadowContext {
  readonly topology: MemoryTopology;
  readonly owner: RegionOwner;
  /** The root of memory, in which the views are mapped. */
  readonly memory: MemoryRegion;
  readonly ram: MemoryRegion;
  /** What is on the PCI bus, the firmware's ROM for instance. */
  readonly pci: MemoryRegion;
}

const OverRam = 1;

/** One window with its views, of which exactly one is enabled. */
export class ShadowedWindow {
  private readonly views: readonly MemoryRegion[];

  constructor({ start, size }: PamWindow, { topology, owner, memory, ram, pci }: ShadowContext) {
    const view = (name: string, target: MemoryRegion): MemoryRegion => {
      const alias = MemoryRegion.alias(topology, name, target, start, size, { owner });
      alias.setEnabled(false);
      memory.addSubregion(start, alias, OverRam);
      return alias;
    };
    const readOnly = view('pam-rom', ram);
    readOnly.setReadOnly(true);
    const writable = view('pam-ram', ram);
    this.views = [view('pam-pci', pci), readOnly, writable, writable];
  }

  show(shadow: number): void {
    const shown = this.views[shadow];
    for (const view of this.views) view.setEnabled(view === shown);
  }

  remove(): void {
    for (const view of new Set(this.views)) view.container?.removeSubregion(view);
  }
}

const VgaWindow = { start: 0xa_0000, size: 128 * KiB } as const;

/**
 * The area from 640 KiB to 1 MiB as a PC's memory controller shows it. Each of thirteen windows shows RAM or the PCI bus.
 * The window of the VGA card hides the RAM below it until it is opened.
 */
export class ShadowedMemory {
  private readonly windows: readonly ShadowedWindow[];
  private readonly vga: MemoryRegion;

  constructor(
    private readonly firstRegister: number,
    private readonly around: ShadowContext,
  ) {
    const { topology, owner, memory, pci } = around;
    const { start, size } = VgaWindow;
    this.windows = pamWindows(firstRegister).map((window) => new ShadowedWindow(window, around));
    this.vga = MemoryRegion.alias(topology, 'smram-region', pci, start, size, { owner });
    memory.addSubregion(start, this.vga, OverRam);
  }

  /** What the PAM registers say now, in one change of the map. */
  arrange(config: PciConfigSpace, isVgaOpen: boolean): void {
    const places = pamWindows(this.firstRegister);
    this.around.topology.transaction(() => {
      for (const [number, window] of this.windows.entries()) window.show(shadowOf(places[number]!, config));
      this.vga.setEnabled(!isVgaOpen);
    });
  }

  remove(): void {
    for (const window of this.windows) window.remove();
    this.around.memory.removeSubregion(this.vga);
  }
}
