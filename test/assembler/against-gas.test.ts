import { describe, expect, it } from 'vitest';
import {
  type Assembler,
  assemble,
  byte,
  distance,
  dl,
  dword,
  ebx,
  esi,
  labelPlus,
  type StringInstruction,
  word,
} from '../../sdk/assembler.ts';
import { Random } from '../../sdk/testing/random.ts';
import { needs } from '../needs.ts';
import { conditions, forms, strings } from './form-table.ts';
import { type Instruction, instructionOf } from './forms.ts';
import { assembleWithGas, disassemble, whyNoGas } from './gas.ts';

const Room = 16;
/** GNU as fills code with longer instructions where the byte is a NOP. */
const Int3 = 0xcc;
const MostShown = 20;
const OfEachForm = 60;
const Bits = [16, 32] as const;

type Methods = Readonly<Record<string, (...operands: unknown[]) => void>>;

/** Each instruction in 16 bytes of its own: ours, and those of GNU as. */
function bothOf(instructions: readonly Instruction[], bits: 16 | 32): [ours: Uint8Array, gas: Uint8Array] {
  const { bytes } = assemble({ bits }, (a) => {
    for (const { name, operands } of instructions) {
      (a as unknown as Methods)[name]?.(...operands);
      a.align(Room, Int3);
    }
  });
  const lines = instructions.flatMap(({ line }) => [line, `.balign ${Room}, ${Int3}`]);
  return [bytes, assembleWithGas(lines, bits)];
}

/** Instructions whose bytes differ, with both texts of objdump. */
function differences(instructions: readonly Instruction[], bits: 16 | 32): string[] {
  const [ours, gas] = bothOf(instructions, bits);
  expect(ours.length).toBe(gas.length);
  const part = (bytes: Uint8Array, index: number) => Buffer.from(bytes.subarray(index * Room, (index + 1) * Room));
  const differing = [...instructions.keys()].filter((index) => !part(ours, index).equals(part(gas, index)));
  return differing.slice(0, MostShown).map((index) => {
    const text = (bytes: Uint8Array) =>
      `${part(bytes, index).toString('hex')} ${disassemble(part(bytes, index), bits)[0]?.text}`;
    return `${bits} bits, ${instructions[index]?.line}: ours ${text(ours)}, GNU as ${text(gas)}`;
  });
}

describe('machine code is that of GNU as', needs('host', whyNoGas()), () => {
  it.each(Bits)('for every form of every instruction in code of %i bits, with operands of any kind', (bits) => {
    const random = new Random(bits);
    const instructions = Object.entries(forms).flatMap(([name, rows]) =>
      rows.flatMap((form) =>
        Array.from({ length: form === '' ? 1 : OfEachForm }, () => instructionOf(random, name, form, bits)),
      ),
    );
    console.log(`${instructions.length} instructions of ${bits} bits compared with GNU as`);
    expect(differences(instructions, bits)).toEqual([]);
  });

  it.each(Bits)('for repeated strings in code of %i bits', (bits) => {
    const isCompared = (name: string) => /^(cmps|scas)/.test(name);
    const { bytes } = assemble({ bits }, (a) => {
      for (const name of strings as StringInstruction[]) {
        if (!isCompared(name)) a.rep(name as 'movsb');
        else {
          a.repe(name as 'cmpsb');
          a.repne(name as 'cmpsb');
        }
      }
    });
    const lines = strings.flatMap((name) => (isCompared(name) ? [`repe ${name}`, `repne ${name}`] : [`rep ${name}`]));
    expect(bytes).toEqual(assembleWithGas(lines, bits));
  });

  it.each(Bits)('for far jumps and calls in code of %i bits', (bits) => {
    const { bytes } = assemble({ bits }, (a) => {
      a.jmp(dword(ebx));
      a.call(dword({ base: ebx, index: esi, scale: 4, offset: 8 }));
      for (const method of [a.jmpFar, a.callFar]) {
        method(0x10, 0x1234);
        method(0x10, 0x1234, 16);
        method(0x10, 0x12345678, 32);
        method(word(0x1234));
        method(dword(0x1234));
      }
    });
    const lines = ['jmp', 'call'].flatMap((name) => [
      `l${name}${bits === 16 ? 'w' : 'l'} $0x10, $0x1234`,
      `l${name}w $0x10, $0x1234`,
      `l${name}l $0x10, $0x12345678`,
      `l${name}w *0x1234`,
      `l${name}l *0x1234`,
    ]);
    expect(bytes).toEqual(
      assembleWithGas(['.att_syntax prefix', 'jmpl *(%ebx)', 'calll *8(%ebx,%esi,4)', ...lines], bits),
    );
  });

  it.each(Bits)('for programs of jumps, data and labels in code of %i bits', (bits) => {
    for (let seed = 0; seed < 12; seed++) {
      const { source, lines } = programOf(new Random(1000 * bits + seed));
      const origin = bits === 16 ? 0x600 : 0x10_0000;
      expect(assemble({ bits, origin }, source).bytes, `seed ${seed}`).toEqual(assembleWithGas(lines, bits, origin));
    }
  });
});

/** A program whose jumps go to labels near and far. */
function programOf(random: Random): { source: (a: Assembler) => void; lines: string[] } {
  const lines: string[] = [];
  const steps: ((a: Assembler) => void)[] = [];
  const add = (line: string, step: (a: Assembler) => void) => {
    lines.push(line);
    steps.push(step);
  };
  const most = 150;
  for (let number = 0; number < most; number++) {
    add(`label${number}:`, (a) => a.label(`label${number}`));
    const near = Math.min(Math.max(number + random.below(60) - 30, 0), most - 1);
    const target = `label${random.oneIn(3) ? random.below(most) : near}`;
    const name = random.pick(['jmp', 'jmp', 'call', ...conditions.map((condition) => `j${condition}`)]);
    add(`${name} ${target}`, (a) => (a as unknown as Methods)[name]?.(target));
    const size = random.below(12);
    add(`.fill ${size}, 1, 0xf4`, (a) => a.fill(size, 0xf4));
    random.weighted([
      [4, () => {}],
      [1, () => add('loop .', (a) => loopHere(a, 'loop'))],
      [1, () => add('jecxz .', (a) => loopHere(a, 'jecxz'))],
      [1, () => add('jcxz .', (a) => loopHere(a, 'jcxz'))],
      [1, () => add(`.word ${target}-label0`, (a) => a.dw(distance('label0', target)))],
      [1, () => add(`.long ${target}`, (a) => a.dd(target))],
      [1, () => add('.byte 1, 0x80, 255', (a) => a.db(1, -0x80, 255))],
      [1, () => add('.asciz "PCI \\351"', (a) => a.asciz('PCI \u00e9'))],
      [1, () => add(`mov esi, offset ${target}`, (a) => a.mov(esi, target))],
      [1, () => add(`mov dl, [ebx+${target}]`, (a) => a.mov(dl, byte({ base: ebx, offset: target })))],
      [1, () => add(`.long ${target}+3`, (a) => a.dd(labelPlus(target, 3)))],
    ]);
  }
  return { lines, source: (a) => void steps.map((step) => step(a)) };
}

function loopHere(a: Assembler, name: 'loop' | 'jcxz' | 'jecxz'): void {
  const here = a.localLabel('here');
  a.label(here);
  a[name](here);
}
