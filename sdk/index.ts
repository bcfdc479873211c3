/**
 * What device and machine authors import. Nothing deeper is public. One line per room, in alphabetical order.
 */
export * from './bus/index.ts';
export * from './clock/index.ts';
export * from './device/index.ts';
export * from './memory/index.ts';
