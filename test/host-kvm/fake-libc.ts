import {
  Capability,
  CoalescedRingLayout,
  Errno,
  MsrList,
  Msrs,
  StructSize,
  SystemRequest,
  VcpuRequest,
  VmRequest,
} from '../../sdk/accelerator/kvm/abi.ts';
import type { Libc } from '../../sdk/host-kvm/libc.ts';
import { MapFailed, MapFlag } from '../../sdk/native/libc.ts';

/** What a call of libc fails with. */
export interface Failure {
  /** The name of the call, or of a request of ioctl. */
  readonly call: string;
  readonly errno: number;
}

const RequestNames = new Map(
  [SystemRequest, VmRequest, VcpuRequest].flatMap((requests) =>
    Object.entries(requests).map(([name, request]) => [request as number, name] as const),
  ),
);

const NewDescriptor: readonly number[] = [SystemRequest.CreateVm, VmRequest.CreateVcpu];

const Capabilities: Readonly<Record<number, number>> = {
  [Capability.UserMemory]: 1,
  [Capability.ImmediateExit]: 1,
  [Capability.CoalescedMmio]: 2,
  [Capability.CoalescedPio]: 1,
  [Capability.MemorySlotCount]: 32764,
  [Capability.ReadonlyMemory]: 1,
  [Capability.Ioeventfd]: 1,
};

/** libc without a kernel behind it: knows what is open and mapped, and fails where it is told. A vCPU that runs halts at once. */
export class FakeLibc implements Libc {
  /** Calls so far, by name. */
  readonly calls: string[] = [];
  readonly open_ = new Set<number>();
  readonly mapped = new Map<bigint, number>();
  readonly capabilities: Record<number, number> = { ...Capabilities };
  /** Called for KVM_RUN; answers 0, or an errno. */
  onRun: () => number = () => Errno.EINTR;
  /** What KVM_GET_REGS answers. */
  readonly registers = new DataView(new ArrayBuffer(StructSize.registers));
  /** Model-specific registers that KVM_GET_MSR_INDEX_LIST names. */
  readonly msrs = new Map<number, bigint>();
  /** Of them: the ones that a vCPU can neither read nor write. */
  readonly refusedMsrs = new Set<number>();
  readonly doesNothing = 0xabbn;
  handler = 0n;
  /** What setitimer was given last. */
  #timer = new BigInt64Array(4);
  #errno = 0;
  #nextFd = 3;
  #nextAddress = 0x7f00_0000_0000n;
  readonly #buffers = new Map<bigint, ArrayBuffer>();

  /** Fails at this call: its number from 0, or what it is. */
  constructor(public failing?: number | Failure) {}

  /** Nothing is left behind. */
  get isClean(): boolean {
    return this.open_.size === 0 && this.mapped.size === 0 && !this.isTicking && this.handler === 0n;
  }

  errno(): number {
    return this.#errno;
  }

  open(): number {
    return this.#fails('open') ? -1 : this.#newFd();
  }

  close(fd: number): number {
    if (this.open_.delete(fd)) return 0;
    this.#errno = Errno.EBADF;
    return -1;
  }

  ioctl(_fd: number, request: number, argument: number): number {
    const name = RequestNames.get(request) ?? 'ioctl';
    if (this.#fails(name)) return -1;
    if (NewDescriptor.includes(request)) return this.#newFd();
    if (request === SystemRequest.GetApiVersion) return 12;
    if (request === SystemRequest.GetVcpuMmapSize) return 3 * 4096;
    if (request === SystemRequest.CheckExtension) return this.capabilities[argument] ?? 0;
    if (request !== VcpuRequest.Run) return 0;
    const errno = this.onRun();
    if (errno === 0) return 0;
    this.#errno = errno;
    return -1;
  }

  ioctlStruct(_fd: number, request: number, argument: ArrayBufferView): number {
    if (this.#fails(RequestNames.get(request) ?? 'ioctl')) return -1;
    const struct = new DataView(argument.buffer, argument.byteOffset, argument.byteLength);
    if (request === VcpuRequest.GetRegisters)
      new Uint8Array(argument.buffer, argument.byteOffset, argument.byteLength).set(
        new Uint8Array(this.registers.buffer),
      );
    if (request === SystemRequest.GetMsrIndexList) this.#listMsrs(struct);
    if (request === VcpuRequest.GetMsrs || request === VcpuRequest.SetMsrs) return this.#passMsrs(request, struct);
    return 0;
  }

  #listMsrs(list: DataView): void {
    list.setUint32(MsrList.count, this.msrs.size, true);
    [...this.msrs.keys()].forEach((index, at) => {
      list.setUint32(MsrList.header + at * MsrList.entry, index, true);
    });
  }

  /** Ends at the first one that is refused, and answers how many were before it. */
  #passMsrs(request: number, struct: DataView): number {
    const count = struct.getUint32(Msrs.count, true);
    for (let at = 0; at < count; at++) {
      const entry = Msrs.header + at * Msrs.entry;
      const index = struct.getUint32(entry + Msrs.index, true);
      if (this.refusedMsrs.has(index)) return at;
      if (request === VcpuRequest.SetMsrs) this.msrs.set(index, struct.getBigUint64(entry + Msrs.value, true));
      else struct.setBigUint64(entry + Msrs.value, this.msrs.get(index) ?? 0n, true);
    }
    return count;
  }

  /** What is mapped over a mapping gives that one back. */
  mmap(over: bigint, length: number, _protection: number, flags: number): bigint {
    if ((flags & MapFlag.Fixed) !== 0) {
      this.mapped.delete(over);
      return over;
    }
    if (this.#fails('mmap')) return MapFailed;
    const address = this.#nextAddress;
    this.#nextAddress += BigInt(length) + 4096n;
    this.mapped.set(address, length);
    return address;
  }

  munmap(address: bigint): number {
    return this.mapped.delete(address) ? 0 : -1;
  }

  view(address: bigint, length: number): ArrayBuffer {
    const buffer = this.#buffers.get(address) ?? new ArrayBuffer(length);
    this.#buffers.set(address, buffer);
    return buffer;
  }

  /** The pages of the first vCPU that was mapped. */
  get vcpuPages(): DataView {
    const buffer = [...this.#buffers.values()].find(({ byteLength }) => byteLength === 3 * 4096);
    return new DataView(buffer ?? new ArrayBuffer(3 * 4096));
  }

  /** Queues a port write of one byte, as the kernel does. */
  queue(port: number, value: number): void {
    const ring = new DataView(this.vcpuPages.buffer, 2 * 4096);
    const { first, last, entries, slots } = CoalescedRingLayout;
    const slot = ring.getUint32(last, true);
    const next = (slot + 1) % slots;
    if (next === ring.getUint32(first, true)) throw new Error('the ring is full');
    ring.setBigUint64(entries + 24 * slot, BigInt(port), true);
    ring.setUint32(entries + 24 * slot + 8, 1, true);
    ring.setUint32(entries + 24 * slot + 12, 1, true);
    ring.setUint8(entries + 24 * slot + 16, value);
    ring.setUint32(last, next, true);
  }

  eventfd(): number {
    return this.#fails('eventfd') ? -1 : this.#newFd();
  }

  read(): number {
    return -1;
  }

  get isTicking(): boolean {
    return this.#timer.some((field) => field !== 0n);
  }

  setitimer(_which: number, next: BigInt64Array, before: BigInt64Array | null): number {
    before?.set(this.#timer);
    this.#timer = next.slice();
    return 0;
  }

  sigaction(_number: number, next: DataView, before: DataView | null): number {
    before?.setBigUint64(0, this.handler, true);
    this.handler = next.getBigUint64(0, true);
    return 0;
  }

  poll(): number {
    return 0;
  }

  sleep(): void {}

  #newFd(): number {
    this.open_.add(this.#nextFd);
    return this.#nextFd++;
  }

  #fails(name: string): boolean {
    const number = this.calls.push(name) - 1;
    const { failing } = this;
    const isHere = typeof failing === 'number' ? failing === number : failing?.call === name;
    if (isHere) this.#errno = typeof failing === 'object' ? failing.errno : Errno.EINVAL;
    return isHere;
  }
}
