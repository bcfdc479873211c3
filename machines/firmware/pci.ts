import { al, ax, bh, byte, cl, dl, dword, dx, eax, ebp, ebx, ecx, edi, edx, esi } from '../../sdk/assembler.ts';
import { type Source, Variable } from './layout.ts';

/** Configuration mechanism 1. @see PCI Local Bus Specification 3.0, 3.2.2.3.2 */
const Config = { address: 0xcf8, data: 0xcfc, enable: 0x8000_0000 } as const;
/** Of a function's configuration space. @see PCI Local Bus Specification 3.0, 6.1 */
const Register = { identity: 0x00, command: 0x04, classCode: 0x08, headerType: 0x0c, firstBar: 0x10 } as const;
const Command = { decode: 0x03, decodeAndMaster: 0x07 } as const;
const HeaderType = { mask: 0x7f_0000, several: 0x80_0000, bridge: 0x01_0000 } as const;
const Functions = { step: 0x100, perDevice: 0x800, ofBus: 0x1_0000 } as const;
/** The lowest bits of a BAR. A memory BAR of type 2 has 64 bits. */
const BarBits = { isPort: 0x01, ofPorts: 0x03, ofMemory: 0x0f, type: 0x07, of64Bits: 0x04 } as const;
/** Where BARs are put: below the I/O APIC, and above the ports of ISA devices. */
const Windows = { memory: 0xe000_0000, memoryEnd: 0xfec0_0000, ports: 0xc000, portsEnd: 0x1_0000 } as const;

/** `pci-read`: EAX is the register ECX of the function EBX. `pci-write`: the other way. */
export function putPciAccess({ a }: Source): void {
  for (const name of ['pci-read', 'pci-write'] as const) {
    a.label(name);
    a.push(edx);
    a.push(eax);
    a.lea(eax, { base: ebx, index: ecx });
    a.mov(dx, Config.address);
    a.out(dx, eax);
    a.mov(dl, Config.data & 0xff);
    a.pop(eax);
    if (name === 'pci-read') a.in(eax, dx);
    else a.out(dx, eax);
    a.pop(edx);
    a.ret();
  }
}

/** `scan-pci`: the functions of bus 0, with addresses for BARs that have none. */
export function putPciScan(source: Source): void {
  const { a } = source;
  a.label('scan-pci');
  a.mov(dword(Variable.memoryWindow), Windows.memory);
  a.mov(dword(Variable.memoryWindow + 4), Windows.memoryEnd);
  a.mov(dword(Variable.portWindow), Windows.ports);
  a.mov(dword(Variable.portWindow + 4), Windows.portsEnd);
  // The address register keeps what is written, where there is a host bridge.
  a.mov(ebx, Config.enable);
  a.mov(eax, ebx);
  a.mov(dx, Config.address);
  a.out(dx, eax);
  a.in(eax, dx);
  a.cmp(eax, ebx);
  a.jz('pci.function');
  source.say('No PCI bus\n');
  a.ret();

  a.label('pci.function');
  a.mov(ecx, Register.identity);
  a.call('pci-read');
  a.cmp(ax, 0xffff);
  a.jz('pci.next');
  a.call('print-function');
  a.call('place-bars');
  a.label('pci.next');
  // Functions 1 to 7 are there only where function 0 says so.
  a.test(bh, 7);
  a.jnz('pci.one-more');
  a.mov(ecx, Register.headerType);
  a.call('pci-read');
  a.test(eax, HeaderType.several);
  a.jnz('pci.one-more');
  a.add(ebx, Functions.perDevice - Functions.step);
  a.label('pci.one-more');
  a.add(ebx, Functions.step);
  a.test(ebx, Functions.ofBus);
  a.jz('pci.function');
  a.ret();

  // 'PCI 00:01.0 8086:7000 class 060100', of EBX with its identity in EAX.
  a.label('print-function');
  a.mov(edx, eax);
  source.say('PCI 00:');
  a.movzx(eax, bh);
  a.shr(eax, 3);
  a.mov(cl, 2);
  a.call('print-hex');
  source.say('.');
  a.movzx(eax, bh);
  a.and(al, 7);
  a.mov(cl, 1);
  a.call('print-hex');
  source.say(' ');
  a.mov(cl, 4);
  a.movzx(eax, dx);
  a.call('print-hex');
  source.say(':');
  a.shr(edx, 16);
  a.mov(eax, edx);
  a.call('print-hex');
  source.say(' class ');
  a.mov(ecx, Register.classCode);
  a.call('pci-read');
  a.shr(eax, 8);
  a.mov(cl, 6);
  a.call('print-hex');
  source.say('\n');
  a.ret();
}

/** `place-bars`: of the function EBX. EDI counts BARs, EBP is how many there are. */
export function putBars(source: Source): void {
  const { a } = source;
  a.label('place-bars');
  a.mov(ecx, Register.headerType);
  a.call('pci-read');
  a.and(eax, HeaderType.mask);
  a.mov(ebp, 6);
  a.jz('bars.begin');
  a.mov(ebp, 2);
  a.cmp(eax, HeaderType.bridge);
  a.jz('bars.begin');
  a.ret();
  a.label('bars.begin');
  // A function decodes nothing while its BARs are measured.
  a.mov(ecx, Register.command);
  a.call('pci-read');
  a.and(eax, 0xffff);
  a.push(eax);
  a.and(eax, ~Command.decode);
  a.call('pci-write');
  a.sub(edi, edi);
  a.label('bars.next');
  a.lea(ecx, { index: edi, scale: 4, offset: Register.firstBar });
  a.mov(dword(Variable.barMask), 0);
  a.call('place-bar');
  a.call('is-bar-64');
  a.jnz('bars.one');
  a.inc(edi);
  a.label('bars.one');
  a.inc(edi);
  a.cmp(edi, ebp);
  a.jb('bars.next');
  a.pop(eax);
  a.or(eax, Command.decodeAndMaster);
  a.mov(ecx, Register.command);
  a.call('pci-write');
  a.ret();
  putBar(source);
}

/** `place-bar`: BAR EDI in register ECX. EBP becomes its address, ESI its size. Changes nothing. */
function putBar(source: Source): void {
  const { a } = source;
  a.label('place-bar');
  a.pushad();
  a.call('pci-read');
  a.mov(ebp, eax);
  a.mov(eax, 0xffff_ffff);
  a.call('pci-write');
  a.call('pci-read');
  a.mov(dword(Variable.barMask), eax);
  a.xchg(eax, ebp);
  a.call('pci-write');
  a.mov(esi, ebp);
  a.test(esi, esi);
  a.jz('bar.end');
  a.push(edi);
  a.mov(edx, ~BarBits.ofMemory);
  a.mov(edi, Variable.memoryWindow);
  a.test(esi, BarBits.isPort);
  a.jz('bar.masks');
  a.mov(edx, ~BarBits.ofPorts);
  a.mov(edi, Variable.portWindow);
  a.or(esi, 0xffff_0000);
  a.label('bar.masks');
  a.mov(ebp, eax);
  a.and(ebp, edx);
  a.and(esi, edx);
  a.neg(esi);
  a.test(ebp, ebp);
  a.jnz('bar.placed');
  // The next multiple of the size; none for a BAR of 4 GiB and more, whose size is 0 here.
  a.lea(edx, { base: esi, offset: -1 });
  a.mov(eax, edx);
  a.add(eax, dword(edi));
  a.jc('bar.refused');
  a.not(edx);
  a.and(eax, edx);
  a.mov(edx, eax);
  a.add(edx, esi);
  a.jc('bar.refused');
  a.cmp(edx, dword({ base: edi, offset: 4 }));
  a.ja('bar.refused');
  a.mov(dword(edi), edx);
  a.mov(ebp, eax);
  a.call('pci-write');
  a.call('is-bar-64');
  a.jnz('bar.placed');
  a.add(ecx, 4);
  a.sub(eax, eax);
  a.call('pci-write');
  a.label('bar.placed');
  a.clc();
  a.jmp('bar.print');
  a.label('bar.refused');
  a.stc();
  a.label('bar.print');
  a.pop(eax);
  a.call('print-bar');
  a.label('bar.end');
  a.popad();
  a.ret();

  a.label('is-bar-64');
  a.mov(al, byte(Variable.barMask));
  a.and(al, BarBits.type);
  a.cmp(al, BarBits.of64Bits);
  a.ret();

  // '  BAR 0 memory 0xe0000000 size 0x1000': number EAX, address EBP, size ESI; with carry: no room.
  a.label('print-bar');
  a.pushfd();
  a.push(esi);
  source.say('  BAR ');
  a.call('print-decimal');
  a.test(byte(Variable.barMask), BarBits.isPort);
  a.mov(esi, source.text(' memory '));
  a.jz('bar.kind');
  a.mov(esi, source.text(' ports '));
  a.label('bar.kind');
  a.call('print');
  a.pop(edx);
  a.mov(cl, 8);
  a.popfd();
  a.jc('bar.print-refusal');
  source.say('0x');
  a.mov(eax, ebp);
  a.call('print-hex');
  a.jmp('bar.print-size');
  a.label('bar.print-refusal');
  source.say('no room,');
  a.label('bar.print-size');
  source.say(' size 0x');
  a.mov(eax, edx);
  a.call('print-hex');
  source.say('\n');
  a.ret();
}
