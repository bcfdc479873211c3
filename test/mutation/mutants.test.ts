// @module-tag slow
import { describe, expect, it } from 'vitest';
import { sourceOf } from './bundle.ts';
import { fifthBatch } from './fifth-batch.ts';
import { fourthBatch } from './fourth-batch.ts';
import { mistakes } from './mistakes.ts';
import { mutantsOf } from './mutants.ts';
import { secondBatch } from './second-batch.ts';
import { suspects } from './suspects.ts';
import { thirdBatch } from './third-batch.ts';

const whats = (text: string): string[] => mutantsOf('x.ts', text).map(({ what }) => what);

describe('mechanical mutants', () => {
  it('exchange comparisons, masks and numbers, one at a time', () => {
    expect(whats('export const f = (x: number) => x < 0x10 && x !== 3;')).toEqual([
      '"<" becomes "<="',
      '"0x10" becomes "0x11"',
      '"0x10" becomes "0x8"',
      '"&&" becomes "||"',
      '"!==" becomes "==="',
      '"3" becomes "4"',
      '"3" becomes "1"',
    ]);
  });

  it('leave comments, strings, imports and types alone', () => {
    expect(whats("import { a } from './1';\n// 5 < 6\nexport const b: 1 | 2 = a('7 & 8') as 1 | 2;")).toEqual([]);
  });

  it('drop statements and decorators, but not @device', () => {
    const text = [
      "@device({ type: 'x' })",
      '@flushCoalescedIo(ports)',
      'class X {',
      '  @state value = a;',
      '  reset() {',
      '    super.reset();',
      '    if (this.value) return;',
      '    const kept = this.value;',
      '    this.value = kept;',
      '  }',
      '}',
    ].join('\n');
    expect(whats(text)).toEqual([
      '@flushCoalescedIo(ports) is dropped',
      '@state is dropped',
      'super.reset(); is dropped',
      'if (this.value) return; is dropped',
      'this.value = kept; is dropped',
    ]);
  });

  it('are many in every suspect', () => {
    for (const { files, byHandOnly } of suspects) {
      if (byHandOnly === true) continue;
      expect(files.flatMap((file) => mutantsOf(file, sourceOf(file))).length).toBeGreaterThan(100);
    }
  });
});

describe.each([
  ['the mistakes made by hand', mistakes, 20],
  ['the second batch of them', secondBatch, 24],
])('%s', (_name, batch, many) => {
  it('are many, at least two of each kind, and each fits its device as it stands', () => {
    expect(batch).toHaveLength(many);
    const kinds = batch.map(({ kind }) => kind);
    for (const kind of [
      'forgotten reset',
      'inverted w1c',
      'missing flush partner',
      'off-by-one range',
      'state not declared',
      'wrong mask',
      'wrong width',
    ])
      expect(kinds.filter((other) => other === kind).length).toBeGreaterThanOrEqual(2);
    for (const { file, right } of batch) expect(sourceOf(file).split(right)).toHaveLength(2);
  });
});

it('The second batch has a mistake of each kind that a newcomer could plant unseen', () => {
  const kinds = new Set(secondBatch.map(({ kind }) => kind));
  for (const kind of ['derived register', 'priorities', 'bounds of DMA', 'error path']) expect(kinds).toContain(kind);
});

it('The third batch has five mistakes each in pins, targets of buses, derived registers and timing, and each fits its device', () => {
  const kinds = ['pins', 'bus targets', 'derived registers', 'timing'];
  expect(thirdBatch.map(({ kind }) => kind)).toEqual(kinds.flatMap((kind) => new Array(5).fill(kind)));
  for (const { file, right } of thirdBatch) expect(sourceOf(file).split(right)).toHaveLength(2);
});

it.each([
  ['fourth', 'four', fourthBatch, 4],
  ['fifth', 'five', fifthBatch, 5],
])(
  'The %s batch has five mistakes each in receive paths and in back-pressure, in %s devices, and each fits its device',
  (_name, _count, batch, devices) => {
    const kinds = ['receive', 'back-pressure'];
    expect(batch.map(({ kind }) => kind)).toEqual(kinds.flatMap((kind) => new Array(5).fill(kind)));
    expect(new Set(batch.map(({ suspect }) => suspect)).size).toBe(devices);
    for (const { file, right } of batch) expect(sourceOf(file).split(right)).toHaveLength(2);
  },
);
