import { decimal } from '../base/text.ts';

/** Powers of ten over a nanosecond. */
const Units = [
  [9, 's'],
  [6, 'ms'],
  [3, 'us'],
] as const;

/** Guest time as people read it: `1.5 ms`, exact to the nanosecond. */
export function formatGuestTime(nanoseconds: bigint): string {
  const [digits, name] = Units.find(([power]) => nanoseconds >= 10 ** power) ?? [0, 'ns'];
  const text = decimal(nanoseconds, digits);
  return `${digits === 0 ? text : text.replace(/\.?0+$/, '')} ${name}`;
}
