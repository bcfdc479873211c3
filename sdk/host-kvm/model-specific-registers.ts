import { MsrList, Msrs, SystemRequest, VcpuRequest } from '../accelerator/kvm/abi.ts';
import type { HostKernel } from './host-kernel.ts';

/** More than any kernel has. */
const MostMsrs = 1024;

/** The model-specific registers (MSRs) of a vCPU that its kernel saves, with the values of one moment. */
export class ModelSpecificRegisters {
  private readonly values: DataView;
  private readonly count: number;

  /** Reads them. What the kernel does not let this vCPU read is left out. */
  constructor(
    private readonly kernel: HostKernel,
    private readonly vcpuFd: number,
  ) {
    const indexes = indexesOf(kernel);
    const asked = structOf(indexes.length);
    indexes.forEach((index, at) => {
      asked.setUint32(Msrs.header + at * Msrs.entry + Msrs.index, index, true);
    });
    const read = this.each(asked, indexes.length, VcpuRequest.GetMsrs);
    this.count = read.length;
    this.values = structOf(read.length);
    read.forEach((from, at) => {
      copyEntry(asked, from, this.values, at);
    });
  }

  /** Writes them back. One that the kernel does not take stays as it is. */
  restore(): void {
    this.each(this.values, this.count, VcpuRequest.SetMsrs);
  }

  /** The kernel ends at the first register that it refuses: it is asked again behind that one. Answers which ones it took. */
  private each(all: DataView, count: number, request: number): number[] {
    const taken: number[] = [];
    for (let from = 0; from < count; ) {
      const part = structOf(count - from);
      for (let at = from; at < count; at++) copyEntry(all, at, part, at - from);
      const done = Math.max(0, this.kernel.ioctl(this.vcpuFd, request, part));
      for (let at = from; at < from + done; at++) {
        copyEntry(part, at - from, all, at);
        taken.push(at);
      }
      from += done + 1;
    }
    return taken;
  }
}

function indexesOf(kernel: HostKernel): number[] {
  const list = new DataView(new ArrayBuffer(MsrList.header + MostMsrs * MsrList.entry));
  list.setUint32(MsrList.count, MostMsrs, true);
  if (kernel.ioctl(kernel.systemFd, SystemRequest.GetMsrIndexList, list) < 0) return [];
  const count = Math.min(MostMsrs, list.getUint32(MsrList.count, true));
  return Array.from({ length: count }, (_, at) => list.getUint32(MsrList.header + at * MsrList.entry, true));
}

function structOf(count: number): DataView {
  const struct = new DataView(new ArrayBuffer(Msrs.header + count * Msrs.entry));
  struct.setUint32(Msrs.count, count, true);
  return struct;
}

function copyEntry(from: DataView, at: number, to: DataView, place: number): void {
  const [source, target] = [Msrs.header + at * Msrs.entry, Msrs.header + place * Msrs.entry];
  to.setUint32(target + Msrs.index, from.getUint32(source + Msrs.index, true), true);
  to.setBigUint64(target + Msrs.value, from.getBigUint64(source + Msrs.value, true), true);
}
