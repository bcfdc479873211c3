export { BackplaneError, DeviceFailure, describeThrown } from './errors.ts';
export { hex, nearest } from './text.ts';
