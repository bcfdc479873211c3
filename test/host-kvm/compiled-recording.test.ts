import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { OperationKind } from '../../sdk/accelerator/guest/operation.ts';
import { TraceParser } from '../../sdk/accelerator/trace/parser.ts';
import type { RecordedTrace } from '../../sdk/accelerator/trace/recorded-trace.ts';
import { readTrace } from '../../sdk/cli/replay/trace-file.ts';
import { compileRecording, roomForRecording } from '../../sdk/host-kvm/compiled-recording.ts';
import { expectRefusal } from '../refusal.ts';
import { decode } from './decoder.ts';

const Address = 0x100_0000;

function recorded(...lines: readonly string[]): RecordedTrace {
  const parser = new TraceParser('sample');
  parser.push(new TextEncoder().encode(['# iotrace v1', '# a comment', ...lines].join('\n')));
  return parser.end();
}

const bytesOf = (...lines: readonly string[]): string =>
  Buffer.from(compileRecording(recorded(...lines), Address).bytes).toString('hex');

describe('a recording as machine code', () => {
  it.each([
    ['0 PW 70 1 8f', 'b88f000000 ba70000000 ee'],
    ['0 PW 70 2 1234', 'b834120000 ba70000000 66ef'],
    ['0 PW cf8 4 80000000', 'b800000080 baf80c0000 ef'],
    ['0 PR 71 1 26', 'ba71000000 ec'],
    ['0 PR 1f0 2 ffff', 'baf0010000 66ed'],
    ['0 PR cfc 4 12378086', 'bafc0c0000 ed'],
    ['0 MW b8000 1 41', 'b841000000 a200800b00'],
    ['0 MW b8000 2 741', 'b841070000 66a300800b00'],
    ['0 MW fee000b0 4 0', 'b800000000 a3b000e0fe'],
    ['0 MR fee00020 1 0', 'a02000e0fe'],
    ['0 MR fee00020 2 0', '66a12000e0fe'],
    ['0 MR fee00020 4 0', 'a12000e0fe'],
  ])('has one instruction for "%s"', (line, code) => {
    const expected = `${code.replaceAll(' ', '')}f4`;
    // What is behind the code is filled up to a multiple of eight bytes.
    expect(bytesOf(line)).toBe(expected.padEnd(Math.ceil(expected.length / 16) * 16, '0'));
  });

  it('reads eight bytes into mm0', () => {
    expect(bytesOf('0 MR fed000f0 8 0')).toBe('0f6f05f000d0fef4');
  });

  it('writes eight bytes from mm0, which is loaded from a value behind the code', () => {
    const { bytes, codeSize } = compileRecording(recorded('0 MW fed000f0 8 1122334455667788'), Address);
    expect(codeSize).toBe(16);
    expect(Buffer.from(bytes).toString('hex')).toBe('0f6f0510000001' + '0f7f05f000d0fe' + 'f400' + '8877665544332211');
  });

  it.each(['seabios-pc-tcg', 'linux61-boot-rtc'])('reads back as what it was: %s', async (name) => {
    const file = new URL(`../../examples/recordings/${name}.iotrace.gz`, import.meta.url);
    const trace = await readTrace(fileURLToPath(file));
    const compiled = compileRecording(trace, Address);
    expect(compiled.bytes.length).toBe({ 'seabios-pc-tcg': 411_040, 'linux61-boot-rtc': 1_816_880 }[name]);
    expect(compiled.bytes.length).toBeLessThanOrEqual(roomForRecording(trace));
    const accesses = decode(compiled);
    expect(accesses).toHaveLength(trace.length);
    const differing = accesses.findIndex(({ kind, address, size, value }, index) => {
      const isWrite = kind === OperationKind.Out || kind === OperationKind.Store;
      const isSame = kind === trace.kind[index] && address === trace.address[index] && size === trace.size[index];
      return !isSame || (isWrite && value !== BigInt(trace.value[index]!));
    });
    expect(differing).toBe(-1);
  });

  it('reads back as what it was, with eight bytes among others', () => {
    const lines = [
      '0 MW fed000f0 8 1122334455667788',
      '0 MR fed000f0 8 1',
      '0 PW 70 1 a',
      '0 MW fed00100 8 ffffffffffffffff',
    ];
    const accesses = decode(compileRecording(recorded(...lines), Address));
    expect(accesses).toEqual([
      { kind: OperationKind.Store, address: 0xfed0_00f0, size: 8, value: 0x1122_3344_5566_7788n },
      { kind: OperationKind.Load, address: 0xfed0_00f0, size: 8, value: 0n },
      { kind: OperationKind.Out, address: 0x70, size: 1, value: 0xan },
      { kind: OperationKind.Store, address: 0xfed0_0100, size: 8, value: 0xffff_ffff_ffff_ffffn },
    ]);
  });
});

describe('a recording that is no machine code is refused with its line', () => {
  it.each([
    ['beyond 4 GiB', '0 MW 100000000 4 0', '0x100000000', '4 GiB'],
    ['over the end of 4 GiB', '0 MR fffffffe 4 0', '0xfffffffe', '4 GiB'],
    ['across a page', '0 MW b8ffe 4 0', '0xb8ffe', 'a page'],
  ])('%s', (_what, line, ...named) => {
    const compile = () => compileRecording(recorded('0 PW 70 1 0', line), Address);
    expectRefusal(compile, 'recording-not-compilable', 'sample', 'line 4', ...named);
  });

  it('as a recorded run, which has strings and interrupts', () => {
    const list = recorded('0 PW 70 1 0');
    const dma = { transfers: recorded('0 PW 70 1 0'), bytes: new Uint8Array(0) };
    const run = { entries: list, vcpu: new Uint8Array(1), strings: new Map(), outside: [], dma, end: undefined };
    expect(() => compileRecording({ ...list, run }, Address)).toThrow(
      /'sample' cannot be machine code: it is a recorded run/,
    );
  });
});
