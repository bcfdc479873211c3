import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backplane } from './fake-terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'backplane-needs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const [plugin, guest, ofDevice, ofMachine, whole, ofBoth] = [
  'plugin.ts',
  'guest.ts',
  'device.json',
  'machine.json',
  'whole.ts',
  'both.json',
].map((name) => join(folder, name)) as [string, string, string, string, string, string];

async function restored(file: string, ...words: string[]): Promise<string> {
  const { status, noted } = await backplane('run', guest, '-loadvm', file, ...words);
  expect(status).toBe(noted === '' ? 0 : 1);
  return noted;
}

beforeAll(async () => {
  writeFileSync(
    plugin,
    `import { defineMachine, device, IsaDevice, portRegion, use } from 'backplane';
     import { isapc } from 'backplane/machines';
     const ports = portRegion({ name: 'latch', base: 0x300, size: 1, accessSizes: [1] });
     @device({ type: 'latch', description: 'A latch' })
     export class Latch extends IsaDevice { @ports.read() read(): number { return 0x5a; } }
     export const board = defineMachine({ ...isapc, name: 'my-board', aliases: [], description: 'Mine', devices: [...isapc.devices, use(Latch)] });`,
  );
  writeFileSync(
    guest,
    "import { guestProgram } from 'backplane/runtime';\nexport default guestProgram(function* (guest) { for (let n = 0; n < 9; n++) yield* guest.in8(0x300); });",
  );
  // The machine alone is exported: it brings its device.
  writeFileSync(
    whole,
    `import { defineMachine, device, IsaDevice, portRegion, use, defineOptions, option, options } from 'backplane';
     import { isapc } from 'backplane/machines';
     const ports = portRegion({ name: 'bolt', base: 0x300, size: 1, accessSizes: [1] });
     const set = defineOptions({ answer: option.integer({ description: 'What it reads', default: 0x5a, range: [0, 255] }) });
     @device({ type: 'bolt', description: 'A bolt' })
     class Bolt extends IsaDevice {
       readonly #config;
       constructor(@options(set) config) { super(); this.#config = config; }
       @ports.read() read(): number { return this.#config.answer; }
     }
     export const closed = defineMachine({ ...isapc, name: 'closed', aliases: [], description: 'Mine', devices: [...isapc.devices, use(Bolt)] });`,
  );
  const save = (to: string, ...words: string[]) =>
    backplane('run', guest, '-limit', '3', '-plugin', plugin, '-m', '1', '--save', to, ...words);
  expect((await save(ofDevice, '-machine', 'isapc', '-device', 'latch,id=front')).status).toBe(0);
  expect((await save(ofMachine, '-machine', 'my-board')).status).toBe(0);
  expect((await save(ofBoth, '-plugin', whole, '-machine', 'closed')).status).toBe(0);
});

describe('a snapshot that needs a plugin', () => {
  it('which brings a device says of which type, and how to give it', async () => {
    const said = await restored(ofDevice, '-machine', 'isapc');
    for (const name of [`-loadvm '${ofDevice}'`, "'front'", "'latch'", '-plugin FILE -device latch,id=front']) {
      expect(said).toContain(name);
    }
    expect(await restored(ofDevice, '-machine', 'isapc', '-device', 'latch')).toContain('add -plugin FILE');
    const words = ['-machine', 'isapc', '-plugin', plugin, '-device', 'latch,id=front'];
    expect(await restored(ofDevice, ...words)).toBe('');
  });

  it('which brings the machine says so', async () => {
    expect(await restored(ofMachine)).toMatch(/'my-board'.* -plugin FILE -machine my-board\.$/);
    expect(await restored(ofMachine, '-plugin', plugin, '-machine', 'my-board')).toBe('');
  });

  it('which brings the machine and what is in it says what to choose, once: the machine', async () => {
    expect(await restored(ofBoth)).toMatch(/'closed'.*'bolt'.* -device.* -plugin FILE -machine closed\.$/);
    const hint = await restored(ofBoth, '-plugin', whole);
    expect(hint).toMatch(/\n {2}Write: -machine closed$/);
    expect(hint).not.toContain('-device');
    expect(await restored(ofBoth, '-plugin', whole, '-machine', 'closed')).toBe('');
  });

  it('is not needed for -global to set what the machine itself brings', async () => {
    const words = ['-plugin', whole, '-machine', 'closed', '-global'];
    const { status, noted, printed } = await backplane('info', 'qtree', ...words, 'bolt.answer=7');
    expect({ status, noted }).toEqual({ status: 0, noted: '' });
    expect(printed).toMatch(/answer = 7\b/);
    const refused = await backplane('info', 'qtree', ...words, 'bolt.anwser=7');
    expect(refused.noted).toContain("'answer'");
  });

  it('and is damaged is refused by the machine, with what is wrong', async () => {
    const saved = JSON.parse(readFileSync(ofDevice, 'utf8'));
    for (const devices of [[{ type: ['latch'], id: 'front' }], [null], 'latch', [{ type: 'x\u0000y', id: 'z' }]]) {
      const file = join(folder, 'damaged.json');
      writeFileSync(file, JSON.stringify({ ...saved, devices }));
      expect(await restored(file, '-machine', 'isapc')).toMatch(/^backplane: -loadvm '.*damaged\.json'/);
    }
  });
});
