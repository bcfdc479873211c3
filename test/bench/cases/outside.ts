import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BlockBackend, openBackends } from 'backplane/backend';
import { isapc } from '../../../machines/index.ts';
import { guestProgram } from '../../../sdk/accelerator/index.ts';
import { rawImage, socket } from '../../../sdk/cli/node.ts';
import {
  defineMachine,
  defineOptions,
  device,
  IsaDevice,
  KiB,
  MiB,
  type OptionsOf,
  option,
  options,
  portRegion,
  use,
} from '../../../sdk/index.ts';
import { Machine } from '../../../sdk/machine/index.ts';
import { pump } from '../../../sdk/machine/pump.ts';
import type { BenchCase, Subject } from '../bench-case.ts';

const table =
  'The outside: bytes of a socket and of an image through a device, against the same bytes without a machine';

const Com1 = { Data: 0x3f8, InterruptEnable: 0x3f9, ModemControl: 0x3fc, LineStatus: 0x3fd } as const;
const Status = { DataReady: 0x01, HolderEmpty: 0x20 } as const;
const Vector = 0x24;
/** The first interrupt controller with vectors from 0x20 on, and its line 4 alone; COM1 interrupts when a byte has come. */
const setup = [
  [0x20, 0x11],
  [0x21, 0x20],
  [0x21, 0x04],
  [0x21, 0x01],
  [0x21, 0xef],
  [Com1.InterruptEnable, 0x01],
  [Com1.ModemControl, 0x08],
] as const;

/** Sleeps, and echoes what comes to COM1. */
const echo = guestProgram('echo', function* (guest) {
  for (const [port, value] of setup) yield* guest.out8(port, value);
  guest.onInterrupt(Vector, function* () {
    while ((yield* guest.in8(Com1.LineStatus)) & Status.DataReady) {
      const byte = yield* guest.in8(Com1.Data);
      while (((yield* guest.in8(Com1.LineStatus)) & Status.HolderEmpty) === 0) yield* guest.pause(10_000);
      yield* guest.out8(Com1.Data, byte);
    }
    yield* guest.out8(0x20, 0x20);
  });
  for (;;) {
    yield* guest.sti();
    yield* guest.hlt();
  }
});

/** Where a run listens and echoes, and where a plain server of Node does. */
interface Echoes {
  readonly machine: string;
  readonly plain: string;
  /** The machine runs meanwhile, and only then: it would take its share of Node's loop. */
  running(work: () => Promise<void>): Promise<void>;
  end(): Promise<void>;
}

async function bothEchoes(): Promise<Echoes> {
  const folder = mkdtempSync(join(tmpdir(), 'backplane-bench-'));
  const [path, plain] = [join(folder, 'machine'), join(folder, 'plain')];
  const backends = await openBackends([socket({ id: 'serial0', path, server: true, wait: false })]);
  const machine = Machine.create(isapc, { backends, deviceOptions: { com1: { instant: true } } });
  machine.load(echo, {});
  const server = createServer((client) => client.pipe(client));
  await new Promise<void>((resolve) => server.listen(plain, resolve));
  return {
    machine: path,
    plain,
    async running(work) {
      const ending = new AbortController();
      const run = pump(machine, undefined, { signal: ending.signal });
      await work();
      ending.abort();
      await run;
    },
    async end() {
      await machine.backends.close();
      await closed(server);
      rmSync(folder, { recursive: true });
    },
  };
}

const closed = (server: Server): Promise<void> => new Promise((resolve) => server.close(() => resolve()));

const connected = (path: string): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const client = connect({ path }, () => resolve(client)).on('error', reject);
  });

/** Sends these bytes and waits until as many have come back. */
function thereAndBack(client: Socket, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    let left = bytes.length;
    const count = (data: Uint8Array) => {
      left -= data.length;
      if (left > 0) return;
      client.off('data', count);
      resolve();
    };
    client.on('data', count);
    client.write(bytes);
  });
}

const Sent = Uint8Array.from({ length: 16 * KiB }, (_, at) => at);

async function throughUart(): Promise<Subject> {
  const echoes = await bothEchoes();
  const [client, other] = [await connected(echoes.machine), await connected(echoes.plain)];
  return {
    operations: Sent.length,
    run: () => echoes.running(() => thereAndBack(client, Sent)),
    baseline: () => thereAndBack(other, Sent),
    async end() {
      client.destroy();
      other.destroy();
      await echoes.end();
    },
  };
}

const Clients = 200;

async function comeAndGo(path: string): Promise<void> {
  for (let index = 0; index < Clients; index++) {
    const client = await connected(path);
    await thereAndBack(client, Sent.subarray(0, 16));
    // One that only ends its own direction is waited for: it may read an answer.
    client.destroy();
  }
}

async function manyClients(): Promise<Subject> {
  const echoes = await bothEchoes();
  return {
    operations: Clients,
    run: () => echoes.running(() => comeAndGo(echoes.machine)),
    baseline: () => comeAndGo(echoes.plain),
    end: () => echoes.end(),
  };
}

const readerPorts = portRegion({ name: 'reader', base: 0x320, size: 1, accessSizes: [1] });
const readerOptions = defineOptions({ drive: option.backend(BlockBackend, { description: 'what it reads' }) });
const Piece = 64 * KiB;
const Pieces = MiB / Piece;

/** Reads the piece of its image that the guest names. */
@device({ type: 'piece-reader', description: 'Reads pieces of an image' })
class PieceReader extends IsaDevice {
  private readonly buffer = new Uint8Array(Piece);

  constructor(@options(readerOptions) private readonly given: OptionsOf<typeof readerOptions>) {
    super();
  }

  @readerPorts.write(0)
  writePiece(index: number): void {
    this.given.drive.read(index * Piece, this.buffer);
  }
}

async function throughImage(): Promise<Subject> {
  const folder = mkdtempSync(join(tmpdir(), 'backplane-bench-'));
  const file = join(folder, 'disk.img');
  writeFileSync(file, Buffer.alloc(MiB, 0x5a));
  const devices = [...isapc.devices, use(PieceReader, { options: { drive: 'd0' } })];
  const board = defineMachine({ ...isapc, name: 'pieces', devices });
  const machine = Machine.create(board, { backends: await openBackends([rawImage({ id: 'd0', file })]) });
  const guest = guestProgram('reader', function* (cpu) {
    for (let index = 0; index < Pieces; index++) yield* cpu.out8(0x320, index);
  });
  const descriptor = openSync(file, 'r');
  const buffer = new Uint8Array(Piece);
  return {
    operations: MiB,
    run: () => machine.run(guest),
    baseline() {
      for (let index = 0; index < Pieces; index++) readSync(descriptor, buffer, 0, Piece, index * Piece);
    },
    async end() {
      closeSync(descriptor);
      await machine.backends.close();
      rmSync(folder, { recursive: true });
    },
  };
}

export const cases: readonly BenchCase[] = [
  { table, name: 'a byte through a 16550A on a socket, and back', throughput: 'bytes', prepare: throughUart },
  { table, name: 'a byte of 1 MiB of an image, 64 KiB at a time', throughput: 'bytes', prepare: throughImage },
  { table, name: 'one of 200 clients that come, are echoed and go', prepare: manyClients },
];
