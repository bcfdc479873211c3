import { ah, al, ax, dl, dword, eax, ecx, edx } from '../../sdk/assembler.ts';
import { Screen } from './console.ts';
import { type Source, Variable } from './layout.ts';

/**
 * CMOS registers that a PC's board fills with the sizes of its memory.
 *
 * @see QEMU 7.2, hw/i386/pc.c, pc_cmos_init
 */
const Size = { below640KiB: 0x15, above1MiB: 0x30, above16MiB: 0x34, above4GiB: 0x5b } as const;

/** `draw-banner`: the first line of the screen; the others follow it. */
export function putBanner(source: Source): void {
  const { a } = source;
  a.label('draw-banner');
  a.mov(dword(Variable.attribute), Screen.banner << 8);
  a.mov(al, 0x20);
  a.call('put-screen');
  source.say('backplane firmware');
  a.mov(ecx, Screen.columns);
  a.sub(ecx, dword(Variable.cursor));
  a.label('banner.fill');
  a.mov(al, 0x20);
  a.push(ecx);
  a.call('put-screen');
  a.pop(ecx);
  a.loop('banner.fill');
  a.mov(dword(Variable.attribute), Screen.white << 8);
  a.call('show-clock');
  for (const character of [0x0d, 0x0a]) {
    a.mov(al, character);
    a.call('put-others');
  }
  a.ret();
}

/** `find-memory`: the sizes that the board wrote into CMOS RAM. */
export function putMemory(source: Source): void {
  const { a } = source;
  a.label('find-memory');
  a.mov(al, Size.below640KiB);
  a.call('read-cmos-word');
  a.mov(dword(Variable.lowMemory), eax);
  a.mov(al, Size.above16MiB);
  a.call('read-cmos-word');
  a.shl(eax, 6);
  a.jz('memory.small');
  a.add(eax, 15 * 1024);
  a.jmp('memory.found');
  a.label('memory.small');
  a.mov(al, Size.above1MiB);
  a.call('read-cmos-word');
  a.label('memory.found');
  a.mov(dword(Variable.highMemory), eax);
  a.mov(al, Size.above4GiB + 2);
  a.call('read-cmos');
  a.movzx(edx, al);
  a.shl(edx, 16);
  a.mov(al, Size.above4GiB);
  a.call('read-cmos-word');
  a.or(eax, edx);
  a.mov(dword(Variable.memoryAbove4GiB), eax);

  source.say('Memory: ');
  a.mov(eax, dword(Variable.lowMemory));
  a.call('print-decimal');
  source.say(' KiB below 1 MiB, ');
  a.mov(eax, dword(Variable.highMemory));
  a.call('print-decimal');
  source.say(' KiB above');
  a.mov(eax, dword(Variable.memoryAbove4GiB));
  a.shr(eax, 4);
  a.jz('memory.end');
  source.say(', ');
  a.call('print-decimal');
  source.say(' MiB above 4 GiB');
  a.label('memory.end');
  source.say('\n');
  a.ret();

  // The register that AL names, and the next as the upper byte, into EAX.
  a.label('read-cmos-word');
  a.push(edx);
  a.movzx(edx, al);
  a.inc(edx);
  a.call('read-cmos');
  a.xchg(eax, edx);
  a.call('read-cmos');
  a.mov(ah, al);
  a.mov(al, dl);
  a.movzx(eax, ax);
  a.pop(edx);
  a.ret();
}
