/** Units of guest time. Every duration in the SDK is a number of nanoseconds, written as `10 * MILLISECOND`. */
export const NANOSECOND = 1;
export const MICROSECOND = 1e3;
export const MILLISECOND = 1e6;
export const SECOND = 1e9;
