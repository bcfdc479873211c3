import { StructSize, VcpuRequest } from '../accelerator/kvm/abi.ts';
import type { KvmVcpu } from '../accelerator/kvm/vm.ts';
import type { HostKernel } from './host-kernel.ts';
import { ModelSpecificRegisters } from './model-specific-registers.ts';

/** What is asked for once and put back. */
const parts = [
  { get: VcpuRequest.GetFpu, set: VcpuRequest.SetFpu, size: StructSize.fpu },
  {
    get: VcpuRequest.GetExtendedControlRegisters,
    set: VcpuRequest.SetExtendedControlRegisters,
    size: StructSize.extendedControlRegisters,
  },
  { get: VcpuRequest.GetDebugRegisters, set: VcpuRequest.SetDebugRegisters, size: StructSize.debugRegisters },
  { get: VcpuRequest.GetVcpuEvents, set: VcpuRequest.SetVcpuEvents, size: StructSize.vcpuEvents },
] as const;

/**
 * What a vCPU holds after power-on, beside its registers and segments: the FPU, breakpoints, no event that waits to be injected, and
 * MSRs. KVM has no call that resets a vCPU, so a reset puts this back. What a kernel does not tell stays as it is.
 */
export class PowerOnState {
  private readonly saved: readonly { readonly set: number; readonly bytes: DataView }[];
  private readonly msrs: ModelSpecificRegisters;

  constructor(
    private readonly kernel: HostKernel,
    private readonly vcpu: KvmVcpu,
  ) {
    this.saved = parts.flatMap(({ get, set, size }) => {
      const bytes = new DataView(new ArrayBuffer(size));
      return kernel.ioctl(vcpu.fd, get, bytes) < 0 ? [] : [{ set, bytes }];
    });
    this.msrs = new ModelSpecificRegisters(kernel, vcpu.fd);
  }

  restore(): void {
    for (const { set, bytes } of this.saved) this.kernel.ioctl(this.vcpu.fd, set, bytes);
    this.msrs.restore();
  }
}
