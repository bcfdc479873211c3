import { Capability, MaximumMemorySlots, PageSize, VcpuPage } from '../abi.ts';
import type { RingProducer } from '../coalesced-ring.ts';
import type { InterruptionValue } from '../scheduled/kernel.ts';
import type { KernelExitStatistics } from '../scheduled/kernel-exit-statistics.ts';
import { KernelZones, RingTimes } from './coalesced-zones.ts';
import { type HostMemory, KernelMemorySlots } from './guest-memory.ts';
import type { ExecutionContext, GuestTime } from './guest-time.ts';
import { IoBus } from './io-bus.ts';
import { KernelIoeventfds } from './ioeventfds.ts';
import { CodeMachine } from './machine-code/machine.ts';
import type { MachineCode } from './processor.ts';
import { type KernelVariant, ringProducer } from './variants.ts';

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

/** What it has besides, where it executes machine code. */
export const CodeCapabilities: Capabilities = {
  [Capability.ExtendedCpuid]: 1,
  [Capability.VcpuEvents]: 1,
  [Capability.InterruptShadow]: 1,
};

export type Capabilities = Readonly<Record<number, number>>;

export function capabilities(differing: Capabilities = {}): Capabilities {
  return { ...Answers, ...differing };
}

/** One VM: its memory slots, its buses, and the one ring that all its vCPUs share. */
export class VirtualMachine implements ExecutionContext {
  readonly ports = new IoBus();
  readonly memory = new IoBus();
  readonly ioeventfds: KernelIoeventfds;
  readonly slots: KernelMemorySlots;
  readonly ringPage = new DataView(new ArrayBuffer(PageSize));
  readonly ringTimes: RingTimes;
  readonly zones: KernelZones;
  readonly vcpuIds = new Set<number>();
  /** Where the kernel was given a processor for machine code. */
  readonly code: CodeMachine | undefined;
  readonly #ring: RingProducer;

  constructor(
    host: HostMemory,
    readonly statistics: KernelExitStatistics,
    readonly time: GuestTime,
    readonly capabilities: Capabilities,
    { processor, ring }: Required<KernelVariant>,
    machineCode?: MachineCode,
    onOverwritten: (address: number) => void = () => {},
  ) {
    this.#ring = ringProducer(ring, this.ringPage);
    this.ioeventfds = new KernelIoeventfds(this.ports, this.memory, processor);
    this.ringTimes = new RingTimes(time);
    this.code = machineCode && new CodeMachine(machineCode, this, onOverwritten);
    this.slots = new KernelMemorySlots(host, this.code);
    const knowsPorts = (capabilities[Capability.CoalescedPio] ?? 0) !== 0;
    this.zones = new KernelZones(this.ports, this.memory, this.#ring, this.ringTimes, knowsPorts);
  }

  /** Whether a deadline of KVM_RUN is at or before this moment; the next one is computed only when one may be. */
  isDue(moment: number): boolean {
    if (moment < this.time.quietUntil) return false;
    return moment >= this.watchDeadline();
  }

  /** Computes the next deadline anew: userspace may have changed the ring. */
  watchDeadline(): number {
    this.time.quietUntil = this.nextDeadline();
    return this.time.quietUntil;
  }

  /** Goes on to the deadline that is due, and answers what it is one for. */
  reachDeadline(): InterruptionValue {
    return this.time.reach(this.time.quietUntil, this.kvmDeadline());
  }

  /** The guest time at which KVM_RUN has to come back. */
  nextDeadline(): number {
    return Math.min(this.kvmDeadline(), this.time.stopAt);
  }

  /** The same for what KVM knows: a timer, or a queued write that has waited enough. */
  kvmDeadline(): number {
    const { time } = this;
    if (time.longestQueued === Infinity) return time.kickAt;
    const { first } = this.#ring;
    if (first === this.#ring.last) return time.kickAt;
    const since = this.ringTimes.queuedSince(first);
    return since === undefined ? time.kickAt : Math.min(time.kickAt, since + time.longestQueued);
  }
}
