import { al, ax, byte, dword, dx, eax, ebx, ecx, edi, esi, word } from '../../sdk/assembler.ts';
import { Ram, type Source, Variable } from './layout.ts';

/** Ports and keys of the firmware configuration device. @see QEMU, docs/specs/fw_cfg.rst */
const FwCfg = { selector: 0x510, data: 0x511, dma: 0x514, signature: 0x00, features: 0x01, files: 0x19 } as const;
/** 'QEMU' */
const Signature = 0x554d_4551;
const HasDma = 0x02;
/** Bits of a DMA command. */
const Dma = { error: 0x01, read: 0x02, skip: 0x04, select: 0x08 } as const;
/** Of a file in the directory; all numbers are big-endian. */
const File = { size: 0, key: 4, name: 8, entrySize: 64 } as const;

/** `find-fw-cfg`: ZF says whether it is there. `select-key`: AX. `read-bytes`: ECX bytes to EDI, by the data port. */
export function putFwCfg({ a }: Source): void {
  a.label('find-fw-cfg');
  a.mov(ax, FwCfg.signature);
  a.call('read-number');
  a.cmp(eax, Signature);
  a.jnz('fw-cfg.none');
  a.mov(ax, FwCfg.features);
  a.call('read-number');
  a.mov(dword(Variable.fwCfgFeatures), eax);
  a.cmp(eax, eax);
  a.label('fw-cfg.none');
  a.ret();

  // EAX: the first four bytes of the key AX.
  a.label('read-number');
  a.call('select-key');
  a.label('read-next-number');
  a.mov(edi, Ram.fwCfgBuffer);
  a.mov(ecx, 4);
  a.call('read-bytes');
  a.mov(eax, dword(Ram.fwCfgBuffer));
  a.ret();

  a.label('select-key');
  a.mov(dx, FwCfg.selector);
  a.out(dx, ax);
  a.ret();

  a.label('read-bytes');
  a.mov(dx, FwCfg.data);
  a.rep('insb');
  a.ret();
}

/** `find-file`: by the name at ESI. Carry: there is none. Otherwise its key and its size are in the variables. */
export function putFileSearch({ a }: Source): void {
  a.label('find-file');
  a.mov(ax, FwCfg.files);
  a.call('read-number');
  a.bswap(eax);
  a.mov(ebx, eax);
  a.label('file.next');
  a.sub(ebx, 1);
  a.jb('file.end');
  a.mov(edi, Ram.fwCfgBuffer);
  a.mov(ecx, File.entrySize);
  a.call('read-bytes');
  a.push(esi);
  a.mov(edi, Ram.fwCfgBuffer + File.name);
  a.label('file.compare');
  a.lodsb();
  a.scasb();
  a.jnz('file.differs');
  a.test(al, al);
  a.jnz('file.compare');
  a.label('file.differs');
  a.pop(esi);
  a.jnz('file.next');
  a.mov(eax, dword(Ram.fwCfgBuffer + File.size));
  a.bswap(eax);
  a.mov(dword(Variable.fileSize), eax);
  a.movzx(eax, word(Ram.fwCfgBuffer + File.key));
  a.rol(ax, 8);
  a.mov(dword(Variable.fileKey), eax);
  a.clc();
  a.label('file.end');
  a.ret();
}

/** `read-file`: ECX bytes from offset EAX of the found file to EDI. By DMA where there is DMA. Changes nothing. */
export function putFileReading({ a }: Source): void {
  a.label('read-file');
  a.pushad();
  a.test(byte(Variable.fwCfgFeatures), HasDma);
  a.jnz('file.by-dma');
  a.mov(ebx, ecx);
  a.mov(ecx, eax);
  a.mov(ax, word(Variable.fileKey));
  a.call('select-key');
  a.mov(dx, FwCfg.data);
  a.jecxz('file.skipped');
  a.label('file.skip');
  a.in(al, dx);
  a.loop('file.skip');
  a.label('file.skipped');
  a.mov(ecx, ebx);
  a.call('read-bytes');
  a.popad();
  a.ret();

  a.label('file.by-dma');
  a.mov(esi, ecx);
  a.mov(ecx, eax);
  a.mov(eax, dword(Variable.fileKey));
  a.shl(eax, 16);
  a.or(eax, Dma.select | Dma.skip);
  a.call('dma-command');
  a.mov(ecx, esi);
  a.mov(eax, Dma.read);
  a.call('dma-command');
  a.popad();
  a.ret();

  // The command EAX for ECX bytes at EDI. The device takes it at once; a wait with an end is for one that does not.
  a.label('dma-command');
  a.bswap(eax);
  a.mov(dword(Variable.fwCfgCommand), eax);
  a.mov(eax, ecx);
  a.bswap(eax);
  a.mov(dword(Variable.fwCfgCommand + 4), eax);
  a.sub(eax, eax);
  a.mov(dword(Variable.fwCfgCommand + 8), eax);
  a.mov(dx, FwCfg.dma);
  a.out(dx, eax);
  a.mov(eax, edi);
  a.bswap(eax);
  a.mov(dword(Variable.fwCfgCommand + 12), eax);
  a.mov(eax, Variable.fwCfgCommand);
  a.bswap(eax);
  a.add(dx, 4);
  a.out(dx, eax);
  a.mov(ecx, 0x100_0000);
  a.label('dma.wait');
  a.mov(eax, dword(Variable.fwCfgCommand));
  a.bswap(eax);
  a.test(eax, ~Dma.error);
  a.loopne('dma.wait');
  a.ret();
}
