import {
  type Assembler,
  al,
  assemble,
  byte,
  cr0,
  dword,
  dx,
  eax,
  ebx,
  ecx,
  esi,
  esp,
  labelPlus,
  type Value,
} from '../../../sdk/assembler.ts';

const Console = 0xe9;
const Multiboot = { magic: 0x1bad_b002, withAddresses: 0x1_0000 } as const;
const Load = 0x20_0000;
const HeaderAt = 0x40;

/** What the kernel prints, as words of 32 bits: EAX, CR0, the word behind its file, then 128 bytes of information. */
export const Report = { eax: 0, cr0: 4, bss: 8, info: 12, map: 12 + 128, size: 12 + 128 + 96 } as const;

/** Ends what a kernel prints. */
export const EndOfText = 0x04;

/** A kernel that prints what it was given, the command line as text behind it, and halts. */
function putCode(a: Assembler): void {
  a.label('entry');
  a.mov(esp, Load - 16);
  a.push(eax);
  a.mov(dx, Console);
  a.mov(esi, esp);
  a.mov(ecx, 4);
  a.rep('outsb');
  a.mov(eax, cr0);
  a.push(eax);
  a.mov(esi, esp);
  a.mov(ecx, 4);
  a.rep('outsb');
  a.mov(esi, 'bss');
  a.mov(ecx, 4);
  a.rep('outsb');
  a.mov(esi, ebx);
  a.mov(ecx, 128);
  a.rep('outsb');
  a.mov(esi, dword({ base: ebx, offset: 48 }));
  a.mov(ecx, 96);
  a.rep('outsb');
  a.mov(esi, dword({ base: ebx, offset: 16 }));
  a.label('next');
  a.mov(al, byte(esi));
  a.test(al, al);
  a.jz('end');
  a.outsb();
  a.jmp('next');
  a.label('end');
  a.mov(al, EndOfText);
  a.out(dx, al);
  a.label('stop');
  a.hlt();
  a.jmp('stop');
}

const putHeader = (a: Assembler, flags: number, ...more: Value[]): void => {
  a.align(4);
  a.dd(Multiboot.magic, flags, -(Multiboot.magic + flags) >>> 0, ...more);
};

/** A flat image whose header has addresses. */
export const flatKernel = (): Uint8Array =>
  assemble({ origin: Load, bits: 32 }, (a) => {
    a.fill(HeaderAt);
    a.label('header');
    putHeader(a, Multiboot.withAddresses, 'header', Load, 'bss', labelPlus('bss', 0x1000), 'entry');
    putCode(a);
    a.align(4);
    a.label('bss');
  }).bytes;

/** An ELF file of one segment, which is linked for another address than it is loaded to. */
export function elfKernel(changed: { flags?: number; physical?: number; fileSize?: number } = {}): Uint8Array {
  const { flags = 0, physical = Load, fileSize } = changed;
  const Headers = 0x54;
  const virtual = 0x20_0000;
  const { bytes, labels } = assemble({ origin: virtual, bits: 32 }, (a) => {
    a.fill(Headers, 0);
    putHeader(a, flags);
    putCode(a);
    a.align(4);
    a.label('bss');
  });
  const view = new DataView(bytes.buffer);
  const put = (offset: number, ...words: number[]) =>
    void words.map((word, index) => view.setUint32(offset + 4 * index, word, true));
  put(0, 0x464c_457f, 0x0001_0101);
  put(16, 0x0003_0002, 1, labels.get('entry') ?? 0, 0x34);
  view.setUint16(42, 32, true);
  view.setUint16(44, 1, true);
  put(0x34, 1, 0, virtual, physical, fileSize ?? bytes.length, bytes.length + 0x1000, 7, 0x1000);
  return bytes;
}
