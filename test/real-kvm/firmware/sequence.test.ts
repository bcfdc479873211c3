import { describe, expect, it } from 'vitest';
import { x86MachineCode } from '../../../sdk/cli/x86-wasm.ts';
import { type MachineEvent, simulatedAccelerator } from '../../../sdk/runtime.ts';
import { whyNoSeaBios } from '../../machines/boots.ts';
import { needs, whyNoX86 } from '../../needs.ts';
import { bootSeaBios } from './seabios-boot.ts';
import { AccessSequence, firstDifference } from './sequence.ts';

const now = { epoch: 0n, time: 0 } as const;
type Access = readonly [name: 'in' | 'out' | 'load' | 'store', address: number, value: number, size?: number];

const event = ([name, address, value, size = 1]: Access): MachineEvent => ({
  ...now,
  kind: 'access',
  isPort: name === 'in' || name === 'out',
  isWrite: name === 'out' || name === 'store',
  address,
  size,
  value,
  queued: false,
});
const vector = (number: number): MachineEvent => ({ ...now, kind: 'vector', vector: number });

function linesOf(...events: readonly (Access | MachineEvent)[]): readonly string[] {
  const sequence = new AccessSequence(() => 0xb000);
  for (const one of events) sequence.observe('kind' in one ? one : event(one));
  return sequence.lines;
}

describe('the accesses of a guest that do not depend on time', () => {
  it('are ports and memory, with their sizes and values', () => {
    expect(linesOf(['out', 0xcf8, 0x8000_0000, 4], ['in', 0xcfc, 0x8086, 2], ['store', 0xb_8000, 0x41])).toEqual([
      'out32 0xcf8 0x80000000',
      'in16 0xcfc 0x8086',
      'store8 0xb8000 0x41',
    ]);
  });

  it('are no reads of the PIT, of port 0x61 and of the ACPI timer, and writes there are', () => {
    expect(linesOf(['in', 0x61, 1], ['in', 0x40, 2], ['in', 0xb008, 3, 4], ['out', 0x61, 4], ['in', 0x60, 5])).toEqual([
      'out8 0x61 0x4',
      'in8 0x60 0x5',
    ]);
  });

  it('are nothing of a handler of IRQ 0, and all of another one', () => {
    const handler = [
      ['out', 0x3f2, 0],
      ['out', 0x20, 0x20],
    ] as const satisfies readonly Access[];
    expect(linesOf(['out', 1, 1], vector(8), ...handler, ['out', 2, 2], vector(9), ...handler)).toEqual([
      'out8 0x1 0x1',
      'out8 0x2 0x2',
      'out8 0x3f2 0x0',
      'out8 0x20 0x20',
    ]);
  });

  it('are the last of polls in a row, and each read of a port that tells data', () => {
    const polls: Access[] = [
      ['in', 0x64, 0],
      ['in', 0x92, 2],
      ['in', 0x70, 0xff],
      ['in', 0x64, 1],
    ];
    expect(linesOf(...polls, ['in', 0x60, 0xaa], ['in', 0x60, 0xab], ['in', 0x64, 0])).toEqual([
      'in8 0x64 0x1',
      'in8 0x60 0xaa',
      'in8 0x60 0xab',
      'in8 0x64 0x0',
    ]);
  });

  it('differ where the first of them does', () => {
    expect(firstDifference(['a', 'b'], ['a', 'b'])).toBeUndefined();
    expect(firstDifference(['a', 'b'], ['a', 'c'])).toMatch(
      /^access 1 of 2 and 2 differs:\n {2}a\n> b\n.*\n {2}a\n> c$/,
    );
    expect(firstDifference(['a'], ['a', 'b'])).toMatch(/^access 1 of 1 and 2 differs/);
    expect(firstDifference(['a', 'b'], ['a'])).toMatch(/^access 1 of 2 and 1 differs/);
  });

  it('are those of SeaBIOS however long a port takes', needs('host', whyNoX86() ?? whyNoSeaBios()), async () => {
    const machineCode = await x86MachineCode();
    const [usual, slow] = [1000, 20_000].map((isaAccess) =>
      bootSeaBios(simulatedAccelerator({ machineCode, isaAccess }), 50_000_000),
    );
    expect(firstDifference(usual!.lines, slow!.lines)).toBeUndefined();
    expect(usual!.lines.length).toBeGreaterThan(20_000);
    expect(usual!.log).toBe(slow!.log);
    expect(usual!.leftOut.polls).not.toBe(slow!.leftOut.polls);
  });
});
