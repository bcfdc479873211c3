import { type BusContainers, MemoryRegion } from '../../sdk/index.ts';
import { BankSize } from './bochs-vbe.ts';
import { CrtPorts, StatusPorts } from './crt-controller.ts';
import { memoryWindow } from './registers.ts';

/** In the memory-mapped registers. @see QEMU 7.2, docs/specs/standard-vga.txt, "MMIO area spec" */
const MemoryMapped = { Ports: 0x400, Crt: 0x414, Status: 0x41a, Vbe: 0x500, Extended: 0x600 } as const;
const OverPlanes = memoryWindow.priority + 1;

/** The memory regions of a card. */
export interface CardRegions {
  readonly ports: MemoryRegion;
  readonly crt: MemoryRegion;
  readonly status: MemoryRegion;
  readonly vbe: MemoryRegion;
  readonly extended: MemoryRegion;
  readonly frameBuffer: MemoryRegion;
  readonly memoryMapped: MemoryRegion;
}

/** Where the registers of a card show besides their ports: the CRT controller in one of two places, and a bank of the frame buffer. */
export class CardWindows {
  private readonly monochrome: readonly MemoryRegion[];
  private readonly colour: readonly MemoryRegion[];
  private readonly bank: MemoryRegion;

  constructor(
    private readonly regions: CardRegions,
    { io, memory }: BusContainers,
  ) {
    const { frameBuffer, memoryMapped, ports, vbe, extended } = regions;
    this.colour = this.placeCrt('colour', io, CrtPorts.colour, StatusPorts.colour);
    this.monochrome = this.placeCrt('monochrome', io, CrtPorts.monochrome, StatusPorts.monochrome);
    this.bank = MemoryRegion.alias(frameBuffer.topology, 'vga.bank', frameBuffer, 0, BankSize);
    this.bank.setEnabled(false);
    memory.addSubregion(memoryWindow.base as number, this.bank, OverPlanes);
    const mapped = MemoryRegion.alias(ports.topology, 'vga.mmio-ports', ports, 0, ports.size);
    memoryMapped.addSubregion(MemoryMapped.Ports, mapped);
    this.placeCrt('mmio', memoryMapped, MemoryMapped.Crt, MemoryMapped.Status);
    memoryMapped.addSubregion(MemoryMapped.Vbe, vbe);
    memoryMapped.addSubregion(MemoryMapped.Extended, extended);
  }

  showCrt(inColour: boolean): void {
    for (const region of this.colour) region.setEnabled(inColour);
    for (const region of this.monochrome) region.setEnabled(!inColour);
  }

  /** In place of the planes. */
  showBank(isShown: boolean, bank: number): void {
    this.bank.setAliasOffset(bank * BankSize);
    this.bank.setEnabled(isShown);
  }

  remove(): void {
    for (const region of [...this.colour, ...this.monochrome, this.bank]) region.container?.removeSubregion(region);
  }

  private placeCrt(name: string, around: MemoryRegion, crtAt: number, statusAt: number): readonly MemoryRegion[] {
    const { crt, status } = this.regions;
    const aliases = [
      { at: crtAt, region: MemoryRegion.alias(crt.topology, `vga-crtc-${name}`, crt, 0, crt.size) },
      { at: statusAt, region: MemoryRegion.alias(crt.topology, `vga-status-${name}`, status, 0, status.size) },
    ];
    for (const { at, region } of aliases) around.addSubregion(at, region);
    return aliases.map(({ region }) => region);
  }
}
