import { nodeHost } from '../../sdk/cli/node.ts';
import { MiB, type UsedDevice } from '../../sdk/index.ts';
import { formatSnapshot, Machine } from '../../sdk/runtime.ts';
import { Random } from '../../sdk/testing/random.ts';
import { type Board, cardClasses, randomBoard } from './boards.ts';
import { hostileGuest } from './hostile-guest.ts';

export interface HostileRequest {
  readonly accesses: number;
  readonly seed: number;
  /** In every machine besides: how a test sees that mistakes are found. */
  readonly extra?: readonly UsedDevice[];
  readonly onProgress?: (accesses: number) => void;
}

export interface HostileResult {
  readonly summary: string;
  readonly problem: string | undefined;
}

/** Operations between two restores at most: a guest that has ended needs no log. A short run has restores too. */
const LongestStretch = 20_000;
const FewestStretches = 4;
const StretchesOfMachine = 25;
/** What the heap may grow by, whatever was done: tables of the engine, and the machine that was at work when it was measured first. */
const HeapRoom = 24 * MiB;
const SettlingRounds = 5;

/** Guests that keep no rule, one after the other, with a restore after each: nothing is thrown, and nothing is kept. */
export async function runHostileAccesses(request: HostileRequest): Promise<HostileResult> {
  const { accesses, seed, extra = [], onProgress } = request;
  const mostOperations = Math.min(LongestStretch, Math.ceil(accesses / FewestStretches));
  // An interrupt that is never acknowledged keeps a guest busy for ever.
  const limits = { timerLimit: 5000, operationLimit: 2 * mostOperations };
  let [done, restores, machines] = [0, 0, 0];
  let begin = Number.NaN;
  try {
    while (done < accesses) {
      const random = new Random(seed + machines++);
      const board = buildable(random, extra);
      let machine = Machine.create(board.definition, board.request());
      for (let stretch = 0; stretch < StretchesOfMachine && done < accesses; stretch++) {
        const length = Math.ceil(mostOperations / board.processors);
        const guests = Array.from({ length: board.processors }, () => hostileGuest(random.bits(), length));
        let outcome = machine.run(guests, limits);
        let used = outcome.operations;
        // One that sleeps for ever, has shut down or was reset begins again, and does something else.
        while (used < mostOperations && outcome.reason !== 'finished') {
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
        await nextJob();
        // From here, where every part of the engine and the SDK has been used once.
        if (Number.isNaN(begin)) begin = await settledHeap();
      }
      machine.dispose();
    }
  } catch (error) {
    const problem = `machine of seed ${seed + machines - 1} threw: ${error instanceof Error ? error.stack : String(error)}`;
    return { summary: problem, problem };
  }
  const grown = (await settledHeap()) - begin;
  const summary = `${done} accesses, ${restores} restores, ${machines} machines, the heap has grown by ${(grown / MiB).toFixed(1)} MiB`;
  return { summary, problem: grown > HeapRoom ? summary : undefined };
}

const nextJob = () => new Promise((resolve) => setImmediate(resolve));

/** Bytes in use. The RAM of a machine that is gone is given back by another thread, some time after the collection that found it. */
async function settledHeap(): Promise<number> {
  let least = nodeHost.heapUsed();
  for (let round = 0; round < SettlingRounds; round++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    least = Math.min(least, nodeHost.heapUsed());
  }
  return least;
}

function buildable(random: Random, extra: readonly UsedDevice[]): Board {
  for (;;) {
    const board = randomBoard(random, extra);
    try {
      Machine.create(board.definition, board.request()).dispose();
      return board;
    } catch {
      // Two cards want one place: another draw.
    }
  }
}
