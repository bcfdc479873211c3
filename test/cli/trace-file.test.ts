import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RecordedTrace, TraceParser } from '../../sdk/accelerator/index.ts';
import { readTrace } from '../../sdk/cli/replay/trace-file.ts';
import { expectRefusal } from '../refusal.ts';

const Small =
  '# iotrace v1\n# a comment\n0 PW 70 1 8f\n39000 PR 71 1 0\n45000 MW fed00010 4 1\n45000 MR a0000 8 FFFFFFFF00000001\n';

/** The same text as read from memory. */
function parse(name: string): RecordedTrace {
  const parser = new TraceParser(name);
  parser.push(new TextEncoder().encode(Small));
  return parser.end();
}

describe('a recording in a file', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'backplane-trace-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const write = (name: string, content: string | Uint8Array) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };

  it('is read plain and compressed alike', async () => {
    expect(await readTrace(write('plain.iotrace', Small))).toEqual(parse('plain.iotrace'));
    const trace = await readTrace(write('small.iotrace.gz', gzipSync(Small)));
    expect(trace).toEqual(parse('small.iotrace.gz'));
  });

  it('is read compressed with a byte order mark, in two members, and with padding behind the end', async () => {
    const [first, second] = [Small.slice(0, 40), Small.slice(40)];
    const files: [string, Uint8Array][] = [
      ['mark.gz', gzipSync(`\ufeff${Small}`)],
      ['members.gz', Buffer.concat([gzipSync(first), gzipSync(second)])],
      ['zeros.gz', Buffer.concat([gzipSync(Small), Buffer.alloc(512)])],
    ];
    for (const [name, bytes] of files) expect(await readTrace(write(name, bytes))).toEqual(parse(name));
  });

  it('that is compressed and has other bytes behind its end is refused for that', async () => {
    for (const behind of [
      Buffer.from('left over'),
      Buffer.from('\0\0\0\0left over'),
      Buffer.from([0, ...gzipSync(Small)]),
    ]) {
      const path = write('behind.gz', Buffer.concat([gzipSync(Small), behind]));
      await expectRefusal(() => readTrace(path), 'trace-damaged', "'behind.gz'");
    }
  });

  it.each([
    ['little-endian, with a mark', Buffer.from(`\ufeff${Small}`, 'utf16le')],
    ['big-endian, with a mark', Buffer.from(`\ufeff${Small}`, 'utf16le').swap16()],
    ['little-endian, without a mark', Buffer.from(Small, 'utf16le')],
    ['big-endian, without a mark', Buffer.from(Small, 'utf16le').swap16()],
  ])('that is UTF-16 (%s) says so, and how to make it UTF-8', async (_name, bytes) => {
    await expectRefusal(() => readTrace(write('wide.iotrace', bytes)), 'trace-not-utf8', "'wide.iotrace'");
  });

  it('that is compressed and cut short says how far it came', async () => {
    const line = (index: number) => `${index * 1000} PW 70 1 ${((index * 167) % 256).toString(16)}\n`;
    const whole = gzipSync(`# iotrace v1\n${Array.from({ length: 20_000 }, (_, index) => line(index)).join('')}`);
    const path = write('cut.gz', whole.subarray(0, whole.length / 2));
    const { message } = await expectRefusal(() => readTrace(path), 'trace-truncated', "'cut.gz'");
    expect(message).toMatch(/after [1-9]\d* accesses/);
  });

  it('that is compressed and damaged is refused', async () => {
    const damaged = gzipSync(Small);
    damaged[20]! ^= 0xff;
    await expectRefusal(() => readTrace(write('damaged.gz', damaged)), 'trace-damaged', "'damaged.gz'");
  });

  it('that would unpack to more than its limit is given up early', async () => {
    const bomb = gzipSync(`# iotrace v1\n${'#\n'.repeat(500)}${'\n'.repeat(20_000_000)}`);
    const path = write('bomb.gz', bomb);
    await expectRefusal(() => readTrace(path, { sizeLimit: 1_000_000 }), 'trace-too-long', "'bomb.gz'", '1000000');
  });

  it('that is wrong early in a long file names that line', async () => {
    const path = write('wrong.gz', gzipSync(`# iotrace v1\n0 PW 70 1 8f\noops\n${'1 PW 70 1 8f\n'.repeat(2_000_000)}`));
    await expectRefusal(() => readTrace(path), 'trace-malformed', "'wrong.gz'", 'line 3');
  });

  it('that does not exist, or is a folder, is named', async () => {
    await expect(readTrace(join(folder, 'none'))).rejects.toThrow(`there is no file '${join(folder, 'none')}'`);
    await expect(readTrace(folder, { name: 'a folder' })).rejects.toThrow("Trace 'a folder':");
  });

  it('that is empty is refused', async () => {
    await expectRefusal(() => readTrace(write('empty', '')), 'trace-empty', "'empty'");
  });
});
