import type { RamBlock } from '../../memory/index.ts';
import { type CodeStart, type GeneralRegisters, generalRegisters, type ProcessorMode } from '../guest/code.ts';
import { DescriptorTable, Registers, Rflags, Segment, SpecialRegisters, StructSize } from './abi.ts';

/** @see Intel SDM volume 3, 2.5 (control registers), 3.4.5 (descriptors), 4.5 (paging) */
const ControlRegister0 = { ProtectionEnable: 1, ExtensionType: 0x10, NumericError: 0x20, Paging: 0x8000_0000 };
const ControlRegister4 = { PhysicalAddressExtension: 0x20, OsFxsr: 0x200 };
const Efer = { LongModeEnable: 0x100, LongModeActive: 0x400 };
type RegisterName = 'rax' | 'rbx' | 'rcx' | 'rdx' | 'rsi' | 'rdi' | 'rsp' | 'rbp';
const Descriptor = { Code: 0xb, Data: 0x3 };
const DefaultSegments: NonNullable<CodeStart['segments']> = { code: 0x8, data: 0x10 };
const FlatLimit = 0xffff_ffff;
/** A segment of real mode, and the unit of its selector. */
const RealSegment = 0x1_0000;
const RealParagraph = 0x10;

/** @see Intel SDM volume 3, 4.5.4: present, writable, and of a directory a page of 2 MiB */
const PageEntry = { Table: 3, LargePage: 0x83 };
const EntrySize = 8;
const EntriesPerTable = 512;
const TableSize = EntriesPerTable * EntrySize;
const LargePage = 2 * 2 ** 20;
/** One for each GiB. */
const Directories = 4;
/** The top table, one of the second level, and the directories. */
export const LongModeTableSize = (2 + Directories) * TableSize;

/**
 * Changes the special registers of a reset into those of this mode. A vCPU in real mode begins in the segment of its entry.
 * `tables` is where long mode's page tables are, in the guest.
 */
export function setMode(
  special: DataView,
  mode: ProcessorMode,
  entry: number,
  tables = 0,
  { code, data, table } = DefaultSegments,
): void {
  const { cs, ds, es, fs, gs, ss } = SpecialRegisters;
  if (mode === 'real') {
    const base = entry - (entry % RealSegment);
    special.setBigUint64(cs + Segment.base, BigInt(base), true);
    special.setUint16(cs + Segment.selector, base / RealParagraph, true);
    return;
  }
  const isLong = mode === 'long';
  setFlat(special, cs, Descriptor.Code, code, isLong);
  for (const segment of [ds, es, fs, gs, ss]) setFlat(special, segment, Descriptor.Data, data, false);
  if (table !== undefined) {
    special.setBigUint64(SpecialRegisters.gdt, BigInt(table.base), true);
    special.setUint16(SpecialRegisters.gdt + DescriptorTable.limit, table.limit, true);
  }
  const flags = ControlRegister0.ProtectionEnable + ControlRegister0.ExtensionType + ControlRegister0.NumericError;
  special.setBigUint64(SpecialRegisters.cr0, BigInt(flags + (isLong ? ControlRegister0.Paging : 0)), true);
  if (!isLong) return;
  special.setBigUint64(SpecialRegisters.cr3, BigInt(tables), true);
  const extensions = ControlRegister4.PhysicalAddressExtension + ControlRegister4.OsFxsr;
  special.setBigUint64(SpecialRegisters.cr4, BigInt(extensions), true);
  special.setBigUint64(SpecialRegisters.efer, BigInt(Efer.LongModeEnable + Efer.LongModeActive), true);
}

/** struct kvm_regs of a vCPU that begins there in this mode, with interrupts disabled. */
export function registersAt(entry: number, mode: ProcessorMode, registers: GeneralRegisters = {}): DataView {
  const general = new DataView(new ArrayBuffer(StructSize.registers));
  for (const name of generalRegisters)
    general.setBigUint64(Registers[`r${name.slice(1)}` as RegisterName], BigInt((registers[name] ?? 0) >>> 0), true);
  general.setBigUint64(Registers.rip, BigInt(mode === 'real' ? entry % RealSegment : entry), true);
  general.setBigUint64(Registers.rflags, BigInt(Rflags.AlwaysOne), true);
  return general;
}

/** Long mode's tables, at the address that they have in the guest: the first 4 GiB one to one, in pages of 2 MiB. */
export function writeLongModeTables({ view }: RamBlock, address: number): void {
  const entry = (table: number, index: number, value: number) =>
    view.setBigUint64(table * TableSize + index * EntrySize, BigInt(value), true);
  entry(0, 0, address + TableSize + PageEntry.Table);
  for (let directory = 0; directory < Directories; directory++) {
    entry(1, directory, address + (2 + directory) * TableSize + PageEntry.Table);
    for (let page = 0; page < EntriesPerTable; page++) {
      entry(2 + directory, page, (directory * EntriesPerTable + page) * LargePage + PageEntry.LargePage);
    }
  }
}

function setFlat(special: DataView, at: number, type: number, selector: number, isLong: boolean): void {
  special.setBigUint64(at + Segment.base, 0n, true);
  special.setUint32(at + Segment.limit, FlatLimit, true);
  special.setUint16(at + Segment.selector, selector, true);
  special.setUint8(at + Segment.type, type);
  special.setUint8(at + Segment.present, 1);
  special.setUint8(at + Segment.s, 1);
  special.setUint8(at + Segment.dpl, 0);
  special.setUint8(at + Segment.db, isLong ? 0 : 1);
  special.setUint8(at + Segment.l, isLong ? 1 : 0);
  special.setUint8(at + Segment.g, 1);
}
