import { describe, expect, it } from 'vitest';
import { dword, esp } from '../../../sdk/assembler.ts';
import { BackplaneError } from '../../../sdk/index.ts';
import type { RunOutcome } from '../../../sdk/runtime.ts';
import { Random } from '../../../sdk/testing/random.ts';
import { collectedHeap } from '../../collected-heap.ts';
import { times } from '../../depth.ts';
import { needs, whyNoX86 } from '../../needs.ts';
import { assembled, guestOf, Place, populated, putCard, putTables, rom } from './hostile-code.ts';

const Seeds = times(10, 500);
const Limit = 3000;
const MiB = 2 ** 20;
const ends = ['operation-limit', 'halted', 'shutdown', 'reset', 'powered-off'];
/** Exceptions that push an error code. @see Intel SDM, volume 3, table 6-1 */
const withErrorCode = [8, 10, 11, 12, 13, 14, 17];
const codes = ['code-outside-memory', 'instruction-not-executed'];

/** Tables whose handlers return one byte behind what has faulted, then whatever the seed says. */
function randomCode(seed: number): Uint8Array {
  const random = new Random(seed);
  const begin = assembled((a) => {
    putCard(a);
    putTables(a, 32, Object.fromEntries(withErrorCode.map((vector) => [vector, 'handler.code'])));
    a.jmp('random');
    a.label('handler.code');
    a.add(esp, 4);
    a.label('handler');
    a.inc(dword(esp));
    a.iretd();
    a.label('random');
  });
  const bytes = Uint8Array.from({ length: 2048 }, () => random.below(256));
  // Some of what it does reaches ports and devices: IN, OUT, strings and MOV are more frequent than by chance.
  for (let at = 0; at < bytes.length - 8; at += 1 + random.below(12)) {
    const often = random.pick([0xec, 0xed, 0xee, 0xef, 0x6c, 0x6e, 0xa1, 0xa3, 0xf3, 0xfb]);
    bytes[at] = often;
    if (often === 0xa1 || often === 0xa3) {
      const address = random.pick([Place.edu + 0x60, Place.edu + 0x98, 0xa_0000, 0xf_0000, 0xfed0_0000]);
      new DataView(bytes.buffer).setUint32(at + 1, address, true);
    }
  }
  const code = new Uint8Array(begin.length + bytes.length);
  code.set(begin);
  code.set(bytes, begin.length);
  return code;
}

async function runSeed(seed: number): Promise<string> {
  const { machine, hasSameMemory } = await populated();
  let end: string;
  try {
    const outcome: RunOutcome = machine.run(guestOf(`random ${seed}`, randomCode(seed)), { operationLimit: Limit });
    expect([seed, ends]).toEqual([seed, expect.arrayContaining([outcome.reason])]);
    end = outcome.reason;
  } catch (error) {
    if (!(error instanceof BackplaneError)) throw new Error(`seed ${seed}`, { cause: error });
    expect([seed, codes]).toEqual([seed, expect.arrayContaining([error.code])]);
    end = error.code;
  }
  expect([seed, hasSameMemory()]).toEqual([seed, true]);
  expect([seed, machine.memory.read(0xffff_0000, 4)]).toEqual([seed, new DataView(rom.buffer).getUint32(0, true)]);
  machine.dispose();
  return end;
}

describe('random bytes as machine code, on a pc with all chips', needs('host', whyNoX86()), () => {
  it('end by themselves or at their limit, with a word and no other error', async () => {
    const seen = new Map<string, number>();
    for (let seed = 1; seed <= Seeds; seed++) {
      const end = await runSeed(seed);
      seen.set(end, (seen.get(end) ?? 0) + 1);
    }
    console.log(`${Seeds} seeds: ${[...seen].map(([end, count]) => `${end} ${count}`).join(', ')}`);
    expect(seen.size).toBeGreaterThan(2);
  });

  it('leave nothing on the heap', async () => {
    for (let seed = 1; seed <= 3; seed++) await runSeed(seed);
    const before = await collectedHeap();
    for (let seed = 1; seed <= times(4, 200); seed++) await runSeed(seed);
    expect(((await collectedHeap()) - before) / MiB).toBeLessThan(8);
  });
});
