import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isapc } from '../../../machines/index.ts';
import { HotReload } from '../../../sdk/cli/plugins/hot-reload.ts';
import { loadPlugin } from '../../../sdk/cli/plugins/load.ts';
import { defineMachine } from '../../../sdk/index.ts';
import { Machine } from '../../../sdk/runtime.ts';
import { longDevice } from '../../cli/long-device.ts';
import type { BenchCase } from '../bench-case.ts';

async function machineWithLongDevice() {
  const path = join(mkdtempSync(join(tmpdir(), 'backplane-bench-')), 'long.ts');
  writeFileSync(path, longDevice(0));
  const plugin = await loadPlugin(path);
  const used = { device: plugin.devices[0]!.deviceClass, id: 'long' };
  const machine = Machine.create(defineMachine({ ...isapc, devices: [...isapc.devices, used] }));
  return { path, plugin, machine };
}

const table = 'Hot reload of a device of 250 lines';

export const cases: readonly BenchCase[] = [
  {
    table,
    name: 'written, noticed, compiled, its state handed over',
    targetMilliseconds: 200,
    async prepare() {
      const { path, plugin, machine } = await machineWithLongDevice();
      const reload = new HotReload([plugin], machine, { note: () => {} });
      let edition = 0;
      return {
        operations: 1,
        run: () => {
          writeFileSync(path, longDevice(++edition));
          return reload.look().then(() => reload.look());
        },
      };
    },
  },
  {
    table,
    name: 'the swap alone, under the machine',
    targetMilliseconds: 20,
    async prepare() {
      const { plugin, machine } = await machineWithLongDevice();
      return { operations: 1, run: () => machine.swap('long', plugin.devices[0]!.deviceClass) };
    },
  },
];
