import { describe, expect, it } from 'vitest';
import {
  type Assembler,
  al,
  assemble,
  ax,
  byte,
  cs,
  distance,
  dword,
  dx,
  eax,
  ebx,
  esp,
  labelPlus,
  linear,
  si,
} from '../../sdk/assembler.ts';
import { expectRefusal } from '../refusal.ts';
import { conditions, forms, strings } from './form-table.ts';

const code = (bits: 16 | 32, source: (a: Assembler) => void, origin = 0): string =>
  Buffer.from(assemble({ bits, origin }, source).bytes).toString('hex');
const refuse = (refusal: string, source: (a: Assembler) => void, ...named: string[]) =>
  expectRefusal(() => assemble({ bits: 32 }, source), refusal, ...named);

describe('the assembler', () => {
  it('has a comparison with GNU as for each of its instructions', () => {
    let all: string[] = [];
    assemble({ bits: 16 }, (a) => {
      all = Object.keys(a);
    });
    const directives = 'label localLabel bits db dw dd ascii asciz fill align org'.split(' ');
    const others = 'jmp call jmpFar callFar loop loope loopne jcxz jecxz rep repe repne'.split(' ');
    const known = [
      ...directives,
      ...others,
      ...strings,
      ...conditions.map((name) => `j${name}`),
      ...Object.keys(forms),
    ];
    expect(all.sort()).toEqual([...new Set(known)].sort());
  });

  it('makes the loop of a clock from a few lines, by the bytes of the manual', () => {
    const source = (a: Assembler) => {
      a.label('start');
      a.mov(ax, 0x7000);
      a.out(0x70, al);
      a.in(al, 0x71);
      a.jmp('start');
    };
    expect(code(16, source)).toBe('b80070e670e471ebf7');
    expect(code(32, source)).toBe('66b80070e670e471ebf6');
  });

  it('gives labels their linear addresses, and 16-bit code their offsets from its segment', () => {
    const { bytes, labels, origin } = assemble({ bits: 16, origin: 0xf_0000 }, (a) => {
      a.bits(16, 0xf_0000);
      a.label('start');
      a.mov(si, 'text');
      a.jmpFar(8, linear('protected'), 32);
      a.bits(32);
      a.label('protected');
      a.mov(ebx, 'text');
      a.label('text');
      a.asciz('hi');
    });
    expect(origin).toBe(0xf_0000);
    expect([...labels]).toEqual([
      ['start', 0xf_0000],
      ['protected', 0xf_000b],
      ['text', 0xf_0010],
    ]);
    expect(Buffer.from(bytes).toString('hex')).toBe('be1000' + '66ea0b000f000800' + 'bb10000f00' + '686900');
  });

  it('takes a short jump where the target is 127 bytes away, and a near one at 128', () => {
    const jumpOver = (length: number) =>
      assemble({ bits: 32 }, (a) => {
        a.jnz('end');
        a.fill(length);
        a.label('end');
      }).bytes;
    expect([...jumpOver(127).subarray(0, 2)]).toEqual([0x75, 0x7f]);
    expect([...jumpOver(128).subarray(0, 6)]).toEqual([0x0f, 0x85, 0x80, 0, 0, 0]);
  });

  it('wraps jumps of 16 bits at the end of the segment, as the instruction pointer does', () => {
    const source = (a: Assembler) => {
      a.jmp(0x0010);
      a.jmp(0x8000);
    };
    expect(code(16, source, 0xfff0)).toBe('eb1e' + 'e90b80');
  });

  it('grows jumps until all of them fit, where one makes the other too far', () => {
    const { bytes, labels } = assemble({ bits: 32 }, (a) => {
      a.jmp('end');
      a.jmp('far');
      a.fill(125);
      a.label('end');
      a.fill(200);
      a.label('far');
    });
    expect(labels.get('end')).toBe(135);
    expect([...bytes.subarray(0, 5)]).toEqual([0xe9, 130, 0, 0, 0]);
  });

  it('puts data, differences of labels, and gaps', () => {
    const source = (a: Assembler) => {
      a.db(1, 'end', -1);
      a.dw(distance('gdt', 'end', -1));
      a.dd(labelPlus('gdt', 4));
      a.align(4, 0xcc);
      a.label('gdt');
      a.fill(2, 0xee);
      a.label('end');
      a.org(0x14, 0xff);
    };
    expect(code(32, source)).toBe(`010eff010010000000cccccceeee${'ff'.repeat(6)}`);
  });

  it('names labels of a function that is called twice', () => {
    const pause = (a: Assembler) => {
      const again = a.localLabel('again');
      a.label(again);
      a.loop(again);
    };
    expect(code(16, (a) => [a, a].forEach(pause))).toBe('e2fee2fe');
  });

  it('names a mistake by the number of its instruction, and by the label before it', () => {
    const error = refuse(
      'unknown-label',
      (a) => {
        a.label('start');
        a.nop();
        a.call('print');
      },
      "'print'",
      "'start'",
    );
    expect(error).toMatchObject({ place: { index: 1, mnemonic: 'call', label: 'start' } });
  });

  it('refuses values that do not fit, and takes signed and unsigned ones that do', () => {
    expect(code(16, (a) => a.mov(al, -1))).toBe(code(16, (a) => a.mov(al, 255)));
    for (const value of [256, -129, 1.5, Number.NaN])
      refuse('value-does-not-fit', (a) => a.mov(al, value), `${value === 256 ? '0x100' : ''}`);
    refuse('value-does-not-fit', (a) => a.mov(eax, 2 ** 32), '0x100000000');
    refuse('value-does-not-fit', (a) => a.out(0x3f8, al));
    refuse('value-does-not-fit', (a) => a.shl(eax, 32));
    refuse('value-does-not-fit', (a) => a.ascii('€'), '0x20ac');
    refuse('value-does-not-fit', (a) => a.org(-1));
    refuse('value-does-not-fit', (a) => a.align(0));
    refuse('value-does-not-fit', (a) => a.fill(2 ** 30));
    refuse('value-does-not-fit', (a) => a.bits(64 as never));
    expectRefusal(() => assemble({ bits: 16, origin: 2 ** 33 }, () => {}), 'value-does-not-fit');
    expectRefusal(() => assemble({ bits: 16 }, (a) => a.jmp(0x1_0000)), 'value-does-not-fit', '64 KiB');
    const wide = (a: Assembler) => {
      a.label('above');
      a.dw('above');
    };
    expectRefusal(() => assemble({ bits: 16, origin: 0x1_0000 }, wide), 'value-does-not-fit', '0x10000');
  });

  it('refuses operands that only a caller without types can pass', () => {
    refuse('operand-mismatch', (a) => a.mov(cs as never, ax), 'jmpFar');
    refuse('operand-mismatch', (a) => a.mov(5 as never, eax));
    refuse('operand-mismatch', (a) => a.add(eax, ax as never), '16');
    refuse('operand-mismatch', (a) => a.movzx(ax, dx as never));
    refuse('operand-mismatch', (a) => a.mov(al, byte({ base: eax, index: esp } as never)), 'esp');
    refuse('operand-mismatch', (a) => a.mov(al, byte({ base: dx } as never)), '[dx]');
    refuse('operand-mismatch', (a) => a.mov(al, byte({ base: eax, index: si } as never)), 'si');
    refuse('operand-mismatch', (a) => a.mov(dword(eax) as never, dword(ebx) as never));
  });
});
