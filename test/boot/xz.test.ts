import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BackplaneError } from '../../sdk/base/errors.ts';
import { unpackXz } from '../../sdk/boot/xz/unpack-xz.ts';
import { decodeBranches } from '../../sdk/boot/xz/x86-filter.ts';
import { times } from '../depth.ts';
import { needs } from '../needs.ts';
import { expectRefusal } from '../refusal.ts';
import { bodyOf, code, fixture, stored, sum, text, type XzBlock, xzFile } from './xz-files.ts';

const MiB = 2 ** 20;
const unpack = (bytes: Uint8Array, limit = 10_000): Uint8Array => unpackXz(bytes, { name: 'some.xz', limit });
/** What comes of any bytes: the result, or the code of the refusal. Another error is a failure. */
function outcome(bytes: Uint8Array, limit?: number): Uint8Array | string {
  try {
    return unpack(bytes, limit);
  } catch (cause) {
    if (cause instanceof BackplaneError) return cause.code;
    throw cause;
  }
}
const bytesOf = (...values: number[]): Uint8Array => Uint8Array.from(values);
const block = (more: Partial<XzBlock> = {}): XzBlock => ({ body: stored(bytesOf(1, 2, 3)), size: 3, ...more });

describe('the reader of XZ', () => {
  it.each(['textCrc32', 'textCrc64', 'textBlocks'] as const)('unpacks what xz packed: %s', (name) => {
    expect(unpack(fixture(name))).toEqual(text);
  });

  it.each(['codeX86', 'codeX86Origin'] as const)('turns targets of branches back into offsets: %s', (name) => {
    expect(unpack(fixture(name))).toEqual(code);
  });

  it('unpacks a file without a block, and stored bytes', () => {
    expect(unpack(xzFile([]))).toEqual(bytesOf());
    expect(unpack(xzFile([block(), block({ check: [] })]))).toEqual(bytesOf(1, 2, 3, 1, 2, 3));
    expect(unpack(xzFile([block({ check: sum([1, 2, 3]) })], 1))).toEqual(bytesOf(1, 2, 3));
  });

  it('takes a file at any place in a larger buffer', () => {
    const file = fixture('codeX86');
    const larger = new Uint8Array(file.length + 10).fill(0x59);
    larger.set(file, 3);
    expect(unpack(larger.subarray(3, 3 + file.length))).toEqual(code);
  });

  it('refuses before it unpacks what would become longer than the limit, and takes what just fits', () => {
    expect(unpack(fixture('textCrc32'), text.length)).toEqual(text);
    expectRefusal(() => unpack(fixture('textCrc32'), text.length - 1), 'packed-too-large', 'some.xz', '2,112');
    const bomb = xzFile([block({ size: 2 ** 50 })]);
    expectRefusal(() => unpack(bomb, 2 ** 31), 'packed-too-large');
  });

  it('stops a block that becomes longer or shorter than its index says', () => {
    expectRefusal(() => unpack(xzFile([block({ size: 2 })])), 'xz-damaged', 'longer');
    expectRefusal(() => unpack(xzFile([block({ size: 4 })])), 'xz-damaged', 'shorter');
    const body = bodyOf(fixture('textCrc32'), 4);
    expect(outcome(xzFile([{ body, size: text.length }]))).toEqual(text);
    expect(outcome(xzFile([{ body, size: text.length - 1 }]))).toBe('xz-damaged');
    expect(outcome(xzFile([{ body, size: text.length + 1 }]))).toBe('xz-damaged');
  });

  it('refuses what it does not understand, by its check, its filters or its flags', () => {
    expectRefusal(() => unpack(fixture('textSha256')), 'xz-unsupported', 'check is number 10');
    expectRefusal(() => unpack(fixture('codeDelta')), 'xz-unsupported', 'filters');
    expectRefusal(() => unpack(xzFile([block({ flags: 0x04 })])), 'xz-unsupported', 'flags');
    for (const filters of [
      [0x21, 1, 41],
      [0x04, 0, 0x04, 0],
      [0x04, 1, 0, 0x21, 1, 8],
      [0x21, 1, 8, 0x21, 1, 8],
    ])
      expect(outcome(xzFile([block({ filters })]))).toBe('xz-unsupported');
  });

  it('takes a file of thousands of blocks, and refuses one of more, whatever is in them', () => {
    const blocks = (count: number) => xzFile(Array.from({ length: count }, () => block()));
    expect(unpack(blocks(3000))).toEqual(Uint8Array.from({ length: 9000 }, (_, at) => 1 + (at % 3)));
    expectRefusal(() => unpack(blocks(0x4001), MiB), 'xz-unsupported', 'more than 16,384 blocks');
  });

  it('refuses an index that is not that of its file', () => {
    expectRefusal(() => unpack(xzFile([block()], 0, 2)), 'xz-damaged', 'index');
    expectRefusal(() => unpack(xzFile([block()], 0, 0)), 'xz-damaged', 'index');
    expectRefusal(() => unpack(xzFile([block()], 0, 2 ** 40)), 'xz-damaged');
  });

  it('refuses a match that begins before its dictionary', () => {
    const [first, second] = [fixture('textCrc32'), bodyOf(fixture('textCrc32'), 4)];
    expect(unpack(first)).toEqual(text);
    // Of the first bytes' literals none is left: the first match has nothing behind it.
    const withoutLiterals = Uint8Array.from(second);
    withoutLiterals.fill(0xff, 7, 20);
    expect(outcome(xzFile([{ body: withoutLiterals, size: text.length }]))).toBe('xz-damaged');
  });

  it('refuses a file that is cut off, at each place', () => {
    for (const name of ['textCrc64', 'codeX86', 'textBlocks'] as const) {
      const file = fixture(name);
      for (let length = 0; length < file.length; length++)
        expect(outcome(file.subarray(0, length)), `${name}, ${length}`).toBe('xz-damaged');
    }
  });

  it('finds every flipped bit of a file with checksums', () => {
    for (const name of ['textCrc32', 'codeX86Origin'] as const) {
      const whole = fixture(name);
      for (let bit = 0; bit < 8 * whole.length; bit++) {
        const file = Uint8Array.from(whole);
        file[bit >> 3]! ^= 1 << (bit & 7);
        expect(outcome(file), `${name}, bit ${bit}`).toBeTypeOf('string');
      }
    }
  });

  it('ends with the asked number of bytes or a refusal, whatever the chunks are, and no check tells', () => {
    const bodies = [bodyOf(fixture('textCrc32'), 4), bodyOf(fixture('codeDelta'), 4)];
    const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(
        fc.constantFrom(...bodies),
        fc.array(change, { maxLength: 6 }),
        fc.boolean(),
        (whole, changes, filtered) => {
          const body = Uint8Array.from(whole);
          for (const [at, value] of changes) body[at % body.length] = value;
          const filters = filtered ? [0x04, 0, 0x21, 1, 0x16] : [0x21, 1, 0x16];
          const result = outcome(xzFile([{ body, size: text.length, filters }]));
          if (typeof result !== 'string') expect(result.length).toBe(text.length);
          else expect(result).toBe('xz-damaged');
        },
      ),
      { numRuns: times(1000, 50_000) },
    );
  });
});

const whyNoXz = spawnSync('xz', ['--version']).status === 0 ? undefined : "'xz' is not installed.";

describe('the reader of XZ, asked beside xz', () => {
  const options = fc
    .record({
      check: fc.constantFrom('none', 'crc32', 'crc64'),
      filter: fc.constantFrom([], ['--x86'], ['--x86=start=65536']),
      preset: fc.constantFrom('0', '3', '6', '9e'),
      contexts: fc.constantFrom('', ',lc=0,lp=0', ',lc=1,lp=3', ',lc=4,lp=0', ',pb=0', ',pb=4', ',dict=4096'),
      block: fc.constantFrom([], ['--block-size=5000']),
      threads: fc.constantFrom([], ['-T2']),
    })
    .map(({ check, filter, preset, contexts, block, threads }) => [
      `--check=${check}`,
      ...filter,
      `--lzma2=preset=${preset}${contexts}`,
      ...block,
      ...threads,
    ]);
  const branches = fc.constantFrom(
    [0xe8],
    [0xe9],
    [0],
    [0xff],
    [0xe8, 0, 0, 0, 0],
    [0xe9, 0xff, 0xff, 0xff, 0xff],
    [0xe8, 0xe9],
  );
  const content = fc
    .array(
      fc.oneof(
        branches,
        fc.uint8Array({ maxLength: 9 }).map((bytes) => [...bytes]),
      ),
      { minLength: 1, maxLength: 200 },
    )
    .chain((parts) =>
      fc.array(fc.constantFrom(...parts), { maxLength: 2000 }).map((all) => Uint8Array.from([...parts, ...all].flat())),
    );

  it('unpacks whatever xz packs', needs('host', whyNoXz), () => {
    fc.assert(
      fc.property(options, content, (args, input) => {
        const { status, stdout } = spawnSync('xz', ['--format=xz', '-c', ...args], { input });
        expect(status).toBe(0);
        expect(unpack(stdout, input.length)).toEqual(input);
      }),
      { numRuns: times(60, 300) },
    );
  });

  it('refuses a match that reaches farther back than the dictionary', needs('host', whyNoXz), () => {
    const far = new Uint8Array(6000);
    let random = 1;
    for (let at = 0; at < 5000; at++) {
      random = (random * 48_271) % 0x7fff_ffff;
      far[at] = random >> 8;
    }
    far.set(far.subarray(0, 900), 5050);
    const args = ['--format=xz', '--check=none', '--lzma2=preset=6', '-c'];
    const body = bodyOf(spawnSync('xz', args, { input: far }).stdout, 0);
    expect(outcome(xzFile([{ body, size: 6000 }]))).toEqual(far);
    expect(outcome(xzFile([{ body, size: 6000, filters: [0x21, 1, 0] }]))).toBe('xz-damaged');
  });
});

describe('the filter for x86', () => {
  it('leaves what is too short for an offset, and an offset that cannot be a near one', () => {
    for (const bytes of [[], [0xe8], [0xe8, 1, 2, 3], [0xe8, 1, 2, 3, 4]]) {
      const filtered = Uint8Array.from(bytes);
      decodeBranches(filtered, 0x1000);
      expect([...filtered]).toEqual(bytes);
    }
  });

  it('subtracts the address behind the branch', () => {
    const filtered = bytesOf(0x90, 0xe8, 0x00, 0x20, 0x00, 0x00);
    decodeBranches(filtered, 0x1000);
    expect([...filtered]).toEqual([0x90, 0xe8, 0xfa, 0x0f, 0, 0]);
  });
});
