import { BlockBackend } from '../sdk/backend.ts';
import {
  addCoalescedIo,
  containerRegion,
  defineOptions,
  device,
  flushCoalescedIo,
  inject,
  KiB,
  MemoryRegion,
  MiB,
  mmioRegion,
  type OptionsOf,
  option,
  options,
  portRegion,
  type ShowsText,
  state,
  type TextPosition,
  type TextScreen,
  VirtualClock,
} from '../sdk/index.ts';
import { bar, PciBus, pci } from '../sdk/pci.ts';
import { BochsVbe } from './vga/bochs-vbe.ts';
import { crtPorts, statusPort } from './vga/crt-controller.ts';
import { VgaPorts } from './vga/ports.ts';
import { memoryWindow, miscellaneousOutput, ports, Waiting } from './vga/registers.ts';
import { romRegionOf } from './vga/rom.ts';
import { setTextMode } from './vga/text-mode.ts';
import { textScreenOf } from './vga/text-screen.ts';
import { CardWindows } from './vga/windows.ts';

const memoryMapped = containerRegion({ name: 'vga.mmio', size: 4 * KiB });

const EightBits = 0xff;

/** Other accesses reach no register of VBE. */
const WordSize = 2;
const Words = { min: WordSize, max: WordSize } as const;
/** An index port, and a data port at each of the next two addresses. */
const VbePort = { Index: 0, LastData: 2 } as const;
const NoPort = 0xffff_ffff;
const LittleEndian = 0x1e1e_1e1e;
const AnyPlace = { unaligned: true } as const;
const vbePorts = portRegion({ name: 'vbe', base: 0x1ce, size: 4, accepts: AnyPlace, implements: AnyPlace });
/** Only its size and the byte order of the frame buffer. @see QEMU 7.2, docs/specs/standard-vga.txt, "MMIO area spec" */
const extended = mmioRegion({ name: 'qemu-extended', size: 8, accessSizes: [4] });
const extendedSize = extended.register(0, {
  width: 32,
  access: 'constant',
  reset: 8,
  description: 'bytes of this region',
});
const byteOrder = extended.register(4, {
  width: 32,
  access: 'constant',
  reset: LittleEndian,
  description: 'of the frame buffer: little',
});
const vbeMemory = mmioRegion({ name: 'bochs-dispi', size: 0x16, accepts: Words, implements: Words });

export const vgaOptions = defineOptions({
  vgamem: option.size({
    description: 'size of the frame buffer, BAR 0: a power of two',
    default: 16 * MiB,
    range: [1 * MiB, 256 * MiB],
  }),
  textMode: option.boolean({
    description: 'a reset leaves the text mode of 80 by 25, for guests without a VGA BIOS',
    default: false,
  }),
  romfile: option.backend(BlockBackend, { description: 'the VGA BIOS, in the expansion ROM' }),
});

/**
 * A VGA card on PCI: an IBM VGA with registers, planes and text, and a frame buffer with the Bochs VBE interface. Its VGA BIOS is that
 * of QEMU's `-vga std`. The ports and the window of the VGA are there without the bits of the PCI command register, as in QEMU.
 *
 * Writes have no effect until a register, the planes or the screen are read, and all of those deliver what is queued. So the window
 * and the registers are coalesced. The miscellaneous output is not, since it moves ports, and VBE is not, since it maps memory. While
 * VBE is enabled the window is a bank of the frame buffer, as plain memory.
 *
 * Not modelled: a picture, the retrace interrupt, the switch sense, EDID and planar VBE modes. The text leaves line compare out. The
 * planes are no part of the frame buffer.
 *
 * A hostile guest can write the memory of the card. It can move the CRT controller's ports and map banks, each at the cost of a change
 * of the memory map. It can clear the frame buffer again and again, by enabling a mode.
 *
 * @see IBM, PS/2 Hardware Interface Technical Reference, "Video Subsystem"
 * @see QEMU 7.2, docs/specs/standard-vga.txt, "PCI spec"
 */
@device({ type: 'VGA', description: 'VGA card with the Bochs VBE interface' })
@pci({
  vendorId: 0x1234,
  deviceId: 0x1111,
  revision: 2,
  classCode: 0x0300,
  subsystemVendorId: 0x1af4,
  subsystemId: 0x1100,
})
@bar(2, memoryMapped)
@addCoalescedIo(memoryWindow, { offset: 0, size: 128 * KiB })
@addCoalescedIo(ports, Waiting.attribute)
@addCoalescedIo(ports, Waiting.sequencer)
@addCoalescedIo(ports, Waiting.palette)
@addCoalescedIo(ports, Waiting.graphics)
@addCoalescedIo(crtPorts, { offset: 0, size: 2 })
@flushCoalescedIo(statusPort)
@flushCoalescedIo(vbePorts)
@flushCoalescedIo(vbeMemory)
@flushCoalescedIo(extended)
export class Vga extends VgaPorts implements ShowsText {
  @extendedSize readonly extendedSize = 8;
  @byteOrder readonly byteOrder = LittleEndian;
  @state private readonly vbe: BochsVbe;
  private frameBuffer: MemoryRegion | undefined;
  private windows: CardWindows | undefined;

  constructor(
    @inject(VirtualClock) clock: VirtualClock,
    @inject(PciBus) private readonly pciBus: PciBus,
    @options(vgaOptions) private readonly choices: OptionsOf<typeof vgaOptions>,
  ) {
    super(clock);
    this.vbe = new BochsVbe(this.choices.vgamem, (clears) => this.applyVbe(clears));
  }

  @miscellaneousOutput.onWrite('colourPorts')
  moveCrtPorts(): void {
    this.topology.transaction(() => this.windows?.showCrt(this.hasColourPorts));
  }

  @vbePorts.write()
  writeVbe(value: number, offset: number, size: number): void {
    if (size !== WordSize) return;
    if (offset === VbePort.Index) this.vbe.index = value;
    else if (offset <= VbePort.LastData) this.vbe.write(this.vbe.index, value);
  }

  @vbePorts.read()
  readVbe(offset: number, size: number): number {
    if (size !== WordSize || offset > VbePort.LastData) return NoPort;
    return offset === VbePort.Index ? this.vbe.index : this.vbe.read(this.vbe.index);
  }

  @vbeMemory.write()
  writeVbeByMemory(value: number, offset: number): void {
    this.vbe.write(offset >> 1, value);
  }

  @vbeMemory.read()
  readVbeByMemory(offset: number): number {
    return this.vbe.read(offset >> 1);
  }

  /** The screen of a text mode, without what is queued; undefined in graphics. */
  textScreen(): TextScreen | undefined {
    const { attributes, vbe } = this;
    if (vbe.isEnabled || attributes.isGraphics) return undefined;
    return textScreenOf(this.crtView, this.planes, attributes.blinks);
  }

  /** The lines of the screen without the blanks at their ends; none in graphics. Queued writes are delivered first. */
  screenText(): readonly string[] {
    this.deliverQueued();
    return this.textScreen()?.rows.map((row) => row.trimEnd()) ?? [];
  }

  /** Where the cursor of a text mode is; undefined while none is shown. */
  get cursor(): TextPosition | undefined {
    this.deliverQueued();
    return this.textScreen()?.cursor;
  }

  /** The same as `screenText`, in one string. */
  text(): string {
    return this.screenText().join('\n');
  }

  override reset(): void {
    super.reset();
    this.vbe.reset();
    if (this.choices.textMode) setTextMode(this, this.attributes);
    this.moveCrtPorts();
    this.applyVbe(false);
  }

  override onStateLoaded(version: number): void {
    super.onStateLoaded(version);
    this.moveCrtPorts();
    this.applyVbe(false);
  }

  protected override onRealize(): void {
    const { topology, choices } = this;
    const frameBuffer = MemoryRegion.ram(topology, 'vga.vram', choices.vgamem, { owner: this });
    const rom = romRegionOf(choices.romfile, this.id, topology, this);
    const regions = {
      ports: this.region(ports),
      crt: this.region(crtPorts),
      status: this.region(statusPort),
      vbe: this.region(vbeMemory),
      extended: this.region(extended),
      frameBuffer,
      memoryMapped: this.region(memoryMapped),
    };
    this.frameBuffer = frameBuffer;
    this.bars.addRegion(0, frameBuffer, { prefetchable: true });
    if (rom !== undefined) this.bars.addRom(rom);
    this.topology.transaction(() => {
      this.windows = new CardWindows(regions, this.pciBus);
      this.moveCrtPorts();
    });
  }

  protected override onUnrealize(): void {
    this.windows?.remove();
    this.windows = undefined;
    this.frameBuffer = undefined;
  }

  protected override get colourBits(): number {
    return this.vbe.hasWidePalette ? EightBits : super.colourBits;
  }

  private applyVbe(clears: boolean): void {
    const { vbe } = this;
    if (clears) this.frameBuffer?.ram?.bytes.fill(0, 0, vbe.modeBytes);
    this.topology.transaction(() => this.windows?.showBank(vbe.isEnabled, vbe.bank));
  }

  private deliverQueued(): void {
    if (this.realized) this.topology.coalescedIoFlusher.flushCoalescedIo();
  }
}
