import { deflateSync, inflateSync } from 'fflate';
import { areZero, fromBase64, toBase64 } from '../../base/bytes.ts';
import { describeJson, isJsonObject, type Json, type JsonReader } from '../../base/json-reader.ts';
import { hex } from '../../base/text.ts';
import type { RamBlock } from '../../memory/index.ts';

const PageSize = 4096;
/** Memory is searched for data in blocks of this size. */
const BlockSize = 64 * PageSize;
/** Deflate adds five bytes to a page that does not compress, and base64 a third. */
const LongestText = Math.ceil((PageSize + 5) / 3) * 4;

/** The pages that are not zero, by offset: two hexadecimal digits if all bytes are equal, otherwise deflate in base64. */
export function saveMemory(blocks: ReadonlyMap<string, RamBlock>): Json {
  return Object.fromEntries(
    [...blocks].map(([name, { bytes }]) => [name, { size: bytes.length, pages: savePages(bytes) }]),
  );
}

function savePages(bytes: Uint8Array): Json {
  const pages: Record<string, string> = {};
  for (let block = 0; block < bytes.length; block += BlockSize) {
    if (areZero(bytes, block, Math.min(block + BlockSize, bytes.length))) continue;
    for (let start = block; start < Math.min(block + BlockSize, bytes.length); start += PageSize) {
      const end = Math.min(start + PageSize, bytes.length);
      if (areZero(bytes, start, end)) continue;
      pages[hex(start)] = savePage(bytes.subarray(start, end));
    }
  }
  return pages;
}

function savePage(page: Uint8Array): string {
  const [first = 0] = page;
  if (page.every((byte) => byte === first)) return first.toString(16).padStart(2, '0');
  return toBase64(deflateSync(page, { level: 1 }));
}

/** Reads the pages into the memory of a new machine, which is discarded if anything is refused. */
export function loadMemory(reader: JsonReader, blocks: ReadonlyMap<string, RamBlock>): void {
  reader.only(...blocks.keys());
  for (const [name, { bytes, written }] of blocks) {
    const block = reader.member(name).only('size', 'pages');
    const size = block.member('size').integer(0);
    if (size !== bytes.length) block.refuse(`expected ${bytes.length} bytes, found ${size}`);
    else {
      loadPages(block.member('pages'), bytes);
      written?.(0, bytes.length);
    }
  }
}

function loadPages(reader: JsonReader, bytes: Uint8Array): void {
  if (!isJsonObject(reader.data)) {
    reader.refuse(`expected pages by offset, found ${describeJson(reader.data)}`);
    return;
  }
  clear(bytes);
  for (const [offset, page] of reader.entries(Math.ceil(bytes.length / PageSize))) {
    const start = /^0x[0-9a-f]{1,13}$/.test(offset) ? Number(offset) : -1;
    const isOne = hex(start) === offset && start % PageSize === 0 && start < bytes.length;
    if (isOne && loadPage(page, bytes.subarray(start, start + PageSize))) continue;
    // One damaged page is enough to refuse the snapshot: others would only take time.
    page.refuse(
      isOne
        ? `is damaged: it is no ${Math.min(bytes.length - start, PageSize)} bytes, compressed and in base64`
        : 'is not the offset of a page of this memory',
    );
    return;
  }
}

function loadPage({ data }: JsonReader, target: Uint8Array): boolean {
  if (typeof data !== 'string' || data.length > LongestText) return false;
  if (/^[0-9a-f]{2}$/.test(data)) {
    target.fill(Number.parseInt(data, 16));
    return true;
  }
  const page = pageOf(data);
  if (page?.length !== target.length) return false;
  target.set(page);
  return true;
}

/** A page is one block of deflate, the final one: thousands of empty blocks would fit into its text, each slow to read. */
function pageOf(text: string): Uint8Array | undefined {
  const packed = fromBase64(text);
  const isFinal = ((packed?.[0] ?? 0) & 1) !== 0;
  try {
    // Room for one more byte than a page, so that a longer one is seen.
    return isFinal && packed ? inflateSync(packed, { out: new Uint8Array(PageSize + 1) }) : undefined;
  } catch {
    return undefined;
  }
}

/** Zero pages are not written to: untouched memory stays uncommitted. */
function clear(bytes: Uint8Array): void {
  for (let start = 0; start < bytes.length; start += BlockSize) {
    const end = Math.min(start + BlockSize, bytes.length);
    if (!areZero(bytes, start, end)) bytes.fill(0, start, end);
  }
}
