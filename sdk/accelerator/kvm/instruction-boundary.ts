import { BackplaneError } from '../../memory/index.ts';
import { Errno, KvmRun, VcpuRequest } from './abi.ts';
import type { KvmVm } from './kvm-vm.ts';
import type { ScheduledVcpu } from './vcpu-schedule.ts';

/** More parts than any instruction has: 1,024 bytes that a string stores downwards in registers have as many. */
const MostParts = 4096;

/**
 * Takes a vCPU to the end of the instruction that it is in, without beginning another one. The kernel takes over the
 * result of an exit only at the next entry; registers that are read or set before that are not the guest's.
 */
export function finishInstruction(vm: KvmVm, state: ScheduledVcpu, serve: (state: ScheduledVcpu) => void): void {
  const { vcpu } = state;
  vcpu.run.setUint8(KvmRun.immediateExit, 1);
  try {
    for (let part = 0; part < MostParts; part++) {
      if (vm.kernel.ioctl(vcpu.fd, VcpuRequest.Run, 0) < 0) {
        if (vm.kernel.errno === Errno.EINTR) return;
        throw vm.failure(`finish an instruction of vCPU ${vcpu.id}`, 'Its state cannot be saved or reset.');
      }
      serve(state);
    }
  } finally {
    vcpu.run.setUint8(KvmRun.immediateExit, 0);
  }
  throw new BackplaneError(`KVM did not finish one instruction of vCPU ${vcpu.id} in ${MostParts} parts.`);
}
