import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { whyNoQemu } from '../../../sdk/testing/qemu/index.ts';
import { needs, whyNoX86 } from '../../needs.ts';
import { x86 } from '../bare-processor.ts';
import { type Comparison, compare, differing } from './comparison.ts';
import { Out } from './layout.ts';
import { type Limit, limits, limitsOfTcg, runLimits } from './limits.ts';
import { withFault } from './planted.ts';
import { describeShrunk, shrink } from './shrink.ts';
import { Flag, Undefined } from './undefined-flags.ts';

const Seed = 20_261_201;
const I32Xor = 0x73;

async function expectEqual({ differences }: Comparison): Promise<void> {
  const first = differences[0] && describeShrunk(await shrink(await x86(), differences[0]));
  expect([differences.length, first]).toEqual([0, undefined]);
}

const page = readFileSync(new URL('README.md', import.meta.url), 'utf8');
const rowsOf = (heading: string): string[] => {
  const [, section = ''] = page.split(`## ${heading}\n`);
  return [...section.split('\n## ')[0]!.matchAll(/^\| .*$/gm)].map(([row]) => row).slice(1);
};

it('leaves undefined what few rows of the manual say, and the page has them', () => {
  const flagsOf = (bits: number) => Object.entries(Flag).filter(([, flag]) => (bits & flag) !== 0);
  const rows = Object.entries(Undefined).map(
    ([name, bits]) =>
      `| ${name} | ${flagsOf(bits)
        .map(([flag]) => flag.toUpperCase())
        .join(' ')} |`,
  );
  expect(rows.length).toBeLessThanOrEqual(12);
  expect(rowsOf('Flags that are undefined, and not compared')).toEqual(rows);
});

it('has a page of the limits, with a guest that meets each', () => {
  const rows = (all: readonly Limit[]) => all.map(({ what, guest }) => `| ${what} | ${guest} |`);
  expect(rowsOf('Limits of the processor')).toEqual(rows(limits));
  expect(rowsOf('Where TCG is not like silicon')).toEqual(rows(limitsOfTcg));
});

describe('machine code on this processor and on TCG', needs('qemu', whyNoX86() ?? whyNoQemu()), () => {
  it('leaves the same registers, flags and memory: 17,000 generated instructions of 16- and 32-bit code', async () => {
    const comparison = await compare(await x86(), { seed: Seed, first: 0, count: 17_000, faults: false });
    await expectEqual(comparison);
    expect(comparison.cases).toBe(17_000);
  });

  it('raises the same exceptions, with error code, CR2 and frame: 3,000 instructions that fault', async () => {
    const comparison = await compare(await x86(), { seed: Seed, first: 0, count: 3_500, faults: true });
    await expectEqual(comparison);
    const { exceptions } = comparison;
    for (const vector of [0, 3, 4, 6, 11, 12, 13, 14]) expect(exceptions.get(vector)).toBeGreaterThan(20);
    expect([...exceptions.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(3000);
  });

  it('finds an AND that is an XOR, and shrinks it to one instruction and the register that shows it', async () => {
    // and r8, r8: i32.load8_u and the i32.and behind it.
    const broken = await withFault('12instructions12instr_22_reg', [0x2d, 0x00, 0x40, 0x71], I32Xor);
    const { differences } = await compare(broken, { seed: Seed, first: 0, count: 17_000, faults: false });
    expect(new Set(differences.map(({ name }) => name))).toEqual(new Set(['and r, r/m']));
    const shrunk = await shrink(broken, differences[0]!);
    const opcode = shrunk.code.subarray(-2);
    expect([opcode[0], opcode[1]! >>> 6]).toEqual([0x22, 3]);
    const { ESP, EFLAGS, ...registers } = shrunk.inputs;
    expect([typeof ESP, EFLAGS]).toEqual(['number', 2]);
    expect(Object.keys(registers).filter((name) => name.startsWith('['))).toEqual([]);
    expect(Object.keys(registers).length).toBeLessThanOrEqual(1);
    expect(Object.keys(shrunk.differs)).toContain('flags');
    expect(describeShrunk(shrunk)).toMatch(/^and r, r\/m \(\d\d-bit code, seed 20261201, case \d+\): .*22 ..\n/);
  });

  it.each([...limits, ...limitsOfTcg])('has this limit: $what', async (limit) => {
    const { ours, theirs } = await runLimits([limit]);
    const [a, b] = [new DataView(ours.buffer, ours.byteOffset), new DataView(theirs.buffer, theirs.byteOffset)];
    expect(differing({ ours, theirs }).length).toBe(limit.differs.length === 0 ? 0 : 1);
    for (const field of limit.differs) {
      const bytes = field === 'memory' ? Out.registers : 4;
      const words = Array.from({ length: bytes / 4 }, (_, word) => Out[field] + 4 * word);
      expect(words.some((at) => a.getUint32(at, true) !== b.getUint32(at, true))).toBe(true);
    }
  });
});
