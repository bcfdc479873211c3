import { dword, eax, ebp, ebx, ecx, edi, edx, esi, word } from '../../sdk/assembler.ts';
import { Ram, type Source, Variable } from './layout.ts';

/** The files of fw_cfg that name a kernel and its command line. */
export const KernelFiles = { image: 'opt/backplane/multiboot', commandLine: 'opt/backplane/cmdline' } as const;

/** @see Multiboot Specification 0.6.96, 3.1 */
const Header = { magic: 0x1bad_b002, size: 12, within: 8192 } as const;
/** Offsets in the header. Flag 16 says that the five addresses are there. */
const Field = {
  flags: 4,
  checksum: 8,
  header: 12,
  load: 16,
  loadEnd: 20,
  bssEnd: 24,
  entry: 28,
  sizeOfAll: 32,
} as const;
const Flags = { hasAddresses: 0x1_0000, refused: 0xfffc } as const;
/** @see ELF-32 Object File Format 1.1, figures 1-3 and 2-1 */
const Elf = {
  magic: 0x464c_457f,
  entry: 24,
  segments: 28,
  segmentSize: 42,
  segmentCount: 44,
  load: 1,
  offset: 4,
  virtual: 8,
  physical: 12,
  fileSize: 16,
  memorySize: 20,
  size: 32,
} as const;

/** `boot-kernel`: returns with a line where there is no kernel, or one that cannot be loaded. */
export function putKernelSearch(source: Source): void {
  const { a } = source;
  const refuse = (name: string, text: string) => {
    a.label(name);
    source.say(text);
    a.ret();
  };
  a.label('boot-kernel');
  a.call('find-fw-cfg');
  a.jnz('kernel.no-fw-cfg');
  a.mov(esi, source.text(KernelFiles.image));
  a.call('find-file');
  a.jc('kernel.no-file');
  source.say(`Kernel: ${KernelFiles.image}, `);
  a.mov(eax, dword(Variable.fileSize));
  a.call('print-decimal');
  source.say(' bytes\n');
  a.mov(ecx, Header.within);
  a.cmp(eax, ecx);
  a.jae('kernel.read');
  a.mov(ecx, eax);
  a.label('kernel.read');
  a.mov(edx, ecx);
  a.sub(eax, eax);
  a.mov(edi, Ram.fwCfgBuffer);
  a.call('read-file');
  // The header lies in the first 8 KiB, at a multiple of 4.
  a.sub(ebx, ebx);
  a.label('kernel.look');
  a.lea(eax, { base: ebx, offset: Header.size });
  a.cmp(eax, edx);
  a.ja('kernel.no-header');
  a.lea(esi, { base: ebx, offset: Ram.fwCfgBuffer });
  a.add(ebx, 4);
  a.mov(eax, dword(esi));
  a.cmp(eax, Header.magic);
  a.jnz('kernel.look');
  a.add(eax, dword({ base: esi, offset: Field.flags }));
  a.add(eax, dword({ base: esi, offset: Field.checksum }));
  a.jnz('kernel.look');
  a.test(dword({ base: esi, offset: Field.flags }), Flags.refused);
  a.jnz('kernel.too-much');
  a.test(dword({ base: esi, offset: Field.flags }), Flags.hasAddresses);
  a.jnz('kernel.addresses');
  a.call('load-elf');
  a.jmp('kernel.loaded');
  a.label('kernel.addresses');
  a.call('load-by-addresses');
  a.label('kernel.loaded');
  a.jnc('start-kernel');
  refuse('kernel.bad', 'The kernel does not fit its file or the memory above 1 MiB\n');
  refuse('kernel.no-fw-cfg', 'No kernel: no fw_cfg\n');
  refuse('kernel.no-file', `No kernel: fw_cfg has no ${KernelFiles.image}\n`);
  refuse('kernel.no-header', 'No multiboot header in the first 8 KiB\n');
  refuse('kernel.too-much', 'The multiboot header wants more than memory and modules\n');
}

/** Both leave with carry where the kernel is refused. EDX is how much of the file is in the buffer, ESI the header there. */
export function putKernelLoading({ a }: Source): void {
  const header = (offset: number) => dword({ base: esi, offset });
  a.label('load-by-addresses');
  a.lea(eax, { base: esi, offset: Field.sizeOfAll - Ram.fwCfgBuffer });
  a.cmp(edx, eax);
  a.jb('load.end');
  a.mov(eax, header(Field.entry));
  a.mov(dword(Variable.kernelEntry), eax);
  a.mov(edi, header(Field.load));
  a.lea(eax, { base: esi, offset: -Ram.fwCfgBuffer });
  a.add(eax, edi);
  a.sub(eax, header(Field.header));
  // A load end of 0 means the rest of the file, a BSS end of 0 no BSS.
  a.mov(ecx, header(Field.loadEnd));
  a.sub(ecx, edi);
  a.cmp(header(Field.loadEnd), 0);
  a.jnz('load.length');
  a.mov(ecx, dword(Variable.fileSize));
  a.sub(ecx, eax);
  a.label('load.length');
  a.mov(edx, ecx);
  a.cmp(header(Field.bssEnd), 0);
  a.jz('load-segment');
  a.mov(edx, header(Field.bssEnd));
  a.sub(edx, edi);
  a.jmp('load-segment');

  a.label('load-elf');
  a.mov(esi, Ram.fwCfgBuffer);
  a.cmp(dword(esi), Elf.magic);
  a.jnz('load.refused');
  a.mov(eax, header(Elf.entry));
  a.mov(dword(Variable.kernelEntry), eax);
  a.mov(ebx, header(Elf.segments));
  a.movzx(ebp, word({ base: esi, offset: Elf.segmentCount }));
  a.label('elf.next');
  a.sub(ebp, 1);
  a.jb('elf.end');
  a.cmp(ebx, Header.within);
  a.ja('load.refused');
  a.lea(eax, { base: ebx, offset: Elf.size });
  a.cmp(edx, eax);
  a.jb('load.end');
  a.push(edx);
  a.add(esi, ebx);
  a.cmp(dword(esi), Elf.load);
  a.clc();
  a.jnz('elf.loaded');
  a.call('note-entry');
  a.mov(eax, header(Elf.offset));
  a.mov(edi, header(Elf.physical));
  a.mov(ecx, header(Elf.fileSize));
  a.mov(edx, header(Elf.memorySize));
  a.call('load-segment');
  a.label('elf.loaded');
  a.mov(esi, Ram.fwCfgBuffer);
  a.pop(edx);
  a.jc('load.end');
  a.movzx(eax, word({ base: esi, offset: Elf.segmentSize }));
  a.add(ebx, eax);
  a.jmp('elf.next');
  a.label('elf.end');
  a.clc();
  a.label('load.end');
  a.ret();

  // An entry within the virtual addresses of the segment at ESI becomes a physical one.
  a.label('note-entry');
  a.mov(eax, dword(Ram.fwCfgBuffer + Elf.entry));
  a.sub(eax, header(Elf.virtual));
  a.cmp(eax, header(Elf.memorySize));
  a.jae('load.end');
  a.add(eax, header(Elf.physical));
  a.mov(dword(Variable.kernelEntry), eax);
  a.ret();
}

/** `load-segment`: ECX bytes from offset EAX of the file to EDI, EDX bytes with the zeros. Carry: it does not fit. */
export function putSegmentLoading({ a }: Source): void {
  a.label('load-segment');
  a.pushad();
  a.cmp(ecx, edx);
  a.ja('segment.refused');
  a.mov(ebx, eax);
  a.add(ebx, ecx);
  a.jc('segment.refused');
  a.cmp(ebx, dword(Variable.fileSize));
  a.ja('segment.refused');
  a.cmp(edi, 0x10_0000);
  a.jb('segment.refused');
  a.mov(ebx, dword(Variable.highMemory));
  a.shl(ebx, 10);
  a.add(ebx, 0x10_0000);
  a.mov(ebp, edi);
  a.add(ebp, edx);
  a.jc('segment.refused');
  a.cmp(ebp, ebx);
  a.ja('segment.refused');
  a.call('read-file');
  a.add(edi, ecx);
  a.sub(edx, ecx);
  a.mov(ecx, edx);
  a.sub(eax, eax);
  a.rep('stosb');
  a.popad();
  a.clc();
  a.ret();
  a.label('segment.refused');
  a.popad();
  a.label('load.refused');
  a.stc();
  a.ret();
}
