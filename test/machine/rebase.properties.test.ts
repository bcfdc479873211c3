import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SECOND } from '../../sdk/index.ts';
import { type DrainPolicy, formatSnapshot, Machine, simulatedAccelerator } from '../../sdk/runtime.ts';
import { boards } from './snapshot/boards.ts';
import { programOf, SmallRam, type Step, stepsWith } from './snapshot/programs.ts';

/** Guest time has passed before, so that there are seconds by which the epoch can move. */
const startAt = 100 * SECOND;

describe.each(boards.map((board) => [board.name, board] as const))('a %s with its cards', (name, board) => {
  const steps = stepsWith(board.step);
  const scripts = fc.array(steps, { minLength: 1, maxLength: 2 });
  // The others have a reset register among coalesced ports.
  const drains = fc.constantFrom<DrainPolicy>('every-exit', name === 'isapc' ? 'on-access' : 'every-exit');

  /** Calls back after every few instructions, with writes in the ring and one processor's turn over. */
  function run(
    programs: readonly (readonly Step[])[],
    every: number,
    drain: DrainPolicy,
    onProgress: (m: Machine) => void,
  ) {
    const accelerator = simulatedAccelerator({ drain, kickAfter: 5_000_000 });
    const machine = Machine.create(board.definition, { ram: SmallRam, startAt, accelerator });
    const { reason } = machine.run(
      programs.map((script) => programOf(script, board.setup)),
      {
        operationLimit: 1500,
        timerLimit: 5000,
        savable: true,
        progressEvery: every,
        onProgress: () => onProgress(machine),
      },
    );
    return { machine, reason };
  }

  it('ends in the same state whether the epoch moves between instructions or not, down to each counter', () => {
    fc.assert(
      fc.property(scripts, fc.integer({ min: 1, max: 9 }), drains, (programs, every, drain) => {
        const moved = run(programs, every, drain, ({ clock }) => clock.now >= SECOND && clock.rebase(1));
        const plain = run(programs, every, drain, () => {});
        expect(moved.machine.clock.epoch).toBeGreaterThan(0n);
        expect(moved.reason).toBe(plain.reason);
        expect(moved.machine.clock.absolute()).toBe(plain.machine.clock.absolute());
        // Counted from one epoch, everything that they keep is the same.
        plain.machine.clock.rebase(Number(moved.machine.clock.epoch));
        expect(formatSnapshot(moved.machine.save())).toBe(formatSnapshot(plain.machine.save()));
        for (const { machine } of [moved, plain]) machine.dispose();
      }),
      { numRuns: 5 },
    );
  });
});
