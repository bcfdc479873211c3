import { bits, undocumented } from '../../device/index.ts';
import { KiB, MemoryRegion, type RegionOwner } from '../../memory/index.ts';
import type { SystemBus } from '../system-bus.ts';

/** What a window of the area below 1 MiB shows, by the two bits of its PAM register: read enable, and write enable above it. */
const Shown = { pci: 0, readOnlyRam: 1, writeOnlyRam: 2, ram: 3 } as const;

/**
 * The seven PAM registers of a PC's memory controller, wherever its configuration space has them. Each has two windows of
 * 16 KiB; the first has one, of 64 KiB. `@pam pam = new Uint8Array(7)`, with
 * `const pam = configRegisters.register(0x59, pamRegisters)`.
 */
export const pamRegisters = {
  width: 8,
  count: 7,
  description: 'RAM or PCI, for two windows of the area from 0xc0000 to 0xfffff',
  fields: {
    lower: bits(0, 1, 'read-write', { values: Shown, description: 'the lower window; the first register has none' }),
    upper: bits(4, 5, 'read-write', { values: Shown, description: 'the upper window; of the first, from 0xf0000 on' }),
    unused: undocumented([2, 3], [6, 7]),
  },
} as const;

/** A part of the area between 640 KiB and 1 MiB, and the two bits that say what is there. */
interface PamWindow {
  readonly start: number;
  readonly size: number;
  /** Which of the PAM registers. */
  readonly register: number;
  readonly shift: number;
}

/** The thirteen windows: 64 KiB from 0xf0000, then 16 KiB each from 0xc0000 up to there. */
const windows: readonly PamWindow[] = Array.from({ length: 13 }, (_, window) =>
  window === 0
    ? { start: 0xf_0000, size: 64 * KiB, register: 0, shift: 4 }
    : {
        start: 0xc_0000 + (window - 1) * 16 * KiB,
        size: 16 * KiB,
        register: Math.ceil(window / 2),
        shift: window % 2 === 0 ? 4 : 0,
      },
);

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
    /** The views of the windows are mapped into `memory`, and show RAM or what is on the PCI bus, firmware for instance. */
    private readonly context: Pick<SystemBus, 'topology' | 'memory' | 'ram'> & {
      readonly owner: RegionOwner;
      readonly pci: MemoryRegion;
    },
  ) {
    const { ram, pci } = context;
    this.windows = windows.map((place) => {
      const views = { rom: this.map('pam-rom', ram, place), ram: this.map('pam-ram', ram, place) };
      views.rom.setReadOnly(true);
      // Silicon alone tells write-only RAM from RAM.
      return { place, views: [this.map('pam-pci', pci, place), views.rom, views.ram, views.ram] };
    });
    this.vga = this.map('smram-region', pci, VgaWindow);
    this.vga.setEnabled(true);
  }

  /** Shows what the seven PAM registers say, in one change of the map. */
  arrange(pam: Uint8Array, isVgaOpen: boolean): void {
    this.context.topology.transaction(() => {
      for (const { place, views } of this.windows) {
        const shown = views[((pam[place.register] as number) >> place.shift) & 3];
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
