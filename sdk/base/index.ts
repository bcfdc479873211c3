export { BackplaneError, DeviceFailure, describeThrown } from './errors.ts';
export type { Json } from './json-reader.ts';
export { hex, nearest } from './text.ts';
