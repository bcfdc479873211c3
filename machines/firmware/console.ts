import { al, ax, bl, byte, cl, dl, dword, dx, eax, ebx, ecx, edi, edx, esi, word } from '../../sdk/assembler.ts';
import { Ram, type Source, Variable } from './layout.ts';

/** The text page of the colour modes. */
export const Screen = { start: 0xb_8000, columns: 80, rows: 25, white: 0x07, banner: 0x1f } as const;
const Cells = Screen.columns * Screen.rows;
const NewLine = 0x0a;

/** COM1. @see PC16550D datasheet, table II */
const Uart = { data: 0x3f8, interrupts: 0x3f9, fifo: 0x3fa, line: 0x3fb, modem: 0x3fc, status: 0x3fd, scratch: 0x3ff };
const LineControl = { Divisor: 0x83, EightBits: 0x03 } as const;
const LineStatus = { HoldingEmpty: 0x20, AllSent: 0x40 } as const;
/** Reads of 0xe9 say that a debug console is there. */
const DebugConsole = { bochs: 0xe9, seabios: 0x402, present: 0xe9 } as const;

/** Finds the consoles beside the screen, and clears the screen. */
export function putConsoleSearch({ a, out }: Source): void {
  a.label('find-consoles');
  a.mov(dword(Variable.attribute), Screen.white << 8);
  a.mov(edi, Screen.start);
  a.mov(ecx, Cells / 2);
  a.mov(eax, 0x0720_0720);
  a.rep('stosd');
  a.mov(edi, Ram.screenCopy);
  a.mov(ecx, Cells / 2);
  a.rep('stosd');
  for (const [port, flag] of [
    [DebugConsole.bochs, Variable.hasConsoleE9],
    [DebugConsole.seabios, Variable.hasConsole402],
  ] as const) {
    a.mov(dx, port);
    a.in(al, dx);
    a.cmp(al, DebugConsole.present);
    a.setz(byte(flag));
  }
  // The scratch register keeps what is written only where there is a UART.
  const none = a.localLabel('no-serial');
  for (const value of [0x5a, 0xa5]) {
    out(Uart.scratch, value);
    a.in(al, dx);
    a.cmp(al, value);
    a.jnz(none);
  }
  a.mov(byte(Variable.hasSerial), 1);
  // 115,200 baud, 8 bits, no parity; interrupts of received characters.
  out(Uart.line, LineControl.Divisor);
  out(Uart.data, 1);
  out(Uart.interrupts, 0);
  out(Uart.line, LineControl.EightBits);
  out(Uart.fifo, 0x07);
  out(Uart.modem, 0x0b);
  out(Uart.interrupts, 0x01);
  a.mov(byte(Variable.fifoSize), 1);
  a.mov(dx, Uart.fifo);
  a.in(al, dx);
  a.and(al, 0xc0);
  a.cmp(al, 0xc0);
  a.jnz(none);
  a.mov(byte(Variable.fifoSize), 16);
  a.label(none);
  a.ret();
}

/** `print`: the text at ESI, which is changed. `put`: the character in AL, everywhere. `send-all`: waits for COM1. */
export function putPrinting({ a }: Source): void {
  a.label('print');
  a.push(eax);
  a.label('print.next');
  a.lodsb();
  a.test(al, al);
  a.jz('print.end');
  a.call('put');
  a.jmp('print.next');
  a.label('print.end');
  a.pop(eax);
  a.ret();

  a.label('put');
  a.pushad();
  a.call('put-screen');
  a.cmp(al, NewLine);
  a.jnz('put.others');
  a.mov(al, 0x0d);
  a.call('put-others');
  a.mov(al, NewLine);
  a.label('put.others');
  a.call('put-others');
  a.popad();
  a.ret();

  a.label('put-others');
  for (const [port, flag] of [
    [DebugConsole.bochs, Variable.hasConsoleE9],
    [DebugConsole.seabios, Variable.hasConsole402],
  ] as const) {
    const next = a.localLabel('next-console');
    a.cmp(byte(flag), 0);
    a.jz(next);
    a.mov(dx, port);
    a.out(dx, al);
    a.label(next);
  }
  a.cmp(byte(Variable.hasSerial), 0);
  a.jz('put.done');
  a.mov(bl, al);
  a.cmp(byte(Variable.fifoFree), 0);
  a.jnz('put.room');
  // Where the line never becomes free, the character is sent nevertheless.
  a.mov(ecx, 0x1_0000);
  a.mov(dx, Uart.status);
  a.label('put.wait');
  a.in(al, dx);
  a.test(al, LineStatus.HoldingEmpty);
  a.loope('put.wait');
  a.mov(al, byte(Variable.fifoSize));
  a.mov(byte(Variable.fifoFree), al);
  a.label('put.room');
  a.dec(byte(Variable.fifoFree));
  a.mov(al, bl);
  a.mov(dx, Uart.data);
  a.out(dx, al);
  a.label('put.done');
  a.ret();

  // Until the last character has left the UART, or a while.
  a.label('send-all');
  a.mov(ecx, 0x1_0000);
  a.mov(dx, Uart.status);
  a.label('send-all.wait');
  a.in(al, dx);
  a.test(al, LineStatus.AllSent);
  a.loope('send-all.wait');
  a.ret();
}

/**
 * `put-screen`: the character in AL at the cursor. Lines below the banner scroll. A copy in RAM is moved then, because a read
 * of video memory is an exit and a write is coalesced.
 */
export function putScreen({ a }: Source): void {
  const lastLines = (Screen.rows - 2) * Screen.columns;
  a.label('put-screen');
  a.push(eax);
  a.mov(ebx, dword(Variable.cursor));
  a.cmp(al, NewLine);
  a.jnz('screen.character');
  a.mov(eax, ebx);
  a.sub(edx, edx);
  a.mov(ecx, Screen.columns);
  a.div(ecx);
  a.sub(ecx, edx);
  a.add(ebx, ecx);
  a.jmp('screen.moved');
  a.label('screen.character');
  a.movzx(eax, al);
  a.or(eax, dword(Variable.attribute));
  a.mov(word({ index: ebx, scale: 2, offset: Screen.start }), ax);
  a.mov(word({ index: ebx, scale: 2, offset: Ram.screenCopy }), ax);
  a.inc(ebx);
  a.label('screen.moved');
  a.cmp(ebx, Cells);
  a.jb('screen.end');
  a.sub(ebx, Screen.columns);
  a.mov(esi, Ram.screenCopy + 4 * Screen.columns);
  a.mov(edi, Ram.screenCopy + 2 * Screen.columns);
  a.mov(ecx, lastLines / 2);
  a.rep('movsd');
  a.mov(eax, 0x0720_0720);
  a.mov(ecx, Screen.columns / 2);
  a.rep('stosd');
  a.mov(esi, Ram.screenCopy + 2 * Screen.columns);
  a.mov(edi, Screen.start + 2 * Screen.columns);
  a.mov(ecx, (lastLines + Screen.columns) / 2);
  a.rep('movsd');
  a.label('screen.end');
  a.mov(dword(Variable.cursor), ebx);
  a.pop(eax);
  a.ret();
}

/** `print-hex`: the lowest CL digits of EAX. `print-decimal`: EAX. `print-two-digits`: EAX below 100. They change nothing. */
export function putNumbers({ a }: Source): void {
  a.label('print-hex');
  a.pushad();
  a.movzx(ecx, cl);
  a.mov(edx, eax);
  a.mov(ebx, 8);
  a.sub(ebx, ecx);
  a.shl(ebx, 2);
  a.xchg(ecx, ebx);
  a.shl(edx, cl);
  a.label('hex.next');
  a.rol(edx, 4);
  a.mov(al, dl);
  a.and(al, 0x0f);
  a.cmp(al, 10);
  a.jb('hex.digit');
  a.add(al, 0x27);
  a.label('hex.digit');
  a.add(al, 0x30);
  a.call('put');
  a.dec(ebx);
  a.jnz('hex.next');
  a.popad();
  a.ret();

  a.label('print-two-digits');
  a.pushad();
  a.mov(ecx, 2);
  a.jmp('decimal.begin');
  a.label('print-decimal');
  a.pushad();
  a.sub(ecx, ecx);
  a.label('decimal.begin');
  a.mov(ebx, 10);
  a.sub(esi, esi);
  a.label('decimal.divide');
  a.sub(edx, edx);
  a.div(ebx);
  a.push(edx);
  a.inc(esi);
  a.test(eax, eax);
  a.jnz('decimal.divide');
  a.cmp(esi, ecx);
  a.jb('decimal.divide');
  a.label('decimal.digit');
  a.pop(eax);
  a.add(al, 0x30);
  a.call('put');
  a.dec(esi);
  a.jnz('decimal.digit');
  a.popad();
  a.ret();
}
