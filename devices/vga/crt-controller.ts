import { bit, bits, indexedRegisters, portRegion, reserved } from '../../sdk/index.ts';

/** Where the two regions are for monochrome and for colour. */
export const CrtPorts = { monochrome: 0x3b4, colour: 0x3d4 } as const;
export const StatusPorts = { monochrome: 0x3ba, colour: 0x3da } as const;

/** Index and data of the CRT controller. */
export const crtPorts = portRegion({ name: 'vga-crtc', size: 2, missing: 'silent' });
export const crtIndex = crtPorts.register(0, { width: 8 });
const indexed = indexedRegisters({ index: crtIndex, data: 1 });

/** @see IBM, PS/2 Hardware Interface Technical Reference, "CRT Controller Registers" */
export const Crt = {
  HorizontalTotal: 0x00,
  HorizontalDisplayEnd: 0x01,
  VerticalTotal: 0x06,
  Overflow: 0x07,
  MaximumScanLine: 0x09,
  CursorStart: 0x0a,
  StartAddressHigh: 0x0c,
  StartAddressLow: 0x0d,
  CursorHigh: 0x0e,
  CursorLow: 0x0f,
  VerticalRetraceStart: 0x10,
  VerticalRetraceEnd: 0x11,
  VerticalDisplayEnd: 0x12,
  Offset: 0x13,
  UnderlineLocation: 0x14,
  ModeControl: 0x17,
  End: 0x19,
} as const;

export const crt = indexed.register(0, {
  width: 8,
  count: Crt.End,
  description:
    'horizontal total, display end, blanking start and end, retrace start and end, vertical total, overflow, preset row scan, ' +
    'maximum scan line, cursor start and end, start address, cursor address, vertical retrace start and end, vertical display end, ' +
    'offset, underline location, vertical blanking start and end, mode control, line compare',
});

/** Input status 1, and the feature control. */
export const statusPort = portRegion({ name: 'vga-status', size: 1, missing: 'silent' });
export const inputStatus1 = statusPort.register(0, {
  width: 8,
  fields: {
    displayDisabled: bit(0, 'read-only', { description: 'a retrace or the border, horizontal or vertical' }),
    unusedLow: bits(1, 2, 'constant'),
    verticalRetrace: bit(3, 'read-only'),
    diagnostic: bits(4, 5, 'constant'),
    unused: bits(6, 7, 'constant'),
  },
});
export const featureControl = statusPort.register(0, {
  width: 8,
  fields: {
    unused: reserved([0, 2], [4, 7]),
    verticalSync: bit(3, 'write-only', { description: 'stored only' }),
  },
});

/** Bits of the CRT controller's registers. */
const Bit = {
  Protect: 0x80,
  LineCompare: 0x10,
  CursorOff: 0x20,
  DoubleScan: 0x80,
  ScanLines: 0x1f,
  RetraceEnd: 0x0f,
  DoubleWords: 0x40,
  /** Of the mode control: clear in the word modes, such as text. */
  ByteMode: 0x40,
  AddressWrap: 0x20,
} as const;
const LastProtected = Crt.Overflow;

/** What the registers of the CRT controller say. Lines and characters count from 0; addresses are those of its own counter. */
export class CrtView {
  constructor(private readonly registers: Uint8Array) {}

  /** What the register `index` holds after a write: bit 7 of the retrace end locks the first eight, but for a bit of line compare. */
  kept(value: number, previous: number, index: number): number {
    if (index > LastProtected || (this.at(Crt.VerticalRetraceEnd) & Bit.Protect) === 0) return value;
    return index === Crt.Overflow ? (previous & ~Bit.LineCompare) | (value & Bit.LineCompare) : previous;
  }

  /** Characters in a line, retrace included. */
  get horizontalTotal(): number {
    return this.at(Crt.HorizontalTotal) + 5;
  }

  /** The number of visible characters in a line. */
  get columns(): number {
    return this.at(Crt.HorizontalDisplayEnd) + 1;
  }

  get verticalTotal(): number {
    return this.withOverflow(Crt.VerticalTotal, 0, 5) + 2;
  }

  /** The number of visible lines. */
  get lines(): number {
    return this.withOverflow(Crt.VerticalDisplayEnd, 1, 6) + 1;
  }

  get retraceStart(): number {
    return this.withOverflow(Crt.VerticalRetraceStart, 2, 7);
  }

  /** Lines. The end is compared in four bits. */
  get retraceLength(): number {
    return (this.at(Crt.VerticalRetraceEnd) - this.retraceStart) & Bit.RetraceEnd || Bit.RetraceEnd + 1;
  }

  /** Of a row of characters. */
  get linesPerRow(): number {
    const register = this.at(Crt.MaximumScanLine);
    return ((register & Bit.ScanLines) + 1) * (register & Bit.DoubleScan ? 2 : 1);
  }

  get startAddress(): number {
    return (this.at(Crt.StartAddressHigh) << 8) | this.at(Crt.StartAddressLow);
  }

  get cursorAddress(): number {
    return (this.at(Crt.CursorHigh) << 8) | this.at(Crt.CursorLow);
  }

  get isCursorOn(): boolean {
    return (this.at(Crt.CursorStart) & Bit.CursorOff) === 0;
  }

  /** From one row to the next. */
  get addressesPerRow(): number {
    return 2 * this.at(Crt.Offset);
  }

  /**
   * Where in its plane the controller reads for an address of its counter.
   *
   * @see IBM, PS/2 Hardware Interface Technical Reference, "CRT Mode Control Register": word mode rotates the address left
   */
  planeAddress(counter: number): number {
    const address = counter & 0xffff;
    if (this.at(Crt.UnderlineLocation) & Bit.DoubleWords) return ((address << 2) | ((address >>> 12) & 3)) & 0xffff;
    const mode = this.at(Crt.ModeControl);
    if (mode & Bit.ByteMode) return address;
    return ((address << 1) | ((address >>> (mode & Bit.AddressWrap ? 15 : 13)) & 1)) & 0xffff;
  }

  private at(index: number): number {
    return this.registers[index] as number;
  }

  /** Bits 8 and 9 are in the overflow register. */
  private withOverflow(index: number, bit8: number, bit9: number): number {
    const overflow = this.at(Crt.Overflow);
    return this.at(index) | (((overflow >>> bit8) & 1) << 8) | (((overflow >>> bit9) & 1) << 9);
  }
}
