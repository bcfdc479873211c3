import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backplane } from './fake-terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'backplane-trace-'));
const [guest, saved] = [join(folder, 'guest.ts'), join(folder, 'saved.json')];
afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeAll(() =>
  writeFileSync(
    guest,
    `import { guestProgram } from 'backplane/runtime';
     export default guestProgram(function* (guest) {
       yield* guest.out8(0x70, 0x0a);
       yield* guest.in8(0x71);
       yield* guest.pause(5_000_000);
       yield* guest.out8(0x80, 1);
       yield* guest.hlt();
     });`,
  ),
);

async function traced(...words: string[]): Promise<string[]> {
  const { printed } = await backplane('run', guest, '-machine', 'isapc', '-m', '1', '-trace', ...words);
  const lines = printed.split('\n').filter((line) => / us {2}/.test(line) && !line.includes('operations in'));
  return lines.map((line) => line.slice(19).split(' ').slice(0, 3).join(' ').trim());
}

describe('-trace prints each operation once', () => {
  const all = ['out8 at 0x70', 'in8 at 0x71', 'pause', 'out8 at 0x80', 'hlt'];

  it.each([1, 2, 3, 4])('whether the run ends at -limit %i or goes on from there', async (limit) => {
    expect(await traced('-limit', `${limit}`, '-save', saved)).toEqual(all.slice(0, limit));
    expect(await traced('-loadvm', saved)).toEqual(all.slice(limit));
  });

  it('the one too in which the guest sleeps for ever', async () => {
    expect(await traced()).toEqual(all);
  });
});
