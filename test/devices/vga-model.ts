/** The registers that decide about planes, as a guest has set them. */
export interface PlaneRegisters {
  mapMask: number;
  memoryMode: number;
  setReset: number;
  enableSetReset: number;
  colourCompare: number;
  rotate: number;
  operation: number;
  readMap: number;
  writeMode: number;
  readMode: number;
  isOddEven: boolean;
  isChained: boolean;
  colourDontCare: number;
  bitMask: number;
}

export const initialRegisters = (): PlaneRegisters => ({
  ...{ mapMask: 15, memoryMode: 6, setReset: 0, enableSetReset: 0, colourCompare: 0, rotate: 0, operation: 0 },
  ...{ readMap: 0, writeMode: 0, readMode: 0, isOddEven: false, isChained: false, colourDontCare: 15, bitMask: 0xff },
});

/**
 * The planes of a VGA bit by bit, as the technical reference describes them: for each plane and each bit a decision. It shares
 * nothing with the device.
 *
 * @see IBM, "Personal System/2 Hardware Interface Technical Reference", Video Subsystem, "Graphics Controller Registers"
 */
export class PlaneModel {
  readonly registers = initialRegisters();
  private readonly planes = [0, 1, 2, 3].map(() => new Map<number, number>());
  private latches = [0, 0, 0, 0];

  write(address: number, byte: number): void {
    const { mapMask } = this.registers;
    const at = this.addressInPlane(address);
    this.planes.forEach((plane, number) => {
      if ((mapMask >> number) % 2 === 0 || !this.isReached(address, number)) return;
      let result = 0;
      for (let bit = 0; bit < 8; bit++) result += this.bit(byte, number, bit) * 2 ** bit;
      plane.set(at, result);
    });
  }

  read(address: number): number {
    const { readMode, readMap, memoryMode, isOddEven } = this.registers;
    const at = this.addressInPlane(address);
    this.latches = this.planes.map((plane) => plane.get(at) ?? 0);
    if (readMode === 1) return this.compare();
    const odd = address % 2;
    const chained = memoryMode >= 8;
    const number = chained ? address % 4 : isOddEven ? readMap - (readMap % 2) + odd : readMap;
    return this.latches[number] as number;
  }

  at(plane: number, address: number): number {
    return this.planes[plane]?.get(address) ?? 0;
  }

  private isReached(address: number, plane: number): boolean {
    if (this.registers.memoryMode >= 8) return plane === address % 4;
    const isSequential = Math.floor(this.registers.memoryMode / 4) % 2 === 1;
    return isSequential || plane % 2 === address % 2;
  }

  private addressInPlane(address: number): number {
    if (this.registers.memoryMode >= 8) return address - (address % 4);
    return this.registers.isChained ? address - (address % 2) : address;
  }

  /** What one bit of one plane becomes. */
  private bit(byte: number, plane: number, bit: number): number {
    const { writeMode, rotate, bitMask, setReset, enableSetReset, operation } = this.registers;
    const of = (value: number, position: number): number => Math.floor(value / 2 ** position) % 2;
    const latch = of(this.latches[plane] as number, bit);
    if (writeMode === 1) return latch;
    const rotated = of(byte, (bit + rotate) % 8);
    const fill = of(setReset, plane);
    let isChanged = of(bitMask, bit) === 1;
    let wanted: number;
    if (writeMode === 2) wanted = of(byte, plane);
    else if (writeMode === 3) {
      isChanged = isChanged && rotated === 1;
      wanted = fill;
    } else wanted = of(enableSetReset, plane) === 1 ? fill : rotated;
    if (!isChanged) return latch;
    if (operation === 1) return wanted * latch;
    if (operation === 2) return Math.max(wanted, latch);
    return operation === 3 ? (wanted + latch) % 2 : wanted;
  }

  private compare(): number {
    const { colourCompare, colourDontCare } = this.registers;
    let result = 0;
    for (let bit = 0; bit < 8; bit++) {
      const matches = this.latches.every((latch, plane) => {
        const matters = Math.floor(colourDontCare / 2 ** plane) % 2 === 1;
        return !matters || Math.floor(latch / 2 ** bit) % 2 === Math.floor(colourCompare / 2 ** plane) % 2;
      });
      if (matches) result += 2 ** bit;
    }
    return result;
  }
}
