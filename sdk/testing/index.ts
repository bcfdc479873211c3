export type { BenchService } from './bench-services.ts';
export type { ScriptStep } from './conformance/guest-script.ts';
export type { CheckKind, ConformanceFailure, ConformanceSettings } from './conformance/subject.ts';
export {
  ConformanceError,
  checkDevice,
  type DeviceConformanceOptions,
  deviceConformance,
  type LintMode,
  type TestRunner,
} from './device-conformance.ts';
export { type InterruptChange, InterruptRecorder } from './interrupt-recorder.ts';
export { findQemu, type QemuOptions, QemuProcess, whyNoQemu } from './qemu-process.ts';
export { QmpClient, type QmpClientOptions, type QmpObject, type QmpValue, type QomProperty } from './qmp-client.ts';
export { type InterruptListener, type QtestAnswer, QtestClient, type QtestClientOptions } from './qtest-client.ts';
export { Random } from './random.ts';
export { RegionWindow } from './region-window.ts';
export { type FieldProbe, RegisterMismatch, type RegisterProbe } from './register-probe.ts';
export { TestBench, type TestBenchOptions, testBench } from './test-bench.ts';
