export { findQemu, type QemuEmulator, type QemuOptions, QemuProcess, whyNoQemu } from './process.ts';
export { QmpClient, type QmpClientOptions, type QmpObject, type QmpValue, type QomProperty } from './qmp-client.ts';
export { type InterruptListener, type QtestAnswer, QtestClient, type QtestClientOptions } from './qtest-client.ts';
export type { EmulatorConnection } from './stream.ts';
