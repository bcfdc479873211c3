import { al, ax, cr0, cs, distance, ds, eax, ecx, edi, es, esp, fs, gs, linear, ss } from '../../sdk/assembler.ts';
import { Image, Ram, Selector, type Source } from './layout.ts';

const Cr0 = { ProtectionEnable: 1 } as const;
/** Port 0x92: bit 1 opens the address line A20. All ones: there is no such port. */
const Port92 = { number: 0x92, A20: 0x02, None: 0xff } as const;
/** The highest index of the CMOS RAM with bit 7, which masks NMI. */
const MaskNmi = { port: 0x70, index: 0x8f } as const;

/**
 * The processor begins at 0xfffffff0, in the copy of the image below 4 GiB. The far jump leads to the copy below 1 MiB.
 *
 * @see Intel SDM, volume 3, 9.1.4: the first instruction; a far jump loads the base of CS anew
 */
export function putResetVector({ a }: Source): void {
  a.org(Image.resetVector, 0xff);
  a.bits(16, Image.start);
  a.jmpFar(Image.start >> 4, 'entry');
  a.org(Image.start + Image.size, 0xff);
}

/** From real mode to flat 32-bit code with a stack, and the order in which the parts run. */
export function putEntry({ a }: Source): void {
  a.bits(16, Image.start);
  a.label('entry');
  a.cli();
  a.cld();
  a.mov(al, MaskNmi.index);
  a.out(MaskNmi.port, al);
  a.mov(ax, cs);
  a.mov(ds, ax);
  a.lgdt('descriptor-table-register');
  a.mov(eax, cr0);
  a.or(eax, Cr0.ProtectionEnable);
  a.mov(cr0, eax);
  a.jmpFar(Selector.code, linear('flat'), 32);

  a.bits(32);
  a.label('flat');
  a.mov(eax, Selector.data);
  for (const segment of [ds, es, ss, fs, gs]) a.mov(segment, ax);
  a.mov(esp, Ram.stackTop);
  a.call('open-a20');
  a.mov(edi, Ram.variables);
  a.mov(ecx, (Ram.variablesEnd - Ram.variables) / 4);
  a.sub(eax, eax);
  a.rep('stosd');
  for (const part of [
    'set-text-mode',
    'find-consoles',
    'draw-banner',
    'find-memory',
    'print-clock',
    'scan-pci',
    'set-interrupts',
    'boot-kernel',
  ]) {
    a.call(part);
  }
  a.jmp('idle');

  a.label('open-a20');
  a.in(al, Port92.number);
  a.cmp(al, Port92.None);
  a.jz('a20-done');
  a.or(al, Port92.A20);
  a.and(al, 0xfe);
  a.out(Port92.number, al);
  a.label('a20-done');
  a.ret();
  putDescriptors(a);
}

/** Flat code and data of 4 GiB. @see Intel SDM, volume 3, 3.4.5 */
function putDescriptors(a: Source['a']): void {
  a.align(8);
  a.label('descriptor-table');
  a.dd(0, 0);
  a.dw(0xffff, 0, 0x9b00, 0x00cf);
  a.dw(0xffff, 0, 0x9300, 0x00cf);
  a.label('descriptor-table-end');
  a.label('descriptor-table-register');
  a.dw(distance('descriptor-table', 'descriptor-table-end', -1));
  a.dd('descriptor-table');
}
