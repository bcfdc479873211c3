import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { TraceAnswers } from '../../sdk/accelerator/index.ts';
import { TraceGuest } from '../../sdk/accelerator/trace/guest.ts';
import type { RecordedTrace } from '../../sdk/accelerator/trace/recorded-trace.ts';
import { readTrace } from '../../sdk/cli/replay/trace-file.ts';
import { MILLISECOND } from '../../sdk/clock/index.ts';
import { type SmallDevice, SmallMachine } from './small-machine.ts';

const recording = (name: string) =>
  fileURLToPath(new URL(`../../examples/recordings/${name}.iotrace.gz`, import.meta.url));

const coalesced = (name: string, at: number, size: number, space: 'ports' | 'memory' = 'ports'): SmallDevice => ({
  name,
  at,
  size,
  space,
  coalesced: { offset: 0, size },
});

const clockIndex = coalesced('rtc', 0x70, 1);
const screen = coalesced('screen', 0xa0000, 0x20000, 'memory');
/** The zones of the three rows of the table: none, as QEMU 7.2 registers them, and with 0xcf8 whole. */
const zoneSets = {
  none: [],
  qemu: [clockIndex, coalesced('address', 0xcf8, 4), { name: 'reset', at: 0xcf9, size: 1, priority: 1 }, screen],
  whole: [clockIndex, coalesced('address', 0xcf8, 4), screen],
} as const satisfies Record<string, readonly SmallDevice[]>;

type ZoneSet = keyof typeof zoneSets;

function replay(trace: RecordedTrace, zones: ZoneSet, only?: 'ports') {
  const guest = new TraceGuest(trace, only === undefined ? {} : { only });
  let answers: TraceAnswers | undefined;
  const machine = new SmallMachine(zoneSets[zones], {
    ram: 0,
    intercept: (access, host) => {
      answers = new TraceAnswers(access, host, guest);
      return answers;
    },
  });
  machine.accelerator.load([guest]);
  const outcome = machine.accelerator.run();
  const summary = machine.accelerator.statistics.summary();
  const { longestWait, modelledTime: _, otherDrains: __, costs: ___, ...counts } = summary;
  return { outcome, counts, longestWait, machine, answers: answers! };
}

const traces = new Map<string, RecordedTrace>();
const trace = (name: string) => traces.get(name)!;

beforeAll(async () => {
  for (const name of ['linux61-boot-rtc', 'seabios-pc-tcg']) traces.set(name, await readTrace(recording(name)));
});

describe('the recorded Linux boot', () => {
  it.each([
    [
      'none',
      {
        userspaceExits: 208_954,
        portUserspaceExits: 103_291,
        coalescedWrites: 0,
        ringFullExits: 0,
        drainsAtExits: 0,
        kicks: 0,
      },
    ],
    [
      'qemu',
      {
        userspaceExits: 119_160,
        portUserspaceExits: 98_356,
        coalescedWrites: 89_794,
        ringFullExits: 498,
        drainsAtExits: 5_540,
        kicks: 1,
      },
    ],
    [
      'whole',
      {
        userspaceExits: 114_753,
        portUserspaceExits: 93_949,
        coalescedWrites: 94_201,
        ringFullExits: 498,
        drainsAtExits: 9_947,
        kicks: 1,
      },
    ],
  ] as const)("with zones %s exits, queues, drains and kicks as KVM's rules have it", (zones, expected) => {
    const { outcome, counts, longestWait } = replay(trace('linux61-boot-rtc'), zones);
    expect(outcome).toMatchObject({ reason: 'finished', operations: 208_954 });
    expect(counts).toMatchObject({ ...expected, vmExits: 208_954, entriesAtEnd: 0, discardedWrites: 0 });
    expect(longestWait).toBe(zones === 'none' ? 0 : 10 * MILLISECOND);
  });

  it.each([
    ['qemu', 98_356],
    ['whole', 93_949],
  ] as const)('with zones %s and its port accesses alone exits as often, and needs no kick', (zones, exits) => {
    const { counts } = replay(trace('linux61-boot-rtc'), zones, 'ports');
    expect(counts).toMatchObject({ vmExits: 103_291, userspaceExits: exits, kicks: 0, memoryUserspaceExits: 0 });
  });
});

describe('the recorded SeaBIOS', () => {
  it.each([
    [
      'none',
      {
        userspaceExits: 41_342,
        portUserspaceExits: 4_027,
        coalescedWrites: 0,
        ringFullExits: 0,
        drainsAtExits: 0,
        entriesAtEnd: 0,
      },
    ],
    [
      'qemu',
      {
        userspaceExits: 4_481,
        portUserspaceExits: 4_002,
        coalescedWrites: 36_861,
        ringFullExits: 216,
        drainsAtExits: 430,
        entriesAtEnd: 1,
      },
    ],
    [
      'whole',
      {
        userspaceExits: 4_098,
        portUserspaceExits: 3_619,
        coalescedWrites: 37_244,
        ringFullExits: 216,
        drainsAtExits: 813,
        entriesAtEnd: 1,
      },
    ],
  ] as const)("with zones %s exits, queues and drains as KVM's rules have it, without a kick", (zones, expected) => {
    const { counts } = replay(trace('seabios-pc-tcg'), zones);
    expect(counts).toMatchObject({ ...expected, vmExits: 41_342, kicks: 0 });
  });

  it('reaches every device in the recorded order, coalesced or not', () => {
    const [none, whole] = (['qemu', 'whole'] as const).map((zones) => {
      const { machine } = replay(trace('seabios-pc-tcg'), zones);
      return machine.seen.filter((line) => !line.startsWith('out 0xcf9'));
    });
    expect(whole).toEqual(none);
    expect(whole!.length).toBeGreaterThan(30_000);
  });

  it('answers for addresses without a device from the recording, and compares the rest', () => {
    const { answers, machine } = replay(trace('seabios-pc-tcg'), 'whole');
    const reads = answers.unmodelled.portReads + answers.unmodelled.memoryReads;
    const compared = answers.devices.reduce((sum, device) => sum + device.reads, 0);
    const { kind } = trace('seabios-pc-tcg');
    expect(reads + compared).toBe(kind.filter((value) => value === 2 || value === 4).length);
    expect(compared).toBe(machine.seen.filter((line) => line.startsWith('in ') || line.startsWith('load ')).length);
    expect(answers.unmodelled.memoryWrites + answers.unmodelled.portWrites).toBeGreaterThan(0);
  });
});
