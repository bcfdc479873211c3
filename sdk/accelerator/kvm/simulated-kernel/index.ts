export { type ExitRowVisitor, KernelExitStatistics } from '../kernel-exit-statistics.ts';
export { Interruption, type InterruptionValue, type VcpuExecution } from '../kvm-kernel.ts';
export { DefaultOperationCosts, type OperationCosts } from './guest-time.ts';
export { SimulatedKernel, type SimulatedKernelOptions } from './simulated-kernel.ts';
