import { x86 } from '../bare-processor.ts';
import { CaseBuilder } from './case-builder.ts';
import { type Results, runBoth } from './comparison.ts';
import { writeDriver } from './generate.ts';
import { Alias, In, type Out, Place, PoolSize } from './layout.ts';
import { Image } from './processors.ts';

/** Something that this processor does otherwise than a PC, and code that shows it beside TCG. */
export interface Limit {
  readonly what: string;
  /** A guest that meets it. */
  readonly guest: string;
  /** 32-bit code of ring 0. A number that is its own address: see `entry`. */
  readonly code: (entry: number) => readonly number[];
  readonly registers?: Readonly<Record<number, number>>;
  /** Fields of a result that differ. None: TCG has the limit, too. */
  readonly differs: readonly (keyof typeof Out)[];
}

const Eax = 0;
const Ebp = 5;
const Esi = 6;
const Edi = 7;
const word = (value: number) => [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24];
const place = word(Place.result + 8);

export const limits: readonly Limit[] = [
  {
    what: 'x87: the precision flag of the status word is never set',
    guest: 'Programs that ask for FE_INEXACT',
    code: () => [0xdb, 0xe3, 0xd9, 0xe8, 0xd9, 0xeb, 0xde, 0xf9, 0xdf, 0xe0],
    differs: ['registers'],
  },
  {
    what: 'x87: F2XM1, FYL2X, FPATAN, FPREM and FSCALE are exact to 53 bits only',
    guest: 'Programs that compute with long double',
    code: () => [0xdb, 0xe3, 0xd9, 0xec, 0xd9, 0xf0, 0xdb, 0x3d, ...place],
    differs: ['memory'],
  },
  {
    what: 'x87: FBLD raises #UD',
    guest: 'Programs in COBOL, and BASIC of DOS',
    code: () => [0xdb, 0xe3, 0xdf, 0x25, ...place],
    differs: ['vector'],
  },
  {
    what: 'Segment limits are not checked',
    guest: 'Windows 3, DOS extenders',
    // mov eax, ss:[0x18fd4] beyond the 64 KiB of SS.
    code: () => [0x36, 0xa1, ...word(0x1_8fd4)],
    differs: [],
  },
  {
    what: 'EFLAGS.TF: no single steps',
    guest: 'gdb in the guest, DEBUG of DOS',
    code: () => [0x68, 0x02, 0x01, 0, 0, 0x9d, 0x90],
    differs: ['vector'],
  },
  {
    what: 'Debug registers hold their values, and break nowhere',
    guest: 'Hardware breakpoints of gdb and of kgdb',
    // DR0: the address of the NOP at the end.
    code: (entry) => [0xb8, ...word(entry + 16), 0x0f, 0x23, 0xc0, 0xb8, 1, 4, 0, 0, 0x0f, 0x23, 0xf8, 0x90],
    differs: ['vector'],
  },
  {
    what: 'LOCK before an instruction that it does not go with is no #UD',
    guest: 'None known',
    code: () => [0xf0, 0x39, 0xc8],
    differs: ['vector'],
  },
  {
    what: 'BOUND raises no #BR',
    guest: 'Programs of 16 bits whose compiler checked indexes',
    code: () => [0x62, 0x05, ...place],
    registers: { [Eax]: 5 },
    differs: ['vector'],
  },
  {
    what: 'INVD raises #UD',
    guest: 'coreboot, where it leaves its cache as RAM',
    code: () => [0x0f, 0x08],
    differs: ['vector'],
  },
  {
    what: 'A far CALL or JMP through a descriptor of zeros goes on behind it, without #GP',
    guest: 'None known',
    code: () => [0x9a, 0, 0, 0, 0, 0x88, 0],
    differs: ['vector'],
  },
  {
    what: 'ENTER with nested frames (a second operand above 0) does not copy the pointers to frames',
    guest: 'Programs in Pascal and PL/M',
    code: () => [0xc8, 0, 0, 2],
    registers: { [Ebp]: Place.result + 60 },
    differs: ['memory'],
  },
  {
    what: 'PUSH of a segment register in 32 bits writes 16: the SDM allows both',
    guest: 'None known',
    code: () => [0x6a, 0xff, 0x58, 0x1e],
    differs: ['memory'],
  },
  {
    what: 'BT, BTS, BTR and BTC access one byte of memory, not two or four',
    guest: 'Drivers that use them on a register of a device',
    code: () => [0x0f, 0xba, 0x25, ...word(Alias.absentPage - 2), 0],
    differs: ['vector'],
  },
  {
    what: 'REP MOVS from a page that is not present to another one faults at the destination first',
    guest: 'None: the handler cannot tell, it makes both present in the end',
    code: () => [0xf3, 0xa4],
    registers: { 1: 3, [Esi]: Alias.absentPage, [Edi]: Alias.absentPage },
    differs: ['errorCode'],
  },
];

/** Where TCG is not like silicon, and this processor is. */
export const limitsOfTcg: readonly Limit[] = [
  {
    what: 'A page fault of an instruction that reads and writes is a read',
    guest: 'W/R of the error code is not compared there',
    code: () => [0x01, 0x05, ...word(Alias.absentPage)],
    differs: ['errorCode'],
  },
  {
    what: 'A page fault in the middle of REPE CMPS has changed the flags',
    guest: 'Flags are not compared there (SDM, volume 2, REP)',
    code: () => [0xf3, 0xa6],
    registers: { 1: 8, [Esi]: Alias.absentPage - 2, [Edi]: Place.result },
    differs: ['flags'],
  },
];

/** One after the other on both processors, with memory of zeros and clear flags but for OF. */
export async function runLimits(rows: readonly Limit[]): Promise<Results> {
  const image = new Image(rows.length);
  const { entry, back } = writeDriver(image.view, rows.length);
  const pool = new DataView(image.bytes.buffer, Place.pool, PoolSize);
  for (const [index, row] of rows.entries()) {
    const builder = new CaseBuilder(0, index, index, rows.length, pool);
    for (let number = 0; number < 8; number++) builder.registers[number] = row.registers?.[number] ?? 0;
    builder.registers[4] = Place.result + 60;
    builder.bits = 32;
    builder.address32 = true;
    builder.flags = 0x802;
    if (row.differs.length === 0) builder.stack = 0x38;
    builder.emit(...row.code(builder.entry));
    builder.finish(image.view, Place.records + index * In.size, back);
  }
  return runBoth(await x86(), image, entry);
}
