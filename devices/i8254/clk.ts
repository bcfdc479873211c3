import { SECOND } from '../../sdk/index.ts';

/** Pulses a second of CLK 0 to 2 in a PC: 14.31818 MHz divided by 12. */
export const Frequency = 1_193_182;

// A whole second has a whole number of pulses. So the phase of CLK does not depend on the epoch of guest time.

/** The number of the last pulse at a guest time. */
export function pulseAt(time: number): number {
  const seconds = Math.floor(time / SECOND);
  return seconds * Frequency + Math.floor(((time - seconds * SECOND) * Frequency) / SECOND);
}

/** When a pulse begins: the first nanosecond at which `pulseAt` answers its number. */
export function timeOf(pulse: number): number {
  const seconds = Math.floor(pulse / Frequency);
  return seconds * SECOND + Math.ceil(((pulse - seconds * Frequency) * SECOND) / Frequency);
}
