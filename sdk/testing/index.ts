export { RegionWindow } from './bench/guest.ts';
export { type InterruptChange, InterruptRecorder } from './bench/interrupt-recorder.ts';
export { type FieldProbe, RegisterMismatch, type RegisterProbe } from './bench/register-probe.ts';
export type { BenchService } from './bench/services.ts';
export { TestBench, type TestBenchOptions, testBench } from './bench/test-bench.ts';
export type { CheckKind, ConformanceFailure, ConformanceSettings } from './conformance/check.ts';
export {
  ConformanceError,
  checkDevice,
  type DeviceConformanceOptions,
  deviceConformance,
  type LintMode,
  type TestRunner,
} from './conformance/device-conformance.ts';
export type { ScriptStep } from './conformance/script.ts';
export { findQemu, type QemuOptions, QemuProcess, whyNoQemu } from './qemu/process.ts';
export {
  QmpClient,
  type QmpClientOptions,
  type QmpObject,
  type QmpValue,
  type QomProperty,
} from './qemu/qmp-client.ts';
export { type InterruptListener, type QtestAnswer, QtestClient, type QtestClientOptions } from './qemu/qtest-client.ts';
export { Random } from './random.ts';
