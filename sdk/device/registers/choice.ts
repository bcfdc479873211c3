import type { IndexedPlace } from './declaration.ts';

/** Which register a data port shows while the index register holds this. */
export function chosenIndex({ low, high }: IndexedPlace, held: number): number {
  return (held >>> low) & maskOf(low, high);
}

/** What the index register must hold for a data port to show register `index`; its other bits stay as they are in `held`. */
export function choosingValue({ low, high }: IndexedPlace, held: number, index: number): number {
  const mask = maskOf(low, high) << low;
  return ((held & ~mask) | ((index << low) & mask)) >>> 0;
}

const maskOf = (low: number, high: number): number => 2 ** (high - low + 1) - 1;
