import { PageSize, SystemRequest, VcpuPage, VcpuRequest, VmRequest } from '../accelerator/kvm/abi.ts';
import type { IoctlArgument, KvmKernel } from '../accelerator/kvm/kernel.ts';
import { BackplaneError, HostFailure } from '../base/errors.ts';
import { hex } from '../base/text.ts';
import { hostNanoseconds } from '../clock/host-time.ts';
import type { RamBlock } from '../memory/index.ts';
import { MapFailed, MapFlag, Mapping, mapFile, Protection } from '../native/libc.ts';
import { ExitCounter, HostCounts } from './counts.ts';
import { type Libc, libc } from './libc.ts';

/** @see fcntl.h, sys/eventfd.h */
const OpenFlag = { ReadWrite: 2, CloseOnExec: 0o2000000 };
const EventfdFlag = { NonBlocking: 0o4000, CloseOnExec: 0o2000000 };

/** What this process knows of a VM's file descriptor. */
interface VmFile {
  readonly counter: ExitCounter;
}

/** What it knows of a vCPU's: the VM, and the pages once they are mapped. */
interface VcpuFile {
  readonly vm: VmFile;
  mapping: Mapping | undefined;
  pages: readonly DataView[];
}

/** No ring: where the kernel has none. */
const NoRing = new DataView(new ArrayBuffer(PageSize));

/** The host's /dev/kvm. Calls go to the kernel as they are; what this process sees of their results is counted. */
export class HostKernel implements KvmKernel {
  readonly counts = new HostCounts();
  /** What could not be done last, for a message. */
  failed: { readonly fd: number; readonly request: number } | 'open' | undefined;
  #errno = 0;
  readonly #blocks = new Set<Mapping>();
  readonly #open = new Set<number>();
  readonly #vms = new Map<number, VmFile>();
  readonly #vcpus: (VcpuFile | undefined)[] = [];
  readonly #signals = new BigUint64Array(1);
  /** Of /dev/kvm; -1 before it is open. */
  systemFd = -1;

  constructor(readonly library: Libc = libc()) {}

  get errno(): number {
    return this.#errno;
  }

  /** Nanoseconds of the host's monotonic clock. */
  get now(): number {
    return Math.floor(hostNanoseconds());
  }

  open(path: string): number {
    const fd = this.#answer(this.library.open(path, OpenFlag.ReadWrite | OpenFlag.CloseOnExec), 'open');
    if (fd >= 0) {
      this.#open.add(fd);
      this.systemFd = fd;
    }
    return fd;
  }

  close(fd: number): number {
    this.#vcpus[fd]?.mapping?.unmap();
    this.#vcpus[fd] = undefined;
    this.#vms.delete(fd);
    this.#open.delete(fd);
    return this.#answer(this.library.close(fd), { fd, request: 0 });
  }

  ioctl(fd: number, request: number, argument: IoctlArgument): number {
    if (request === VcpuRequest.Run) return this.#run(fd);
    const result =
      typeof argument === 'number'
        ? this.library.ioctl(fd, request, argument)
        : this.library.ioctlStruct(fd, request, argument);
    if (result < 0) return this.#answer(result, { fd, request });
    this.#note(fd, request, argument, result);
    return result;
  }

  mapVcpuPage(vcpuFd: number, page: 0 | 1 | 2): DataView {
    const vcpu = this.#vcpus[vcpuFd];
    if (vcpu === undefined) throw invalidCall(`file descriptor ${vcpuFd} is no vCPU`, 'what KVM_CREATE_VCPU answered');
    this.#map(vcpuFd, vcpu);
    const view = vcpu.pages[page];
    if (view === undefined) throw invalidCall(`a vCPU has no page ${page}`, 'pages below KVM_GET_VCPU_MMAP_SIZE');
    return view;
  }

  /** Zeroed; the host commits a page when it is first touched. */
  allocateGuestMemory(size: number, name = 'guest memory'): RamBlock {
    const length = Math.max(1, Math.ceil(size / PageSize)) * PageSize;
    const flags = MapFlag.Private | MapFlag.Anonymous | MapFlag.NoReserve;
    const address = this.library.mmap(0n, length, Protection.ReadWrite, flags, -1, 0);
    if (address === MapFailed) {
      throw new HostFailure(
        'no-guest-memory',
        `-accel kvm: the host has no ${hex(length)} bytes for '${name}': errno ${this.library.errno()}. Give the machine less RAM.`,
      );
    }
    const block = new Mapping(this.library, address, length, size);
    this.#blocks.add(block);
    return block;
  }

  /** A slot that still names it has zeros from here on. */
  releaseGuestMemory(block: RamBlock): void {
    if (this.#blocks.delete(block as Mapping)) (block as Mapping).unmap();
  }

  eventfd(): number {
    const fd = this.#answer(this.library.eventfd(0, EventfdFlag.NonBlocking | EventfdFlag.CloseOnExec), 'open');
    if (fd >= 0) this.#open.add(fd);
    return fd;
  }

  readEventfd(fd: number): bigint {
    return this.library.read(fd, this.#signals, 8) === 8 ? (this.#signals[0] as bigint) : 0n;
  }

  /** The repeating tick is the kick: no call of its own, and rounded up to the tick. */
  kickAt(): void {}

  /** Closes what is open and unmaps what is mapped, whatever has failed. Nothing of it may be used afterwards. */
  dispose(): void {
    for (const fd of [...this.#open].reverse()) this.close(fd);
    for (const block of this.#blocks) this.releaseGuestMemory(block);
  }

  /** KVM_RUN: the call that all of this is for. Nothing is allocated here. */
  #run(fd: number): number {
    const vcpu = this.#vcpus[fd];
    const run = vcpu?.pages[VcpuPage.Run];
    if (vcpu === undefined || run === undefined)
      return this.#answer(this.library.ioctl(fd, VcpuRequest.Run, 0), { fd, request: VcpuRequest.Run });
    const { counter } = vcpu.vm;
    const ring = vcpu.pages[VcpuPage.Ring] ?? NoRing;
    const result = this.library.ioctl(fd, VcpuRequest.Run, 0);
    if (result !== 0) this.#errno = this.library.errno();
    if (result === 0) counter.countExit(run, ring);
    return result;
  }

  #note(fd: number, request: number, argument: IoctlArgument, result: number): void {
    if (request === SystemRequest.CreateVm) {
      this.#open.add(result);
      this.#vms.set(result, { counter: new ExitCounter(this.counts) });
    } else if (request === VmRequest.CreateVcpu) {
      this.#open.add(result);
      this.#vcpus[result] = { vm: this.#vms.get(fd) as VmFile, mapping: undefined, pages: [] };
    } else if (request === VmRequest.RegisterCoalescedMmio) this.#vms.get(fd)?.counter.added(argument as DataView);
    else if (request === VmRequest.UnregisterCoalescedMmio) this.#vms.get(fd)?.counter.removed(argument as DataView);
    else if (request === VcpuRequest.Interrupt) this.counts.injectedInterrupts++;
  }

  #map(fd: number, vcpu: VcpuFile): void {
    if (vcpu.mapping !== undefined) return;
    const length = this.library.ioctl(this.systemFd, SystemRequest.GetVcpuMmapSize, 0);
    const [mapping] = (length > 0 ? mapFile(this.library, fd, 0, length, true) : undefined) ?? [];
    if (mapping === undefined) {
      throw new BackplaneError(
        'kvm-failure',
        `-accel kvm: the pages of a vCPU cannot be mapped: errno ${this.library.errno()}. Is a limit of this process's memory reached?`,
      );
    }
    const { buffer } = mapping.view;
    vcpu.mapping = mapping;
    vcpu.pages = Array.from(
      { length: Math.floor(length / PageSize) },
      (_, page) => new DataView(buffer, page * PageSize, PageSize),
    );
  }

  #answer(result: number, failed: HostKernel['failed']): number {
    if (result >= 0) return result;
    this.#errno = this.library.errno();
    this.failed = failed;
    return -1;
  }
}

function invalidCall(what: string, instead: string): BackplaneError {
  return new BackplaneError('invalid-kernel-call', `-accel kvm: ${what}. Use ${instead}.`);
}
