/** Clock polarity and phase: CPOL in bit 1, CPHA in bit 0. */
export type SpiMode = 0 | 1 | 2 | 3;
export type SpiBitOrder = 'msb-first' | 'lsb-first';

/** A chip as its bus sees it. `SpiDevice` is one. */
export interface SpiChip {
  readonly id: string;
  /** The chip select that the machine wired to it. */
  readonly chipSelect: number;
  /** Its chip select is active. */
  selected: boolean;
  /** Its chip select becomes active, or inactive. */
  driveSelect(isActive: boolean): void;
  /** A word of the controller, in the controller's settings. Answers what the chip drives at the same time. */
  shiftWord(word: number, bits: number, mode: SpiMode, order: SpiBitOrder): number;
  connectToBus(chipSelect: number): void;
}

/** For a controller that is tested alone: answers each word with its opposite. It has no state. */
export const standIn: SpiChip = Object.freeze({
  id: 'stand-in',
  chipSelect: 0,
  selected: true,
  driveSelect: () => {},
  shiftWord: (word: number, bits: number) => 2 ** bits - 1 - word,
  connectToBus: () => {},
});
