import { BackplaneError, type UsedDevice } from '../../sdk/index.ts';
import { formatSnapshot, Machine, type MachineEvent } from '../../sdk/runtime.ts';
import { Random } from '../../sdk/testing/random.ts';
import { type Board, cardClasses, randomBoard, randomCard } from './boards.ts';
import { hostileGuest } from './hostile-guest.ts';

export interface FuzzRequest {
  /** Snapshots to make, each restored and run on beside the machine that was saved. */
  readonly points: number;
  readonly seed: number;
  /** In every machine besides: how a test sees that mistakes are found. */
  readonly extra?: readonly UsedDevice[];
  /** Called after each point with how many there were. */
  readonly onProgress?: (points: number) => void;
}

export interface FuzzResult {
  readonly points: number;
  readonly machines: number;
  readonly operations: number;
  /** Machines that say why they cannot be saved. */
  readonly refusals: ReadonlyMap<string, number>;
  /** What was found, with the seed that shows it again; undefined if nothing was. */
  readonly difference: string | undefined;
}

/** A machine is saved so often before the next one is built. */
const PointsOfMachine = 6;
const MostDraws = 50;
const LongestStretch = 300;
/** Timers without end are not what is looked for. */
const timerLimit = 500;

/**
 * Builds machines, runs guests on them that keep no rule, saves them anywhere, and runs the saved machine and the restored one side
 * by side: both must say the same of themselves, and tell their observers the same.
 */
export async function fuzzRestoredMachines({ points, seed, extra = [], onProgress }: FuzzRequest): Promise<FuzzResult> {
  const refusals = new Map<string, number>();
  let [done, machines, operations] = [0, 0, 0];
  while (done < points) {
    const own = seed + machines++;
    const life = new MachineLife(own, extra);
    for (let point = 0; point < PointsOfMachine && done < points; point++) {
      const { difference, refusal } = life.live();
      if (refusal !== undefined) refusals.set(refusal, (refusals.get(refusal) ?? 0) + 1);
      else {
        done++;
        onProgress?.(done);
      }
      if (difference !== undefined) {
        const again = `npm run fuzz:restore -- --points ${PointsOfMachine} --seed ${own}`;
        const found = `machine of seed ${own}, ${life.description}, point ${point}: ${difference}\nSee it again: ${again}`;
        return { points: done, machines, operations: operations + life.operations, refusals, difference: found };
      }
      if (refusal !== undefined) break;
    }
    operations += life.operations;
    life.end();
    // Machines that are gone are let go of completely when the present job ends.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { points: done, machines, operations, refusals, difference: undefined };
}

interface Point {
  readonly difference?: string;
  readonly refusal?: string;
}

/** One machine, from the first snapshot to the last, restored again and again. */
class MachineLife {
  operations = 0;
  private readonly random: Random;
  private readonly board: Board;
  private readonly guests: readonly ReturnType<typeof hostileGuest>[];
  private machine: Machine;
  private plugged = 0;
  private begun = false;

  constructor(
    seed: number,
    private readonly extra: readonly UsedDevice[],
  ) {
    this.random = new Random(seed);
    [this.board, this.machine] = this.build();
    this.guests = Array.from({ length: this.board.processors }, (_, index) => hostileGuest(seed + 1000 * index));
  }

  get description(): string {
    const { machine } = this;
    return `${machine.definition.name} with ${machine.devices.map(({ id }) => id).join(', ')} and ${this.board.processors} processors`;
  }

  /** Runs, saves, restores, runs both, and goes on with one of them. */
  live(): Point {
    const { machine, random } = this;
    const ran = attempt(() => this.step(machine, random.below(LongestStretch)));
    if (ran instanceof Thrown) return { difference: `the guest threw through the machine: ${ran.message}` };
    this.begun = true;
    this.replug();
    const saved = attempt(() => machine.save());
    if (saved instanceof Thrown) return { refusal: saved.message };
    const text = formatSnapshot(saved);
    const restored = attempt(() => this.restore(JSON.parse(text)));
    if (restored instanceof Thrown) return { difference: `cannot be restored: ${restored.message}` };
    const difference =
      differenceOf(text, formatSnapshot(restored.save())) ??
      differenceOf(mapOf(machine), mapOf(restored)) ??
      this.compareRuns(machine, restored);
    const [kept, gone] = random.oneIn(2) ? [machine, restored] : [restored, machine];
    gone.dispose();
    this.machine = kept;
    return difference === undefined ? {} : { difference };
  }

  end(): void {
    this.machine.dispose();
  }

  private build(): [Board, Machine] {
    for (let draw = 1; ; draw++) {
      const board = randomBoard(this.random, this.extra);
      const machine = attempt(() => Machine.create(board.definition, board.request()));
      if (!(machine instanceof Thrown)) return [board, machine];
      // Two cards want one place: another draw.
      if (!(machine.cause instanceof BackplaneError) || draw === MostDraws) throw machine.cause;
    }
  }

  private restore(snapshot: unknown): Machine {
    const { board, guests } = this;
    return Machine.restore(board.definition, snapshot, { ...board.request(), guests, deviceClasses: cardClasses });
  }

  private step(machine: Machine, operationLimit: number): string {
    const outcome = this.begun
      ? machine.resume({ operationLimit, timerLimit })
      : machine.run(this.guests, { operationLimit, timerLimit, savable: true });
    this.operations += outcome.operations;
    return JSON.stringify(outcome);
  }

  /** Now and then a card comes or goes; what is refused does not matter here. */
  private replug(): void {
    const { machine, random, board } = this;
    if (random.oneIn(3)) {
      attempt(() => machine.plug(randomCard(random, board.hasPci, `plugged-${this.plugged++}`)));
    } else if (random.oneIn(5)) {
      attempt(() => machine.unplug(random.pick(machine.devices).id));
    } else if (random.oneIn(4)) {
      attempt(() => {
        const { id, metadata } = random.pick(machine.devices);
        machine.swap(id, metadata.deviceClass as never);
      });
    } else if (random.oneIn(8)) machine.reset();
  }

  /** Both go on: the same answers, interrupts, timers and exits at the same times, and the same end. */
  private compareRuns(saved: Machine, restored: Machine): string | undefined {
    const limit = this.random.below(LongestStretch);
    const [first, second] = [saved, restored].map((machine) => {
      const seen: string[] = [];
      const stop = machine.observe({
        name: 'fuzz',
        start: () => ({ observe: (event) => void seen.push(lineOf(event)) }),
      });
      const outcome = attempt(() => this.step(machine, limit));
      stop();
      seen.push(outcome instanceof Thrown ? `threw ${outcome.message}` : outcome);
      return seen;
    }) as [string[], string[]];
    const events = differenceOf(first.join('\n'), second.join('\n'));
    if (events !== undefined) return `what happened afterwards: ${events}`;
    const thrown = first.at(-1)?.startsWith('threw') === true;
    if (thrown) return `the guest threw through the machine: ${first.at(-1)}`;
    const states = [saved, restored].map((machine) => attempt(() => formatSnapshot(machine.save()) + mapOf(machine)));
    const [one, other] = states.map((state) => (state instanceof Thrown ? state.message : state)) as [string, string];
    const difference = differenceOf(one, other);
    return difference === undefined ? undefined : `the state afterwards: ${difference}`;
  }
}

/** What answers at each address, and where writes wait. */
function mapOf({ topology, accelerator }: Machine): string {
  const views = topology.addressSpaces.map(({ name, flatView }) => {
    const ranges = flatView.ranges.map(({ region, start, end, offsetInRegion, readOnly, romdMode }) =>
      [start, end, region.owner?.id, region.name, offsetInRegion, readOnly, romdMode, region.ioeventfds.length].join(
        ' ',
      ),
    );
    return `space ${name}\n${ranges.join('\n')}`;
  });
  const { ports = [], memory = [] } = accelerator.zones ?? {};
  const zones = [...ports, ...memory].map((zone) => `zone ${JSON.stringify(zone)}`);
  return [...views.sort(), ...zones.sort()].join('\n');
}

/** What was thrown, where throwing is an answer. */
class Thrown {
  readonly message: string;
  constructor(readonly cause: unknown) {
    this.message = cause instanceof Error ? cause.message : String(cause);
  }
}

function attempt<T>(work: () => T): T | Thrown {
  try {
    return work();
  } catch (cause) {
    return new Thrown(cause);
  }
}

function lineOf(event: MachineEvent): string {
  return JSON.stringify(event, (_, value) => (typeof value === 'bigint' ? value.toString(16) : value));
}

/** The first line in which two texts differ, with the one before it. */
export function differenceOf(saved: string, restored: string): string | undefined {
  if (saved === restored) return undefined;
  const [before, after] = [saved.split('\n'), restored.split('\n')];
  const at = before.findIndex((line, index) => line !== after[index]);
  const line = at < 0 ? before.length : at;
  const show = (lines: readonly string[]) => (lines[line] ?? 'nothing more').trim().slice(0, 300);
  return (
    `line ${line + 1}, after ${(before[line - 1] ?? 'the beginning').trim().slice(0, 120)}:\n` +
    `  saved    ${show(before)}\n  restored ${show(after)}`
  );
}
