import { Mc146818Rtc } from 'backplane/devices';
import { pcI440fx } from 'backplane/machines';
import { formatSnapshot, guestProgram, infoCoalesced, infoMtree, infoQtree, Machine } from 'backplane/runtime';
import { checkDevice } from 'backplane/testing';

/** What a page and Node must agree on. */
export interface Outcome {
  readonly answers: number;
  readonly summary: object;
  readonly table: string;
  readonly trees: string;
  readonly snapshot: string;
  readonly restored: string;
  readonly findings: readonly string[];
}

const Pairs = 20_000;

/** The whole pc under 40,000 port accesses, saved and restored, and the checks of a device. No names of Node or of a page here. */
export function exercise(): Outcome {
  const machine = Machine.create(pcI440fx);
  let answers = 0;
  const program = guestProgram('clock reader', function* (guest) {
    for (let pair = 0; pair < Pairs; pair++) {
      yield* guest.out8(0x70, pair % 0x40);
      answers = (Math.imul(answers, 31) + (yield* guest.in8(0x71))) >>> 0;
    }
  });
  machine.run(program);
  const { statistics } = machine.accelerator;
  const snapshot = formatSnapshot(machine.save());
  const restored = Machine.restore(pcI440fx, JSON.parse(snapshot), { guests: [program] });
  const failures = checkDevice(Mc146818Rtc, { ...rtcSettings, lint: 'off', runs: 3, length: 60 });
  return {
    answers,
    summary: statistics.summary(),
    table: statistics.formatTable({ event: 'ioport' }),
    trees: [infoMtree(machine), infoQtree(machine), infoCoalesced(machine)].join('\n'),
    snapshot,
    restored: formatSnapshot(restored.save()),
    findings: failures.map(({ text }) => text),
  };
}

const rtcSettings = { values: [0x00, 0x0a, 0x0b, 0x0c, 0x26], hostileAccesses: 2000 } as const;
