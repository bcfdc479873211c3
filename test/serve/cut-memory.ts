/** Clients that make the file of their memory shorter, in a process of its own: a map of such a file would end it. Prints what happens. */
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Edu } from '../../devices/edu.ts';
import { use } from '../../sdk/index.ts';
import { serve } from '../../sdk/serve/node/serve.ts';
import * as client from './client.ts';
import { bytesOf, clientLibc, fdOf, SocketClient } from './native-client.ts';

/** What the script prints for each kind of file, as JSON. Results of transfers are those of `MemTxResult`. */
export interface CutMemory {
  readonly kind: string;
  readonly before: { readonly write: number; readonly read: number; readonly byte: number };
  /** Whether the client could make the file shorter. */
  readonly isCut: boolean;
  readonly read: number;
  readonly index: number;
  /** What the device answers then. */
  readonly identity: number;
}

const Size = 0x4000;
const Place = 0x3008;
const folder = mkdtempSync(join(tmpdir(), 'backplane-serve-'));
const path = join(folder, 'edu.sock');
const libc = clientLibc();
const one = await serve(use(Edu), { socket: path });

function sized(fd: number): number {
  ftruncateSync(fd, Size);
  return fd;
}

const kinds: Readonly<Record<string, () => number>> = {
  'sealed memfd': () => libc.sealedMemfd('ram', Size),
  memfd: () => sized(libc.memfd('ram')),
  file: () => sized(openSync(join(folder, 'ram'), 'w+')),
  'file that is appended to': () => sized(openSync(join(folder, 'appended'), 'a+')),
};

async function cut(kind: string, fd: number): Promise<CutMemory> {
  const guest = await SocketClient.connect(path);
  await guest.ask(client.version());
  libc.send(fdOf(guest.socket), bytesOf(client.map(0n, BigInt(Size))), [fd]);
  const { errno } = await guest.next();
  if (errno !== 0) throw new Error(`${kind}: errno ${errno}`);
  await guest.ask(client.write(7, 4, 6, 2));
  const { busMaster } = one.device;
  const target = new Uint8Array(1);
  const write = busMaster.write(Place, Uint8Array.of(0x5a));
  const before = { write, read: busMaster.read(Place, target), byte: target[0] as number };
  let isCut = true;
  try {
    ftruncateSync(fd, 0);
  } catch {
    isCut = false;
  }
  const read = busMaster.read(Place, target);
  const index = busMaster.loadIndex(Place);
  const identity = Number((await guest.ask(client.read(0, 0, 4))).value);
  closeSync(fd);
  guest.close();
  await one.whenDetached();
  return { kind, before, isCut, read, index, identity };
}

const results: CutMemory[] = [];
for (const [kind, open] of Object.entries(kinds)) results.push(await cut(kind, open()));
console.log(JSON.stringify(results));
await one.close();
rmSync(folder, { recursive: true });
