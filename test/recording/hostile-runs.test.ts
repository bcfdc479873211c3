import { expect, it } from 'vitest';
import { TraceParser } from '../../sdk/accelerator/index.ts';
import { recordRun } from '../../sdk/recording/recorder.ts';
import { replayRun } from '../../sdk/recording/replay.ts';
import { formatSnapshot, Machine } from '../../sdk/runtime.ts';
import { Random } from '../../sdk/testing/random.ts';
import { type Board, randomBoard } from '../fuzz/boards.ts';
import { hostileGuest } from '../fuzz/hostile-guest.ts';

const parse = (text: string) => {
  const parser = new TraceParser('hostile');
  parser.push(new TextEncoder().encode(text));
  return parser.end();
};

function buildable(seed: number): { board: Board; machine: Machine; random: Random } {
  for (let extra = 0; ; extra += 1000) {
    const random = new Random(seed + extra);
    const board = randomBoard(random);
    try {
      return { board, machine: Machine.create(board.definition, board.request()), random };
    } catch {
      // Two cards want one place: another draw.
    }
  }
}

/** What can be counted, and what the machine is afterwards; programs and recordings differ in how a snapshot says what they did. */
function stateOf(machine: Machine) {
  const { statistics } = machine.accelerator;
  const counts = { summary: statistics.summary(), ports: statistics.portRows(), pages: statistics.memoryRows() };
  const time = machine.clock.absolute();
  return { counts, time, guestErrors: machine.guestErrors };
}

function devicesOf(machine: Machine): unknown {
  machine.run([]);
  const { devices, clock, services, memory, map } = JSON.parse(formatSnapshot(machine.save()));
  return { devices, clock, services, memory, map };
}

it.each(Array.from({ length: 24 }, (_, seed) => seed))(
  'a run of guests that keep no rule replays with equal counts, time and devices (seed %i)',
  (seed) => {
    const { board, machine, random } = buildable(seed);
    const guests = Array.from({ length: board.processors }, () => hostileGuest(random.bits(), 400));
    const lines: string[] = [];
    const timerLimit = 5000;
    const recording = recordRun(machine, guests, { write: (line) => lines.push(line) }, { timerLimit });
    const limits = { timerLimit, operationLimit: random.oneIn(3) ? 500 : 3000 };
    let outcome = machine.run(recording.guests, limits);
    for (let resets = 0; outcome.reason === 'reset' && resets < 5; resets++) outcome = machine.resume(limits);
    recording.end(outcome);
    const replay = replayRun(parse(lines.join('')), { definition: board.definition });
    expect(replay.differences).toEqual([]);
    expect(stateOf(replay.machine)).toEqual(stateOf(machine));
    expect(devicesOf(replay.machine)).toEqual(devicesOf(machine));
  },
);
