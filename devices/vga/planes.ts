import { KiB, shape, state } from '../../sdk/index.ts';

export const PlaneSize = 64 * KiB;
const LastAddress = PlaneSize - 1;
/** Without extended memory. */
const LastOfSmall = 16 * KiB - 1;
const Planes = 4;

/** What the sequencer and the graphics controller say about the next access. Bits 0 to 3 of a set of planes are planes. */
export interface PlaneAccess {
  readonly mapMask: number;
  readonly memoryMode: number;
  readonly setReset: number;
  readonly enableSetReset: number;
  readonly colourCompare: number;
  readonly dataRotate: number;
  readonly readMapSelect: number;
  readonly graphicsMode: number;
  readonly graphicsMiscellaneous: number;
  readonly colourDontCare: number;
  readonly bitMask: number;
}

const Extended = 0x02;
const Sequential = 0x04;
const Chain4 = 0x08;
const ChainOddEven = 0x02;
const ReadOddEven = 0x10;
const CompareColours = 0x08;
/** The planes of even addresses; those of odd ones are one higher. */
const EvenPlanes = 0x05;
const AllPlanes = 0x0f;
const Operation = { And: 1, Or: 2, Xor: 3 } as const;

/** A byte of ones for each plane in a set. */
const spread = Int32Array.from({ length: 16 }, (_, set) => {
  let bytes = 0;
  for (let plane = 0; plane < Planes; plane++) if (set & (1 << plane)) bytes |= 0xff << (8 * plane);
  return bytes;
});
/** The same byte for each plane. */
const repeat = (byte: number): number => Math.imul(byte, 0x0101_0101);
const rotateRight = (byte: number, count: number): number => ((byte >>> count) | (byte << (8 - count))) & 0xff;

/**
 * Four planes of 64 KiB, and the data path of the graphics controller: latches, set/reset, rotation, the logical operation and the
 * bit mask. Addresses are those of the video memory, whatever memory map the processor uses. A byte of all planes is 32 bits here,
 * plane 0 lowest. Nothing is allocated for an access.
 *
 * @see IBM, PS/2 Hardware Interface Technical Reference, "Graphics Controller Registers"
 */
export class PlaneMemory {
  /** The bytes of the planes, side by side: byte `4 * address + plane`. */
  @state({ atReset: 'kept' }) readonly bytes = new Uint8Array(Planes * PlaneSize);
  /** What the last read found in the planes. */
  @state({ as: shape.integer(-(2 ** 31), 2 ** 31 - 1), atReset: 'kept' }) private latches = 0;

  constructor(private readonly access: PlaneAccess) {}

  byteAt(address: number, plane: number): number {
    return this.bytes[4 * address + plane] as number;
  }

  read(address: number): number {
    const { memoryMode, graphicsMode, readMapSelect } = this.access;
    const latches = this.load(this.planeAddress(address));
    this.latches = latches;
    if (graphicsMode & CompareColours) return this.compare(latches);
    let plane = readMapSelect;
    if (memoryMode & Chain4) plane = address & 3;
    else if (graphicsMode & ReadOddEven) plane = (readMapSelect & 2) | (address & 1);
    return (latches >>> (8 * plane)) & 0xff;
  }

  write(address: number, byte: number): void {
    const { mapMask, memoryMode } = this.access;
    let planes = mapMask;
    if (memoryMode & Chain4) planes &= 1 << (address & 3);
    else if ((memoryMode & Sequential) === 0) planes &= EvenPlanes << (address & 1);
    if (planes !== 0) this.store(this.planeAddress(address), this.combine(byte), spread[planes & AllPlanes] as number);
  }

  /** The address bits that choose a plane are zero in the planes. */
  protected planeAddress(address: number): number {
    const { memoryMode, graphicsMiscellaneous } = this.access;
    const inPlane = address & (memoryMode & Extended ? LastAddress : LastOfSmall);
    if (memoryMode & Chain4) return inPlane & ~3;
    return graphicsMiscellaneous & ChainOddEven ? inPlane & ~1 : inPlane;
  }

  /** What the planes get for a written byte. */
  private combine(byte: number): number {
    const { access, latches } = this;
    const { dataRotate } = access;
    const mode = access.graphicsMode & 3;
    if (mode === 1) return latches;
    let mask = access.bitMask;
    let data: number;
    if (mode === 2) data = spread[byte & AllPlanes] as number;
    else {
      const rotated = rotateRight(byte, dataRotate & 7);
      const filled = spread[access.setReset] as number;
      const takesFilled = mode === 3 ? -1 : (spread[access.enableSetReset] as number);
      data = (repeat(rotated) & ~takesFilled) | (filled & takesFilled);
      if (mode === 3) mask &= rotated;
    }
    const bits = repeat(mask);
    return (operate(dataRotate >>> 3, data, latches) & bits) | (latches & ~bits);
  }

  /** Ones where the planes that matter have the wanted colour. */
  private compare(latches: number): number {
    const { colourCompare, colourDontCare } = this.access;
    const differs = (latches ^ (spread[colourCompare] as number)) & (spread[colourDontCare] as number);
    return ~(differs | (differs >>> 8) | (differs >>> 16) | (differs >>> 24)) & 0xff;
  }

  private load(address: number): number {
    const { bytes } = this;
    const at = 4 * address;
    const low = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
    return low | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24);
  }

  private store(address: number, value: number, planes: number): void {
    const { bytes } = this;
    const at = 4 * address;
    for (let plane = 0; plane < Planes; plane++) {
      if ((planes >>> (8 * plane)) & 1) bytes[at + plane] = value >>> (8 * plane);
    }
  }
}

function operate(operation: number, data: number, latches: number): number {
  if (operation === Operation.And) return data & latches;
  if (operation === Operation.Or) return data | latches;
  return operation === Operation.Xor ? data ^ latches : data;
}
