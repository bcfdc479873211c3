import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OperationKind } from '../../sdk/accelerator/guest/operation.ts';
import { Errno } from '../../sdk/accelerator/kvm/abi.ts';
import { TraceGuest } from '../../sdk/accelerator/trace/guest.ts';
import { TraceParser } from '../../sdk/accelerator/trace/parser.ts';
import type { RecordedTrace } from '../../sdk/accelerator/trace/recorded-trace.ts';
import type { Refusal } from '../refusal.ts';
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

  it('is refused with its line and with what was expected there', async () => {
    const wrong = [
      '',
      '0 PW 70 1 8f\n',
      '# iotrace v3\n',
      '# iotrace v1\n# nothing\n',
      '# iotrace v1\n# accesses: 2\n0 PW 70 1 8f\n',
      '# iotrace v1\nPW 70 1 8f\n',
      '# iotrace v1\n-5 PW 70 1 8f\n',
      '# iotrace v1\n1.5 PW 70 1 8f\n',
      '# iotrace v1\n99999999999999999999 PW 70 1 8f\n',
      '# iotrace v1\n0 XW 70 1 8f\n',
      '# iotrace v1\n0 PX 70 1 8f\n',
      '# iotrace v1\n0 PW\n',
      '# iotrace v1\n0 PW \n',
      '# iotrace v1\n0 PW 7g 1 8f\n',
      '# iotrace v1\n0 PW 0x70 1 8f\n',
      '# iotrace v1\n0 PW 70 \n',
      '# iotrace v1\n0 PW 70 10 8f\n',
      '# iotrace v1\n0 PW 70 1\n',
      '# iotrace v1\n0 PW 70 1 \n',
      '# iotrace v1\n0 PW 70 1 8f 3\n',
      '# iotrace v1\n0 PW 70 1 12345678123456781\n',
      '# iotrace v1\n0 PW 70 3 8f\n',
      '# iotrace v1\n0 PW 70 8 8f\n',
      '# iotrace v1\n0 PW 70 0 8f\n',
      '# iotrace v1\n0 MW 70 5 8f\n',
      '# iotrace v1\n0 PW 10000 1 8f\n',
      '# iotrace v1\n0 MW fffffffffffff 2 8f\n',
      '# iotrace v1\n0 PW 70 1 100\n',
      '# iotrace v1\n0 MW 70 4 100000000\n',
      '# iotrace v1\n5 PW 70 1 8f\n4 PW 70 1 8f\n',
      `# iotrace v1\n0 PW 70 1 ${'z'.repeat(5000)}\n`,
      `# iotrace v1\n${'7'.repeat(9000)}`,
      '# iotrace v1\n0 PW 70 \x00\x1b[2J\n',
      `# iotrace v1\n${'# x\n'.repeat(1001)}`,
      '# iotrace v1\n0 HLT\n',
      ...[
        ...[
          '0 HALT',
          '0 HLT 1',
          '0 PAUSE',
          '0 PAUSE -1',
          '0 PAUSE 9007199254740993',
          '0 PAUSE 1 2',
          '0 INT 100',
          '0 INT',
        ],
        ...['0 CPU 64', '0 CPU', '0 + ', '0 + 1', '0 + 00 00', '0 SW 10000 1 0 -', '0 SW 70 3 0 -', '0 SW 70 1 2 00'],
        ...['0 SW 70 4 9999999 -', '0 SR 70 2 1 00', '0 SR 70 1 1 0000', '0 SR 70 1 1 - 100', '0 SR 70 1 2 - <0'],
        ...['0 SR 70 1 1 - >fffffffffffff', '5 HLT\n4 HLT', '# end 1 operations at 1 ns: finished\n0 HLT'],
      ].map((line) => `# iotrace v2\n${line}\n`),
    ];
    const messages = wrong.map((text) => {
      try {
        return `accepted: ${parse(text).length}`;
      } catch (error) {
        const { code, message } = error as Refusal;
        return `${code}: ${message}`;
      }
    });
    await expect(`${messages.join('\n')}\n`).toMatchFileSnapshot('trace-parser.golden.txt');
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
