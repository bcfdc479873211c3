// @module-tag slow
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { HotReload } from '../../sdk/cli/plugins/hot-reload.ts';
import { loadPlugin } from '../../sdk/cli/plugins/load.ts';
import { defineMachine } from '../../sdk/index.ts';
import { Machine } from '../../sdk/runtime.ts';
import { times } from '../depth.ts';
import { isapc } from '../small-machines.ts';
import { longDevice } from './long-device.ts';

const folder = mkdtempSync(join(tmpdir(), 'backplane-watch-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const MiB = 2 ** 20;
const often = times(20, 200);
const checkout = fileURLToPath(new URL('../../', import.meta.url));

interface Reloaded {
  readonly reloads: number;
  readonly others: readonly string[];
  readonly grown: number;
  readonly seen: readonly number[];
  readonly state: unknown;
}

/** Runs a guest on a 250-line device in a process of its own, the device's file rewritten between every fifty operations or not. */
function inAProcess(times: number, mode: 'reload' | 'still'): Reloaded {
  const words = ['--expose-gc', '--import', 'tsx', 'test/cli/hot-reload-child.ts', String(times), mode];
  return JSON.parse(execFileSync(process.execPath, words, { cwd: checkout, encoding: 'utf8' })) as Reloaded;
}

/** Counts what is written to port 0; port 1 says which edition answers. */
const counter = ({ edition = 1, field = 'count', version = 1, type = 'counter', broken = '' } = {}) => `
import { device, IsaDevice, portRegion, state } from 'backplane';
const ports = portRegion({ name: 'counter', base: 0x300, size: 2, accessSizes: [1] });
@device({ type: '${type}', description: 'Counts', version: ${version} })
export class Counter extends IsaDevice {
  @state ${field} = 0;
  @ports.write(0) add(value: number): void { this.${field} += value; }
  @ports.read(0) read(): number { return this.${field} & 0xff; }
  @ports.read(1) edition(): number { return ${edition}; }
}
${broken}`;

async function running(text: string) {
  const path = join(mkdtempSync(join(folder, 'p-')), 'counter.ts');
  writeFileSync(path, text);
  const plugin = await loadPlugin(path);
  const used = (id: string) => ({ device: plugin.devices[0]!.deviceClass, id });
  const machine = Machine.create(defineMachine({ ...isapc, devices: [...isapc.devices, used('counter')] }));
  const notes: string[] = [];
  const reload = new HotReload([plugin], machine, { note: (note) => void notes.push(note) });
  const change = async (next: string) => {
    writeFileSync(path, next);
    await reload.look();
    await reload.look();
    return notes.splice(0).join('\n');
  };
  return {
    machine,
    change,
    read: (port: number) => machine.io.read(port, 1),
    add: (n: number) => machine.io.write(0x300, n, 1),
  };
}

describe('a plugin that changes while a guest runs', () => {
  it('is reloaded: new code, old state', async () => {
    const { change, read, add } = await running(counter());
    add(5);
    expect(await change(counter({ edition: 2 }))).toMatch(/^reloaded '.*counter\.ts' in \d+ ms: counter$/);
    expect([read(0x300), read(0x301)]).toEqual([5, 2]);
    add(1);
    expect(read(0x300)).toBe(6);
  });

  it('and has a mistake, is named with file and line, and the old device stays until it is mended', async () => {
    const { change, read, add } = await running(counter());
    add(5);
    expect(await change(counter({ edition: 2, broken: 'export const = 1;' }))).toMatch(
      /not reloaded.*counter\.ts:11:\d+/,
    );
    expect(await change(counter({ edition: 2, broken: "throw new Error('not today');" }))).toMatch(
      /not today \(.*counter\.ts:11\)/,
    );
    expect([read(0x300), read(0x301)]).toEqual([5, 1]);
    expect(await change(counter({ edition: 3 }))).toMatch(/^reloaded/);
    expect([read(0x300), read(0x301)]).toEqual([5, 3]);
  });

  it('and no longer fits the state, is refused with the field, and the old device stays', async () => {
    const { change, read, add } = await running(counter({ version: 2 }));
    add(9);
    expect(await change(counter({ version: 2, edition: 2, field: 'total' }))).toMatch(/not reloaded.*(count|total)/s);
    expect(await change(counter({ version: 1, edition: 2 }))).toMatch(/not reloaded.*version 2/s);
    expect(await change(counter({ type: 'other' }))).toMatch(/not reloaded.*'counter'/);
    expect([read(0x300), read(0x301)]).toEqual([9, 1]);
  });

  it('is looked at only when it has changed', async () => {
    const { change } = await running(counter());
    const text = counter({ edition: 2 });
    expect(await change(text)).toMatch(/^reloaded/);
    const { change: again, machine } = await running(text);
    const before = machine.deviceById('counter')?.device;
    expect(await again(text)).toMatch(/^(reloaded.*)?$/);
    expect(before).toBeDefined();
  });

  it('again and again: the guest sees what it sees without, and the heap grows by less than 32 MiB', () => {
    const [reloaded, still] = [inAProcess(often, 'reload'), inAProcess(often, 'still')];
    expect(longDevice(1).split('\n').length).toBeGreaterThanOrEqual(250);
    expect({ reloads: reloaded.reloads, others: reloaded.others }).toEqual({ reloads: often + 10, others: [] });
    expect(reloaded.seen.length).toBeGreaterThan(25 * often);
    expect(reloaded.seen).toEqual(still.seen);
    expect(reloaded.state).toEqual(still.state);
    expect(reloaded.grown).toBeLessThan(32 * MiB);
  });
});

describe('backplane run --watch', () => {
  it('swaps the code under a guest that never stops, which sees the new answer', async () => {
    const plugin = join(folder, 'live.ts');
    const guest = join(folder, 'guest.ts');
    writeFileSync(plugin, counter({ edition: 1 }));
    writeFileSync(
      guest,
      `import { guestProgram } from 'backplane/runtime';
       export default guestProgram(function* (guest) {
         yield* guest.out8(0x300, 42);
         console.error('under way');
         while ((yield* guest.in8(0x301)) !== 2);
         if ((yield* guest.in8(0x300)) !== 42) throw new Error('state is lost');
       });`,
    );
    const words = ['run', guest, '-machine', 'isapc', '-plugin', plugin, '-device', 'counter', '--watch', '--json'];
    const child = spawn(join(checkout, 'sdk/cli/backplane'), words, { stdio: ['ignore', 'pipe', 'pipe'] });
    const said = { stdout: '', stderr: '' };
    child.stdout.on('data', (data) => {
      said.stdout += data;
    });
    child.stderr.on('data', (data) => {
      if (said.stderr === '') writeFileSync(plugin, counter({ edition: 2 }));
      said.stderr += data;
    });
    const [status] = (await once(child, 'close')) as [number];
    expect(said.stderr).toMatch(/^under way\nreloaded '.*live\.ts' in \d+ ms: counter\n/);
    expect(status).toBe(0);
    expect(JSON.parse(said.stdout)).toMatchObject({ outcome: { reason: 'finished' } });
  });
});
