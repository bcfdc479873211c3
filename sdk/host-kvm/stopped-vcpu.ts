import {
  EmulationFailure,
  ExitReason,
  FailEntryExit,
  InternalErrorExit,
  KvmRun,
  Registers,
  StructSize,
  VcpuRequest,
} from '../accelerator/kvm/abi.ts';
import type { KvmVcpu, KvmVm } from '../accelerator/kvm/vm.ts';
import { BackplaneError } from '../base/errors.ts';
import { hex } from '../base/text.ts';

/**
 * Why the host's KVM has stopped a vCPU for good; undefined for exit reasons that are not about its guest.
 *
 * @see Documentation/virt/kvm/api.rst 5: KVM_EXIT_INTERNAL_ERROR and KVM_EXIT_FAIL_ENTRY
 */
export function stoppedVcpu(vm: KvmVm, vcpu: KvmVcpu, guest = 'none'): BackplaneError | undefined {
  const { id, run } = vcpu;
  const reason = run.getUint32(KvmRun.exitReason, true);
  if (reason === ExitReason.FailEntry) {
    return new BackplaneError(
      'entry-refused',
      `-accel kvm: the host's processor refuses to enter vCPU ${id} with guest '${guest}' (KVM_EXIT_FAIL_ENTRY, ${hex(run.getBigUint64(FailEntryExit.reason, true))}). ` +
        'Its mode or its segments may be what this processor cannot virtualize: try another -cpu-mode, or use -accel kvm-sim.',
    );
  }
  if (reason !== ExitReason.InternalError || run.getUint32(InternalErrorExit.suberror, true) !== EmulationFailure)
    return undefined;
  return new BackplaneError(
    'instruction-not-emulated',
    `-accel kvm: guest '${guest}' on vCPU ${id} is at RIP ${hex(instructionPointer(vm, vcpu))}, and KVM cannot emulate the instruction there ` +
      '(KVM_EXIT_INTERNAL_ERROR). Access devices by plain loads, stores and strings, and execute no code in their memory. A KVM in software ' +
      'may emulate less: run it on a processor with VMX or SVM.',
  );
}

function instructionPointer(vm: KvmVm, { id, fd }: KvmVcpu): bigint {
  const registers = new DataView(new ArrayBuffer(StructSize.registers));
  vm.call(fd, VcpuRequest.GetRegisters, registers, `ask where vCPU ${id} has stopped`);
  return registers.getBigUint64(Registers.rip, true);
}
