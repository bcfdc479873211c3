import { BackplaneError } from '../../../base/errors.ts';
import { EpochMovesAt } from '../../../clock/time.ts';
import type { RamBlock } from '../../../memory/ram-block.ts';
import type { CodeObserver } from '../../guest/code.ts';
import { Capability, Errno, VcpuPage, VcpuRequest } from '../abi.ts';
import type { IoctlArgument } from '../kernel.ts';
import type { ScheduledKernel } from '../scheduled/kernel.ts';
import { KernelExitStatistics } from '../scheduled/kernel-exit-statistics.ts';
import { HostMemory } from './guest-memory.ts';
import { DefaultOperationCosts, GuestTime, type OperationCosts } from './guest-time.ts';
import { type FileTable, has, systemIoctl, vcpuIoctl, vmIoctl } from './ioctls.ts';
import { Eventfd } from './ioeventfds.ts';
import type { MachineCode } from './processor.ts';
import { type KernelVariant, kernelVariant } from './variants.ts';
import { VirtualCpu } from './virtual-cpu.ts';
import { type Capabilities, CodeCapabilities, capabilities, VirtualMachine } from './virtual-machine.ts';

export interface SimulatedKernelOptions extends KernelVariant {
  /** What operations of guest programs cost, to the nanosecond; what is left out has its default (660, 3410, 10 and 1000 ns). */
  readonly costs?: Partial<OperationCosts>;
  /** Executes machine code on vCPU 0 of each VM. Default: none, and the kernel executes programs. */
  readonly machineCode?: MachineCode;
  /** Answers of KVM_CHECK_EXTENSION that differ from the default: `{ [Capability.CoalescedPio]: 0 }` is an old kernel. */
  readonly capabilities?: Readonly<Record<number, number>>;
}

type File = 'kvm' | VirtualMachine | VirtualCpu | Eventfd;

/** A VM lives on while one of its vCPUs is open. */
const machineOf = (file: File | undefined): VirtualMachine | undefined =>
  file instanceof VirtualCpu ? file.machine : file instanceof VirtualMachine ? file : undefined;

const FirstFd = 3;
const MostFds = 65536;

/** KVM in TypeScript: deterministic, on any machine. */
export class SimulatedKernel implements ScheduledKernel, FileTable {
  readonly counts = new KernelExitStatistics();
  readonly costs: OperationCosts;
  #errno = 0;
  readonly #files: (File | undefined)[] = new Array(FirstFd).fill(undefined);
  /** Those of the files that are vCPUs. */
  readonly #vcpus: (VirtualCpu | undefined)[] = [];
  readonly #host = new HostMemory();
  readonly #time: GuestTime;
  readonly #capabilities: Capabilities;
  readonly #variant: Required<KernelVariant>;
  readonly machineCode: MachineCode | undefined;
  /** The last VM, until it has its RAM. */
  #withoutRam: VirtualMachine | undefined;
  onOverwritten: (address: number) => void = () => {};

  constructor(options: SimulatedKernelOptions = {}) {
    const costs = { ...DefaultOperationCosts, ...options.costs };
    for (const [name, cost] of Object.entries(costs)) {
      if (cost >= 0 && cost < Infinity) continue;
      throw new BackplaneError(
        'invalid-accelerator-option',
        `Simulated kernel: the cost '${name}' is ${cost}. Give 0 or more nanoseconds.`,
      );
    }
    const round = (name: keyof OperationCosts) => Math.round(costs[name]);
    this.costs = { kernel: round('kernel'), userspace: round('userspace'), plain: round('plain'), isa: round('isa') };
    this.machineCode = options.machineCode;
    this.#time = new GuestTime(this.costs);
    this.#capabilities = capabilities({
      ...(this.machineCode === undefined ? {} : CodeCapabilities),
      ...options.capabilities,
    });
    this.#variant = kernelVariant(options);
  }

  get errno(): number {
    return this.#errno;
  }

  get now(): number {
    return this.#time.now;
  }

  open(path: string): number {
    return this.#answer(path === '/dev/kvm' ? this.add('kvm') : -Errno.ENOENT);
  }

  /** A VM lives on while one of its vCPUs is open. */
  close(fd: number): number {
    if (this.#files[fd] === undefined) return this.#answer(-Errno.EBADF);
    this.#files[fd] = this.#vcpus[fd] = undefined;
    return 0;
  }

  ioctl(fd: number, request: number, argument: IoctlArgument): number {
    const vcpu = this.#vcpus[fd];
    if (vcpu !== undefined) {
      if (request === VcpuRequest.Run && argument === 0) {
        const failed = vcpu.run();
        return failed === 0 ? 0 : this.#answer(-failed);
      }
      return this.#answer(vcpuIoctl(vcpu, request >>> 0, argument));
    }
    const file = this.#files[fd];
    if (file instanceof VirtualMachine) return this.#answer(vmIoctl(file, request >>> 0, argument, this));
    if (file === 'kvm') return this.#answer(systemIoctl(request >>> 0, argument, this.#capabilities, this));
    return this.#answer(file === undefined ? -Errno.EBADF : -Errno.ENOTTY);
  }

  mapVcpuPage(vcpuFd: number, page: 0 | 1 | 2): DataView {
    const vcpu = this.processor(vcpuFd);
    if (page === VcpuPage.Run) return vcpu.runPage;
    if (page === VcpuPage.PortData) return vcpu.portPage;
    if (page === VcpuPage.Ring && has(this.#capabilities, Capability.CoalescedMmio)) return vcpu.machine.ringPage;
    throw new BackplaneError(
      'invalid-kernel-call',
      `Simulated kernel: a vCPU mapping has no page ${page}. Map no more than its mmap size.`,
    );
  }

  allocateGuestMemory(size: number, name = 'guest memory', isMachineRam = false): RamBlock {
    const code = isMachineRam ? this.#withoutRam?.code : undefined;
    if (code === undefined) return this.#host.allocate(size, name);
    this.#withoutRam = undefined;
    return code.allocateRam(this.#host, size, name);
  }

  releaseGuestMemory(block: RamBlock): void {
    this.#host.release(block);
  }

  eventfd(): number {
    return this.#answer(this.add(new Eventfd()));
  }

  readEventfd(fd: number): bigint {
    const file = this.#files[fd];
    return file instanceof Eventfd ? file.read() : 0n;
  }

  kickAt(deadline: number): void {
    this.#time.kickAt = Math.min(deadline, EpochMovesAt);
    this.#time.quietUntil = 0;
  }

  stopAt(time: number): void {
    this.#time.stopAt = time;
    this.#time.quietUntil = 0;
  }

  kickWhenQueuedFor(nanoseconds: number): void {
    this.#time.longestQueued = Math.ceil(nanoseconds);
    this.#time.quietUntil = 0;
  }

  queuedSince(vcpuFd: number, slot: number): number | undefined {
    return this.processor(vcpuFd).machine.ringTimes.queuedSince(slot);
  }

  sleepUntil(time: number): void {
    this.#time.advanceTo(time);
  }

  rebase(nanoseconds: number): void {
    for (const machine of new Set(this.#files.map(machineOf))) {
      machine?.code?.keepTimeStamp(nanoseconds);
      machine?.ringTimes.rebase(nanoseconds);
    }
    this.#time.rebase(nanoseconds);
    for (const file of this.#files) if (file instanceof VirtualCpu) file.execution.operation.rebase(nanoseconds);
  }

  observeCode(fd: number, observer: CodeObserver | undefined): void {
    this.processor(fd).machine.code?.execution.observe(observer);
  }

  processor(fd: number): VirtualCpu {
    const vcpu = this.#vcpus[fd];
    if (vcpu !== undefined) return vcpu;
    throw new BackplaneError(
      'invalid-kernel-call',
      `Simulated kernel: file descriptor ${fd} is no vCPU. Use what KVM_CREATE_VCPU answered.`,
    );
  }

  /** The lowest free file descriptor, as in POSIX, or a negative errno. */
  add(file: File): number {
    const free = this.#files.indexOf(undefined, FirstFd);
    const fd = free < 0 ? this.#files.length : free;
    if (fd >= MostFds) return -Errno.EMFILE;
    this.#files[fd] = file;
    this.#vcpus[fd] = file instanceof VirtualCpu ? file : undefined;
    return fd;
  }

  newMachine(): VirtualMachine {
    this.#withoutRam = new VirtualMachine(
      this.#host,
      this.counts,
      this.#time,
      this.#capabilities,
      this.#variant,
      this.machineCode,
      (address) => this.onOverwritten(address),
    );
    return this.#withoutRam;
  }

  eventfdOf(fd: number): Eventfd | number {
    const file = this.#files[fd];
    if (file === undefined) return Errno.EBADF;
    return file instanceof Eventfd ? file : Errno.EINVAL;
  }

  #answer(result: number): number {
    if (result >= 0) return result + 0; // never -0
    this.#errno = -result;
    return -1;
  }
}
