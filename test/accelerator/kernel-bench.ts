import type { GuestSource } from '../../sdk/accelerator/guest/operation.ts';
import { guestProgram } from '../../sdk/accelerator/guest/program.ts';
import type { GuestBody } from '../../sdk/accelerator/guest/vocabulary.ts';
import {
  CoalescedZone,
  IoDirection,
  IoExit,
  KvmRun,
  MmioExit,
  SystemRequest,
  UserspaceMemoryRegion,
  VcpuRequest,
  VmRequest,
} from '../../sdk/accelerator/kvm/abi.ts';
import { RingConsumer } from '../../sdk/accelerator/kvm/coalesced-ring.ts';
import {
  SimulatedKernel,
  type SimulatedKernelOptions,
} from '../../sdk/accelerator/kvm/simulated-kernel/simulated-kernel.ts';

/** A simulated kernel with one VM, spoken to by its real requests. */
export class KernelBench {
  readonly kernel: SimulatedKernel;
  readonly vmFd: number;
  readonly vcpuFds: number[] = [];
  readonly ring: RingConsumer;

  constructor(options: SimulatedKernelOptions & { readonly vcpus?: number } = {}) {
    this.kernel = new SimulatedKernel(options);
    this.vmFd = this.kernel.ioctl(this.kernel.open('/dev/kvm'), SystemRequest.CreateVm, 0);
    for (let id = 0; id < (options.vcpus ?? 1); id++) {
      this.vcpuFds.push(this.kernel.ioctl(this.vmFd, VmRequest.CreateVcpu, id));
    }
    this.ring = new RingConsumer(this.kernel.mapVcpuPage(this.vcpuFds[0]!, 2));
  }

  get runPage(): DataView {
    return this.kernel.mapVcpuPage(this.vcpuFds[0]!, 0);
  }

  get portPage(): DataView {
    return this.kernel.mapVcpuPage(this.vcpuFds[0]!, 1);
  }

  get exitReason(): number {
    return this.runPage.getUint32(KvmRun.exitReason, true);
  }

  /** What KVM_RUN shows of the exit, as text: `out 0x70/1`, `read 0xd0000/4`. */
  get exit(): string {
    const run = this.runPage;
    if (this.exitReason === 2) {
      const direction = run.getUint8(IoExit.direction) === IoDirection.Out ? 'out' : 'in';
      const count = run.getUint32(IoExit.count, true);
      const where = `0x${run.getUint16(IoExit.port, true).toString(16)}/${run.getUint8(IoExit.size)}`;
      return `${direction} ${where}${count > 1 ? ` x${count}` : ''}`;
    }
    if (this.exitReason !== 6) return `exit ${this.exitReason}`;
    const direction = run.getUint8(MmioExit.isWrite) === 1 ? 'write' : 'read';
    return `${direction} 0x${run.getBigUint64(MmioExit.address, true).toString(16)}/${run.getUint32(MmioExit.length, true)}`;
  }

  /** 0, or the errno of the refusal. */
  run(vcpu = 0): number {
    return this.request(this.vcpuFds[vcpu]!, VcpuRequest.Run, 0);
  }

  request(fd: number, request: number, argument: number | DataView | Uint8Array): number {
    return this.kernel.ioctl(fd, request, argument) === -1 ? this.kernel.errno : 0;
  }

  attach(guest: GuestSource | GuestBody, vcpu = 0): void {
    const source = typeof guest === 'function' ? guestProgram('test', guest).start() : guest;
    this.kernel.processor(this.vcpuFds[vcpu]!).attach(source);
  }

  zone(address: number | bigint, size: number, pio: number, request: number = VmRequest.RegisterCoalescedMmio): number {
    const zone = new DataView(new ArrayBuffer(CoalescedZone.size));
    zone.setBigUint64(CoalescedZone.address, BigInt(address), true);
    zone.setUint32(CoalescedZone.length, size, true);
    zone.setUint32(CoalescedZone.pio, pio, true);
    return this.request(this.vmFd, request, zone);
  }

  memorySlot(slot: { id?: number; flags?: number; address?: number; size: number; userspace: number }): number {
    const region = new DataView(new ArrayBuffer(UserspaceMemoryRegion.size));
    region.setUint32(UserspaceMemoryRegion.slot, slot.id ?? 0, true);
    region.setUint32(UserspaceMemoryRegion.flags, slot.flags ?? 0, true);
    region.setBigUint64(UserspaceMemoryRegion.guestAddress, BigInt(slot.address ?? 0), true);
    region.setBigUint64(UserspaceMemoryRegion.memorySize, BigInt(slot.size), true);
    region.setBigUint64(UserspaceMemoryRegion.userspaceAddress, BigInt(slot.userspace), true);
    return this.request(this.vmFd, VmRequest.SetUserMemoryRegion, region);
  }

  /** Empties the ring, in order. */
  drain(): { address: number; value: number }[] {
    const { ring } = this;
    const writes: { address: number; value: number }[] = [];
    for (const { last } = ring; ring.first !== last; ring.advance()) {
      const { address, value } = ring.queued;
      writes.push({ address, value });
    }
    return writes;
  }
}
