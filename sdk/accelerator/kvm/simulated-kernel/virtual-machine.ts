import { Capability, PageSize } from '../abi.ts';
import { RingProducer } from '../coalesced-ring.ts';
import type { Capabilities } from './capabilities.ts';
import type { ExecutionContext } from './execution.ts';
import type { GuestTime } from './guest-time.ts';
import type { HostMemory } from './host-memory.ts';
import { IoBus } from './io-bus.ts';
import type { KernelExitStatistics } from './kernel-exit-statistics.ts';
import { KernelIoeventfds } from './kernel-ioeventfds.ts';
import { KernelMemorySlots } from './kernel-memory-slots.ts';
import { KernelZones, RingTimes } from './kernel-zones.ts';
import type { VirtualCpu } from './virtual-cpu.ts';

/** One VM: its memory slots, its buses, and the one ring that all its vCPUs share. */
export class VirtualMachine implements ExecutionContext {
  readonly statistics: KernelExitStatistics;
  readonly time: GuestTime;
  readonly capabilities: Capabilities;
  readonly ports = new IoBus();
  readonly memory = new IoBus();
  readonly ioeventfds = new KernelIoeventfds(this.ports, this.memory);
  readonly slots: KernelMemorySlots;
  readonly ringPage = new DataView(new ArrayBuffer(PageSize));
  readonly ringTimes: RingTimes;
  readonly zones: KernelZones;
  readonly vcpus = new Map<number, VirtualCpu>();
  readonly #ring = new RingProducer(this.ringPage);

  constructor(host: HostMemory, statistics: KernelExitStatistics, time: GuestTime, capabilities: Capabilities) {
    this.statistics = statistics;
    this.time = time;
    this.capabilities = capabilities;
    this.ringTimes = new RingTimes(time);
    this.slots = new KernelMemorySlots(host);
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

  /** The guest time at which KVM_RUN has to come back, for a timer or because a queued write has waited enough. */
  nextDeadline(): number {
    const { time } = this;
    if (time.longestQueued === Infinity) return time.kickAt;
    const { first } = this.#ring;
    if (first === this.#ring.last) return time.kickAt;
    const since = this.ringTimes.queuedSince(first);
    return since === undefined ? time.kickAt : Math.min(time.kickAt, since + time.longestQueued);
  }
}
