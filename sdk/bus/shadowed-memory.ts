import { KiB, MemoryRegion } from '../memory/index.ts';
import type { PciConfigSpace } from './pci-config-space.ts';
import { pamWindows, ShadowedWindow, type ShadowSurroundings, shadowOf } from './shadowed-window.ts';

const VgaWindow = { start: 0xa_0000, size: 128 * KiB } as const;
const OverRam = 1;

/**
 * The area from 640 KiB to 1 MiB as a PC's memory controller shows it: thirteen windows of which each is RAM or the PCI bus,
 * and the window of the VGA card, which hides the RAM behind it until it is opened.
 */
export class ShadowedMemory {
  private readonly windows: readonly ShadowedWindow[];
  private readonly vga: MemoryRegion;

  constructor(
    private readonly firstRegister: number,
    private readonly around: ShadowSurroundings,
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
