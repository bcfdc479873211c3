// @module-tag slow
import { describe, expect, it } from 'vitest';
import { device, IsaDevice, portRegion, state, use } from '../../sdk/index.ts';
import { Random } from '../../sdk/testing/random.ts';
import { times } from '../depth.ts';
import { randomBoard } from './boards.ts';
import { runHostileAccesses } from './hostile-run.ts';
import { fuzzRestoredMachines } from './restored-machines.ts';

const ports = portRegion({ name: 'counter', base: 0xc000, size: 32, accessSizes: [1] });

/** Counts what is written to it, and shows the count. */
class Counter extends IsaDevice {
  count = 0;

  @ports.write()
  write(): void {
    this.count = (this.count + 1) & 0xff;
  }

  @ports.read()
  read(): number {
    return this.count;
  }
}
@device({ type: 'forgetful', description: 'its count is in no snapshot' })
class Forgetful extends Counter {}

@device({ type: 'faithful', description: 'its count is in snapshots' })
class Faithful extends Counter {
  @state declare count: number;
}

const kept: number[][] = [];

@device({ type: 'hoarding', description: 'what it is told is kept by its module, whatever becomes of the machine' })
class Hoarding extends Counter {
  override write(): void {
    super.write();
    kept.push(Array.from({ length: 20_000 }, (_, index) => index));
  }
}

// Some seconds: machines are built, restored and run. Ten thousand by npm run fuzz:restore.
const wanted = times(30, 100);

describe('machines under guests that keep no rule, saved anywhere, run on beside the restored ones', () => {
  it('say the same and do the same, at every point', async () => {
    const { difference, points, refusals } = await fuzzRestoredMachines({ points: wanted, seed: 1 });
    expect(difference).toBeUndefined();
    expect(points).toBe(wanted);
    // A machine that cannot be saved says so: none of these is one.
    expect([...refusals]).toEqual([]);
  });

  it('are told apart if a device forgets something, with the seed that shows it', async () => {
    const { difference } = await fuzzRestoredMachines({ points: 30, seed: 1, extra: [use(Forgetful)] });
    expect(difference).toMatch(/^machine of seed \d+, .* forgetful.*, point \d+: /);
    expect(difference).toMatch(/npm run fuzz:restore -- --points \d+ --seed \d+$/);
    const faithful = await fuzzRestoredMachines({ points: 6, seed: 1, extra: [use(Faithful)] });
    expect(faithful.difference).toBeUndefined();
  });

  it('have all chips of a PC on some of them', () => {
    const boards = Array.from({ length: 60 }, (_, seed) => randomBoard(new Random(seed)));
    const populated = boards.filter(({ request }) => request().options?.['chips'] === 'all');
    expect(new Set(populated.map(({ definition }) => definition.name))).toEqual(new Set(['pc-i440fx', 'q35', 'isapc']));
  });

  it('throw nothing and keep nothing, with restores in between', async () => {
    const { problem, summary } = await runHostileAccesses({ accesses: 20_000, seed: 1 });
    expect(problem).toBeUndefined();
    expect(summary).toMatch(/^\d+ accesses, [1-9]\d* restores, \d+ machines/);
  });

  it('are told to keep something if a device does, in a run as short', async () => {
    const { problem } = await runHostileAccesses({ accesses: 10_000, seed: 1, extra: [use(Hoarding)] });
    kept.length = 0;
    expect(problem).toMatch(/the heap has grown by \d+\.\d MiB$/);
  });
});
