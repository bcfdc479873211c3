import { type Assembler, assemble, dword, eax, ebx, ecx, edi, edx, esi, esp } from '../../sdk/assembler.ts';

/** A loop of machine code that counts EBX down to 0. It needs RAM from `Ram.stack` down, and from `Ram.source` and `Ram.target` up. */
export interface CodeLoop {
  readonly name: string;
  /** What is counted, in the plural, and how many of them are in a turn. */
  readonly unit: 'instructions' | 'elements';
  readonly inTurn: number;
  put(a: Assembler): void;
}

export const Ram = { code: 0x1_0000, stack: 0x2_0000, source: 0x3_0000, target: 0x4_0000 } as const;
const StringLength = 1024;

/** In flat code of 32 bits. Each ends with the flag of zero. */
export const codeLoops: readonly CodeLoop[] = [
  {
    name: 'a tight loop',
    unit: 'instructions',
    inTurn: 2,
    put(a) {
      a.label('tight');
      a.dec(ebx);
      a.jnz('tight');
    },
  },
  {
    name: 'arithmetic and memory',
    unit: 'instructions',
    inTurn: 8,
    put(a) {
      a.label('mixed');
      a.mov(eax, dword({ base: esp, offset: -8 }));
      a.add(eax, ebx);
      a.xor(edx, eax);
      a.mov(dword({ base: esp, offset: -4 }), edx);
      a.lea(esi, { base: edx, index: ecx });
      a.add(edi, 3);
      a.dec(ebx);
      a.jnz('mixed');
    },
  },
  {
    name: 'calls',
    unit: 'instructions',
    inTurn: 6,
    put(a) {
      a.jmp('calls');
      a.label('called');
      a.push(eax);
      a.pop(edx);
      a.ret();
      a.label('calls');
      a.call('called');
      a.dec(ebx);
      a.jnz('calls');
    },
  },
  {
    name: 'strings (REP MOVSD)',
    unit: 'elements',
    inTurn: StringLength,
    put(a) {
      a.label('strings');
      a.mov(esi, Ram.source);
      a.mov(edi, Ram.target);
      a.mov(ecx, StringLength);
      a.rep('movsd');
      a.dec(ebx);
      a.jnz('strings');
    },
  },
];

/** The loop alone, at `Ram.code`: it ends with a HLT. */
export const haltingLoop = (loop: CodeLoop): Uint8Array =>
  assemble({ origin: Ram.code, bits: 32 }, (a) => {
    loop.put(a);
    a.hlt();
  }).bytes;
