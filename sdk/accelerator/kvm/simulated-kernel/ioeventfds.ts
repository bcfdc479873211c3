import { Errno, IoeventfdFlag, IoeventfdLayout } from '../abi.ts';
import { BusAnswer, type BusAnswerValue, type BusDevice, IoBus } from './io-bus.ts';
import type { Processor } from './variants.ts';

const Lengths = [0, 1, 2, 4, 8];
const LargestCount = 2n ** 64n - 2n;

/** A counter that the kernel signals and userspace reads. */
export class Eventfd {
  #count = 0n;

  signal(): void {
    if (this.#count < LargestCount) this.#count++;
  }

  /** The signals since the last read. */
  read(): bigint {
    const count = this.#count;
    this.#count = 0n;
    return count;
  }
}

class KernelIoeventfd implements BusDevice {
  readonly countsAgainstLimit = false;
  readonly #start: number;
  readonly #low: number;
  readonly #high: number;

  /** Without a `datamatch` it takes any value. */
  constructor(
    readonly bus: IoBus,
    readonly eventfd: Eventfd,
    readonly address: bigint,
    readonly length: number,
    readonly datamatch: bigint | undefined,
  ) {
    this.#start = Number(address);
    this.#low = Number(BigInt.asUintN(32, datamatch ?? 0n));
    this.#high = Number((datamatch ?? 0n) >> 32n);
  }

  write(address: number, length: number, value: number, valueHigh: number): BusAnswerValue {
    if (!this.takes(address, length, value, valueHigh)) return BusAnswer.NotTaken;
    this.eventfd.signal();
    return BusAnswer.Signalled;
  }

  takes(address: number, length: number, value: number, valueHigh: number): boolean {
    if (address !== this.#start || (this.length !== 0 && length !== this.length)) return false;
    return this.datamatch === undefined || (value === this.#low && valueHigh === this.#high);
  }

  /** Whether both could take one and the same write. */
  collidesWith(other: KernelIoeventfd): boolean {
    if (this.bus !== other.bus || this.address !== other.address) return false;
    if (this.length === 0 || other.length === 0) return true;
    if (this.length !== other.length) return false;
    return this.datamatch === undefined || other.datamatch === undefined || this.datamatch === other.datamatch;
  }

  isSame(other: KernelIoeventfd): boolean {
    return (
      this.bus === other.bus &&
      this.eventfd === other.eventfd &&
      this.address === other.address &&
      this.length === other.length &&
      this.datamatch === other.datamatch
    );
  }
}

/** The ioeventfds of a VM. @see virt/kvm/eventfd.c, kvm_ioeventfd */
export class KernelIoeventfds {
  /** Asked before the memory bus, by address alone: memory ioeventfds without a length. SVM does not ask it: to it, it is empty. */
  readonly fastMemory: IoBus;
  /** Where they are registered, whether it is asked or not. */
  readonly #fast = new IoBus();
  /** No x86 access reaches it. */
  readonly #channels = new IoBus();
  readonly #devices = new Set<KernelIoeventfd>();

  constructor(
    private readonly ports: IoBus,
    private readonly memory: IoBus,
    processor: Processor,
  ) {
    this.fastMemory = processor === 'intel' ? this.#fast : new IoBus();
  }

  /** KVM_IOEVENTFD, once the fd is known to be an eventfd; answers 0 or an errno. */
  change(request: DataView, eventfdOf: (fd: number) => Eventfd | number): number {
    const flags = request.getUint32(IoeventfdLayout.flags, true);
    const deassign = (flags & IoeventfdFlag.Deassign) !== 0;
    const length = request.getUint32(IoeventfdLayout.length, true);
    const address = request.getBigUint64(IoeventfdLayout.address, true);
    const matches = (flags & IoeventfdFlag.Datamatch) !== 0;
    if (!deassign) {
      if (!Lengths.includes(length) || address + BigInt(length) >= 2n ** 64n) return Errno.EINVAL;
      if ((flags & ~IoeventfdFlag.valid) !== 0 || (length === 0 && matches)) return Errno.EINVAL;
    }
    const eventfd = eventfdOf(request.getInt32(IoeventfdLayout.fd, true));
    if (typeof eventfd === 'number') return eventfd;
    const datamatch = matches ? request.getBigUint64(IoeventfdLayout.datamatch, true) : undefined;
    const bus = this.#bus(flags);
    const device = new KernelIoeventfd(bus, eventfd, address, length, datamatch);
    const fast =
      length === 0 && bus === this.memory
        ? new KernelIoeventfd(this.#fast, eventfd, address, length, datamatch)
        : undefined;
    if (deassign) {
      if (fast !== undefined) this.#remove(fast);
      return this.#remove(device);
    }
    const refused = this.#add(device);
    if (refused !== 0 || fast === undefined) return refused;
    const fastRefused = this.#add(fast);
    if (fastRefused !== 0) this.#remove(device);
    return fastRefused;
  }

  #add(device: KernelIoeventfd): number {
    for (const other of this.#devices) if (other.collidesWith(device)) return Errno.EEXIST;
    const refused = device.bus.register(device.address, device.length, device);
    if (refused === 0) this.#devices.add(device);
    return refused;
  }

  #remove(wanted: KernelIoeventfd): number {
    for (const device of this.#devices) {
      if (!device.isSame(wanted)) continue;
      device.bus.unregister(device);
      this.#devices.delete(device);
      return 0;
    }
    return Errno.ENOENT;
  }

  #bus(flags: number): IoBus {
    if ((flags & IoeventfdFlag.Pio) !== 0) return this.ports;
    if ((flags & IoeventfdFlag.VirtioCcwNotify) !== 0) return this.#channels;
    return this.memory;
  }
}
