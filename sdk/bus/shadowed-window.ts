import { KiB, MemoryRegion, type MemoryTopology, type RegionOwner } from '../memory/index.ts';
import type { PciConfigSpace } from './pci-config-space.ts';

/** What a window of the BIOS area shows: two bits of a PAM register. Only silicon tells the last two apart. */
export const Shadow = { Pci: 0, ReadOnlyRam: 1, WriteOnlyRam: 2, Ram: 3 } as const;

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

/** Where the window's views lie, and what they are views of. */
export interface ShadowSurroundings {
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

  constructor({ start, size }: PamWindow, { topology, owner, memory, ram, pci }: ShadowSurroundings) {
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
