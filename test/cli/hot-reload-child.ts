// Started by hot-reload.test.ts with --expose-gc: reloads a 250-line plugin under a running guest and prints what it saw.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { isapc } from '../../machines/index.ts';
import { HotReload } from '../../sdk/cli/plugins/hot-reload.ts';
import { loadPlugin } from '../../sdk/cli/plugins/load.ts';
import { defineMachine } from '../../sdk/index.ts';
import { guestProgram, Machine } from '../../sdk/runtime.ts';
import { longDevice } from './long-device.ts';

const [times = '200', mode = 'reload'] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'backplane-reload-'));
const path = join(folder, 'long.ts');
const collect = (globalThis as { gc?: () => void }).gc ?? (() => {});

/** Bytes of JavaScript heap in use after full collections: several, because V8's cache of evaluated code ages by collections. */
async function heap(): Promise<number> {
  for (let times = 0; times < 10; times++) {
    collect();
    await setImmediate();
  }
  return process.memoryUsage().heapUsed;
}

/** Writes to every register and reads it back, round after round, and remembers the answers. */
const seen: number[] = [];
const guest = guestProgram('guest', function* (program) {
  for (let round = 0; ; round++) {
    for (let register = 0; register < 16; register++) {
      yield* program.out8(0x300 + register, (round * 7 + register) & 0xff);
      const value = yield* program.in8(0x300 + register);
      if (round < 400) seen.push(value);
    }
  }
});

try {
  writeFileSync(path, longDevice(0));
  const plugin = await loadPlugin(path);
  const deviceClass = plugin.devices[0]!.deviceClass;
  const definition = defineMachine({ ...isapc, devices: [...isapc.devices, { device: deviceClass, id: 'long' }] });
  const machine = Machine.create(definition);
  const notes: string[] = [];
  const reload = new HotReload([plugin], machine, { note: (text) => void notes.push(text) });
  machine.run(guest, { operationLimit: 50, savable: true });
  const turn = async (generation: number) => {
    if (mode === 'reload') writeFileSync(path, longDevice(generation));
    await reload.look();
    await reload.look();
    machine.resume({ operationLimit: 50 });
  };
  // The first generations load the compiler, and warm what V8 compiles lazily.
  for (let generation = 1; generation <= 10; generation++) await turn(generation);
  const before = await heap();
  const begin = process.hrtime.bigint();
  for (let generation = 11; generation <= 10 + Number(times); generation++) await turn(generation);
  const milliseconds = Number(process.hrtime.bigint() - begin) / 1e6;
  const grown = (await heap()) - before;
  const reloads = notes.filter((note) => note.startsWith('reloaded ')).length;
  const others = notes.filter((note) => !note.startsWith('reloaded '));
  const { statistics } = machine.accelerator;
  const state = { devices: machine.save().devices, now: machine.clock.now, exits: statistics.summary() };
  const perReload = milliseconds / Number(times);
  process.stdout.write(JSON.stringify({ reloads, others, grown, perReload, seen, state }));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
