import { MICROSECOND, MILLISECOND, NANOSECOND, SECOND } from '../../clock/index.ts';

/** The unit in which a stretch of guest time is told: the largest that does not make it a fraction. */
export interface TimeScale {
  readonly unit: string;
  readonly nanoseconds: number;
}

const scales: readonly TimeScale[] = [
  { unit: 's', nanoseconds: SECOND },
  { unit: 'ms', nanoseconds: MILLISECOND },
  { unit: 'µs', nanoseconds: MICROSECOND },
  { unit: 'ns', nanoseconds: NANOSECOND },
];

export function timeScaleOf(longest: number): TimeScale {
  return scales.find(({ nanoseconds }) => longest >= nanoseconds) ?? scales[scales.length - 1]!;
}

/** `47.3 ms`: in the unit that suits it, to four digits. */
export function formatTime(time: number, { unit, nanoseconds } = timeScaleOf(time)): string {
  return `${Number((time / nanoseconds).toPrecision(4)).toLocaleString('en-US')} ${unit}`;
}
