import { bit, bits, indexedRegisters, KiB, mmioRegion, portRegion, reserved } from '../../sdk/index.ts';

const Offset = {
  Attribute: 0x0,
  AttributeData: 0x1,
  Miscellaneous: 0x2,
  SequencerIndex: 0x4,
  SequencerData: 0x5,
  PixelMask: 0x6,
  PixelReadAddress: 0x7,
  PixelWriteAddress: 0x8,
  PixelData: 0x9,
  FeatureControl: 0xa,
  MiscellaneousRead: 0xc,
  GraphicsIndex: 0xe,
  GraphicsData: 0xf,
} as const;

/** The ports that are in the same place for monochrome and for colour. */
export const ports = portRegion({ name: 'vga', base: 0x3c0, size: 16, missing: 'silent' });
/** Parts of it whose writes may wait: the address and the data of the attribute and graphics controllers, the sequencer, the DAC. */
export const Waiting = {
  attribute: { offset: Offset.Attribute, size: 1 },
  sequencer: { offset: Offset.SequencerIndex, size: 2 },
  palette: { offset: Offset.PixelMask, size: 4 },
  graphics: { offset: Offset.GraphicsIndex, size: 2 },
} as const;

/** Planes and text, at the four places that the graphics controller can choose. */
export const memoryWindow = mmioRegion({ name: 'vga-lowmem', base: 0xa_0000, size: 128 * KiB, priority: 1 });

const unused = (low: number, high = low) => bits(low, high, 'constant');

export const attributeAddress = ports.register(Offset.Attribute, {
  width: 8,
  fields: {
    index: bits(0, 4, 'read-only', { description: '0 to 0xf: the palette' }),
    paletteAddressSource: bit(5, 'read-only', { description: 'the screen shows memory, and the palette is locked' }),
    unused: unused(6, 7),
  },
});
export const attributePort = ports.register(Offset.Attribute, {
  width: 8,
  access: 'trigger',
  description: 'address and data in turn; a read of input status 1 makes the next write an address',
});
export const attributeData = ports.register(Offset.AttributeData, {
  width: 8,
  access: 'read-only',
  description: 'the register at the address: palette, mode, overscan, plane enable, pixel panning, colour select',
});

export const miscellaneousOutput = ports.register(Offset.Miscellaneous, {
  width: 8,
  fields: {
    colourPorts: bit(0, 'write-only', { description: 'the CRT controller is at 0x3d4, not at 0x3b4' }),
    enableMemory: bit(1, 'write-only', { description: 'the processor reaches the video memory' }),
    clockSelect: bits(2, 3, 'write-only', { values: { Dots640: 0, Dots720: 1 } }),
    unused: reserved(4),
    oddEvenPage: bit(5, 'write-only', { description: 'stored only' }),
    syncPolarity: bits(6, 7, 'write-only', { description: 'stored only' }),
  },
});
export const inputStatus0 = ports.register(Offset.Miscellaneous, {
  width: 8,
  access: 'constant',
  description: 'switch sense and the interrupt of the vertical retrace, which are not modelled',
});
export const miscellaneousRead = ports.register(Offset.MiscellaneousRead, { width: 8, access: 'read-only' });

export const sequencerIndex = ports.register(Offset.SequencerIndex, {
  width: 8,
  fields: { index: bits(0, 2), unused: unused(3, 7) },
});
const sequencer = indexedRegisters({ index: sequencerIndex, field: 'index', data: Offset.SequencerData });
export const sequencerReset = sequencer.register(0, {
  width: 8,
  description: 'bits 0 and 1: neither reset. Stored only',
});
export const clockingMode = sequencer.register(1, {
  width: 8,
  fields: {
    eightDots: bit(0, 'read-write', { description: 'characters are 8 dots wide, not 9' }),
    unusedLow: unused(1),
    shiftLoad: bit(2, 'unimplemented'),
    halfDotClock: bit(3, 'read-write', { description: '320 or 360 dots in a line' }),
    shiftFour: bit(4, 'unimplemented'),
    screenOff: bit(5, 'unimplemented'),
    unused: unused(6, 7),
  },
});
export const mapMask = sequencer.register(2, {
  width: 8,
  fields: { planes: bits(0, 3, 'read-write', { description: 'that a write changes' }), unused: unused(4, 7) },
});
export const characterMapSelect = sequencer.register(3, {
  width: 8,
  description: 'bits 0 to 5: the fonts in plane 2. Stored only',
});
export const memoryMode = sequencer.register(4, {
  width: 8,
  fields: {
    unusedLow: unused(0),
    extended: bit(1, 'read-write', { description: 'a plane has 64 KiB, not 16 KiB' }),
    sequential: bit(2, 'read-write', { description: 'even and odd addresses write all planes, not every second one' }),
    chain4: bit(3, 'read-write', { description: 'the two lowest address bits choose the plane' }),
    unused: unused(4, 7),
  },
});
export const sequencerUnused = sequencer.register(5, { width: 8, count: 2, access: 'constant' });
export const horizontalCounterReset = sequencer.register(7, { width: 8, access: 'unimplemented' });

export const graphicsIndex = ports.register(Offset.GraphicsIndex, {
  width: 8,
  fields: { index: bits(0, 3), unused: unused(4, 7) },
});
const graphics = indexedRegisters({ index: graphicsIndex, field: 'index', data: Offset.GraphicsData });
const planes = (description: string) =>
  ({ width: 8, fields: { planes: bits(0, 3, 'read-write', { description }), unused: unused(4, 7) } }) as const;
export const setReset = graphics.register(0, planes('that are filled with ones where the next register enables it'));
export const enableSetReset = graphics.register(1, planes('that take set/reset instead of the written byte'));
export const colourCompare = graphics.register(2, planes('the colour that read mode 1 looks for'));
export const dataRotate = graphics.register(3, {
  width: 8,
  fields: {
    count: bits(0, 2, 'read-write', { description: 'the written byte is rotated right by this' }),
    operation: bits(3, 4, 'read-write', { values: { Replace: 0, And: 1, Or: 2, Xor: 3 } }),
    unused: unused(5, 7),
  },
});
export const readMapSelect = graphics.register(4, {
  width: 8,
  fields: { plane: bits(0, 1, 'read-write', { description: 'that read mode 0 reads' }), unused: unused(2, 7) },
});
export const graphicsMode = graphics.register(5, {
  width: 8,
  fields: {
    writeMode: bits(0, 1),
    unusedLow: unused(2),
    readMode: bit(3, 'read-write', { description: 'reads compare colours' }),
    oddEven: bit(4, 'read-write', { description: 'reads of even and odd addresses choose even and odd planes' }),
    shiftRegister: bits(5, 6, 'unimplemented'),
    unused: unused(7),
  },
});
export const graphicsMiscellaneous = graphics.register(6, {
  width: 8,
  fields: {
    graphics: bit(0, 'unimplemented', { description: 'graphics, not text' }),
    chainOddEven: bit(1, 'read-write', { description: 'the lowest address bit chooses a plane and is not an address' }),
    memoryMap: bits(2, 3, 'read-write', { values: { At0xa0000For128K: 0, At0xa0000: 1, At0xb0000: 2, At0xb8000: 3 } }),
    unused: unused(4, 7),
  },
});
export const colourDontCare = graphics.register(7, planes('that read mode 1 compares'));
export const bitMask = graphics.register(8, { width: 8, description: 'bits that a write changes' });
export const graphicsUnused = graphics.register(9, { width: 8, count: 7, access: 'constant' });

export const pixelMask = ports.register(Offset.PixelMask, { width: 8 });
export const pixelReadAddress = ports.register(Offset.PixelReadAddress, { width: 8, access: 'trigger' });
export const pixelState = ports.register(Offset.PixelReadAddress, {
  width: 8,
  fields: {
    mode: bits(0, 1, 'read-only', { values: { Write: 0, Read: 3 } }),
    unused: unused(2, 7),
  },
});
export const pixelWriteAddress = ports.register(Offset.PixelWriteAddress, { width: 8, access: 'trigger' });
export const pixelAddress = ports.register(Offset.PixelWriteAddress, { width: 8, access: 'read-only' });
export const pixelWrite = ports.register(Offset.PixelData, {
  width: 8,
  access: 'trigger',
  description: 'red, green and blue in turn, then the next address',
});
export const pixelRead = ports.register(Offset.PixelData, { width: 8, access: 'read-only' });
export const featureControlRead = ports.register(Offset.FeatureControl, { width: 8, access: 'read-only' });
