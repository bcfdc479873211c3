import { hex } from '../../base/text.ts';
import type { InterruptController } from '../accelerator.ts';
import type { AcceleratorListener } from '../events.ts';
import { KvmRun, StructSize, VcpuRequest } from './abi.ts';
import type { KvmVcpu, KvmVm } from './vm.ts';

/** The line from the interrupt controller to the first vCPU, served as userspace must without an in-kernel PIC. */
export class InterruptInjection {
  private listener: AcceleratorListener | undefined;
  private readonly argument = new DataView(new ArrayBuffer(StructSize.interrupt));

  constructor(
    private readonly vm: KvmVm,
    private readonly controller: InterruptController | undefined,
  ) {}

  listen(listener: AcceleratorListener | undefined): void {
    this.listener = listener;
  }

  /**
   * Before each entry: injects a vector if the guest can take one now, or requests an interrupt window exit.
   *
   * @see Documentation/virt/kvm/api.rst 4.16, KVM_INTERRUPT, and 5, ready_for_interrupt_injection
   */
  prepare(vcpu: KvmVcpu): void {
    const { controller } = this;
    if (controller === undefined || vcpu.id !== 0) return;
    const { run } = vcpu;
    let { pending } = controller;
    if (pending && run.getUint8(KvmRun.readyForInterruptInjection) !== 0 && run.getUint8(KvmRun.ifFlag) !== 0) {
      this.inject(vcpu, controller.acknowledge());
      ({ pending } = controller);
    }
    run.setUint8(KvmRun.requestInterruptWindow, pending ? 1 : 0);
  }

  /** Whether a halted vCPU goes on: interrupts reach the first one only. */
  wakes(state: { readonly vcpu: KvmVcpu; readonly interruptsEnabled: boolean }): boolean {
    return state.vcpu.id === 0 && this.controller?.pending === true && state.interruptsEnabled;
  }

  private inject(vcpu: KvmVcpu, vector: number): void {
    this.argument.setUint32(0, vector, true);
    this.vm.call(vcpu.fd, VcpuRequest.Interrupt, this.argument, `inject interrupt ${hex(vector)}`);
    vcpu.run.setUint8(KvmRun.readyForInterruptInjection, 0);
    if (this.listener === undefined) return;
    const { epoch, now: time } = this.listener.clock;
    this.listener.onEvent({ kind: 'vector', epoch, time, vector });
  }
}
