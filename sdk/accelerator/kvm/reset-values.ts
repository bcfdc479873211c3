import { DescriptorTable, Registers, Rflags, Segment, SpecialRegisters, StructSize } from './abi.ts';

/** Where a processor begins: the last 16 bytes below 4 GiB, seen as segment 0xf000. @see Intel SDM volume 3, 9.1.4 */
const ResetVector = { instructionPointer: 0xfff0, selector: 0xf000, base: 0xffff_0000 };
const SegmentLimit = 0xffff;
/** Descriptor types. @see Intel SDM volume 3, 3.5 and table 9-1 (state after reset) */
const DescriptorType = { ReadWrite: 0x3, ExecuteRead: 0xb, LocalTable: 0x2, BusyTask: 0xb };
/** Caches off, extension type set. @see Intel SDM volume 3, table 9-1 */
const ControlRegister0 = 0x6000_0010;
const ApicBase = { address: 0xfee0_0000, enabled: 0x800, bootstrap: 0x100 };
/** Family 6: what DX holds after a reset. @see Intel SDM volume 3, 9.1.3 */
const ProcessorSignature = 0x600;

/** struct kvm_regs of a processor after a reset: what a new vCPU has, and what a reset of the machine puts back. */
export function registersAfterReset(): DataView {
  const general = new DataView(new ArrayBuffer(StructSize.registers));
  general.setUint32(Registers.rip, ResetVector.instructionPointer, true);
  general.setUint32(Registers.rflags, Rflags.AlwaysOne, true);
  general.setUint32(Registers.rdx, ProcessorSignature, true);
  return general;
}

/** struct kvm_sregs of a processor after a reset; vCPU 0 is the one that starts the others. One without a local APIC has it disabled. */
export function specialRegistersAfterReset(vcpu: number, hasLocalApic = true): DataView {
  const special = new DataView(new ArrayBuffer(StructSize.specialRegisters));
  const { cs, ds, es, fs, gs, ss, tr, ldt, gdt, idt } = SpecialRegisters;
  for (const offset of [ds, es, fs, gs, ss]) setSegment(special, offset, DescriptorType.ReadWrite, 1);
  setSegment(special, cs, DescriptorType.ExecuteRead, 1);
  special.setBigUint64(cs + Segment.base, BigInt(ResetVector.base), true);
  special.setUint16(cs + Segment.selector, ResetVector.selector, true);
  setSegment(special, tr, DescriptorType.BusyTask, 0);
  setSegment(special, ldt, DescriptorType.LocalTable, 0);
  for (const table of [gdt, idt]) special.setUint16(table + DescriptorTable.limit, SegmentLimit, true);
  special.setUint32(SpecialRegisters.cr0, ControlRegister0, true);
  const bootstrap = vcpu === 0 ? ApicBase.bootstrap : 0;
  const enabled = hasLocalApic ? ApicBase.enabled : 0;
  special.setBigUint64(SpecialRegisters.apicBase, BigInt(ApicBase.address + enabled + bootstrap), true);
  return special;
}

function setSegment(special: DataView, offset: number, type: number, isCodeOrData: number): void {
  special.setUint32(offset + Segment.limit, SegmentLimit, true);
  special.setUint8(offset + Segment.type, type);
  special.setUint8(offset + Segment.present, 1);
  special.setUint8(offset + Segment.s, isCodeOrData);
}
