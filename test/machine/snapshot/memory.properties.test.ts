import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type JsonProblem, JsonReader } from '../../../sdk/base/json-reader.ts';
import { loadMemory, saveMemory } from '../../../sdk/machine/snapshot/memory.ts';
import { type RamBlock, ramAllocator } from '../../../sdk/memory/ram-block.ts';
import { times } from '../../depth.ts';

const PageSize = 4096;

const blockOf = (bytes: Uint8Array): ReadonlyMap<string, RamBlock> => {
  const block = ramAllocator()(bytes.length, 'ram');
  block.bytes.set(bytes);
  return new Map([['ram', block]]);
};

/** What a fresh block holds afterwards that held something else before, and what was refused. */
function load(saved: unknown, size: number) {
  const problems: JsonProblem[] = [];
  const blocks = blockOf(new Uint8Array(size).fill(0x5a));
  loadMemory(new JsonReader(saved, '', problems), blocks);
  return { bytes: blocks.get('ram')?.bytes, problems };
}

/** Bytes from 0 to `most` that follow from a seed: counterexamples stay short. */
function bytesFrom(seed: number, most: number): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length: PageSize }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 16) % (most + 1);
  });
}

/** Of zeros, of one byte, of few different bytes, of any. */
const page = fc.oneof(
  fc.constant(new Uint8Array(PageSize)),
  fc.nat({ max: 255 }).map((byte) => new Uint8Array(PageSize).fill(byte)),
  fc.tuple(fc.nat(), fc.constantFrom(2, 15, 255)).map(([seed, most]) => bytesFrom(seed, most)),
);

/** The last page may be short. */
const memory = fc
  .tuple(fc.array(page, { minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: PageSize }))
  .map(([pages, last]) => Uint8Array.from(Buffer.concat(pages).subarray(0, (pages.length - 1) * PageSize + last)));

describe('memory in a snapshot', () => {
  it('comes back byte by byte, over what was there before', () => {
    fc.assert(
      fc.property(memory, (bytes) => {
        expect(load(saveMemory(blockOf(bytes)), bytes.length)).toEqual({ bytes, problems: [] });
      }),
      { numRuns: times(30, 60) },
    );
  });

  it('that zlib compressed, as snapshots before fflate have it, comes back too', () => {
    fc.assert(
      fc.property(page, fc.constantFrom(0, 1, 6, 9), (bytes, level) => {
        const pages = { '0x0': deflateRawSync(bytes, { level }).toString('base64') };
        expect(load({ ram: { size: PageSize, pages } }, PageSize)).toEqual({ bytes, problems: [] });
      }),
      { numRuns: times(30, 60) },
    );
  });

  it('of more pages than the memory has is refused, and so is a list', () => {
    for (const pages of [{ '0x0': '11', '0x1000': '22', '0x2000': '33' }, ['11'], 7, undefined]) {
      const { problems } = load({ ram: { size: 2 * PageSize, pages } }, 2 * PageSize);
      expect(problems.map(({ path }) => path)).toEqual(['ram.pages']);
    }
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['a byte less than a page', deflateRawSync(Buffer.alloc(PageSize - 1, 'ab'))],
    ['a byte more than a page', deflateRawSync(Buffer.alloc(PageSize + 1, 'ab'))],
    ['four megabytes', deflateRawSync(Buffer.alloc(4 << 20))],
    [
      'a page that is cut off',
      deflateRawSync(Buffer.from('0123456789'.repeat(410)).subarray(0, PageSize)).subarray(0, -2),
    ],
    ['no deflate stream', Buffer.alloc(100, 0xff)],
    [
      'an empty block before the page',
      Buffer.concat([Buffer.of(0, 0, 0, 0xff, 0xff), deflateRawSync(Buffer.alloc(PageSize, 'ab'))]),
    ],
    ['more bytes than a page can need', Buffer.concat([deflateRawSync(bytesFrom(7, 255)), Buffer.alloc(3)])],
  ])('of %s is refused', (_, packed) => {
    const pages = { '0x0': packed.toString('base64') };
    const { problems } = load({ ram: { size: PageSize, pages } }, PageSize);
    expect(problems.map(({ path }) => path)).toEqual(['ram.pages.0x0']);
  });

  it.each([
    ['a damaged page', { '0x0': '11', '0x1000': '!', '0x2000': '?', '0x3': '?' }, '0x1000'],
    ['what is no offset', { '0x0': '11', '0x3': '11', '0x1000': '!' }, '0x3'],
  ])('is read no further than %s', (_, pages, damaged) => {
    const { problems } = load({ ram: { size: 4 * PageSize, pages } }, 4 * PageSize);
    expect(problems.map(({ path }) => path)).toEqual([`ram.pages.${damaged}`]);
  });
});
