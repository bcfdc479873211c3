import { DescriptorTable, Registers, Segment, SpecialRegisters, StructSize, VcpuRequest } from './abi.ts';
import type { KvmVcpu, KvmVm } from './vm.ts';

const general = ['ax', 'bx', 'cx', 'dx', 'si', 'di', 'bp', 'sp'] as const;
const segments = ['es', 'cs', 'ss', 'ds', 'fs', 'gs', 'ldt', 'tr'] as const;
/** Bits of EFLAGS by their letters: direction, overflow, sign, zero, auxiliary, parity, carry. */
const flags = { D: 10, O: 11, S: 7, Z: 6, A: 4, P: 2, C: 0 } as const;
/** Of the type of a code or data segment. @see Intel SDM volume 3, table 3-1 */
const TypeBit = { Accessed: 1, Writable: 2, Conforming: 4, Code: 8 } as const;

/** The registers of a vCPU between two instructions, in the form of QEMU's `info registers` for 32 bits. */
export function registerDump(vm: KvmVm, { id, fd }: KvmVcpu): string {
  const registers = new DataView(new ArrayBuffer(StructSize.registers));
  const special = new DataView(new ArrayBuffer(StructSize.specialRegisters));
  vm.call(fd, VcpuRequest.GetRegisters, registers, `read the registers of vCPU ${id}`);
  vm.call(fd, VcpuRequest.GetSpecialRegisters, special, `read the segments of vCPU ${id}`);
  const named = general.map((name) => `E${name.toUpperCase()}=${word(registers, Registers[`r${name}`])}`);
  const eflags = registers.getUint32(Registers.rflags, true);
  const letters = Object.entries(flags).map(([letter, bit]) => ((eflags >>> bit) & 1 ? letter : '-'));
  const privilege = special.getUint8(SpecialRegisters.ss + Segment.dpl);
  const control = (['cr0', 'cr2', 'cr3', 'cr4'] as const).map(
    (name) => `${name.toUpperCase()}=${word(special, SpecialRegisters[name])}`,
  );
  return [
    `CPU#${id}`,
    named.slice(0, 4).join(' '),
    named.slice(4).join(' '),
    `EIP=${word(registers, Registers.rip)} EFL=${hex(eflags, 8)} [${letters.join('')}] CPL=${privilege}`,
    ...segments.map((name) => segmentLine(name, special)),
    ...(['gdt', 'idt'] as const).map((name) => tableLine(name, special)),
    control.join(' '),
    `EFER=${special.getBigUint64(SpecialRegisters.efer, true).toString(16).padStart(16, '0')}`,
  ]
    .map((line) => `${line}\n`)
    .join('');
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
const word = (view: DataView, offset: number): string => hex(view.getUint32(offset, true), 8);

/** Selector, base, limit, and the second word of the descriptor without its address; then what that says. */
function segmentLine(name: (typeof segments)[number], special: DataView): string {
  const at = SpecialRegisters[name];
  const byte = (field: number) => special.getUint8(at + field);
  const [type, system] = [byte(Segment.type), byte(Segment.s) === 0];
  const attributes =
    (type << 8) |
    (byte(Segment.s) << 12) |
    (byte(Segment.dpl) << 13) |
    (byte(Segment.present) << 15) |
    (byte(Segment.db) << 22) |
    (byte(Segment.g) << 23);
  const limit = special.getUint32(at + Segment.limit, true);
  const shown = attributes | (limit & 0xf_0000);
  const selector = hex(special.getUint16(at + Segment.selector, true), 4);
  const facts =
    byte(Segment.present) === 0 || system ? '' : ` DPL=${byte(Segment.dpl)} ${kindOf(type, byte(Segment.db))}`;
  const base = word(special, at + Segment.base);
  return `${name.toUpperCase().padEnd(3)}=${selector} ${base} ${hex(limit, 8)} ${hex(shown >>> 0, 8)}${facts}`;
}

function kindOf(type: number, isBig: number): string {
  const accessed = type & TypeBit.Accessed ? 'A' : '-';
  // In a code segment the bits mean conforming and readable; in a data segment, expanding down and writable.
  const middle = [type & TypeBit.Conforming, type & TypeBit.Writable];
  if (type & TypeBit.Code) {
    return `CS${isBig ? '32' : '16'} [${middle[0] ? 'C' : '-'}${middle[1] ? 'R' : '-'}${accessed}]`;
  }
  return `DS${isBig ? '  ' : '16'} [${middle[0] ? 'E' : '-'}${middle[1] ? 'W' : '-'}${accessed}]`;
}

function tableLine(name: 'gdt' | 'idt', special: DataView): string {
  const at = SpecialRegisters[name];
  const limit = hex(special.getUint16(at + DescriptorTable.limit, true), 8);
  return `${name.toUpperCase()}=     ${word(special, at + DescriptorTable.base)} ${limit}`;
}
