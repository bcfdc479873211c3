import { DescriptorTable, Registers, Rflags, Segment, SpecialRegisters } from '../../accelerator/kvm/abi.ts';
import type { GuestState } from './guest-state.ts';
import { At, Segments } from './state-layout.ts';
import type { WasmInstance } from './wasm-instance.ts';

/** struct kvm_regs: the order of RAX RBX RCX RDX RSI RDI RSP RBP, as numbers of the processor's own order. @see asm/kvm.h (uapi) */
const KvmOrder = [0, 3, 1, 2, 6, 7, 4, 5];
const ThirtyTwoBitHalf = 4;
const SegmentOrder = [
  [SpecialRegisters.cs, Segments.cs],
  [SpecialRegisters.ds, Segments.ds],
  [SpecialRegisters.es, Segments.es],
  [SpecialRegisters.fs, Segments.fs],
  [SpecialRegisters.gs, Segments.gs],
  [SpecialRegisters.ss, Segments.ss],
  [SpecialRegisters.tr, Segments.tr],
  [SpecialRegisters.ldt, Segments.ldt],
] as const;
const Controls = [SpecialRegisters.cr0, undefined, SpecialRegisters.cr2, SpecialRegisters.cr3, SpecialRegisters.cr4];
const Cr0 = { protection: 1, paging: 0x8000_0000 } as const;
const ExtensionType = 0x10;
const Cr4PhysicalAddressExtension = 0x20;
const Virtual8086 = 0x2_0000;
const DescriptorType = { Task16: 3, Task32: 0xb, LocalTable: 2 } as const;

/** Everything that a 64-bit field has above 32 bits is refused: there is no such register. */
const fits = (from: DataView, offset: number): boolean => from.getUint32(offset + ThirtyTwoBitHalf, true) === 0;

function put(to: DataView, offset: number, value: number): void {
  to.setUint32(offset, value, true);
  to.setUint32(offset + ThirtyTwoBitHalf, 0, true);
}

export function getRegisters({ words, pointer, view }: GuestState, wasm: WasmInstance, to: DataView): void {
  for (let offset = 0; offset < Registers.rip; offset += 8) put(to, offset, 0);
  KvmOrder.forEach((index, place) => {
    put(to, place * 8, words[(At.registers >> 2) + index]!);
  });
  put(to, Registers.rip, pointer - view.getInt32(At.segmentBases + 4 * Segments.cs, true));
  put(to, Registers.rflags, wasm.exports.get_eflags());
}

/** False for values of more than 32 bits, and for R8 to R15. */
export function setRegisters(state: GuestState, wasm: WasmInstance, from: DataView): boolean {
  for (let offset = 0; offset <= Registers.rflags; offset += 8) {
    if (!fits(from, offset)) return false;
    if (offset >= 8 * KvmOrder.length && offset < Registers.rip && from.getUint32(offset, true) !== 0) return false;
  }
  KvmOrder.forEach((index, place) => {
    state.words[(At.registers >> 2) + index] = from.getUint32(place * 8, true);
  });
  const base = state.view.getInt32(At.segmentBases + 4 * Segments.cs, true);
  state.pointer = base + from.getUint32(Registers.rip, true);
  state.words[At.previousPointer >> 2] = state.pointer;
  setFlags(state, from.getUint32(Registers.rflags, true) | Rflags.AlwaysOne);
  wasm.exports.update_state_flags();
  return true;
}

function setFlags({ words, bytes, view }: GuestState, flags: number): void {
  words[At.flags >> 2] = flags;
  words[At.flagsChanged >> 2] = 0;
  if ((flags & Virtual8086) !== 0 && view.getUint8(At.protectedMode) !== 0) bytes[At.privilege] = 3;
}

/** All but the bitmap of interrupts, CR8 and the APIC's base, which are no registers of this processor. */
export function getSpecialRegisters({ view }: GuestState, to: DataView): void {
  for (const [offset, index] of SegmentOrder) getSegment(view, to, offset, index);
  Controls.forEach((offset, index) => {
    if (offset !== undefined) put(to, offset, view.getUint32(At.controlRegisters + 4 * index, true));
  });
  putTable(to, SpecialRegisters.gdt, view.getUint32(At.gdtrBase, true), view.getUint32(At.gdtrSize, true));
  putTable(to, SpecialRegisters.idt, view.getUint32(At.idtrBase, true), view.getUint32(At.idtrSize, true));
  put(to, SpecialRegisters.efer, 0);
}

function getSegment(view: DataView, to: DataView, offset: number, index: number): void {
  const limit = view.getUint32(At.segmentLimits + 4 * index, true);
  const access = accessByte(view, index);
  put(to, offset + Segment.base, view.getUint32(At.segmentBases + 4 * index, true));
  to.setUint32(offset + Segment.limit, limit, true);
  to.setUint16(offset + Segment.selector, view.getUint16(At.selectors + 2 * index, true), true);
  to.setUint8(offset + Segment.type, access & 15);
  to.setUint8(offset + Segment.present, access >> 7);
  to.setUint8(offset + Segment.dpl, (access >> 5) & 3);
  to.setUint8(offset + Segment.db, is32Bit(view, index, limit) ? 1 : 0);
  to.setUint8(offset + Segment.s, (access >> 4) & 1);
  to.setUint8(offset + Segment.l, 0);
  to.setUint8(offset + Segment.g, limit > 0xf_ffff ? 1 : 0);
  to.setUint8(offset + Segment.unusable, view.getUint8(At.segmentIsNull + index));
}

/** The module keeps none of TR and LDTR. */
function accessByte(view: DataView, index: number): number {
  if (index === Segments.tr)
    return 0x80 | (view.getUint8(At.taskIs32) !== 0 ? DescriptorType.Task32 : DescriptorType.Task16);
  if (index === Segments.ldt) return 0x80 | DescriptorType.LocalTable;
  return view.getUint8(At.segmentAccess + index);
}

function is32Bit(view: DataView, index: number, limit: number): boolean {
  if (index === Segments.cs) return view.getUint8(At.codeIs32) !== 0;
  if (index === Segments.ss) return view.getUint8(At.stackIs32) !== 0;
  return index < Segments.tr && limit > 0xffff;
}

function putTable(to: DataView, offset: number, base: number, limit: number): void {
  put(to, offset, base);
  to.setUint32(offset + DescriptorTable.limit, limit & 0xffff, true);
  to.setUint32(offset + DescriptorTable.limit + 4, 0, true);
}

/** False for 64-bit code, for values of more than 32 bits, and for paging without protection. */
export function setSpecialRegisters(state: GuestState, wasm: WasmInstance, from: DataView): boolean {
  const { view } = state;
  if (!isPossible(from)) return false;
  const oldBase = view.getInt32(At.segmentBases + 4 * Segments.cs, true);
  for (const [offset, index] of SegmentOrder) setSegment(view, from, offset, index);
  state.pointer += view.getInt32(At.segmentBases + 4 * Segments.cs, true) - oldBase;
  state.words[At.previousPointer >> 2] = state.pointer;
  Controls.forEach((offset, index) => {
    if (offset !== undefined) view.setUint32(At.controlRegisters + 4 * index, from.getUint32(offset, true), true);
  });
  const cr0 = from.getUint32(SpecialRegisters.cr0, true) | ExtensionType;
  view.setUint32(At.controlRegisters, cr0, true);
  view.setUint8(At.protectedMode, cr0 & Cr0.protection);
  view.setUint32(At.gdtrBase, from.getUint32(SpecialRegisters.gdt, true), true);
  view.setUint32(At.gdtrSize, from.getUint16(SpecialRegisters.gdt + DescriptorTable.limit, true), true);
  view.setUint32(At.idtrBase, from.getUint32(SpecialRegisters.idt, true), true);
  view.setUint32(At.idtrSize, from.getUint16(SpecialRegisters.idt + DescriptorTable.limit, true), true);
  view.setUint8(At.codeIs32, from.getUint8(SpecialRegisters.cs + Segment.db) & 1);
  view.setUint8(At.stackIs32, from.getUint8(SpecialRegisters.ss + Segment.db) & 1);
  view.setUint8(At.privilege, privilegeOf(state, from));
  loadPageDirectoryPointers(state);
  wasm.exports.update_state_flags();
  wasm.exports.full_clear_tlb();
  return true;
}

function isPossible(from: DataView): boolean {
  const { cs, gdt, idt, cr0, cr2, cr3, cr4, efer } = SpecialRegisters;
  const wide = [...SegmentOrder.map(([offset]) => offset + Segment.base), gdt, idt, cr0, cr2, cr3, cr4];
  if (!wide.every((offset) => fits(from, offset))) return false;
  if (from.getBigUint64(efer, true) !== 0n || from.getUint8(cs + Segment.l) !== 0) return false;
  const control = from.getUint32(cr0, true);
  return (control & Cr0.paging) === 0 || (control & Cr0.protection) !== 0;
}

function setSegment(view: DataView, from: DataView, offset: number, index: number): void {
  view.setUint32(At.segmentBases + 4 * index, from.getUint32(offset + Segment.base, true), true);
  view.setUint32(At.segmentLimits + 4 * index, from.getUint32(offset + Segment.limit, true), true);
  view.setUint16(At.selectors + 2 * index, from.getUint16(offset + Segment.selector, true), true);
  view.setUint8(At.segmentIsNull + index, from.getUint8(offset + Segment.unusable) & 1);
  const type = from.getUint8(offset + Segment.type) & 15;
  if (index === Segments.tr) view.setUint8(At.taskIs32, (type & 8) !== 0 ? 1 : 0);
  if (index >= Segments.tr) return;
  const isCodeOrData = from.getUint8(offset + Segment.s) & 1;
  const dpl = from.getUint8(offset + Segment.dpl) & 3;
  const present = from.getUint8(offset + Segment.present) & 1;
  view.setUint8(At.segmentAccess + index, type | (isCodeOrData << 4) | (dpl << 5) | (present << 7));
}

function privilegeOf({ words, view }: GuestState, from: DataView): number {
  if (view.getUint8(At.protectedMode) === 0) return 0;
  return (words[At.flags >> 2]! & Virtual8086) !== 0 ? 3 : from.getUint8(SpecialRegisters.ss + Segment.dpl) & 3;
}

/** MOV to CR3 loads them with PAE; here CR3 did not move. @see Intel SDM volume 3, 4.4.1 */
function loadPageDirectoryPointers({ view, ram }: GuestState): void {
  const cr4 = view.getUint32(At.controlRegisters + 16, true);
  const cr0 = view.getUint32(At.controlRegisters, true);
  const table = (view.getUint32(At.controlRegisters + 12, true) & ~31) >>> 0;
  if ((cr4 & Cr4PhysicalAddressExtension) === 0 || (cr0 & Cr0.paging) === 0 || table + 32 > ram.length) return;
  for (let byte = 0; byte < 32; byte++) view.setUint8(At.pageDirectoryPointers + byte, ram[table + byte]!);
}
