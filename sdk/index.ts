/**
 * What device and machine authors import. Nothing deeper is public. One line per room, in alphabetical order.
 */
export * from './accelerator/index.ts';
export * from './analysis/index.ts';
export * from './base/index.ts';
export * from './bus/index.ts';
export * from './clock/index.ts';
export * from './coalescing/index.ts';
export * from './device/index.ts';
export * from './machine/index.ts';
export * from './memory/index.ts';
export * from './monitor/index.ts';
export * from './state/index.ts';
