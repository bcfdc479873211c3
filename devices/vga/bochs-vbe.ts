import { KiB, shape, state } from '../../sdk/index.ts';

export const BankSize = 64 * KiB;

/** Numbers of the registers. @see QEMU 7.2, include/hw/display/bochs-vbe.h, VBE_DISPI_INDEX_ID */
export const Vbe = {
  Id: 0x0,
  Width: 0x1,
  Height: 0x2,
  BitsPerPixel: 0x3,
  Enable: 0x4,
  Bank: 0x5,
  VirtualWidth: 0x6,
  VirtualHeight: 0x7,
  XOffset: 0x8,
  YOffset: 0x9,
  Memory: 0xa,
  End: 0xb,
} as const;
export const VbeEnable = { Enabled: 0x01, Capabilities: 0x02, WidePalette: 0x20, NoClear: 0x80 } as const;
/** The interface in its versions. */
const Ids = { first: 0xb0c0, last: 0xb0c5 } as const;
/** What the registers of a mode read while the capabilities are asked for. */
const capabilities = { [Vbe.Width]: 16_000, [Vbe.Height]: 12_000, [Vbe.BitsPerPixel]: 32 } as Readonly<
  Record<number, number>
>;
const depths = [4, 8, 15, 16, 24, 32];
const DefaultDepth = 8;

/** The registers of the Bochs VBE interface: a mode is set by its size and depth, then enabled, and shows the frame buffer. */
export class BochsVbe {
  @state({ as: shape.bits(16) }) index = 0;
  @state private readonly registers = new Uint16Array(Vbe.End);

  /** `changed` is called when the interface was enabled or disabled, or another bank chosen; `clears`: with an empty frame buffer. */
  constructor(
    private readonly memorySize: number,
    private readonly changed: (clears: boolean) => void,
  ) {
    this.reset();
  }

  get isEnabled(): boolean {
    return (this.registerOf(Vbe.Enable) & VbeEnable.Enabled) !== 0;
  }

  get hasWidePalette(): boolean {
    return (this.registerOf(Vbe.Enable) & VbeEnable.WidePalette) !== 0;
  }

  get bank(): number {
    return this.registerOf(Vbe.Bank);
  }

  /** Bytes of the frame buffer that the mode shows. */
  get modeBytes(): number {
    return this.registerOf(Vbe.VirtualWidth) * this.bytesPerPixel * this.registerOf(Vbe.Height);
  }

  /** 0 where there is no register. */
  read(index: number): number {
    const asksCapabilities = (this.registerOf(Vbe.Enable) & VbeEnable.Capabilities) !== 0;
    return (asksCapabilities ? capabilities[index] : undefined) ?? this.registers[index] ?? 0;
  }

  write(index: number, value: number): void {
    const { registers } = this;
    if (index === Vbe.Id) {
      if (value >= Ids.first && value <= Ids.last) registers[index] = value;
    } else if (index === Vbe.Enable) this.enable(value);
    else if (index === Vbe.Bank) {
      registers[index] = value & (this.memorySize / BankSize - 1);
      this.changed(false);
    } else if (index < Vbe.Enable) registers[index] = value;
    else if (index < Vbe.Memory && this.isEnabled) {
      registers[index] = value;
      this.fit();
    }
  }

  reset(): void {
    this.index = 0;
    this.registers.fill(0);
    this.registers[Vbe.Id] = Ids.last;
    this.registers[Vbe.Memory] = this.memorySize / BankSize;
  }

  private enable(value: number): void {
    const starts = (value & VbeEnable.Enabled) !== 0 && !this.isEnabled;
    this.registers[Vbe.Enable] = value;
    if (starts) {
      for (const register of [Vbe.Bank, Vbe.VirtualWidth, Vbe.VirtualHeight, Vbe.XOffset, Vbe.YOffset]) {
        this.registers[register] = 0;
      }
      this.fit();
    }
    this.changed(starts && (value & VbeEnable.NoClear) === 0);
  }

  /** A mode that the frame buffer can hold: the virtual width is at least the width, and the height is what fits. */
  private fit(): void {
    const { registers } = this;
    if (!depths.includes(this.registerOf(Vbe.BitsPerPixel))) registers[Vbe.BitsPerPixel] = DefaultDepth;
    const width = Math.min(Math.max(this.registerOf(Vbe.Width) & ~7, 8), capabilities[Vbe.Width] as number);
    const virtualWidth = Math.max(width, this.registerOf(Vbe.VirtualWidth) & ~7);
    const mostLines = Math.floor(this.memorySize / (virtualWidth * this.bytesPerPixel));
    const height = Math.min(Math.max(this.registerOf(Vbe.Height), 1), mostLines, capabilities[Vbe.Height] as number);
    registers[Vbe.Width] = width;
    registers[Vbe.Height] = height;
    registers[Vbe.VirtualWidth] = virtualWidth;
    registers[Vbe.VirtualHeight] = Math.min(mostLines, 0xffff);
    registers[Vbe.XOffset] = Math.min(this.registerOf(Vbe.XOffset), virtualWidth - width);
    registers[Vbe.YOffset] = Math.min(this.registerOf(Vbe.YOffset), Math.min(mostLines, 0xffff) - height);
  }

  private get bytesPerPixel(): number {
    return Math.ceil(this.registerOf(Vbe.BitsPerPixel) / 8);
  }

  private registerOf(index: number): number {
    return this.registers[index] as number;
  }
}
