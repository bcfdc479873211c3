import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OperationKind } from '../../sdk/accelerator/guest/operation.ts';
import { Errno } from '../../sdk/accelerator/kvm/abi.ts';
import { TraceGuest } from '../../sdk/accelerator/trace/guest.ts';
import { TraceParser } from '../../sdk/accelerator/trace/parser.ts';
import { readTrace } from '../../sdk/accelerator/trace/reader.ts';
import type { RecordedTrace } from '../../sdk/accelerator/trace/recorded-trace.ts';
import { KernelBench } from './kernel-bench.ts';

const { Out, In, Store, Load } = OperationKind;
const Small =
  '# iotrace v1\n# a comment\n0 PW 70 1 8f\n39000 PR 71 1 0\n45000 MW fed00010 4 1\n45000 MR a0000 8 FFFFFFFF00000001\n';

function parse(text: string, pieces: readonly number[] = []): RecordedTrace {
  const parser = new TraceParser('t');
  const bytes = new TextEncoder().encode(text);
  let from = 0;
  for (const length of pieces) {
    parser.push(bytes.subarray(from, from + length));
    from += length;
  }
  parser.push(bytes.subarray(from));
  return parser.end();
}

const rows = (trace: RecordedTrace) =>
  Array.from({ length: trace.length }, (_, index) =>
    [trace.at, trace.kind, trace.address, trace.size, trace.value, trace.valueHigh].map((column) => column[index]),
  );

const SmallRows = [
  [0, Out, 0x70, 1, 0x8f, 0],
  [39000, In, 0x71, 1, 0, 0],
  [45000, Store, 0xfed00010, 4, 1, 0],
  [45000, Load, 0xa0000, 8, 1, 0xffff_ffff],
];

describe('a recording', () => {
  it('is read into columns, with its header', () => {
    const trace = parse(Small);
    expect(rows(trace)).toEqual(SmallRows);
    expect(trace.header).toEqual(['a comment']);
  });

  it.each([
    ['with Windows line ends', Small.replaceAll('\n', '\r\n')],
    ['without the last line end', Small.trimEnd()],
    ['with empty lines', Small.replaceAll('\n', '\n\n')],
    ['with a byte order mark, as some editors write', `\ufeff${Small}`],
    ['with a byte order mark and Windows line ends', `\ufeff${Small.replaceAll('\n', '\r\n')}`],
  ])('is read %s', (_name, text) => expect(rows(parse(text))).toEqual(SmallRows));

  it('is the same in whatever pieces it comes', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(12), { maxLength: 40 }), (pieces) => {
        expect(rows(parse(Small, pieces))).toEqual(SmallRows);
        expect(rows(parse(`\ufeff${Small}`, pieces))).toEqual(SmallRows);
      }),
      { numRuns: 100 },
    );
  });

  it.each([
    ['', "Trace 't' is empty. Its first line must be '# iotrace v1'."],
    ['0 PW 70 1 8f\n', "line 1: expected '# iotrace v1', found '0 PW 70 1 8f'."],
    ['# iotrace v2\n', "line 1: expected '# iotrace v1', found '# iotrace v2'."],
    ['# iotrace v1\n# nothing\n', 'has a header but no accesses'],
    ['# iotrace v1\n# accesses: 2\n0 PW 70 1 8f\n', 'has 1 accesses, and its header promises 2: it is not whole'],
    ['# iotrace v1\nPW 70 1 8f\n', "line 2: expected a time in whole nanoseconds and a space, found 'PW 70 1 8f'."],
    ['# iotrace v1\n-5 PW 70 1 8f\n', 'line 2: expected a time in whole nanoseconds and a space'],
    ['# iotrace v1\n1.5 PW 70 1 8f\n', 'line 2: expected a time in whole nanoseconds and a space'],
    ['# iotrace v1\n99999999999999999999 PW 70 1 8f\n', 'line 2: expected a time of at most 19 digits'],
    [
      '# iotrace v1\n0 XW 70 1 8f\n',
      "line 2: expected PW, PR, MW or MR and a space after the time, found '0 XW 70 1 8f'.",
    ],
    ['# iotrace v1\n0 PX 70 1 8f\n', 'expected PW, PR, MW or MR'],
    ['# iotrace v1\n0 PW\n', 'expected PW, PR, MW or MR'],
    ['# iotrace v1\n0 PW \n', 'line 2: expected an address in hex and a space after the kind'],
    ['# iotrace v1\n0 PW 7g 1 8f\n', 'line 2: expected an address in hex'],
    ['# iotrace v1\n0 PW 0x70 1 8f\n', 'line 2: expected an address in hex'],
    ['# iotrace v1\n0 PW 70 \n', 'line 2: expected a size of 1, 2, 4 or 8 bytes and a space after the address'],
    ['# iotrace v1\n0 PW 70 10 8f\n', 'line 2: expected a size of 1, 2, 4 or 8 bytes'],
    ['# iotrace v1\n0 PW 70 1\n', 'line 2: expected a size of 1, 2, 4 or 8 bytes'],
    ['# iotrace v1\n0 PW 70 1 \n', 'line 2: expected a value in hex, and nothing after it'],
    ['# iotrace v1\n0 PW 70 1 8f 3\n', 'line 2: expected a value in hex, and nothing after it'],
    ['# iotrace v1\n0 PW 70 1 12345678123456781\n', 'line 2: expected a value in hex'],
    ['# iotrace v1\n0 PW 70 3 8f\n', 'line 2: expected a port access of 1, 2 or 4 bytes'],
    ['# iotrace v1\n0 PW 70 8 8f\n', 'line 2: expected a port access of 1, 2 or 4 bytes'],
    ['# iotrace v1\n0 PW 70 0 8f\n', 'line 2: expected a port access of 1, 2 or 4 bytes'],
    ['# iotrace v1\n0 MW 70 5 8f\n', 'line 2: expected a memory access of 1, 2, 4 or 8 bytes'],
    ['# iotrace v1\n0 PW 10000 1 8f\n', 'line 2: expected a port from 0 to ffff'],
    ['# iotrace v1\n0 MW fffffffffffff 2 8f\n', 'line 2: expected an address below 10000000000000 (52 bits)'],
    ['# iotrace v1\n0 PW 70 1 100\n', 'line 2: expected a value of 1 byte,'],
    ['# iotrace v1\n0 MW 70 4 100000000\n', 'line 2: expected a value of 4 bytes,'],
    [
      '# iotrace v1\n5 PW 70 1 8f\n4 PW 70 1 8f\n',
      'line 3: expected a time of at least 5, because time never goes back',
    ],
    [`# iotrace v1\n0 PW 70 1 ${'z'.repeat(5000)}\n`, 'line 2: expected a line of at most 4096 bytes'],
    [`# iotrace v1\n${'7'.repeat(9000)}`, 'line 2: expected a line of at most 4096 bytes'],
    ['# iotrace v1\n0 PW 70 \x00\x1b[2J\n', "found '0 PW 70 ??[2J'."],
    [`# iotrace v1\n${'# x\n'.repeat(1001)}`, 'line 1002: expected no more than 1000 lines of header'],
  ])('is refused with its line and what was expected: %j', (text, message) => {
    expect(() => parse(text)).toThrow(message);
  });

  it('never surprises with anything but a sentence, whatever the bytes', () => {
    const line = fc.array(fc.constantFrom(...'0123456789abcdefPWRM #\n\r\t-'), { maxLength: 60 });
    fc.assert(
      fc.property(line, (letters) => {
        try {
          parse(`# iotrace v1\n${letters.join('')}`);
        } catch (error) {
          expect((error as Error).name).toBe('BackplaneError');
        }
      }),
      { numRuns: 500 },
    );
  });
});

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
    expect(rows(await readTrace(write('plain.iotrace', Small)))).toEqual(SmallRows);
    const trace = await readTrace(write('small.iotrace.gz', gzipSync(Small)));
    expect([rows(trace), trace.name]).toEqual([SmallRows, 'small.iotrace.gz']);
  });

  it('is read compressed with a byte order mark, in two members, and with padding behind the end', async () => {
    const [first, second] = [Small.slice(0, 40), Small.slice(40)];
    const files: [string, Uint8Array][] = [
      ['mark.gz', gzipSync(`\ufeff${Small}`)],
      ['members.gz', Buffer.concat([gzipSync(first), gzipSync(second)])],
      ['zeros.gz', Buffer.concat([gzipSync(Small), Buffer.alloc(512)])],
    ];
    for (const [name, bytes] of files) expect(rows(await readTrace(write(name, bytes)))).toEqual(SmallRows);
  });

  it('that is compressed and has other bytes behind its end is refused for that', async () => {
    for (const behind of [
      Buffer.from('left over'),
      Buffer.from('\0\0\0\0left over'),
      Buffer.from([0, ...gzipSync(Small)]),
    ]) {
      const path = write('behind.gz', Buffer.concat([gzipSync(Small), behind]));
      await expect(readTrace(path)).rejects.toThrow("Trace 'behind.gz': bytes that are no gzip data follow its end.");
    }
  });

  it.each([
    ['little-endian, with a mark', Buffer.from(`\ufeff${Small}`, 'utf16le')],
    ['big-endian, with a mark', Buffer.from(`\ufeff${Small}`, 'utf16le').swap16()],
    ['little-endian, without a mark', Buffer.from(Small, 'utf16le')],
    ['big-endian, without a mark', Buffer.from(Small, 'utf16le').swap16()],
  ])('that is UTF-16 (%s) says so, and how to make it UTF-8', async (_name, bytes) => {
    await expect(readTrace(write('wide.iotrace', bytes))).rejects.toThrow(
      "Trace 'wide.iotrace' is not text in UTF-8, it looks like UTF-16. Save it as UTF-8: iconv -f UTF-16 -t UTF-8.",
    );
  });

  it('that is compressed and cut short says how far it came', async () => {
    const line = (index: number) => `${index * 1000} PW 70 1 ${((index * 167) % 256).toString(16)}\n`;
    const whole = gzipSync(`# iotrace v1\n${Array.from({ length: 20_000 }, (_, index) => line(index)).join('')}`);
    const path = write('cut.gz', whole.subarray(0, whole.length / 2));
    await expect(readTrace(path)).rejects.toThrow(
      /its gzip data ends too early, after \d+ accesses\. The file is truncated/,
    );
  });

  it('that is compressed and damaged is refused', async () => {
    const damaged = gzipSync(Small);
    damaged[20]! ^= 0xff;
    await expect(readTrace(write('damaged.gz', damaged))).rejects.toThrow('its gzip data is corrupt');
  });

  it('that would unpack to more than its limit is given up early', async () => {
    const bomb = gzipSync(`# iotrace v1\n${'#\n'.repeat(500)}${'\n'.repeat(20_000_000)}`);
    await expect(readTrace(write('bomb.gz', bomb), { sizeLimit: 1_000_000 })).rejects.toThrow(
      'is longer than the limit of 1000000 bytes of text',
    );
  });

  it('that is wrong early in a long file names that line', async () => {
    const path = write('wrong.gz', gzipSync(`# iotrace v1\n0 PW 70 1 8f\noops\n${'1 PW 70 1 8f\n'.repeat(2_000_000)}`));
    await expect(readTrace(path)).rejects.toThrow("Trace 'wrong.gz', line 3: expected a time");
  });

  it('that does not exist, or is a folder, is named', async () => {
    await expect(readTrace(join(folder, 'none'))).rejects.toThrow(`there is no file '${join(folder, 'none')}'`);
    await expect(readTrace(folder, { name: 'a folder' })).rejects.toThrow("Trace 'a folder':");
  });

  it('that is empty is refused', async () => {
    await expect(readTrace(write('empty', ''))).rejects.toThrow("Trace 'empty' is empty");
  });
});

describe('a recording as a guest', () => {
  it('makes each access at its recorded time, and knows which one is under way', () => {
    const bench = new KernelBench();
    const guest = new TraceGuest(parse(Small), { startAt: 1000 });
    bench.attach(guest);
    const seen: unknown[] = [];
    while (bench.run() === 0) seen.push([bench.exit, bench.kernel.now, guest.position, guest.value, guest.valueHigh]);
    expect(seen).toEqual([
      ['out 0x70/1', 1000, 0, 0x8f, 0],
      ['in 0x71/1', 40_000, 1, 0, 0],
      ['write 0xfed00010/4', 46_000, 2, 1, 0],
      ['read 0xa0000/8', 46_000, 3, 1, 0xffff_ffff],
    ]);
    expect([guest.position, bench.kernel.processor(bench.vcpuFds[0]!).guestFinished]).toEqual([4, true]);
  });

  it('is interrupted at a deadline between two accesses, at that time exactly', () => {
    const bench = new KernelBench();
    bench.attach(new TraceGuest(parse(Small)));
    bench.kernel.kickAt(39_000);
    bench.run();
    expect([bench.run(), bench.kernel.now]).toEqual([Errno.EINTR, 39_000]);
    bench.kernel.kickAt(Infinity);
    expect([bench.run(), bench.exit, bench.kernel.now]).toEqual([0, 'in 0x71/1', 39_000]);
  });

  it('makes only its port or its memory accesses when asked to, and reports progress', () => {
    const progress: number[] = [];
    const exits = (only: 'ports' | 'memory') => {
      const bench = new KernelBench();
      bench.attach(new TraceGuest(parse(Small), { only, progressEvery: 1, onProgress: (done) => progress.push(done) }));
      const seen: string[] = [];
      while (bench.run() === 0) seen.push(bench.exit);
      return seen;
    };
    expect(exits('ports')).toEqual(['out 0x70/1', 'in 0x71/1']);
    expect(exits('memory')).toEqual(['write 0xfed00010/4', 'read 0xa0000/8']);
    expect(progress).toEqual([1, 2, 2, 1, 2, 2]);
  });
});
