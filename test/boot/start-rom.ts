import type { GuestCode } from '../../sdk/accelerator/guest/code.ts';
import {
  assemble,
  ax,
  cr0,
  cs,
  ds,
  eax,
  ebp,
  ebx,
  ecx,
  edi,
  edx,
  es,
  esi,
  esp,
  fs,
  gs,
  linear,
  ss,
} from '../../sdk/assembler.ts';

/** Where the ROM is at a reset, and its end. */
const Rom = { base: 0xffff_0000, resetVector: 0xffff_fff0, end: 2 ** 32 } as const;
const OperandSize = 0x66;
const Hlt = 0xf4;

/** A firmware of a few instructions: it loads the descriptor table and the registers of a guest, and jumps to its entry. */
export function startRom({ start }: GuestCode): Uint8Array {
  if (start === 'reset') throw new Error('the guest begins at the reset vector');
  const { entry, registers = {}, segments = { code: 8, data: 16 } } = start;
  const { table = { base: 'own-table', limit: 23 } } = segments;
  const { bytes } = assemble({ origin: Rom.base, bits: 16 }, (a) => {
    a.bits(16, Rom.base);
    a.label('begin');
    a.cli();
    // All 32 bits of the base, not 24.
    a.db(OperandSize);
    a.lgdt({ offset: 'table-register', segment: cs });
    a.mov(eax, cr0);
    a.or(eax, 1);
    a.mov(cr0, eax);
    a.jmpFar(segments.code, linear('protected'), 32);
    a.bits(32);
    a.label('protected');
    a.mov(ax, segments.data);
    for (const segment of [ds, es, ss, fs, gs]) a.mov(segment, ax);
    for (const register of [eax, ecx, edx, ebx, esp, ebp, esi, edi]) a.mov(register, registers[register.name] ?? 0);
    a.jmpFar(segments.code, entry);
    a.label('table-register');
    a.dw(table.limit);
    a.dd(table.base);
    a.label('own-table');
    a.dd(0, 0);
    a.dw(0xffff, 0, 0x9b00, 0x00cf);
    a.dw(0xffff, 0, 0x9300, 0x00cf);
    a.org(Rom.resetVector, Hlt);
    a.bits(16, Rom.base);
    a.jmp('begin');
    a.org(Rom.end, Hlt);
  });
  return bytes;
}
