import { describe, expect, it } from 'vitest';
import { describeJson, type JsonProblem, JsonReader } from '../../sdk/base/json-reader.ts';

function readerOf(data: unknown): { reader: JsonReader; problems: JsonProblem[] } {
  const problems: JsonProblem[] = [];
  return { reader: new JsonReader(data, '', problems), problems };
}

describe('JSON that may come from anywhere', () => {
  it('answers values of the right type, by members and elements', () => {
    const { reader, problems } = readerOf({ a: [1, { b: true, c: 'x', d: '00ff' }] });
    const inner = reader.member('a').item(1);
    expect(reader.member('a').item(0).integer(0)).toBe(1);
    expect([inner.member('b').boolean(), inner.member('c').text(), inner.member('d').hex(2)]).toEqual([
      true,
      'x',
      new Uint8Array([0, 0xff]),
    ]);
    expect(reader.member('a').list(2)).toHaveLength(2);
    expect(problems).toEqual([]);
  });

  it('notes each problem with its path, and answers harmless values', async () => {
    const { reader, problems } = readerOf({ a: [{ b: 'yes' }], text: 7, more: 1 });
    reader.only('a', 'text');
    expect(reader.member('a').item(0).member('b').boolean()).toBe(false);
    expect(reader.member('a').item(0).member('missing').integer(3)).toBe(3);
    expect(reader.member('a').item(9).number(0)).toBe(0);
    expect(reader.member('text').text(10)).toBe('');
    expect(reader.member('a').list(0)).toEqual([]);
    expect(reader.member('text').hex(1)).toEqual(new Uint8Array(1));
    const paths = ['more', 'a[0].b', 'a[0].missing', 'a[9]', 'text', 'a', 'text'];
    expect(problems.map(({ path }) => path)).toEqual(paths);
    const lines = problems.map(({ path, problem }) => `${path}: ${problem}\n`).join('');
    await expect(lines).toMatchFileSnapshot('json-problems.golden.txt');
  });

  it('has only own members, and stops counting problems', () => {
    const { reader, problems } = readerOf(JSON.parse('{ "__proto__": { "polluted": 1 } }'));
    expect(reader.member('polluted').data).toBeUndefined();
    expect(reader.member('toString').data).toBeUndefined();
    for (let n = 0; n < 3000; n++) reader.refuse('again');
    expect(problems).toHaveLength(1000);
  });

  it('stops counting members that nothing has, and cuts their names', () => {
    const { reader, problems } = readerOf(Object.fromEntries(Array.from({ length: 3000 }, (_, n) => [`x${n}`, n])));
    reader.only('x7');
    reader.only('x8');
    expect(problems).toHaveLength(1000);
    const long = readerOf({ ['y'.repeat(10_000)]: { z: 1 } });
    long.reader.only();
    for (const [, member] of long.reader.entries()) member.member('z').text();
    expect(long.problems.map(({ path }) => path)).toEqual(['y'.repeat(200), 'y'.repeat(200)]);
  });

  it('answers all members of an object, or refuses it: none is dropped', () => {
    const many = Object.fromEntries(Array.from({ length: 100_001 }, (_, n) => [`x${n}`, n]));
    const { reader, problems } = readerOf({ many });
    const members = reader.member('many').entries(100_001);
    expect([members.length, members.at(-1)?.[0], members.at(-1)?.[1].data]).toEqual([100_001, 'x100000', 100_000]);
    expect(problems).toEqual([]);
    expect(reader.member('many').entries()).toEqual([]);
    expect(reader.member('many').entries(100_000)).toEqual([]);
    const refused = { path: 'many', problem: 'expected at most 100000 members, found 100001' };
    expect(problems).toEqual([refused, refused]);
  });

  it('has an element for a hole in a list, where something is missing', () => {
    // biome-ignore lint/suspicious/noSparseArray: a hole is what this is about
    const { reader, problems } = readerOf({ some: [1, , 3] });
    expect(
      reader
        .member('some')
        .list(3)
        .map((one) => one.integer(0)),
    ).toEqual([1, 0, 3]);
    expect(problems).toEqual([{ path: 'some[1]', problem: expect.stringContaining('found nothing') }]);
  });

  it('reads bytes of hexadecimal digits, and refuses others', () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, n) => n);
    const digits = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    for (const [text, length] of [
      [digits, 256],
      ['', 0],
    ] as const) {
      const { reader, problems } = readerOf(text);
      expect([reader.hex(length), problems]).toEqual([bytes.subarray(0, length), []]);
    }
    for (const text of ['0', '000', '0g', '0X', ' 0', 'FF', '-1', 7]) {
      const { reader, problems } = readerOf(text);
      expect([reader.hex(1), problems.length]).toEqual([new Uint8Array(1), 1]);
    }
  });

  it.each<[unknown, string]>([
    [undefined, 'nothing'],
    [null, 'null'],
    [[1, 2], 'a list of 2'],
    [{}, 'an object'],
    ['a\u001b"', '"a\\u001b\\""'],
    ['x'.repeat(100), `"${'x'.repeat(36)}...`],
    [-0.5, '-0.5'],
  ])('shows %j in messages as %s, on one line and cut short', (data, text) => {
    expect(describeJson(data)).toBe(text);
  });
});
