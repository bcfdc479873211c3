import { al, byte, dword, eax, ebx, ecx, edi, esi } from '../../sdk/assembler.ts';
import { Pic } from './interrupts.ts';
import { KernelFiles } from './kernel.ts';
import { Image, Ram, type Source, Variable } from './layout.ts';

/** In EAX when a kernel begins. @see Multiboot Specification 0.6.96, 3.2 */
const BootMagic = 0x2bad_b002;
/** Fields of the information, and the bits of its flags. @see Multiboot Specification 0.6.96, 3.3 */
const Info = {
  flags: 0,
  memoryLower: 4,
  memoryUpper: 8,
  commandLine: 16,
  mapLength: 44,
  mapAddress: 48,
  loaderName: 64,
  size: 128,
} as const;
const Has = { memory: 0x001, commandLine: 0x004, map: 0x040, loaderName: 0x200 } as const;
/** Of the memory map: the size of the rest of an entry, and the kinds of memory. */
const MapEntry = { rest: 20, ram: 1, reserved: 2 } as const;
const LongestCommandLine = Ram.fwCfgBuffer - Ram.commandLine - 1;

/** `start-kernel`: what the kernel is given, then its first instruction. */
export function putKernelStart(source: Source): void {
  const { a } = source;
  const info = (offset: number) => dword(Ram.multibootInfo + offset);
  a.label('start-kernel');
  source.say('Entry 0x');
  a.mov(eax, dword(Variable.kernelEntry));
  a.mov(ecx, 8);
  a.call('print-hex');
  source.say('\n');

  a.mov(edi, Ram.multibootInfo);
  a.mov(ecx, Info.size / 4);
  a.sub(eax, eax);
  a.rep('stosd');
  a.mov(info(Info.flags), Has.memory | Has.map | Has.loaderName);
  a.mov(info(Info.loaderName), source.text('backplane firmware'));
  a.mov(eax, dword(Variable.lowMemory));
  a.mov(info(Info.memoryLower), eax);
  a.mov(eax, dword(Variable.highMemory));
  a.mov(info(Info.memoryUpper), eax);
  a.call('put-memory-map');
  a.mov(info(Info.mapAddress), Ram.memoryMap);
  a.sub(edi, Ram.memoryMap);
  a.mov(info(Info.mapLength), edi);

  a.mov(esi, source.text(KernelFiles.commandLine));
  a.call('find-file');
  a.jc('kernel.start');
  a.mov(ecx, dword(Variable.fileSize));
  a.cmp(ecx, LongestCommandLine);
  a.jbe('kernel.line');
  a.mov(ecx, LongestCommandLine);
  a.label('kernel.line');
  a.mov(edi, Ram.commandLine);
  a.sub(eax, eax);
  a.call('read-file');
  a.mov(byte({ base: edi, index: ecx }), 0);
  a.mov(info(Info.commandLine), edi);
  a.or(info(Info.flags), Has.commandLine);

  // The kernel takes interrupts with tables of its own, so no line may be on.
  a.label('kernel.start');
  a.call('send-all');
  a.mov(al, 0xff);
  a.out(Pic.firstData, al);
  a.out(Pic.secondData, al);
  a.mov(eax, BootMagic);
  a.mov(ebx, Ram.multibootInfo);
  a.jmp(dword(Variable.kernelEntry));
}

/** `put-memory-map`: RAM below 1 MiB, the firmware, RAM above, and RAM above 4 GiB. EDI is its end. */
export function putMemoryMap({ a }: Source): void {
  const constant = (value: number) => {
    a.mov(eax, value);
    a.stosd();
  };
  /** EAX is the lower half of the length. */
  const entry = (start: number, startHigh: number, kind: number, length: () => void) => {
    for (const value of [MapEntry.rest, start, startHigh]) constant(value);
    length();
    constant(kind);
  };
  const kibibytes = (variable: number) => () => {
    a.mov(eax, dword(variable));
    a.shl(eax, 10);
    a.stosd();
    constant(0);
  };
  a.label('put-memory-map');
  a.mov(edi, Ram.memoryMap);
  entry(0, 0, MapEntry.ram, kibibytes(Variable.lowMemory));
  entry(Image.start, 0, MapEntry.reserved, () => {
    constant(Image.size);
    constant(0);
  });
  entry(0x10_0000, 0, MapEntry.ram, kibibytes(Variable.highMemory));
  a.cmp(dword(Variable.memoryAbove4GiB), 0);
  a.jz('map.end');
  entry(0, 1, MapEntry.ram, () => {
    a.mov(eax, dword(Variable.memoryAbove4GiB));
    a.shl(eax, 16);
    a.stosd();
    a.mov(eax, dword(Variable.memoryAbove4GiB));
    a.shr(eax, 16);
    a.stosd();
  });
  a.label('map.end');
  a.ret();
}
