import { lowMask } from '../../base/bits.ts';
import type { IndexedPlace } from './declaration.ts';

/** Which register a data port shows while the index register holds this. */
export function chosenIndex({ low, high }: IndexedPlace, held: number): number {
  return (held >>> low) & lowMask(high - low + 1);
}

/** What the index register must hold for a data port to show register `index`; its other bits stay as they are in `held`. */
export function choosingValue({ low, high }: IndexedPlace, held: number, index: number): number {
  const mask = lowMask(high - low + 1) << low;
  return ((held & ~mask) | ((index << low) & mask)) >>> 0;
}
