import { al, ax, byte, cl, dword, dx, eax, ecx, edi, edx, esi, esp, word } from '../../sdk/assembler.ts';
import { Cmos, Rtc } from './clock.ts';
import { Ram, Selector, type Source, Variable } from './layout.ts';

const Exceptions = 32;
/** The vectors of IRQ 0 to 15 come behind those of exceptions. */
const FirstVector = 0x20;
const Vectors = 48;
/** The two interrupt controllers. @see 8259A datasheet, figures 7 and 8 */
export const Pic = { first: 0x20, firstData: 0x21, second: 0xa0, secondData: 0xa1, endOfInterrupt: 0x20 } as const;
const InitializeInCascade = 0x11;
const CascadeLine = 2;
/** Keyboard, cascade and COM1; the clock. Zeros are interrupts that are let through. */
const Masks = { first: 0xff & ~0b1_0110, second: 0xff & ~0b1 } as const;
const Keyboard = {
  data: 0x60,
  status: 0x64,
  full: 0x01,
  inputFull: 0x02,
  released: 0x80,
  command: 0x64,
  none: 0xff,
} as const;
const KeyboardCommand = { readByte: 0x20, writeByte: 0x60, enable: 0xae } as const;
const Serial = { data: 0x3f8, status: 0x3fd, received: 0x01 } as const;
const PeriodOver = { updateEnded: 0x10 } as const;
const InterruptGate = 0x8e00;
/** Registers of the local APIC, and their values for the lines of an 8259. @see Intel SDM, volume 3, 11.4.1 and 11.5.1 */
const LocalApic = { spurious: 0xfee0_00f0, lint0: 0xfee0_0350, lint1: 0xfee0_0360 } as const;
const ApicValue = { enabled: 0x1ff, external: 0x700, nmi: 0x400 } as const;
const CpuidApic = 1 << 9;

/** `set-interrupts`: vectors for exceptions and IRQs, the interrupt controllers, and the keyboard. */
export function putInterrupts({ a, out }: Source): void {
  a.label('set-interrupts');
  a.mov(esi, 'handlers');
  a.mov(edi, Ram.interruptTable);
  a.mov(ecx, Vectors);
  a.label('interrupts.next');
  a.lodsd();
  a.mov(word(edi), ax);
  a.mov(word({ base: edi, offset: 2 }), Selector.code);
  a.mov(ax, InterruptGate);
  a.mov(dword({ base: edi, offset: 4 }), eax);
  a.add(edi, 8);
  a.loop('interrupts.next');
  a.lidt('interrupt-table-register');
  a.call('connect-apic');

  out(Pic.first, InitializeInCascade);
  out(Pic.second, InitializeInCascade);
  out(Pic.firstData, FirstVector);
  out(Pic.secondData, FirstVector + 8);
  out(Pic.firstData, 1 << CascadeLine);
  out(Pic.secondData, CascadeLine);
  out(Pic.firstData, 0x01);
  out(Pic.secondData, 0x01);
  out(Pic.firstData, Masks.first);
  out(Pic.secondData, Masks.second);

  // Scan codes that came before, then the interrupt of the keyboard.
  a.in(al, Keyboard.status);
  a.cmp(al, Keyboard.none);
  a.jz('interrupts.end');
  a.mov(ecx, 16);
  a.label('keyboard.flush');
  a.in(al, Keyboard.data);
  a.loop('keyboard.flush');
  for (const value of [KeyboardCommand.enable, KeyboardCommand.readByte]) {
    a.call('wait-for-keyboard');
    out(Keyboard.command, value);
  }
  a.call('wait-for-answer');
  a.in(al, Keyboard.data);
  a.or(al, 0x01);
  a.and(al, ~0x10);
  a.push(eax);
  a.call('wait-for-keyboard');
  out(Keyboard.command, KeyboardCommand.writeByte);
  a.call('wait-for-keyboard');
  a.pop(eax);
  a.out(Keyboard.data, al);
  a.label('interrupts.end');
  a.ret();

  // A local APIC masks the line of the 8259 at power-on.
  a.label('connect-apic');
  a.mov(eax, 1);
  a.cpuid();
  a.test(edx, CpuidApic);
  a.jz('apic.end');
  a.mov(dword(LocalApic.spurious), ApicValue.enabled);
  a.mov(dword(LocalApic.lint0), ApicValue.external);
  a.mov(dword(LocalApic.lint1), ApicValue.nmi);
  a.label('apic.end');
  a.ret();

  for (const [name, bit, jump] of [
    ['wait-for-keyboard', Keyboard.inputFull, a.loopne],
    ['wait-for-answer', Keyboard.full, a.loope],
  ] as const) {
    a.label(name);
    a.mov(ecx, 0x1_0000);
    a.label(`${name}.again`);
    a.in(al, Keyboard.status);
    a.test(al, bit);
    jump(`${name}.again`);
    a.ret();
  }
}

/** What the processor calls: IRQs note what has happened, an exception ends the firmware with a line. */
export function putHandlers(source: Source): void {
  const { a } = source;
  const named = new Map([
    [FirstVector + 1, 'irq.keyboard'],
    [FirstVector + 4, 'irq.serial'],
    [FirstVector + 8, 'irq.clock'],
  ]);
  a.label('irq.keyboard');
  a.push(eax);
  // The answer to a command raised the line too, and was read already.
  a.in(al, Keyboard.status);
  a.test(al, Keyboard.full);
  a.jz('irq.end');
  a.in(al, Keyboard.data);
  a.test(al, Keyboard.released);
  a.jnz('irq.end');
  a.mov(byte(Variable.keyPressed), 1);
  a.jmp('irq.end');

  a.label('irq.serial');
  a.push(eax);
  a.push(edx);
  a.mov(dx, Serial.status);
  a.in(al, dx);
  a.test(al, Serial.received);
  a.jz('irq.no-character');
  a.mov(dx, Serial.data);
  a.in(al, dx);
  a.mov(byte(Variable.keyPressed), 1);
  a.label('irq.no-character');
  a.pop(edx);
  a.jmp('irq.end');

  a.label('irq.clock');
  a.push(eax);
  a.mov(al, Rtc.statusC);
  a.out(Cmos.index, al);
  a.in(al, Cmos.data);
  a.test(al, PeriodOver.updateEnded);
  a.jz('irq.no-second');
  a.mov(byte(Variable.ticked), 1);
  a.label('irq.no-second');
  a.mov(al, Pic.endOfInterrupt);
  a.out(Pic.second, al);
  a.label('irq.end');
  a.mov(al, Pic.endOfInterrupt);
  a.out(Pic.first, al);
  a.pop(eax);
  // IRQ 7 and 15 of a line that fell again: no interrupt is in service.
  a.label('irq.spurious');
  a.iretd();

  for (let vector = 0; vector < Exceptions; vector++) {
    a.label(`exception.${vector}`);
    a.push(vector);
    a.jmp('exception');
  }
  a.label('exception');
  source.say('\nException ');
  a.mov(eax, dword(esp));
  a.call('print-decimal');
  source.say(', stack');
  a.mov(cl, 8);
  for (const offset of [4, 8, 12]) {
    source.say(' ');
    a.mov(eax, dword({ base: esp, offset }));
    a.call('print-hex');
  }
  source.say('\n');
  a.label('stopped');
  a.cli();
  a.hlt();
  a.jmp('stopped');

  a.align(4);
  a.label('handlers');
  for (let vector = 0; vector < Vectors; vector++) {
    a.dd(vector < Exceptions ? `exception.${vector}` : (named.get(vector) ?? 'irq.spurious'));
  }
  a.label('interrupt-table-register');
  a.dw(8 * Vectors - 1);
  a.dd(Ram.interruptTable);
}
