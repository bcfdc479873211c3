import { empty } from '../../machines/index.ts';
import { TraceParser } from '../../sdk/accelerator/index.ts';
import type { CharHost, InboxEvent } from '../../sdk/backend/index.ts';
import { memoryImage, ringBuffer } from '../../sdk/backend/memory-backends.ts';
import { defineMachine, KiB, MiB, use } from '../../sdk/index.ts';
import { recordRun } from '../../sdk/recording/recorder.ts';
import { replayRun } from '../../sdk/recording/replay.ts';
import { BackplaneError, type GuestProgram, guestProgram, Machine, simulatedAccelerator } from '../../sdk/runtime.ts';
import { Random } from '../../sdk/testing/random.ts';
import { Disk, Line } from '../backend/uart.ts';

const board = defineMachine({
  ...empty,
  name: 'fuzzed',
  devices: [
    use(Line, { id: 'line0', options: { chardev: 'c0' } }),
    use(Disk, { id: 'disk0', options: { drive: 'd0' } }),
  ],
});

export interface InboxFuzz {
  /** Host time, or so many cases. */
  readonly until: (cases: number) => boolean;
  readonly seed: number;
  readonly onProgress?: (cases: number) => void;
}

export interface InboxFuzzResult {
  readonly cases: number;
  readonly refused: number;
  readonly replayed: number;
  /** What was thrown that is no refusal, or took too long, with the seed that shows it again. */
  readonly problem: string | undefined;
}

/** A case may take so long; a hostile recording lets many timers expire. */
const LongestCase = 20_000;
const timerLimit = 2000;

/** Recordings that were damaged or forged, hostile events in the inbox, and transports that keep no rule: refusals, and nothing else. */
export async function fuzzInbox({ until, seed, onProgress }: InboxFuzz): Promise<InboxFuzzResult> {
  const counts = { cases: 0, refused: 0, replayed: 0 };
  for (; !until(counts.cases); counts.cases++) {
    const own = seed + counts.cases;
    const random = new Random(own);
    const begun = performance.now();
    try {
      if (random.oneIn(4)) flood(random);
      else replay(random.oneIn(3) ? forged(random) : damaged(recorded(random), random));
      counts.replayed++;
    } catch (error) {
      if (!(error instanceof BackplaneError)) return { ...counts, problem: `seed ${own}: ${(error as Error).stack}` };
      counts.refused++;
    }
    const took = performance.now() - begun;
    if (took > LongestCase) return { ...counts, problem: `seed ${own}: it took ${Math.round(took)} ms` };
    onProgress?.(counts.cases);
    // Machines that are gone are let go of completely when the present job ends.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { ...counts, problem: undefined };
}

/** A guest that echoes, reads a disk and waits, for so many operations. */
const guestOf = (seed: number, operations: number): GuestProgram =>
  guestProgram('echo', function* (guest) {
    const random = new Random(seed);
    for (let done = 0; done < operations; done++) {
      const what = random.below(8);
      if (what < 3) yield* guest.in8(0x3f8 + random.below(4));
      else if (what < 4) yield* guest.out8(0x3f8, random.below(256));
      else if (what < 5) yield* guest.out8(0x170 + random.below(4), random.below(256));
      else if (what < 6) yield* guest.in8(0x170 + random.below(4));
      else if (what < 7) yield* guest.repIns8(0x3f8, random.below(9), { destination: 0x1000 });
      else yield* guest.pause(random.below(5000));
    }
  });

function machineOf(seed: number) {
  const ring = ringBuffer({ id: 'c0', size: 4 * KiB });
  const disk = memoryImage({ id: 'd0', bytes: new Uint8Array(10_000).fill(7) });
  const machine = Machine.create(board, {
    ram: 64 * KiB,
    accelerator: simulatedAccelerator({ seed }),
    backends: [ring, disk],
  });
  return { ring, machine };
}

function recorded(random: Random): string {
  const { ring, machine } = machineOf(random.bits());
  const lines: string[] = [];
  const guest = guestOf(random.bits(), 20 + random.below(200));
  const recording = recordRun(machine, guest, { write: (line) => lines.push(line) }, { timerLimit });
  machine.load(recording.guests, {});
  machine.accelerator.begin({ timerLimit });
  for (;;) {
    if (random.oneIn(20)) machine.pause();
    const end = machine.accelerator.runSlice({ operations: 1 + random.below(40) });
    if (typeof end !== 'string') {
      machine.backends.flush();
      if (!random.oneIn(4)) recording.end(end);
      break;
    }
    ring.send(Array.from({ length: random.below(9) }, () => random.below(256)));
  }
  machine.dispose();
  return lines.join('');
}

function replay(text: string): void {
  const parser = new TraceParser('fuzzed', 8 * MiB);
  parser.push(new TextEncoder().encode(text));
  const trace = parser.end();
  if (trace.run === undefined) return;
  const { machine } = replayRun(trace, { definition: board, timerLimit, keepOutput: 1000 });
  machine.dispose();
}

const numbers = [
  '0',
  '1',
  '-1',
  '255',
  '65536',
  '4294967296',
  '9007199254740993',
  '1e400',
  '0x10',
  '99999999999999999999',
  '',
];
const words = [
  'IN',
  'OUT',
  'BLK',
  'ERR',
  'CPU',
  'SR',
  'SW',
  '+',
  'INT',
  'FAULT',
  'START',
  'HLT',
  'PAUSE',
  'receive',
  'sent',
  'PW',
];

/** One to a few lines, words or bytes are changed, moved, doubled or left out. */
function damaged(text: string, random: Random): string {
  const lines = text.split('\n');
  for (let times = 1 + random.below(4); times > 0; times--) {
    const at = random.below(lines.length);
    const line = lines[at] ?? '';
    const parts = line.split(' ');
    const part = random.below(parts.length);
    switch (random.below(9)) {
      case 0:
        lines.splice(at, 1);
        break;
      case 1:
        lines.splice(at, 0, lines[random.below(lines.length)] ?? '');
        break;
      case 2:
        parts[part] = random.pick(numbers);
        lines[at] = parts.join(' ');
        break;
      case 3:
        parts[part] = random.pick(words);
        lines[at] = parts.join(' ');
        break;
      case 4:
        lines.splice(at, 0, hostileLine(random));
        break;
      case 5:
        lines[at] = line.slice(0, random.below(line.length + 1));
        break;
      case 6:
        lines[at] = line.replace(/\d+/, random.pick(numbers));
        break;
      case 7:
        lines[at] = line.replace(
          /"(\w+)":[^,{}[\]]*/,
          `"$1":${random.pick(['null', '{}', '[]', '"x"', '1e300', '-1', 'true'])}`,
        );
        break;
      default: {
        const byte = random.below(line.length + 1);
        lines[at] = line.slice(0, byte) + String.fromCharCode(random.below(256)) + line.slice(byte + 1);
      }
    }
  }
  return random.oneIn(10) ? lines.join('\n').slice(0, random.below(text.length)) : lines.join('\n');
}

function hostileLine(random: Random): string {
  const who = random.pick(['c0', 'd0', 'line0', '', '%', '%zz', '__proto__', 'constructor', 'c1']);
  const what = random.pick([
    `IN ${random.pick(numbers)} receive ${who} ${'41'.repeat(random.below(6000))}`,
    `IN ${random.below(300)} receive ${who} ${'41'.repeat(random.below(60))}`,
    `IN ${random.below(300)} sent ${who} ${random.pick(numbers)}`,
    `IN ${random.below(300)} ${random.pick(['open', 'close', 'break', 'toString'])} ${who}`,
    `IN ${random.below(300)} option ${who} chardev ${random.pick(['%22x%22', 'null', '{', '%7B%7D', '1'])}`,
    `BLK ${who} ${random.pick(numbers)} ${random.pick(['zero', 'AAAA', '=', ''])}`,
    `ERR ${who} ${random.below(9)} ${random.pick(['input-output', 'no-space', 'toString'])}`,
    `OUT ${who} ${random.pick(numbers)} ${random.pick(['00000000', 'zz'])}`,
    `INT ${random.below(300).toString(16)}`,
    `SR ${random.below(70000).toString(16)} 1 ${random.pick(numbers)} - >${random.bits().toString(16)}`,
    `PAUSE ${random.pick(numbers)}`,
  ]);
  return `${random.oneIn(3) ? random.pick(numbers) : random.below(100_000)} ${what}`;
}

/** A header as it should be, and nothing but hostile lines. */
function forged(random: Random): string {
  const { machine } = machineOf(1);
  const lines: string[] = [];
  recordRun(machine, guestOf(1, 1), { write: (line) => lines.push(line) });
  machine.dispose();
  const count = random.below(30);
  let time = 0;
  for (let line = 0; line < count; line++) {
    time += random.below(1000);
    const hostile = hostileLine(random);
    lines.push(`${random.oneIn(8) ? hostile : hostile.replace(/^\S+/, String(time))}\n`);
  }
  if (random.oneIn(2))
    lines.push(
      `# end ${random.below(100)} operations at ${random.below(99_999)} ns: ${random.pick(['paused', 'finished', 'operation-limit', 'x'])}\n`,
    );
  return lines.join('');
}

/** A transport that says what it likes, whenever it likes. */
function flood(random: Random): void {
  let host: CharHost | undefined;
  const transport = {
    isImmediate: random.oneIn(2),
    startsClosed: random.oneIn(2),
    start(given: CharHost) {
      host = given;
    },
    write(bytes: Uint8Array) {
      if (random.oneIn(2)) host?.sent(random.oneIn(3) ? random.bits() : bytes.length);
      if (random.oneIn(9)) throw new BackplaneError('input-output', 'The other side has gone.');
    },
    setReceiving() {
      if (random.oneIn(9)) throw new BackplaneError('input-output', 'The other side has gone.');
    },
    close() {},
    describe: () => 'hostile',
  };
  const backends = [
    { id: 'c0', type: 'char', kind: 'hostile', open: () => transport } as const,
    memoryImage({ id: 'd0', bytes: new Uint8Array(100) }),
  ];
  const machine = Machine.create(board, { ram: 64 * KiB, backends });
  try {
    machine.load([guestOf(random.bits(), 300)], {});
    machine.accelerator.begin({ timerLimit });
    for (let slice = 0; slice < 500; slice++) {
      for (let events = random.below(6); events > 0; events--) hostEvent(host, machine, random);
      if (typeof machine.accelerator.runSlice({ operations: 1 + random.below(20) }) !== 'string') break;
      machine.backends.flush();
    }
    const waiting = machine.inbox.pending.reduce(
      (sum, { event }) => sum + (event.kind === 'receive' ? event.bytes.length : 0),
      0,
    );
    if (waiting > 2 * MiB || machine.inbox.pending.length > 10_000)
      throw new Error(`the inbox holds ${waiting} bytes in ${machine.inbox.pending.length} events`);
  } finally {
    machine.dispose();
  }
}

function hostEvent(host: CharHost | undefined, machine: Machine, random: Random): void {
  const acts = [
    () => host?.received(new Uint8Array(random.pick([0, 1, 10, 5000, 200_000]))),
    () => host?.sent(random.pick([0, 1, 70_000, random.bits()])),
    () => host?.opened(),
    () => host?.closed(),
    () => host?.break(),
    () => host?.failed('a message'),
    () => post(machine, random),
  ];
  random.pick(acts)();
}

function post(machine: Machine, random: Random): void {
  const events: InboxEvent[] = [
    { kind: 'receive', backend: random.pick(['c0', 'd0', 'x']), bytes: new Uint8Array(random.below(100)) },
    { kind: 'sent', backend: 'c0', count: random.bits() },
    { kind: 'close', backend: 'c0' },
  ];
  try {
    machine.inbox.post(random.pick(events), random.below(400), BigInt(random.below(1_000_000)));
  } catch (error) {
    if (!(error instanceof BackplaneError)) throw error;
  }
}
