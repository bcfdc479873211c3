import { Cpuid2, Errno, MsrList, Msrs, StructSize, VcpuEvents, VcpuRequest } from '../../abi.ts';
import { type CpuidEntry, cpuidStruct, sizeOfCpuid, storeCpuid } from '../../cpuid.ts';
import type { IoctlArgument } from '../../kernel.ts';
import type { MachineCode, Processor } from '../processor.ts';

/** KVM takes no more in one call. @see arch/x86/kvm/x86.c, MAX_IO_MSRS */
const MostMsrs = 256;

/** What a vCPU is asked while it executes machine code; everything else is as in a kernel that lacks the capability. */
export function codeIoctl(
  processor: Processor,
  machineCode: MachineCode | undefined,
  request: number,
  argument: IoctlArgument,
): number {
  if (typeof argument === 'number' || machineCode === undefined) return -Errno.ENOTTY;
  const struct = new DataView(argument.buffer, argument.byteOffset, argument.byteLength);
  switch (request) {
    case VcpuRequest.GetFpu:
      if (processor.getFpu === undefined) return -Errno.ENOTTY;
      if (struct.byteLength < StructSize.fpu) return -Errno.EFAULT;
      processor.getFpu(struct);
      return 0;
    case VcpuRequest.SetFpu:
      if (processor.setFpu === undefined) return -Errno.ENOTTY;
      if (struct.byteLength < StructSize.fpu) return -Errno.EFAULT;
      return processor.setFpu(struct) ? 0 : -Errno.EINVAL;
    case VcpuRequest.GetMsrs:
      return eachMsr(struct, (index, at) => {
        const value = processor.getMsr?.(index);
        if (value !== undefined) struct.setBigUint64(at, value, true);
        return value !== undefined;
      });
    case VcpuRequest.SetMsrs:
      return eachMsr(struct, (index, at) => processor.setMsr?.(index, struct.getBigUint64(at, true)) === true);
    case VcpuRequest.GetCpuid2:
      return getCpuid(struct, machineCode.cpuid);
    case VcpuRequest.SetCpuid2:
      return setCpuid(struct, machineCode.cpuid);
    case VcpuRequest.GetVcpuEvents:
      return struct.byteLength < StructSize.vcpuEvents ? -Errno.EFAULT : getEvents(struct, processor);
    case VcpuRequest.SetVcpuEvents:
      return struct.byteLength < StructSize.vcpuEvents ? -Errno.EFAULT : setEvents(struct, processor);
    default:
      return -Errno.ENOTTY;
  }
}

/** KVM_GET_SUPPORTED_CPUID and KVM_GET_CPUID2: E2BIG where the table has no room. */
export function getCpuid(struct: DataView, entries: readonly CpuidEntry[]): number {
  if (struct.byteLength < Cpuid2.header) return -Errno.EFAULT;
  if (struct.getUint32(Cpuid2.count, true) < entries.length) return -Errno.E2BIG;
  if (struct.byteLength < sizeOfCpuid(entries.length)) return -Errno.EFAULT;
  storeCpuid(struct, entries);
  return 0;
}

/** KVM_GET_MSR_INDEX_LIST: E2BIG, and how many there are, where the list has no room. */
export function getMsrList(list: DataView, msrs: readonly number[]): number {
  if (list.byteLength < MsrList.header) return -Errno.EFAULT;
  const room = list.getUint32(MsrList.count, true);
  list.setUint32(MsrList.count, msrs.length, true);
  if (room < msrs.length) return -Errno.E2BIG;
  if (list.byteLength < MsrList.header + msrs.length * MsrList.entry) return -Errno.EFAULT;
  msrs.forEach((index, at) => {
    list.setUint32(MsrList.header + at * MsrList.entry, index, true);
  });
  return 0;
}

/** CPUID answers from a table that is the processor's own: it can be set to nothing else. */
function setCpuid(struct: DataView, entries: readonly CpuidEntry[]): number {
  if (struct.byteLength < Cpuid2.header) return -Errno.EFAULT;
  const count = struct.getUint32(Cpuid2.count, true);
  if (count !== entries.length) return -Errno.EINVAL;
  if (struct.byteLength < sizeOfCpuid(count)) return -Errno.EFAULT;
  const own = cpuidStruct(entries);
  for (let at = Cpuid2.header; at < own.byteLength; at++) {
    if (struct.getUint8(at) !== own.getUint8(at)) return -Errno.EINVAL;
  }
  return 0;
}

/** How many registers were done: the first that cannot be ends the call. */
function eachMsr(struct: DataView, access: (index: number, at: number) => boolean): number {
  if (struct.byteLength < Msrs.header) return -Errno.EFAULT;
  const count = struct.getUint32(Msrs.count, true);
  if (count >= MostMsrs) return -Errno.E2BIG;
  if (struct.byteLength < Msrs.header + count * Msrs.entry) return -Errno.EFAULT;
  for (let done = 0; done < count; done++) {
    const at = Msrs.header + done * Msrs.entry;
    if (!access(struct.getUint32(at + Msrs.index, true), at + Msrs.value)) return done;
  }
  return count;
}

function getEvents(struct: DataView, processor: Processor): number {
  for (let byte = 0; byte < StructSize.vcpuEvents; byte++) struct.setUint8(byte, 0);
  const { queuedVector } = processor;
  if (queuedVector >= 0) {
    struct.setUint8(VcpuEvents.interruptInjected, 1);
    struct.setUint8(VcpuEvents.interruptNumber, queuedVector);
  }
  if (processor.interruptShadow) struct.setUint8(VcpuEvents.interruptShadow, VcpuEvents.shadowOfSti);
  struct.setUint32(VcpuEvents.flags, VcpuEvents.shadowIsValid, true);
  return 0;
}

/** An interrupt that waits. The shadow is the processor's own, and there is no other event. */
function setEvents(struct: DataView, processor: Processor): number {
  const bytesOf = (at: number, length: number) =>
    Array.from({ length }, (_, byte) => struct.getUint8(at + byte)).some((byte) => byte !== 0);
  const flags = struct.getUint32(VcpuEvents.flags, true);
  if ((flags & ~VcpuEvents.shadowIsValid) !== 0) return -Errno.EINVAL;
  const others = [
    [VcpuEvents.exception, 4],
    [VcpuEvents.interruptSoft, 1],
    [VcpuEvents.nonMaskable, 3],
    [VcpuEvents.systemManagement, 4],
    [VcpuEvents.tripleFault, 1],
    [VcpuEvents.exceptionHasPayload, 1],
  ] as const;
  if (others.some(([at, length]) => bytesOf(at, length))) return -Errno.EINVAL;
  const shadow = struct.getUint8(VcpuEvents.interruptShadow) !== 0;
  if (flags !== 0 && shadow !== processor.interruptShadow) return -Errno.EINVAL;
  const isQueued = struct.getUint8(VcpuEvents.interruptInjected) !== 0;
  processor.queuedVector = isQueued ? struct.getUint8(VcpuEvents.interruptNumber) : -1;
  return 0;
}
