import { MICROSECOND, MILLISECOND, SECOND } from '../clock/index.ts';

const Units = [
  [SECOND, 's'],
  [MILLISECOND, 'ms'],
  [MICROSECOND, 'us'],
] as const;

/** Guest time as people read it: `1.5 ms`, exact to the nanosecond. */
export function formatGuestTime(nanoseconds: number): string {
  const [unit, name] = Units.find(([size]) => nanoseconds >= size) ?? [1, 'ns'];
  return `${nanoseconds / unit} ${name}`;
}
