import { formatSnapshot, Machine } from '../../sdk/index.ts';
import { cardClasses, randomBoard } from './boards.ts';
import { hostileGuest } from './hostile-guest.ts';
import { Random } from './random.ts';

export interface HostileRequest {
  readonly accesses: number;
  readonly seed: number;
  readonly onProgress?: (accesses: number) => void;
}

export interface HostileResult {
  readonly summary: string;
  readonly problem: string | undefined;
}

/** Operations between two restores: a guest that has ended needs no log. */
const Stretch = 20_000;
const StretchesOfMachine = 25;
/** An interrupt that is never acknowledged keeps a guest busy for ever. */
const limits = { timerLimit: 5000, operationLimit: 2 * Stretch };
/** What the heap may grow by, whatever was done. */
const HeapRoom = 64 * 1024 * 1024;

/** Guests that keep no rule, one after the other, with a restore after each: nothing is thrown, and nothing is kept. */
export async function runHostileAccesses({ accesses, seed, onProgress }: HostileRequest): Promise<HostileResult> {
  let [done, restores, machines] = [0, 0, 0];
  let begin = 0;
  try {
    while (done < accesses) {
      const random = new Random(seed + machines++);
      const board = buildable(random);
      let machine = Machine.create(board.definition, board.request());
      for (let stretch = 0; stretch < StretchesOfMachine && done < accesses; stretch++) {
        const length = Math.ceil(Stretch / board.processors);
        const guests = Array.from({ length: board.processors }, () => hostileGuest(random.word(), length));
        let outcome = machine.run(guests, limits);
        let used = outcome.operations;
        // One that sleeps for ever, has shut down or was reset begins again, and does something else.
        while (used < Stretch && outcome.reason !== 'finished') {
          if (outcome.reason !== 'reset') machine.reset();
          outcome = machine.resume(limits);
          used += Math.max(outcome.operations, 1);
        }
        done += used;
        onProgress?.(done);
        if (outcome.reason !== 'finished') {
          machine.reset();
          machine.run([]);
        }
        const snapshot: unknown = JSON.parse(formatSnapshot(machine.save()));
        machine.dispose();
        machine = Machine.restore(board.definition, snapshot, {
          ...board.request(),
          guests,
          deviceClasses: cardClasses,
        });
        restores++;
        // Machines that are gone are let go of completely when the present job ends.
        await new Promise((resolve) => setImmediate(resolve));
      }
      machine.dispose();
      if (machines === 4) begin = heap();
    }
  } catch (error) {
    const problem = `machine of seed ${seed + machines - 1} threw: ${error instanceof Error ? error.stack : String(error)}`;
    return { summary: problem, problem };
  }
  const grown = begin === 0 ? 0 : heap() - begin;
  const summary = `${done} accesses, ${restores} restores, ${machines} machines, the heap has grown by ${(grown / 2 ** 20).toFixed(1)} MiB`;
  return { summary, problem: grown > HeapRoom ? summary : undefined };
}

function buildable(random: Random) {
  for (;;) {
    const board = randomBoard(random);
    try {
      Machine.create(board.definition, board.request()).dispose();
      return board;
    } catch {
      // Two cards want one place: another draw.
    }
  }
}

function heap(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
