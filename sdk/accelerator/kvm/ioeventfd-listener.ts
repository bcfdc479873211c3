import { hex } from '../../base/text.ts';
import type { Ioeventfd, ListenedSection, MemoryListener } from '../../memory/index.ts';
import { IoeventfdFlag, IoeventfdLayout, VmRequest } from './abi.ts';
import type { KvmVm } from './kvm-vm.ts';

/** Hands the ioeventfds of one address space to the kernel, which signals them without leaving for userspace. */
export class IoeventfdListener implements MemoryListener {
  private readonly argument = new DataView(new ArrayBuffer(IoeventfdLayout.size));

  constructor(
    private readonly vm: KvmVm,
    readonly name: string,
    readonly priority: number,
    readonly isPort: boolean,
  ) {}

  eventfdAdd(_section: ListenedSection, eventfd: Ioeventfd): void {
    this.request(eventfd, 0, 'register');
  }

  eventfdDel(_section: ListenedSection, eventfd: Ioeventfd): void {
    this.request(eventfd, IoeventfdFlag.Deassign, 'remove');
  }

  private request(eventfd: Ioeventfd, extraFlags: number, verb: string): void {
    const match = eventfd.match === undefined ? 0 : IoeventfdFlag.Datamatch;
    this.argument.setBigUint64(IoeventfdLayout.datamatch, eventfd.match ?? 0n, true);
    this.argument.setBigUint64(IoeventfdLayout.address, BigInt(eventfd.address), true);
    this.argument.setUint32(IoeventfdLayout.length, eventfd.size, true);
    this.argument.setInt32(IoeventfdLayout.fd, eventfd.fd, true);
    this.argument.setUint32(IoeventfdLayout.flags, match | extraFlags | (this.isPort ? IoeventfdFlag.Pio : 0), true);
    const what = `${verb} an ioeventfd at ${this.isPort ? 'port' : 'address'} ${hex(eventfd.address)}`;
    this.vm.call(this.vm.vmFd, VmRequest.Ioeventfd, this.argument, what);
  }
}
