import { BackplaneError } from '../../base/errors.ts';
import { hex } from '../../base/text.ts';
import {
  ApiVersion,
  Capability,
  Errno,
  KvmRun,
  PageSize,
  SystemRequest,
  UserspaceMemoryRegion,
  VcpuPage,
  VcpuRequest,
  VmRequest,
} from './abi.ts';
import type { IoctlArgument, KvmKernel } from './kernel.ts';
import { registersAfterReset, specialRegistersAfterReset } from './reset-values.ts';

/** One virtual processor: its file descriptor and its three pages. */
export interface KvmVcpu {
  readonly id: number;
  readonly fd: number;
  /** struct kvm_run. */
  readonly run: DataView;
  readonly portData: DataView;
  /** The ring page; every vCPU of the VM sees the same bytes. An empty page where the kernel has no ring. */
  readonly ring: DataView;
}

/** A piece of host memory that the guest reaches without an exit. */
export interface MemorySlot {
  readonly number: number;
  /** Of MemoryRegionFlag. */
  readonly flags: number;
  readonly guestAddress: number;
  readonly hostAddress: number;
}

/** Where the kernel does not say how many. */
const DefaultMemorySlots = 32;

/** A virtual machine of a KVM kernel: file descriptors, what the kernel can do, and failures turned into sentences. */
export class KvmVm {
  readonly vmFd: number;
  readonly vcpus: KvmVcpu[] = [];
  /**
   * CPUID shows a local APIC while IA32_APIC_BASE has it enabled, whatever the table says: without one it is disabled.
   *
   * @see arch/x86/kvm/cpuid.c, kvm_update_cpuid_runtime
   */
  hasLocalApic = true;
  private readonly systemFd: number;
  private readonly slotArgument = new DataView(new ArrayBuffer(UserspaceMemoryRegion.size));

  constructor(readonly kernel: KvmKernel) {
    this.systemFd = kernel.open('/dev/kvm');
    if (this.systemFd < 0) throw this.failure('open /dev/kvm', 'Is KVM available, and may this user open it?');
    const version = kernel.ioctl(this.systemFd, SystemRequest.GetApiVersion, 0);
    if (version !== ApiVersion) {
      throw new BackplaneError(
        'unsupported-kernel',
        `KVM speaks version ${version} of its interface, and only ${ApiVersion} is understood.`,
      );
    }
    this.vmFd = this.call(this.systemFd, SystemRequest.CreateVm, 0, 'create a virtual machine');
  }

  /** What a capability is worth; 0 means that the kernel does not have it. */
  extension(capability: number): number {
    return Math.max(0, this.kernel.ioctl(this.systemFd, SystemRequest.CheckExtension, capability));
  }

  /** Memory zones need the ring; its page is part of the answer. */
  get canCoalesceMemory(): boolean {
    return this.extension(Capability.CoalescedMmio) === VcpuPage.Ring;
  }

  /** An older kernel ignores the word that says "port" and would register a memory zone instead: ask first. */
  get canCoalescePorts(): boolean {
    return this.canCoalesceMemory && this.extension(Capability.CoalescedPio) > 0;
  }

  /** How many memory slots it may have. @see Documentation/virt/kvm/api.rst, KVM_CAP_NR_MEMSLOTS */
  get memorySlotLimit(): number {
    return this.extension(Capability.MemorySlotCount) || DefaultMemorySlots;
  }

  /** Maps host memory into the guest, or changes the slot; a size of 0 removes it. `purpose` is for a message. */
  setMemorySlot({ number, flags, guestAddress, hostAddress }: MemorySlot, size: number, purpose: string): void {
    const region = this.slotArgument;
    region.setUint32(UserspaceMemoryRegion.slot, number, true);
    region.setUint32(UserspaceMemoryRegion.flags, flags, true);
    region.setBigUint64(UserspaceMemoryRegion.guestAddress, BigInt(guestAddress), true);
    region.setBigUint64(UserspaceMemoryRegion.memorySize, BigInt(size), true);
    region.setBigUint64(UserspaceMemoryRegion.userspaceAddress, BigInt(hostAddress), true);
    this.call(this.vmFd, VmRequest.SetUserMemoryRegion, region, purpose);
  }

  createVcpu(): KvmVcpu {
    const pages = this.call(this.systemFd, SystemRequest.GetVcpuMmapSize, 0, 'ask for the size of a vCPU') / PageSize;
    const needed = this.canCoalesceMemory ? VcpuPage.Ring : VcpuPage.PortData;
    if (pages <= needed) {
      throw new BackplaneError(
        'unsupported-kernel',
        `KVM maps ${pages} pages for a vCPU and ${needed + 1} are needed. Use a newer kernel.`,
      );
    }
    const id = this.vcpus.length;
    const fd = this.call(this.vmFd, VmRequest.CreateVcpu, id, `create vCPU ${id}`);
    const page = (index: 0 | 1 | 2) => this.kernel.mapVcpuPage(fd, index);
    const ring = this.canCoalesceMemory ? page(VcpuPage.Ring) : new DataView(new ArrayBuffer(PageSize));
    const vcpu = { id, fd, run: page(VcpuPage.Run), portData: page(VcpuPage.PortData), ring };
    this.vcpus.push(vcpu);
    return vcpu;
  }

  call(fd: number, request: number, argument: IoctlArgument, purpose: string): number {
    const result = this.kernel.ioctl(fd, request, argument);
    if (result < 0) throw this.failure(purpose, `Request ${hex(request)}.`);
    return result;
  }

  failure(purpose: string, hint: string): BackplaneError {
    return new BackplaneError('kvm-failure', `KVM could not ${purpose}: errno ${this.kernel.errno}. ${hint}`);
  }

  close(): void {
    for (const vcpu of this.vcpus) this.kernel.close(vcpu.fd);
    this.vcpus.length = 0;
    this.kernel.close(this.vmFd);
    this.kernel.close(this.systemFd);
  }
}

/** More parts than any instruction has: 1,024 bytes that a string stores in registers have 128, and two more where they are unaligned. */
const MostParts = 4096;

/**
 * Takes a vCPU to the end of the instruction that it is in, without beginning another one. The kernel takes over the
 * result of an exit only at the next entry. Registers that are read or set before that are not the guest's.
 *
 * @see Documentation/virt/kvm/api.rst 5, KVM_EXIT_IO and immediate_exit: "userspace can re-enter the guest with an unmasked
 *   signal pending or with the immediate_exit field set to complete pending operations"
 */
export function finishInstruction(vm: KvmVm, vcpu: KvmVcpu, serve: () => void): void {
  vcpu.run.setUint8(KvmRun.immediateExit, 1);
  try {
    for (let part = 0; part < MostParts; part++) {
      if (vm.kernel.ioctl(vcpu.fd, VcpuRequest.Run, 0) < 0) {
        if (vm.kernel.errno === Errno.EINTR) return;
        throw vm.failure(`finish an instruction of vCPU ${vcpu.id}`, 'Its state cannot be saved or reset.');
      }
      serve();
    }
  } finally {
    vcpu.run.setUint8(KvmRun.immediateExit, 0);
  }
  throw new BackplaneError(
    'endless-instruction',
    `KVM did not finish one instruction of vCPU ${vcpu.id} in ${MostParts} parts.`,
  );
}

/** Puts a vCPU's registers back to what they are after a reset. Finish its pending exit first. */
export function resetRegisters(vm: KvmVm, { id, fd, run }: KvmVcpu): void {
  vm.call(fd, VcpuRequest.SetRegisters, registersAfterReset(), `reset the registers of vCPU ${id}`);
  const special = specialRegistersAfterReset(id, vm.hasLocalApic);
  vm.call(fd, VcpuRequest.SetSpecialRegisters, special, `reset the segments of vCPU ${id}`);
  // What kvm_run says is that of the last exit, when interrupts may have been let in.
  run.setUint8(KvmRun.ifFlag, 0);
  run.setBigUint64(KvmRun.cr8, 0n, true);
}
