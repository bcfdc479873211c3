import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backplane } from './fake-terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'backplane-needs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const [plugin, guest, ofDevice, ofMachine] = ['plugin.ts', 'guest.ts', 'device.json', 'machine.json'].map((name) =>
  join(folder, name),
) as [string, string, string, string];

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
     export const board = defineMachine({ ...isapc, name: 'board', aliases: [], description: 'Mine', devices: [...isapc.devices, use(Latch)] });`,
  );
  writeFileSync(
    guest,
    "import { guestProgram } from 'backplane';\nexport default guestProgram(function* (guest) { for (let n = 0; n < 9; n++) yield* guest.in8(0x300); });",
  );
  const save = (to: string, ...words: string[]) =>
    backplane('run', guest, '-limit', '3', '-plugin', plugin, '-m', '1', '--save', to, ...words);
  expect((await save(ofDevice, '-machine', 'isapc', '-device', 'latch,id=front')).status).toBe(0);
  expect((await save(ofMachine, '-machine', 'board')).status).toBe(0);
});

describe('a snapshot that needs a plugin', () => {
  it('which brings a device says of which type, and how to give it', async () => {
    expect(await restored(ofDevice, '-machine', 'isapc')).toBe(
      `backplane: -loadvm '${ofDevice}': it has a device 'front' of the type 'latch', which neither backplane nor a plugin ` +
        'given here has. Give the plugin that brings it: -plugin FILE -device latch,id=front.',
    );
    expect(await restored(ofDevice, '-machine', 'isapc', '-device', 'latch')).toContain('add -plugin FILE');
    const words = ['-machine', 'isapc', '-plugin', plugin, '-device', 'latch,id=front'];
    expect(await restored(ofDevice, ...words)).toBe('');
  });

  it('which brings the machine says so', async () => {
    expect(await restored(ofMachine)).toMatch(
      /saved on machine 'board', which neither .* -plugin FILE -machine board\.$/,
    );
    expect(await restored(ofMachine, '-plugin', plugin, '-machine', 'board')).toBe('');
  });

  it('and is damaged is refused by the machine, with what is wrong', async () => {
    const saved = JSON.parse(readFileSync(ofDevice, 'utf8'));
    for (const devices of [[{ type: ['latch'], id: 'front' }], [null], 'latch', [{ type: 'x\u0000y', id: 'z' }]]) {
      const file = join(folder, 'damaged.json');
      writeFileSync(file, JSON.stringify({ ...saved, devices }));
      expect(await restored(file, '-machine', 'isapc')).toMatch(
        /^backplane: -loadvm '.*': This snapshot cannot be restored/,
      );
    }
  });
});
