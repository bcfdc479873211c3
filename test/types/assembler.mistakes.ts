/** Mistakes in sources of the assembler that the compiler refuses. See devices.mistakes.ts. */
import {
  al,
  assemble,
  ax,
  bp,
  bx,
  byte,
  cl,
  cr0,
  cs,
  cx,
  ds,
  dword,
  dx,
  eax,
  ebx,
  ecx,
  edx,
  esp,
  linear,
  si,
  word,
} from 'backplane/assembler';

// What is right compiles, or the mistakes below would prove nothing.
assemble({ origin: 0x7c00, bits: 16 }, (a) => {
  a.mov(al, byte({ base: bx, index: si, offset: 2 }));
  a.mov(word({ base: bp }), 0x1234);
  a.mov(ax, cs);
  a.mov(ds, word('table'));
  a.mov(cr0, eax);
  a.add(dword({ base: esp, index: ecx, scale: 4 }), eax);
  a.movzx(eax, word(0x413));
  a.lea(edx, { base: ebx, offset: 'table' });
  a.out(dx, al);
  a.jmpFar(8, linear('table'), 32);
  a.label('table');
});

assemble({ bits: 32 }, (a) => {
  // @ts-expect-error operands of two widths
  a.mov(eax, ax);
  // @ts-expect-error a byte of memory into a register of 32 bits
  a.mov(eax, byte(ebx));
  // @ts-expect-error two places in memory
  a.add(dword(eax), dword(ebx));
  // @ts-expect-error CS is loaded by far jumps
  a.mov(cs, ax);
  // @ts-expect-error a segment register from 32 bits
  a.mov(ds, eax);
  // @ts-expect-error a control register of 16 bits
  a.mov(cr0, ax);
  // @ts-expect-error a number is no destination
  a.mov(5, eax);
  // @ts-expect-error an address has no width
  a.inc({ base: eax });
  // @ts-expect-error a port is in DX
  a.out(cx, al);
  // @ts-expect-error data of a port is in AL, AX or EAX
  a.in(ebx, dx);
  // @ts-expect-error nothing is wider
  a.movzx(ax, cx);
  // @ts-expect-error a byte cannot be pushed
  a.push(al);
  // @ts-expect-error shifts are by CL
  a.shl(eax, ecx);
  // @ts-expect-error bits are those of words
  a.bts(al, 3);
  // @ts-expect-error the condition is a byte
  a.setz(eax);
  // @ts-expect-error ESP is no index
  a.mov(eax, dword({ base: eax, index: esp }));
  // @ts-expect-error an address of two widths
  a.mov(eax, dword({ base: eax, index: si }));
  // @ts-expect-error CX is in no address
  a.mov(al, byte(cx));
  // @ts-expect-error DI comes second
  a.mov(al, byte({ base: si, index: bx }));
  // @ts-expect-error registers of 16 bits are not scaled
  a.mov(al, byte({ base: bx, index: si, scale: 2 }));
  // @ts-expect-error scale 3
  a.mov(al, byte({ base: eax, index: ebx, scale: 3 }));
  // @ts-expect-error REPE is of comparisons
  a.repe('movsb');
  // @ts-expect-error REP is of moves
  a.rep('scasb');
  // @ts-expect-error a far jump has a selector
  a.jmpFar(eax);
  // @ts-expect-error BSWAP is of 32 bits
  a.bswap(ax);
  // @ts-expect-error no jump goes to a byte
  a.jmp(al);
  // @ts-expect-error a text is no data
  a.ascii(1);
  // @ts-expect-error no such register
  a.shl(eax, { ...cl, number: 2, name: 'dl' });
});

// @ts-expect-error 64-bit code
assemble({ bits: 64 }, () => {});
