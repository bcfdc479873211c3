export type { BackendsOfClass } from '../device/index.ts';
export { type BenchGuest, RegionWindow } from './bench/guest.ts';
export { type InterruptChange, InterruptRecorder } from './bench/interrupt-recorder.ts';
export {
  type FieldProbe,
  type RegisterMembers,
  RegisterMismatch,
  type RegisterProbe,
  type ValueOfMember,
} from './bench/register-probe.ts';
export type { BenchService } from './bench/services.ts';
export type { TestBenchOptions } from './bench/setup.ts';
export type { SubDeviceBench } from './bench/sub-device-bench.ts';
export type {
  BackendsByName,
  TestBackendOf,
  TestBlockBackend,
  TestCharBackend,
  TestImage,
} from './bench/test-backends.ts';
export { TestBench, testBench } from './bench/test-bench.ts';
export type { BackendStep } from './conformance/backend-steps.ts';
export type { BusStep } from './conformance/bus-steps.ts';
export type {
  BehaviourRecord,
  CheckKind,
  ConformanceFailure,
  ConformanceHost,
  ConformanceSettings,
} from './conformance/check.ts';
export {
  ConformanceError,
  checkDevice,
  type DeviceConformanceOptions,
  deviceConformance,
  type LintMode,
  type TestRunner,
} from './conformance/device-conformance.ts';
export type { GuestRecording } from './conformance/recorded-guest.ts';
export type { AccessWidth, ScriptStep, Space } from './conformance/script.ts';
export { Random } from './random.ts';
