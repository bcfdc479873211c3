/** @see Intel 8254 datasheet, order number 231164, "Mode Definitions" */
export const Mode = {
  TerminalCount: 0,
  OneShot: 1,
  RateGenerator: 2,
  SquareWave: 3,
  SoftwareStrobe: 4,
  HardwareStrobe: 5,
} as const;

/** OUT is high for one pulse more than low where the count is odd. @see Intel 8254 datasheet, "Mode 3" */
export const highHalf = (count: number): number => (count + 1) >> 1;

export const repeats = (mode: number): boolean => mode === Mode.RateGenerator || mode === Mode.SquareWave;
export const strobes = (mode: number): boolean => mode === Mode.SoftwareStrobe || mode === Mode.HardwareStrobe;
/** It begins with a rising edge of GATE, and then the level of GATE does not matter. */
export const needsTrigger = (mode: number): boolean => mode === Mode.OneShot || mode === Mode.HardwareStrobe;

/** A counter that counts from `start` in a mode. In mode 3 a half cycle begins, `isHigh` or low. */
export interface Run {
  readonly mode: number;
  readonly start: number;
  readonly isHigh: boolean;
}

/** Pulses of CLK in the period of mode 2, and in the half cycle of mode 3. */
export function cycleOf({ mode, start, isHigh }: Run): number {
  if (mode === Mode.RateGenerator) return start;
  return isHigh ? highHalf(start) : start - highHalf(start);
}

/**
 * After how many pulses of CLK from its beginning a run changes OUT, or raises it: the first number above `passed`. Infinity: it does
 * not. A pulse of OUT that lasts for one pulse of CLK counts at its end. A count of 1 is illegal in modes 2 and 3, and changes nothing.
 */
export function edgeAfter({ mode, start, isHigh }: Run, passed: number, isRise: boolean): number {
  if (!repeats(mode)) {
    const edge = strobes(mode) ? start + 1 : start;
    return edge > passed ? edge : Number.POSITIVE_INFINITY;
  }
  if (start === 1) return Number.POSITIVE_INFINITY;
  const half = mode === Mode.SquareWave ? highHalf(start) : start;
  const rise = firstAbove(passed, isHigh ? start : start - half, start);
  if (isRise || mode === Mode.RateGenerator) return rise;
  return Math.min(rise, firstAbove(passed, isHigh ? half : start, start));
}

/** The first of `from`, `from + period`, ... above a number. */
const firstAbove = (than: number, from: number, period: number): number =>
  from > than ? from : from + (Math.floor((than - from) / period) + 1) * period;
