import {
  type Assembled,
  type Assembler,
  al,
  assemble,
  ax,
  cr0,
  cr2,
  cr3,
  cr4,
  ds,
  dword,
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
  ss,
  word,
} from '../../../sdk/assembler.ts';
import {
  AbsentGates,
  Alias,
  DebugExitPort,
  DescriptorsSize,
  EndOfCase,
  In,
  MemorySize,
  Options,
  Out,
  Place,
  Selector,
} from './layout.ts';

/** Exceptions that push an error code. @see Intel SDM, volume 3, table 6-1 */
const WithErrorCode = [8, 10, 11, 12, 13, 14, 17];
const PageFault = 14;
const absentEntry = Place.pageTable + 4 * (Alias.absentPage >> 12);

/** The place of a result, through SS: a case may have changed DS. */
const out = (offset: number) => dword({ offset: Place.result + offset, segment: ss });
const input = (offset: number) => dword(Place.input + offset);
const register = (number: number) => out(Out.registers + 4 * number);

/** What runs the cases of an image, one after the other, and ends at the debug exit. Entered in flat 32-bit mode. */
export function driver(recordsEnd: number, results: number): Assembled {
  return assemble({ origin: Place.driver, bits: 32 }, (a) => {
    start(a, results);
    nextCase(a, recordsEnd);
    back(a);
    exceptions(a);
  });
}

function start(a: Assembler, results: number): void {
  a.cli();
  a.lgdt('gdtr');
  a.lidt('idtr');
  a.jmpFar(Selector.code, 'flat');
  a.label('gdtr');
  a.dw(DescriptorsSize - 1);
  a.dd(Place.descriptors);
  a.label('idtr');
  a.dw(8 * (EndOfCase + 1) - 1);
  a.dd(Place.interruptTable);
  a.label('flat');
  driverSegments(a);
  a.mov(ax, Selector.task);
  a.ltr(ax);
  a.mov(ax, 0);
  a.lldt(ax);
  // No interrupts, whatever a case does to IF.
  a.mov(al, 0xff);
  a.out(0x21, al);
  a.out(0xa1, al);
  // Pages of 4 MiB; paging, and read-only pages also for ring 0.
  a.mov(eax, 0x10);
  a.mov(cr4, eax);
  a.mov(eax, Place.pageDirectory);
  a.mov(cr3, eax);
  a.mov(eax, 0x8001_0011 | 0);
  a.mov(cr0, eax);
  a.mov(dword(Place.current), Place.records);
  a.mov(dword(Place.output), results);
}

function driverSegments(a: Assembler): void {
  a.mov(eax, Selector.stack);
  a.mov(ss, ax);
  a.mov(esp, Place.driverStack);
  a.mov(eax, Selector.data);
  a.mov(ds, ax);
  a.mov(es, ax);
  a.mov(eax, Selector.fs);
  a.mov(fs, ax);
  a.mov(eax, Selector.gs);
  a.mov(gs, ax);
}

function nextCase(a: Assembler, recordsEnd: number): void {
  a.label('next');
  a.mov(esi, dword(Place.current));
  a.cmp(esi, recordsEnd);
  a.jb('more');
  a.mov(eax, 0);
  a.out(DebugExitPort, al);
  a.hlt();
  a.label('more');
  a.mov(edi, Place.input);
  a.mov(ecx, In.bytes / 4);
  a.rep('movsd');
  a.movzx(esi, word(Place.input + In.pool));
  a.lea(esi, { index: esi, scale: 4, offset: Place.pool });
  a.mov(edi, Place.result);
  a.mov(ecx, MemorySize / 4);
  a.rep('movsd');
  a.mov(out(Out.vector), -1);
  for (const offset of [Out.errorCode, Out.cr2, Out.pointer, Out.code, Out.stack]) a.mov(out(offset), 0);
  a.test(input(In.options - 2), Options.ring3 << 16);
  a.mov(esp, Place.input + In.flags);
  a.jnz('user');
  a.popfd();
  a.mov(esp, Place.input);
  a.popad();
  a.db(0x0f, 0xb2, 0x25); // lss esp, [input + esp]
  a.dd(Place.input + In.esp);
  a.jmpFar(input(In.pointer));
  a.label('user');
  a.mov(esp, Place.input);
  a.popad();
  a.iretd();
}

/** Where a case ends that raised no exception, in ring 0: registers, flags and segments of it. */
function back(a: Assembler): void {
  a.label('back');
  saveRegisters(a);
  a.mov(register(4), esp);
  a.mov(word({ offset: Place.result + Out.stack, segment: ss }), ss);
  a.mov(eax, Selector.stack);
  a.mov(ss, ax);
  a.mov(esp, Place.driverStack);
  a.pushfd();
  a.pop(out(Out.flags));
  a.label('finish');
  for (const [index, segment] of [ds, es, fs, gs].entries()) {
    a.mov(word({ offset: Place.result + Out.segments + 2 * index, segment: ss }), segment);
  }
  driverSegments(a);
  a.mov(eax, input(In.mask));
  a.and(out(Out.flags), eax);
  a.cld();
  a.mov(esi, Place.result);
  a.mov(edi, dword(Place.output));
  a.mov(ecx, Out.size / 4);
  a.rep('movsd');
  a.mov(dword(Place.output), edi);
  a.add(dword(Place.current), In.size);
  a.test(input(In.options - 2), Options.restart << 16);
  a.jz('next');
  a.mov(dword(absentEntry), 0);
  a.invlpg(Alias.absentPage);
  a.jmp('next');
}

function saveRegisters(a: Assembler): void {
  for (const [number, from] of [eax, ecx, edx, ebx, undefined, ebp, esi, edi].entries()) {
    if (from !== undefined) a.mov(register(number), from);
  }
}

/** Where exceptions lead: vector, error code, CR2 and the frame are noted. */
function exceptions(a: Assembler): void {
  for (const vector of vectors()) {
    a.label(`vector${vector}`);
    if (!WithErrorCode.includes(vector)) a.push(0);
    a.push(vector);
    a.jmp('exception');
  }
  a.label('exception');
  saveRegisters(a);
  a.pop(out(Out.vector));
  a.pop(out(Out.errorCode));
  // What is not compared is not on the stack either.
  a.movzx(eax, word({ offset: Place.input + In.errorMask, segment: ss }));
  a.and(out(Out.errorCode), eax);
  a.push(out(Out.errorCode));
  a.pop(out(Out.errorCode));
  a.cmp(out(Out.vector), PageFault);
  a.jne('frame');
  a.mov(eax, cr2);
  a.mov(out(Out.cr2), eax);
  a.test(dword({ offset: Place.input + In.options - 2, segment: ss }), Options.restart << 16);
  a.jz('frame');
  a.mov(eax, dword({ base: esp }));
  a.mov(out(Out.pointer), eax);
  a.mov(dword({ offset: absentEntry, segment: ss }), 0x9000 | 7);
  a.invlpg({ offset: Alias.absentPage, segment: ss });
  a.mov(eax, register(0));
  a.iretd();
  a.label('frame');
  a.pop(out(Out.pointer));
  a.pop(out(Out.code));
  a.pop(out(Out.flags));
  a.test(out(Out.code), 3);
  a.jz('same-ring');
  a.pop(register(4));
  a.pop(out(Out.stack));
  a.jmp('noted');
  a.label('same-ring');
  a.mov(register(4), esp);
  a.mov(word({ offset: Place.result + Out.stack, segment: ss }), ss);
  a.label('noted');
  a.mov(eax, Selector.stack);
  a.mov(ss, ax);
  a.jmp('finish');
}

/** Vectors that have a handler. */
export const vectors = (): number[] => [...Array(AbsentGates.first).keys(), EndOfCase];
