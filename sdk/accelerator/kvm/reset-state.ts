import { KvmRun, VcpuRequest } from './abi.ts';
import type { KvmVcpu, KvmVm } from './kvm-vm.ts';
import { registersAfterReset, specialRegistersAfterReset } from './reset-values.ts';

/** Puts a vCPU's registers back to what they are after a reset. Finish its pending exit first. */
export function resetRegisters(vm: KvmVm, { id, fd, run }: KvmVcpu): void {
  vm.call(fd, VcpuRequest.SetRegisters, registersAfterReset(), `reset the registers of vCPU ${id}`);
  vm.call(fd, VcpuRequest.SetSpecialRegisters, specialRegistersAfterReset(id), `reset the segments of vCPU ${id}`);
  // What kvm_run says is that of the last exit, when interrupts may have been let in.
  run.setUint8(KvmRun.ifFlag, 0);
}
