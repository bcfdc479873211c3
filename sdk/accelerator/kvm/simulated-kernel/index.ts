export { DefaultOperationCosts, type OperationCosts } from './guest-time.ts';
export { Interruption, type InterruptionValue } from './interruption.ts';
export { type ExitRowVisitor, KernelExitStatistics } from './kernel-exit-statistics.ts';
export { SimulatedKernel, type SimulatedKernelOptions } from './simulated-kernel.ts';
export type { VcpuExecution } from './vcpu-execution.ts';
