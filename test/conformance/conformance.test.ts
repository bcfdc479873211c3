import { describe, expect, it } from 'vitest';
import { Edu } from '../../devices/index.ts';
import type { Chip } from './chip.ts';
import { conform, formatResult, passed, resultAsJson } from './conformance.ts';
import type { KnownDifference } from './known-difference.ts';
import { type Answer, type Operation, out8, read8, type Script, type Subject } from './script.ts';

/** A machine with 256 one-byte registers, and a way to be wrong. */
class Bytes implements Subject {
  runs = 0;

  constructor(
    readonly name: string,
    private readonly answer: (register: number, bytes: Uint8Array) => number = (register, bytes) =>
      bytes[register] ?? 0,
  ) {}

  async run({ operations }: Script): Promise<readonly Answer[]> {
    this.runs++;
    const bytes = new Uint8Array(256);
    return operations.map((operation) => {
      if (operation.kind === 'out') bytes[operation.port] = operation.value;
      const value = operation.kind === 'in' ? this.answer(operation.port, bytes) : undefined;
      return { value, output: undefined };
    });
  }
}

const chip: Chip = {
  name: 'bytes',
  title: '256 bytes',
  dates: ['2024-02-28T21:43:50'],
  machineOptions: {},
  qemu: {},
  registerNames: () => (operation: Operation) => ('port' in operation ? `byte ${operation.port}` : operation.kind),
  act(random, add) {
    const register = random.byte();
    add(random.oneIn(2) ? out8(register, random.byte()) : read8(register));
  },
};

/** Reads of register 200 see bit 0 of register 7. */
const leaky = (register: number, bytes: Uint8Array) =>
  register === 200 ? (bytes[200] ?? 0) ^ ((bytes[7] ?? 0) & 1) : (bytes[register] ?? 0);

const plan = { operations: 25_000, seed: 7 };

describe('conformance', () => {
  it('compares every reply of machines that agree, the same ones for the same seed', async () => {
    const result = await conform(chip, new Bytes('ours'), new Bytes('theirs'), plan);
    expect(passed(result)).toBe(true);
    expect(result.counts).toMatchObject({ operations: 25_000, masked: 0, skipped: 0 });
    expect(result.counts.comparedInFull).toBe(result.counts.replies);
    const again = await conform(chip, new Bytes('ours'), new Bytes('theirs'), plan);
    expect(resultAsJson(again)).toEqual(resultAsJson(result));
  });

  it('shows the first divergence as the two operations that it takes, with both answers', async () => {
    const theirs = new Bytes('theirs');
    const result = await conform(chip, new Bytes('ours', leaky), theirs, plan);
    expect(passed(result)).toBe(false);
    expect(result.divergence?.register).toBe('byte 200');
    const [write, last] = result.divergence?.script.operations ?? [];
    expect(write).toMatchObject({ kind: 'out', port: 7 });
    expect(last).toEqual(read8(200));
    expect(formatResult(result)).toMatch(/1 {2}out8 0x07, 0x.[13579bdf]\n.* 2 {2}in8 0xc8 +ours: 0x01 {3}QEMU: 0x00/);
    expect(theirs.runs).toBeLessThan(100);
  });

  it('hides exactly the bits of a known difference, and counts what it hid', async () => {
    const known: KnownDifference = {
      register: 'byte 200',
      bits: 0x01,
      condition: 'always',
      reason: 'It leaks.',
      hides: (register) => register === 'byte 200',
    };
    const result = await conform(chip, new Bytes('ours', leaky), new Bytes('theirs'), { ...plan, known: [known] });
    expect(passed(result)).toBe(true);
    expect(result.counts.masked).toBeGreaterThan(10);
    expect(result.counts.comparedInFull + result.counts.masked).toBe(result.counts.replies);
    const visits = result.counts.visits.get(known) ?? 0;
    expect(visits).toBeGreaterThan(5);
    expect(visits).toBeLessThan(result.counts.masked);
    expect(formatResult(result)).toContain(
      `on purpose: It leaks.\n    byte 200, bits 0x1, always: ${visits} replies\n`,
    );
    expect(resultAsJson(result)).toMatchObject({ knownDifferences: [{ register: 'byte 200', visits }] });
    const wrongBit = await conform(chip, new Bytes('ours', leaky), new Bytes('theirs'), {
      ...plan,
      known: [{ ...known, bits: 0x02 }],
    });
    expect(passed(wrongBit)).toBe(false);
  });

  it('does not pass when more than one reply in twenty is hidden', async () => {
    const known: KnownDifference = {
      register: 'bytes 0 to 31',
      bits: 0xffff_ffff,
      condition: 'always',
      reason: 'Too much.',
      hides: (register) => Number(register.slice(5)) < 32,
    };
    const result = await conform(chip, new Bytes('ours'), new Bytes('theirs'), { ...plan, known: [known] });
    expect(result.counts.skipped).toBeGreaterThan(0);
    expect(result.divergence).toBeUndefined();
    expect(passed(result)).toBe(false);
    expect(formatResult(result)).toContain('fewer than 95 % were compared in full');
  });

  it('does not pass when no script comes to a known difference, and does when the one that goes there is given', async () => {
    const known: KnownDifference = {
      register: 'byte 200',
      bits: 0x01,
      condition: 'byte 7 is odd',
      reason: 'It leaks.',
      hides: (register) => register === 'byte 200',
    };
    const short = { ...plan, operations: 60 };
    const [ours, theirs] = [new Bytes('ours', leaky), new Bytes('theirs')];
    const result = await conform(chip, ours, theirs, { ...short, known: [known] });
    expect(result.divergence).toBeUndefined();
    expect(passed(result)).toBe(false);
    expect(formatResult(result)).toContain('or take it off the list:\n    byte 200: byte 7 is odd');
    const there = { operations: [out8(7, 1), read8(200)], ours: [1], qemu: [0] };
    expect(passed(await conform(chip, ours, theirs, { ...short, known: [{ ...known, there }] }))).toBe(true);
  });

  it('counts what a stand-in changes, by leaving it out', async () => {
    const standIn = { original: Edu, over: () => Edu };
    const known: KnownDifference = { register: 'byte 200', condition: 'always', reason: 'It leaks.', standIn };
    const withStandIn = Object.assign(new Bytes('ours'), { without: () => new Bytes('ours', leaky) });
    const result = await conform(chip, withStandIn, new Bytes('theirs'), { ...plan, known: [known] });
    expect(passed(result), formatResult(result)).toBe(true);
    expect(result.counts).toMatchObject({ masked: 0, skipped: 0 });
    expect(result.counts.visits.get(known)).toBeGreaterThan(5);
    const useless = Object.assign(new Bytes('ours'), { without: () => new Bytes('ours') });
    expect(passed(await conform(chip, useless, new Bytes('theirs'), { ...plan, known: [known] }))).toBe(false);
  });
});
