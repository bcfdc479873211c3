import { BackplaneError } from '../../memory/index.ts';
import { ExitReason, InternalErrorExit } from './abi.ts';
import type { KvmVcpu } from './kvm-vm.ts';
import type { ScheduledKernel } from './scheduled-kernel.ts';

/** What ended a guest that KVM could not go on with: the guest's own mistake where the kernel knows it. */
export function unknownExit(kernel: ScheduledKernel, vcpu: KvmVcpu, reason: number): BackplaneError {
  const failure = kernel.guestFailure(vcpu.fd);
  if (failure !== undefined) return failure;
  const detail =
    reason === ExitReason.InternalError ? `, suberror ${vcpu.run.getUint32(InternalErrorExit.suberror, true)}` : '';
  return new BackplaneError(`KVM stopped vCPU ${vcpu.id} with exit reason ${reason}${detail}: the guest cannot go on.`);
}
