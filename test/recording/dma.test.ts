import { describe, expect, it } from 'vitest';
import { Edu, VirtioConsole } from '../../devices/index.ts';
import { pcI440fx } from '../../machines/index.ts';
import { ringBuffer } from '../../sdk/backend.ts';
import { MILLISECOND, MiB, use } from '../../sdk/index.ts';
import type { RecordOptions } from '../../sdk/recording/recorder.ts';
import {
  BackplaneError,
  formatSnapshot,
  guestProgram,
  Machine,
  type MachineDefinition,
  recordRun,
  replayRun,
  simulatedAccelerator,
  TraceParser,
} from '../../sdk/runtime.ts';
import { Random } from '../../sdk/testing/random.ts';
import { assembled, guestOf, Place, rom, type Source } from '../machines/hostile/hostile-code.ts';
import { needs, whyNoX86 } from '../needs.ts';
import { x86 } from '../processor/bare-processor.ts';
import { expectRefusal } from '../refusal.ts';
import {
  consoleGuest,
  EduBuffer,
  eduGuest,
  From,
  fwCfgGuest,
  hostileDriver,
  Length,
  Sent,
  Vector,
} from './dma-guests.ts';

const definition: MachineDefinition = {
  ...pcI440fx,
  devices: [
    ...pcI440fx.devices,
    use(Edu, { id: 'edu', addr: '04.0' }),
    use(VirtioConsole, { id: 'console', addr: '05.0', options: { chardev: 'hvc' } }),
  ],
} as MachineDefinition;

async function recorded(source: Source, options: RecordOptions = {}) {
  const hvc = ringBuffer({ id: 'hvc' });
  const machine = Machine.create(definition, {
    ...{ firmware: rom, ram: 4 * MiB, options: { chips: 'all' }, backends: [hvc] },
    accelerator: simulatedAccelerator({ machineCode: await x86() }),
  });
  const lines: string[] = [];
  const recording = recordRun(
    machine,
    guestOf('driver', assembled(source)),
    { write: (line) => lines.push(line) },
    options,
  );
  const outcome = machine.run(recording.guests, { operationLimit: 3_000_000 });
  recording.end(outcome);
  if (source === eduGuest || source === consoleGuest || source === fwCfgGuest) expect(outcome.reason).toBe('halted');
  return { machine, hvc, text: lines.join(''), lost: recording.lostTransfers };
}

function replayOf(text: string) {
  const parser = new TraceParser('dma');
  parser.push(new TextEncoder().encode(text));
  return replayRun(parser.end(), { definition, keepOutput: 1000 });
}

const devicesOf = (machine: Machine): unknown => JSON.parse(formatSnapshot(machine.save())).devices;
const linesOf = (text: string, word: string) => text.split('\n').filter((line) => line.startsWith(`# ${word} `));
const vectorsOf = (text: string) => [...text.matchAll(/^\d+ INT ([0-9a-f]+)$/gm)].map(([, vector]) => vector);

/** A line of the header or the body changed; it must be there. */
function changed(text: string, from: RegExp, to: string | ((...found: string[]) => string)): string {
  expect(text).toMatch(from);
  return text.replace(from, to as string);
}

/** The last digit of what a device has read. */
const otherByte = (line: string): string => `${line.slice(0, -1)}${line.endsWith('0') ? '1' : '0'}`;

describe('a recording of machine code has what devices transfer by DMA', needs('host', whyNoX86()), () => {
  it.each([
    ['of edu, which copies RAM', eduGuest, 2],
    ['of a queue of virtio', consoleGuest, 1],
    ['of fw_cfg', fwCfgGuest, 0],
  ])('%s: counts, devices and interrupts of the replay are equal', async (_, guest, interrupts) => {
    const run = await recorded(guest);
    expect(vectorsOf(run.text)).toEqual(new Array(interrupts).fill(Vector.toString(16)));
    expect(run.text).toMatch(/ PW 80 1 1\n/);
    const replay = replayOf(run.text);
    expect(replay.differences).toEqual([]);
    expect(replay).toMatchObject({ differed: 0, endsAlike: true, isCut: false, dma: { unrecorded: 0 } });
    expect(replay.dma.same).toBeGreaterThan(1);
    expect(replay.statistics.summary()).toEqual(run.machine.accelerator.statistics.summary());
    expect(replay.statistics.memoryRows()).toEqual(run.machine.accelerator.statistics.memoryRows());
    expect(replay.machine.guestErrors).toEqual(run.machine.guestErrors);
    expect(devicesOf(replay.machine)).toEqual(devicesOf(run.machine));
    expect(replay.outputs.every(({ isSame }) => isSame)).toBe(true);
    const [hvc] = replay.outputs.filter(({ backend }) => backend === 'hvc');
    expect(new TextDecoder().decode(hvc?.kept)).toBe(guest === consoleGuest ? Sent : '');
    expect(run.hvc.text).toBe(guest === consoleGuest ? Sent : '');
  });

  it.each(Array.from({ length: 12 }, (_, seed) => seed))(
    'of a guest that keeps no rule (seed %i): all of it is equal',
    async (seed) => {
      const run = await recorded(hostileDriver(new Random(seed)));
      const replay = replayOf(run.text);
      expect(replay.differences).toEqual([]);
      expect(replay).toMatchObject({ endsAlike: true, dma: { unrecorded: 0 } });
      expect(replay.statistics.summary()).toEqual(run.machine.accelerator.statistics.summary());
      expect(replay.machine.guestErrors).toEqual(run.machine.guestErrors);
      expect(devicesOf(replay.machine)).toEqual(devicesOf(run.machine));
      expect(replay.outputs.every(({ isSame }) => isSame)).toBe(true);
    },
  );

  it('in lines of at most 1,024 bytes, and of what is written a checksum', async () => {
    const { text } = await recorded(eduGuest);
    const sizes = linesOf(text, 'dma').map((line) => (line.split(' ')[4] ?? '').length / 2);
    expect(sizes).toEqual([1024, 1024, Length - 2048]);
    expect(linesOf(text, 'dma-write').map((line) => line.replace(/ \d+ /, ' T '))).toEqual([
      expect.stringMatching(/^# dma-write T 30000 3000 [0-9a-f]{8}$/),
    ]);
  });

  it('of which a changed byte is a difference, named by the transfer, or by what a back end gets', async () => {
    const edu = replayOf(changed((await recorded(eduGuest)).text, /^# dma \d+ 20000 .*$/m, otherByte));
    expect(edu.differences.map(({ what }) => what)).toEqual([
      'DMA writes other bytes to 0x30000 than recorded (3,000 bytes)',
    ]);
    const { text } = await recorded(consoleGuest);
    const console = replayOf(changed(text, /^# dma \d+ 24000 .*$/m, otherByte));
    expect(console.outputs.find(({ backend }) => backend === 'hvc')).toMatchObject({
      isSame: false,
      bytes: Sent.length,
    });
    const fwCfg = replayOf(changed((await recorded(fwCfgGuest)).text, /^(# dma \d+ 20000 0000000a000000)04/m, '$108'));
    expect(fwCfg.differences[0]?.what).toBe(
      'DMA writes 4 bytes at 0x30004, and in the recording it writes 4 bytes at 0x20000',
    );
  });

  it('of which a line that is missing, or that is too many, is a difference', async () => {
    const { text } = await recorded(eduGuest);
    const less = replayOf(changed(text, /^# dma \d+ 20400 .*\n/m, ''));
    expect(less.differences[0]?.what).toBe(
      'DMA reads 1,024 bytes at 0x20400, and in the recording it reads 952 bytes at 0x20800',
    );
    const none = replayOf(changed(text, /^# dma-write .*\n/m, ''));
    expect(none.differences[0]?.what).toBe('DMA writes 3,000 bytes at 0x30000, which is not in the recording');
    const more = replayOf(changed(text, /^# dma-write .*\n/m, (line) => line + line));
    expect(more.differences[0]?.what).toBe('DMA: 1 line of the recording did not come');
  });

  it('up to a limit; behind it transfers are counted, when it is recorded and when it is replayed', async () => {
    const enough = await recorded(eduGuest, { dmaLimit: Length });
    expect([enough.lost, replayOf(enough.text).dma]).toEqual([0, { same: 2, unrecorded: 0 }]);
    const over = await recorded(eduGuest, { dmaLimit: Length - 1 });
    expect([over.lost, linesOf(over.text, 'dma'), linesOf(over.text, 'dma-write')]).toEqual([2, [], []]);
    expect(replayOf(over.text)).toMatchObject({ differed: 0, endsAlike: true, dma: { same: 0, unrecorded: 2 } });
  });

  it('and where it has none, of a version before them, the replay counts what it cannot answer', async () => {
    const { text } = await recorded(eduGuest);
    const old = changed(text.replace(/^# dma.*\n/gm, ''), /,"dmaLimit":\d+/, '');
    expect(replayOf(old)).toMatchObject({ differed: 0, endsAlike: true, dma: { same: 0, unrecorded: 2 } });
  });

  it('and where it was cut off, it is as recorded up to there', async () => {
    for (const guest of [eduGuest, consoleGuest]) {
      const { text } = await recorded(guest);
      const marks = [...text.matchAll(/^# dma.*\n/gm)].map(({ index }) => index);
      for (const at of [...marks, ...marks.map((mark) => mark + 20), text.lastIndexOf('# end')]) {
        const replay = replayOf(text.slice(0, at));
        expect(replay.differences).toEqual([]);
        expect([replay.isCut, replay.outcome.reason]).toEqual([
          true,
          at > text.lastIndexOf(' HLT') ? 'halted' : 'finished',
        ]);
      }
    }
  });

  it('and a line that says what cannot be is refused', async () => {
    const { text } = await recorded(fwCfgGuest);
    for (const line of [
      ...[
        '# dma 1 20000',
        '# dma 1 20000 ',
        '# dma 1 20000 0',
        '# dma 1 20000 0g',
        '# dma 1 20000 00 00',
        '# dma x 1 00',
      ],
      ...['# dma 1  00', '# dma 1 123456789abcdef 00', `# dma 1 20000 ${'00'.repeat(1025)}`, '# dma '],
      ...['# dma-write 1 20000 4', '# dma-write 1 20000 x 01234567', '# dma-write 1 20000 4294967296 01234567'],
      ...['# dma-write 1 20000 4 0123456', '# dma-write 1 -1 4 01234567', '# dma-write 1 0 4 01234567 8'],
    ])
      expectRefusal(
        () => replayOf(changed(text, /^# dma .*$/m, line)),
        'trace-malformed',
        'line ',
        'a time, an address in hex',
      );
    for (const limit of ['-1', '1.5', '"1"', 'null'])
      expectRefusal(
        () => replayOf(changed(text, /"dmaLimit":\d+/, `"dmaLimit":${limit}`)),
        'recording-header-damaged',
        'dmaLimit',
      );
  });

  it('and whatever else becomes of its lines, the replay ends', async () => {
    const run = await recorded(consoleGuest);
    const lines = run.text.split('\n');
    const marks = [...lines.keys()].filter((index) => lines[index]?.startsWith('# dma'));
    for (let seed = 0; seed < 16; seed++) {
      const random = new Random(seed);
      const hostile = [...lines];
      for (let times = 1 + random.below(4); times > 0; times--) {
        const at = marks[random.below(marks.length)] ?? 0;
        const [line, other] = [hostile[at] ?? '', hostile[marks[random.below(marks.length)] ?? 0] ?? ''];
        const digit = line.length - 1 - random.below(Math.min(24, line.length - 12));
        hostile[at] = random.oneIn(3)
          ? other
          : random.oneIn(3)
            ? `${line}\n${other}`
            : `${line.slice(0, digit)}${'0123456789abcdef '[random.below(17)]}${line.slice(digit + 1)}`;
      }
      try {
        const { outcome } = replayOf(hostile.join('\n'));
        expect(outcome.operations).toBeLessThan(4_000_000);
      } catch (error) {
        if (!(error instanceof BackplaneError)) throw error;
        expect(error.code).toBe('trace-malformed');
      }
    }
  });

  it('and as a list of accesses it says how much a replay of them alone leaves out', async () => {
    const { text } = await recorded(eduGuest);
    const parser = new TraceParser('dma');
    parser.push(new TextEncoder().encode(text));
    const trace = parser.end();
    expect([trace.transfers, trace.run?.dma.transfers.length, trace.run?.dma.bytes.length]).toEqual([3, 4, Length]);
    expect(trace.header.filter((line) => line.startsWith('dma'))).toEqual([]);
  });
});

it('a program has its RAM in its operations: nothing of what a card transfers is recorded', async () => {
  const guest = guestProgram('driver', function* (g) {
    for (const [register, value] of [
      [0x10, Place.edu],
      [0x04, 6],
    ] as const) {
      yield* g.out32(0xcf8, 0x8000_2000 + register);
      yield* g.out32(0xcfc, value);
    }
    yield* g.store32(From, 0x0102_0304);
    for (const [register, value] of [
      [0x80, From],
      [0x88, EduBuffer],
      [0x90, 4],
      [0x98, 1],
    ] as const)
      yield* g.store32(Place.edu + register, value);
    yield* g.pause(200 * MILLISECOND);
  });
  const machine = Machine.create(definition, { backends: [ringBuffer({ id: 'hvc' })] });
  const lines: string[] = [];
  const recording = recordRun(machine, guest, { write: (line) => lines.push(line) });
  recording.end(machine.run(recording.guests));
  const text = lines.join('');
  expect(text).not.toMatch(/^# dma|dmaLimit/m);
  const replay = replayOf(text);
  expect(replay).toMatchObject({ differed: 0, dma: { same: 0, unrecorded: 0 } });
  for (const one of [machine, replay.machine])
    expect([...one.device(Edu).buffer.subarray(0, 5)]).toEqual([4, 3, 2, 1, 0]);
});
