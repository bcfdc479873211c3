import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isapc, pcI440fx } from '../../machines/index.ts';
import { formatSnapshot, Machine, type MachineDefinition, simulatedAccelerator } from '../../sdk/index.ts';
import { programOf, SmallRam, steps } from './snapshot-programs.ts';

/** Enough for every program here, and an end for one that a broken clock interrupts for ever. */
const Enough = 4000;

type Script = Parameters<typeof programOf>[0];

/**
 * Runs the scripts to a point, saves there, and goes on: in the machine that was saved, in a fresh one that has read the text
 * of the snapshot, and in a third one that was only drained. All must end in the same state, down to each counter.
 */
function goOn(definition: MachineDefinition, scripts: readonly Script[], point: number, seed: number) {
  const programs = scripts.map(programOf);
  const [machine, drained] = [0, 1].map(() => {
    const one = Machine.create(definition, { ram: SmallRam, accelerator: simulatedAccelerator({ seed }) });
    one.run(programs, { operationLimit: point });
    return one;
  }) as [Machine, Machine];
  drained.settle();
  const snapshot = machine.save();
  expect(machine.save()).toEqual(snapshot);
  const text = formatSnapshot(snapshot);
  const restored = Machine.restore(definition, JSON.parse(text), { guests: programs });
  expect(formatSnapshot(restored.save())).toBe(text);
  const ends = [machine, restored, drained].map((one) => {
    const { reason, message } = one.resume({ operationLimit: Enough });
    const end = { reason, message, saved: formatSnapshot(one.save()) };
    one.dispose();
    return end;
  });
  return ends;
}

it.each([
  ['pc', pcI440fx],
  ['isapc', isapc],
] as const)('a %s saved anywhere and restored in a fresh machine ends as the one that was saved', (_, definition) => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 120 }), (script, point) => {
      const [saved, restored, drained] = goOn(definition, [script], point, 0);
      expect(restored).toEqual(saved);
      expect(restored).toEqual(drained);
    }),
    { numRuns: 9 },
  );
});

it('so does a machine of two processors, whose turns go on as they would have', () => {
  fc.assert(
    fc.property(
      fc.tuple(steps, steps),
      fc.integer({ min: 1, max: 200 }),
      fc.integer({ min: 0, max: 1000 }),
      (scripts, point, seed) => {
        const [saved, restored, drained] = goOn(pcI440fx, scripts, point, seed);
        expect(restored).toEqual(saved);
        expect(restored).toEqual(drained);
      },
    ),
    { numRuns: 8 },
  );
});
