import { deepEqual, equal, ok } from 'node:assert/strict';
import {
  CoalescedZone,
  ExitReason,
  IoDirection,
  IoExit,
  IoeventfdFlag,
  IoeventfdLayout,
  KvmRun,
  MmioExit,
  SystemRequest,
  UserspaceMemoryRegion,
  VcpuRequest,
  VmRequest,
} from '../../sdk/accelerator/kvm/abi.ts';
import { RingConsumer } from '../../sdk/accelerator/kvm/coalesced-ring.ts';
import type { KvmKernel } from '../../sdk/accelerator/kvm/kernel.ts';
import type { RamBlock } from '../../sdk/memory/index.ts';
import {
  expectedEntries,
  expectedEvents,
  type IoctlStep,
  type RingEntry,
  type Vector,
  type VectorEvent,
  type VectorOperation,
} from './vector-notation.ts';

/** RAM ends here: stores above it are MMIO. */
const RamSize = 0xd0000;

/** Makes a vCPU execute the operations of a vector: as a guest program, or as machine code in the RAM of a real VM. */
export type AttachGuest<Kernel extends KvmKernel> = (
  kernel: Kernel,
  vcpuFd: number,
  operations: readonly VectorOperation[],
  /** RAM of the VM, from address 0 on, and which vCPU it is. */
  place: { readonly ram: RamBlock; readonly vcpu: number },
) => void;

/** Runs one vector on a kernel that has just been made, and checks everything it says. */
export function runVector<Kernel extends KvmKernel>(kernel: Kernel, vector: Vector, attach: AttachGuest<Kernel>): void {
  const bench = new VectorBench(kernel, attach, vector);
  for (const step of vector.setup) bench.ioctl(step);
  const { ring } = bench;
  if (vector.ringBefore !== undefined) bench.presetRing(vector.ringBefore);
  bench.runGuests();
  for (const step of vector.thenIoctl ?? []) bench.ioctl(step);
  deepEqual(bench.events, expectedEvents(vector));
  if (vector.ringAfter !== undefined) deepEqual({ first: ring.first, last: ring.last }, vector.ringAfter);
  if (vector.ringEntriesAfter !== undefined) {
    deepEqual(bench.takeEntries(), expectedEntries(vector.ringEntriesAfter));
  }
  for (const [name, signals] of Object.entries(vector.eventfdsAfter ?? {})) {
    equal(kernel.readEventfd(bench.eventfd(name)), BigInt(signals), `signals of eventfd '${name}'`);
  }
}

class VectorBench<Kernel extends KvmKernel> {
  readonly events: VectorEvent[] = [];
  readonly ring: RingConsumer;
  readonly #kernel: Kernel;
  readonly #vector: Vector;
  readonly #vmFd: number;
  readonly #vcpus: { readonly fd: number; readonly run: DataView; readonly data: DataView }[] = [];
  readonly #ringPage: DataView;
  readonly #eventfds = new Map<string, number>();

  constructor(kernel: Kernel, attach: AttachGuest<Kernel>, vector: Vector) {
    this.#kernel = kernel;
    this.#vector = vector;
    this.#vmFd = kernel.ioctl(kernel.open('/dev/kvm'), SystemRequest.CreateVm, 0);
    const ram = this.#addRam();
    for (const operations of [vector.guest, ...(vector.otherGuests ?? [])]) {
      const fd = kernel.ioctl(this.#vmFd, VmRequest.CreateVcpu, this.#vcpus.length);
      this.#vcpus.push({ fd, run: kernel.mapVcpuPage(fd, 0), data: kernel.mapVcpuPage(fd, 1) });
      attach(kernel, fd, operations, { ram, vcpu: this.#vcpus.length - 1 });
    }
    this.#ringPage = kernel.mapVcpuPage(this.#vcpus[0]!.fd, 2);
    this.ring = new RingConsumer(this.#ringPage);
  }

  ioctl(step: IoctlStep): void {
    const result = { returns: step.returns, ...(step.errno === undefined ? {} : { errno: step.errno }) };
    const request = step.ioctl === 'ioeventfd' ? this.#ioeventfd(step) : zone(step);
    const code = {
      register: VmRequest.RegisterCoalescedMmio,
      unregister: VmRequest.UnregisterCoalescedMmio,
      ioeventfd: VmRequest.Ioeventfd,
    }[step.ioctl];
    for (let time = 0; time < (step.times ?? 1); time++) {
      const returns = this.#kernel.ioctl(this.#vmFd, code, request);
      deepEqual(returns === 0 ? { returns } : { returns, errno: this.#kernel.errno }, result);
    }
  }

  presetRing({ first, last }: { readonly first: number; readonly last: number }): void {
    this.#ringPage.setUint32(0, first, true);
    this.#ringPage.setUint32(4, last, true);
  }

  eventfd(name: string): number {
    const known = this.#eventfds.get(name);
    if (known !== undefined) return known;
    const fd = this.#kernel.eventfd();
    this.#eventfds.set(name, fd);
    return fd;
  }

  runGuests(): void {
    if (this.#vector.guest.length === 0) return;
    if (this.#vector.runs !== undefined) {
      for (const vcpu of this.#vector.runs) this.#runOnce(vcpu);
      return;
    }
    while (this.#runOnce(0) !== ExitReason.Hlt) ok(this.events.length < 10_000, 'the guest does not halt');
  }

  takeEntries(): RingEntry[] {
    const { ring } = this;
    const entries: RingEntry[] = [];
    const { last } = ring;
    for (let left = 170; ring.first !== last && left > 0; left--) {
      const { address, length, isPort, value, valueHigh } = ring.queued;
      const bytes = new DataView(new ArrayBuffer(8));
      bytes.setUint32(0, value, true);
      bytes.setUint32(4, valueHigh, true);
      const data = Array.from({ length }, (_, index) => bytes.getUint8(index));
      entries.push({ addr: address, len: length, pio: isPort ? 1 : 0, data });
      ring.advance();
    }
    return entries;
  }

  #runOnce(vcpu: number): number {
    const { fd, run, data } = this.#vcpus[vcpu]!;
    equal(this.#kernel.ioctl(fd, VcpuRequest.Run, 0), 0);
    if (this.#vector.drainAtEveryExit) for (const ring of this.takeEntries()) this.events.push({ ring });
    const exit = decodeExit(run, data);
    this.events.push(this.#vector.otherGuests === undefined ? exit : { ...exit, vcpu });
    return run.getUint32(KvmRun.exitReason, true);
  }

  #addRam(): RamBlock {
    const region = new DataView(new ArrayBuffer(UserspaceMemoryRegion.size));
    const ram = this.#kernel.allocateGuestMemory(RamSize);
    region.setBigUint64(UserspaceMemoryRegion.memorySize, BigInt(RamSize), true);
    region.setBigUint64(UserspaceMemoryRegion.userspaceAddress, BigInt(ram.hostAddress), true);
    equal(this.#kernel.ioctl(this.#vmFd, VmRequest.SetUserMemoryRegion, region), 0);
    return ram;
  }

  #ioeventfd(step: IoctlStep): DataView {
    const request = new DataView(new ArrayBuffer(IoeventfdLayout.size));
    const flags =
      (step.pio === 1 ? IoeventfdFlag.Pio : 0) |
      (step.datamatch === undefined ? 0 : IoeventfdFlag.Datamatch) |
      (step.deassign === true ? IoeventfdFlag.Deassign : 0) |
      (step.extraFlags ?? 0);
    request.setBigUint64(IoeventfdLayout.datamatch, BigInt(step.datamatch ?? 0), true);
    request.setBigUint64(IoeventfdLayout.address, BigInt(step.addr), true);
    request.setUint32(IoeventfdLayout.length, step.size, true);
    request.setInt32(IoeventfdLayout.fd, this.#descriptor(step.eventfd), true);
    request.setUint32(IoeventfdLayout.flags, flags, true);
    return request;
  }

  #descriptor(name = 'a'): number {
    if (name === 'vm') return this.#vmFd;
    return name === 'none' ? -1 : this.eventfd(name);
  }
}

function zone(step: IoctlStep): DataView {
  const request = new DataView(new ArrayBuffer(CoalescedZone.size));
  request.setBigUint64(CoalescedZone.address, BigInt(step.addr), true);
  request.setUint32(CoalescedZone.length, step.size, true);
  request.setUint32(CoalescedZone.pio, step.pio, true);
  return request;
}

function decodeExit(run: DataView, portData: DataView): VectorEvent {
  const reason = run.getUint32(KvmRun.exitReason, true);
  if (reason === ExitReason.Hlt) return { exit: 'hlt' };
  if (reason === ExitReason.Io) {
    const size = run.getUint8(IoExit.size);
    const count = run.getUint32(IoExit.count, true);
    const where = { port: run.getUint16(IoExit.port, true), size, count };
    equal(run.getBigUint64(IoExit.dataOffset, true), 4096n);
    if (run.getUint8(IoExit.direction) === IoDirection.In) return { exit: 'io', direction: 'in', ...where };
    return { exit: 'io', direction: 'out', ...where, data: bytesOf(portData, 0, size * count) };
  }
  equal(reason, ExitReason.Mmio);
  const size = run.getUint32(MmioExit.length, true);
  const address = Number(run.getBigUint64(MmioExit.address, true));
  const write = run.getUint8(MmioExit.isWrite) === 1;
  return { exit: 'mmio', write, address, size, ...(write ? { data: bytesOf(run, MmioExit.data, size) } : {}) };
}

function bytesOf(view: DataView, offset: number, length: number): number[] {
  return Array.from({ length }, (_, index) => view.getUint8(offset + index));
}
