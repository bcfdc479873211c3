import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SimulatedKernel } from '../../../sdk/accelerator/kvm/simulated-kernel/simulated-kernel.ts';
import { bundle } from '../bundle.ts';
import { compareRandomly, describeDifference, type RandomComparison } from './compare.ts';
import { faults, type PlantedFault } from './faults.ts';
import { SimulatedGuest } from './guests.ts';
import { ScriptBench } from './script-bench.ts';

const Source = 'sdk/accelerator/kvm/simulated-kernel/simulated-kernel';

function benchOf(kernel: SimulatedKernel): ScriptBench {
  return new ScriptBench(kernel, (vcpuFd) => new SimulatedGuest(kernel, vcpuFd));
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'backplane-random-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A simulated kernel with this mistake in it. */
async function damaged(fault: PlantedFault, index: number): Promise<SimulatedKernel> {
  const place = join(folder, `${index}`);
  for (const { path, bytes } of await bundle([`${Source}.ts`], '/backplane', fault)) {
    mkdirSync(dirname(join(place, path)), { recursive: true });
    writeFileSync(join(place, path), bytes);
  }
  writeFileSync(join(place, 'package.json'), '{ "type": "module" }');
  const { SimulatedKernel: Damaged } = await import(pathToFileURL(join(place, `${Source}.js`)).href);
  return new Damaged() as SimulatedKernel;
}

describe('the comparison of kernels by random scripts', () => {
  it('finds no difference between a kernel and itself', () => {
    const result = compareRandomly(benchOf(new SimulatedKernel()), benchOf(new SimulatedKernel()), {
      operations: 5_000,
      seed: 1,
    });
    expect(result.difference).toBeUndefined();
    expect(result.operations).toBeGreaterThanOrEqual(5_000);
    expect(result.exits).toBeGreaterThan(result.operations);
  });

  it('tells the arithmetic of an older ring from that of Linux 6.12', () => {
    const old = benchOf(new SimulatedKernel({ ring: 'before-6.12' }));
    const { difference } = compareRandomly(benchOf(new SimulatedKernel()), old, { operations: 50_000, seed: 1 });
    expect(difference?.script.steps.length).toBeLessThanOrEqual(6);
  });

  it.each(faults.map((fault, index) => [fault.name, fault, index] as const))(
    'finds and shrinks: %s',
    async (_name, fault, index) => {
      const result: RandomComparison = compareRandomly(
        benchOf(new SimulatedKernel()),
        benchOf(await damaged(fault, index)),
        { operations: 50_000, seed: 1 },
      );
      const { difference } = result;
      expect(difference, fault.name).toBeDefined();
      const text = describeDifference(difference!, ['a kernel', 'the damaged one']);
      expect(difference!.script.steps.length, text).toBeLessThanOrEqual(6);
      // The shrunk script by itself: each side sees what it saw.
      expect(benchOf(new SimulatedKernel()).run(difference!.script)).toEqual(difference!.expected);
      expect(difference!.actual).not.toEqual(difference!.expected);
    },
  );
});
