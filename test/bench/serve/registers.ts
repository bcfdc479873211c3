import { once } from 'node:events';
import { connect } from 'node:net';
import { type QemuProgram, QtestClient } from '../../../sdk/testing/qemu/index.ts';
import { median } from '../median.ts';
import type { FigureTable, Series } from './figures.ts';
import { outputOf, type Processes } from './processes.ts';
import type { ServeBench } from './serve-bench.ts';

const Slot = 5;
const Bar = 0xe000_0000;
const Liveness = Bar + 4;
const Identification = 0x0100_00ed;
const InARow = 32;
const UnmeasuredRounds = 1;

const Own = "QEMU's own edu";
const Yardstick = 'the C server';
const Ours = 'backplane serve';

/** Where the program in C measures: QEMU's qtest, or a server itself. */
interface Place {
  readonly side: string;
  readonly qtest: string;
  /** Another device of the same server, to which no QEMU is attached. */
  readonly direct: string | undefined;
}

interface Access {
  readonly what: string;
  readonly turns: number;
  /** Accesses of a turn; the time of one is printed. */
  readonly times: number;
  /** Words of the program in C; undefined: this place has no such access. */
  readonly words: (place: Place, turns: string) => readonly string[] | undefined;
}

const read = `readl 0x${Liveness.toString(16)}`;
const write = `writel 0x${Liveness.toString(16)} 0x5a5a5a5a`;
const byQtest =
  (...lines: string[]): Access['words'] =>
  ({ qtest }, turns) => ['qtest', qtest, turns, ...lines];
const directly =
  (what: 'READS' | 'WRITES'): Access['words'] =>
  ({ direct }, turns) =>
    direct === undefined ? undefined : ['vfio-user', direct, turns, what];

const accesses: readonly Access[] = [
  { what: 'read', turns: 2000, times: 1, words: byQtest(read, '1') },
  { what: 'posted write', turns: 2000, times: 1, words: byQtest(write, '1') },
  { what: 'posted write, read behind it', turns: 1000, times: 1, words: byQtest(write, '1', read, '1') },
  { what: `read, ${InARow} in a row, each`, turns: 200, times: InARow, words: byQtest(read, String(InARow)) },
  { what: 'read, without QEMU', turns: 2000, times: 1, words: directly('READS') },
  { what: 'posted write, read behind it, without QEMU', turns: 2000, times: 1, words: directly('WRITES') },
];

/** A register of edu: in QEMU, in a server in C, and in `serve`. */
export async function measureRegisters(bench: ServeBench): Promise<FigureTable> {
  const { processes, rounds, progress, qemu } = bench;
  const client = processes.compiled('client');
  const places = await startPlaces(bench);
  const series = accesses.flatMap((access) =>
    places.map((place) => ({ access, place, series: { what: access.what, side: place.side, rounds: [] as number[] } })),
  );
  for (let round = -UnmeasuredRounds; round < rounds; round++) {
    progress(`registers, ${round < 0 ? 'not measured' : `round ${round + 1} of ${rounds}`}`);
    for (const { access, place, series: own } of series) {
      const words = access.words(place, String(access.turns));
      if (words === undefined) continue;
      const nanoseconds = JSON.parse(await outputOf(client, words)) as number[];
      if (round >= 0) own.rounds.push(median(nanoseconds) / access.times / 1000);
    }
  }
  for (const { qtest } of places) await identify(qtest);
  return {
    name: 'registers',
    title: `A register of edu. By qtest to QEMU ${qemu.version}, whose processor stands still; the host's time`,
    unit: 'us',
    digits: 1,
    series: series.map(({ series: own }): Series => own).filter((own) => own.rounds.length > 0),
    goals: ['read', 'posted write'].flatMap((what) => [
      { what, side: Ours, limit: 40 },
      { what, side: Ours, limit: 1.5, of: Yardstick },
    ]),
  };
}

/** Three QEMUs, each with an edu, and what serves the edus. */
async function startPlaces({ processes, qemu, command }: ServeBench): Promise<Place[]> {
  const server = processes.compiled('server');
  const path = (name: string): string => processes.path(`${name}.sock`);
  for (const name of ['c', 'c-direct']) await processes.start(server, [path(name)], [path(name)]);
  const served = ['ours', 'ours-direct'].map(path);
  const devices = served.flatMap((socket) => ['-device', 'edu,dma_mask=0xffffffff', '-socket', socket]);
  await processes.start(command, ['serve', ...devices], served);
  return [
    { side: Own, qtest: await startQemu(processes, qemu.program, 'own', { driver: 'edu' }), direct: undefined },
    {
      side: Yardstick,
      qtest: await startQemu(processes, qemu.program, 'c', client(path('c'))),
      direct: path('c-direct'),
    },
    {
      side: Ours,
      qtest: await startQemu(processes, qemu.program, 'ours', client(path('ours'))),
      direct: path('ours-direct'),
    },
  ];
}

const client = (path: string): object => ({ driver: 'vfio-user-pci', socket: { type: 'unix', path } });

/** Answers the path of its qtest socket. Each connection to it may be followed by another one. */
async function startQemu(processes: Processes, qemu: QemuProgram, name: string, device: object): Promise<string> {
  const qtest = processes.path(`${name}.qtest`);
  const words = [
    ...['-machine', 'q35,memory-backend=ram', '-m', '256M', '-accel', 'tcg', '-S'],
    ...['-object', 'memory-backend-memfd,id=ram,size=256M,share=on'],
    ...['-nodefaults', '-display', 'none', '-monitor', 'none'],
    ...['-qtest', `unix:${qtest},server=on,wait=off`, '-qtest-log', 'none'],
    ...['-device', JSON.stringify({ ...device, addr: `${Slot}.0` })],
  ];
  await processes.start(qemu, words, [qtest]);
  await identify(qtest);
  return qtest;
}

/** Places the BAR, and makes sure that an edu is behind it, whose register keeps what is written. */
async function identify(path: string): Promise<void> {
  const socket = connect(path);
  await once(socket, 'connect');
  const qtest = new QtestClient(socket);
  try {
    await writeConfig(qtest, 0x10, Bar);
    await writeConfig(qtest, 0x04, 7);
    await qtest.command(`writel 0x${Liveness.toString(16)} 0x12345678`);
    const [id, liveness] = [
      Number(await qtest.command(`readl 0x${Bar.toString(16)}`)),
      Number(await qtest.command(read)),
    ];
    if (id === Identification && liveness === 0xedcb_a987) return;
    throw new Error(`${path}: the card answers ${id.toString(16)} and ${liveness.toString(16)}, and is no edu.`);
  } finally {
    qtest.close();
  }
}

async function writeConfig(qtest: QtestClient, offset: number, value: number): Promise<void> {
  await qtest.out32(0xcf8, (0x8000_0000 | (Slot << 11) | offset) >>> 0);
  await qtest.out32(0xcfc, value);
}
