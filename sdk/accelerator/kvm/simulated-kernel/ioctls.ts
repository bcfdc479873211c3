import {
  ApiVersion,
  Capability,
  CoalescedZone,
  DirtyLog,
  Errno,
  IoeventfdLayout,
  PageSize,
  StructSize,
  SystemRequest,
  UserspaceMemoryRegion,
  VcpuMmapSize,
  VcpuRequest,
  VmRequest,
} from '../abi.ts';
import type { IoctlArgument } from '../kernel.ts';
import type { Eventfd } from './ioeventfds.ts';
import { codeIoctl, getCpuid, getMsrList } from './machine-code/ioctls.ts';
import type { MachineCode } from './processor.ts';
import { queuedVectorIn, showQueuedVector } from './processor-state.ts';
import { VirtualCpu } from './virtual-cpu.ts';
import { type Capabilities, MaximumVcpus, type VirtualMachine } from './virtual-machine.ts';

const LargestTssAddress = 2 ** 32 - 1 - 3 * PageSize;
const Vectors = 256;

/** What requests may do with file descriptors. */
export interface FileTable {
  add(file: VirtualMachine | VirtualCpu): number;
  newMachine(): VirtualMachine;
  readonly machineCode: MachineCode | undefined;
  /** An errno for a descriptor that is not open, or of another kind. */
  eventfdOf(fd: number): Eventfd | number;
}

/** Requests answer as inside the kernel: 0 or more, or a negative errno. */
export function systemIoctl(request: number, argument: IoctlArgument, answers: Capabilities, files: FileTable): number {
  if (request === SystemRequest.CheckExtension) return checkExtension(argument, answers);
  switch (request) {
    case SystemRequest.GetApiVersion:
      return argument === 0 ? ApiVersion : -Errno.EINVAL;
    case SystemRequest.CreateVm:
      return argument === 0 ? files.add(files.newMachine()) : -Errno.EINVAL;
    case SystemRequest.GetVcpuMmapSize:
      if (argument !== 0) return -Errno.EINVAL;
      return has(answers, Capability.CoalescedMmio) ? VcpuMmapSize : VcpuMmapSize - PageSize;
    case SystemRequest.GetSupportedCpuid:
      return withTable(argument, files.machineCode, (table, { cpuid }) => getCpuid(table, cpuid));
    case SystemRequest.GetMsrIndexList:
      return withTable(argument, files.machineCode, (table, { msrs }) => getMsrList(table, msrs));
    default:
      return -Errno.ENOTTY;
  }
}

export function vmIoctl(machine: VirtualMachine, request: number, argument: IoctlArgument, files: FileTable): number {
  switch (request) {
    case VmRequest.CreateVcpu:
      return createVcpu(machine, argument, files);
    case VmRequest.SetUserMemoryRegion:
      return withStruct(argument, UserspaceMemoryRegion.size, (region) => -machine.slots.set(region));
    case VmRequest.GetDirtyLog:
      return withStruct(argument, DirtyLog.size, (log) => -machine.slots.takeDirtyLog(log));
    case VmRequest.RegisterCoalescedMmio:
      if (!has(machine.capabilities, Capability.CoalescedMmio)) return -Errno.ENOTTY;
      return withStruct(argument, CoalescedZone.size, (zone) => -machine.zones.register(zone));
    case VmRequest.UnregisterCoalescedMmio:
      if (!has(machine.capabilities, Capability.CoalescedMmio)) return -Errno.ENOTTY;
      return withStruct(argument, CoalescedZone.size, (zone) => -machine.zones.unregister(zone));
    case VmRequest.Ioeventfd:
      if (!has(machine.capabilities, Capability.Ioeventfd)) return -Errno.ENOTTY;
      return withStruct(argument, IoeventfdLayout.size, (request) => {
        return -machine.ioeventfds.change(request, (fd) => files.eventfdOf(fd));
      });
    case VmRequest.IrqLine:
    case VmRequest.IrqLineStatus:
      return withStruct(argument, StructSize.irqLevel, () => -Errno.ENXIO);
    case VmRequest.CreatePit2:
      return -Errno.ENOENT;
    case VmRequest.SetTssAddress:
      return typeof argument === 'number' && argument >= 0 && argument <= LargestTssAddress ? 0 : -Errno.EINVAL;
    case VmRequest.SetIdentityMapAddress:
      return withStruct(argument, 8, () => (machine.vcpuIds.size > 0 ? -Errno.EINVAL : 0));
    case SystemRequest.CheckExtension:
      return checkExtension(argument, machine.capabilities);
    default:
      return -Errno.ENOTTY;
  }
}

export function vcpuIoctl(vcpu: VirtualCpu, request: number, argument: IoctlArgument): number {
  switch (request) {
    case VcpuRequest.Run:
      return argument === 0 ? -vcpu.run() : -Errno.EINVAL;
    case VcpuRequest.Interrupt:
      return withStruct(argument, StructSize.interrupt, (interrupt) => {
        const vector = interrupt.getUint32(0, true);
        if (vector >= Vectors) return -Errno.EINVAL;
        vcpu.processor.queuedVector = vector;
        return 0;
      });
    case VcpuRequest.GetRegisters:
      return withStruct(argument, StructSize.registers, (registers) => {
        vcpu.processor.getRegisters(registers);
        return 0;
      });
    case VcpuRequest.SetRegisters:
      return withStruct(argument, StructSize.registers, (registers) => {
        return vcpu.processor.setRegisters(registers) ? 0 : -Errno.EINVAL;
      });
    case VcpuRequest.GetSpecialRegisters:
      return withStruct(argument, StructSize.specialRegisters, (special) => {
        vcpu.processor.getSpecialRegisters(special);
        showQueuedVector(special, vcpu.processor.queuedVector);
        return 0;
      });
    case VcpuRequest.SetSpecialRegisters:
      return withStruct(argument, StructSize.specialRegisters, (special) => setSpecialRegisters(vcpu, special));
    default:
      return codeIoctl(vcpu.processor, vcpu.machineCode, request, argument);
  }
}

function setSpecialRegisters(vcpu: VirtualCpu, special: DataView): number {
  if (!vcpu.processor.setSpecialRegisters(special)) return -Errno.EINVAL;
  const vector = queuedVectorIn(special);
  if (vector >= 0) vcpu.processor.queuedVector = vector;
  vcpu.describeSpecialRegisters(special);
  return 0;
}

export function has(answers: Capabilities, capability: number): boolean {
  return (answers[capability] ?? 0) !== 0;
}

function checkExtension(argument: IoctlArgument, answers: Capabilities): number {
  return typeof argument === 'number' ? (answers[argument] ?? 0) : 0;
}

function createVcpu(machine: VirtualMachine, argument: IoctlArgument, files: FileTable): number {
  if (typeof argument !== 'number' || !Number.isInteger(argument)) return -Errno.EINVAL;
  if (argument < 0 || argument >= MaximumVcpus) return -Errno.EINVAL;
  if (machine.vcpuIds.has(argument)) return -Errno.EEXIST;
  const fd = files.add(new VirtualCpu(machine, argument));
  if (fd >= 0) machine.vcpuIds.add(argument);
  return fd;
}

/** EFAULT for a number in the place of a struct, and for a buffer that is too short. */
function withStruct(argument: IoctlArgument, size: number, body: (struct: DataView) => number): number {
  if (typeof argument === 'number' || argument.byteLength < size) return -Errno.EFAULT;
  return body(new DataView(argument.buffer, argument.byteOffset, size));
}

/** A struct of whatever length, for a kernel that executes machine code. */
function withTable(
  argument: IoctlArgument,
  code: MachineCode | undefined,
  body: (table: DataView, code: MachineCode) => number,
): number {
  if (code === undefined) return -Errno.ENOTTY;
  return withStruct(argument, 0, () => {
    const { buffer, byteOffset, byteLength } = argument as DataView;
    return body(new DataView(buffer, byteOffset, byteLength), code);
  });
}
