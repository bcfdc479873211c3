import { state } from '../../sdk/index.ts';

const PaletteEnd = 0x10;
const End = 0x15;
/** Bits that exist: six of a palette register; mode, overscan, plane enable, pixel panning, colour select. */
const PaletteBits = 0x3f;
const bitsFrom0x10 = [0xef, 0xff, 0x3f, 0x0f, 0x0f] as const;
const Index = 0x1f;
const PaletteAddressSource = 0x20;
const AddressBits = 0x3f;
const ModeControl = 0x10;
const Graphics = 0x01;
const Blinking = 0x08;

/**
 * The attribute controller. One port takes an address and then data, in turn. While the palette address source is set the screen shows
 * memory, and the palette registers keep what they hold.
 *
 * @see IBM, PS/2 Hardware Interface Technical Reference, "Attribute Controller Registers"
 */
export class AttributeController {
  @state readonly registers = new Uint8Array(End);
  /** The next write is data. */
  @state isDataNext = false;

  /** What the address register holds after a write to the port. */
  write(value: number, address: number): number {
    const isData = this.isDataNext;
    this.isDataNext = !isData;
    if (!isData) return value & AddressBits;
    this.set(address, value);
    return address;
  }

  /** Of the register at this address; 0 where there is none. */
  read(address: number): number {
    return this.registers[address & Index] ?? 0;
  }

  /** The next write is an address. */
  restart(): void {
    this.isDataNext = false;
  }

  get isGraphics(): boolean {
    return ((this.registers[ModeControl] as number) & Graphics) !== 0;
  }

  /** Bit 7 of a character's attribute is no colour. */
  get blinks(): boolean {
    return ((this.registers[ModeControl] as number) & Blinking) !== 0;
  }

  reset(): void {
    this.registers.fill(0);
    this.isDataNext = false;
  }

  protected set(address: number, value: number): void {
    const index = address & Index;
    if (index >= End) return;
    if (index >= PaletteEnd) this.registers[index] = value & (bitsFrom0x10[index - PaletteEnd] as number);
    else if ((address & PaletteAddressSource) === 0) this.registers[index] = value & PaletteBits;
  }
}
