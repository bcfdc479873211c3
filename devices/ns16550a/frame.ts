import { SECOND } from '../../sdk/index.ts';
import { lineControl } from './registers.ts';

/** Clocks of the divided clock for each bit. */
const ClocksPerBit = 16;

/** The bits of a character on the line: a start bit, the word, maybe a parity bit, and the stop bits. */
export function bitsOfFrame(control: number): number {
  const { wordLength, moreStopBits, parityEnable } = lineControl.fields;
  const word = 5 + wordLength.of(control);
  const stop = moreStopBits.of(control) === 0 ? 1 : word === 5 ? 1.5 : 2;
  return 1 + word + parityEnable.of(control) + stop;
}

/**
 * Nanoseconds of a character. The divisor 0, which the chip cannot have, counts as 1.
 *
 * @see National PC16550D datasheet, 8.1 "Line Control Register" and 8.2 "Programmable Baud Generator"
 */
export function characterTime(control: number, divisor: number, frequency: number): number {
  return Math.ceil((bitsOfFrame(control) * ClocksPerBit * Math.max(divisor, 1) * SECOND) / frequency);
}
