import { Capability, MaximumMemorySlots, VcpuPage } from '../abi.ts';

/** KVM_MAX_VCPUS. @see arch/x86/include/asm/kvm_host.h */
export const MaximumVcpus = 1024;

/** What the simulated kernel answers to KVM_CHECK_EXTENSION; everything else is 0: there is no interrupt controller. */
const Answers: Readonly<Record<number, number>> = {
  [Capability.Hlt]: 1,
  [Capability.UserMemory]: 1,
  [Capability.SetTssAddress]: 1,
  [Capability.VcpuCount]: 8,
  [Capability.MemorySlotCount]: MaximumMemorySlots,
  [Capability.CoalescedMmio]: VcpuPage.Ring,
  [Capability.SyncMmu]: 1,
  [Capability.DestroyMemoryRegionWorks]: 1,
  [Capability.JoinMemoryRegionsWorks]: 1,
  [Capability.Ioeventfd]: 1,
  [Capability.SetIdentityMapAddress]: 1,
  [Capability.InternalErrorData]: 1,
  [Capability.MaximumVcpus]: MaximumVcpus,
  [Capability.ReadonlyMemory]: 1,
  [Capability.IoeventfdNoLength]: 1,
  [Capability.CheckExtensionVm]: 1,
  [Capability.MultiAddressSpace]: 1,
  [Capability.IoeventfdAnyLength]: 1,
  [Capability.ImmediateExit]: 1,
  [Capability.CoalescedPio]: 1,
};

export type Capabilities = Readonly<Record<number, number>>;

export function capabilities(differing: Capabilities = {}): Capabilities {
  return { ...Answers, ...differing };
}
