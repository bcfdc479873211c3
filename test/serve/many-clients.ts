/** Clients one after the other, in a process where nothing else is. Prints what the process holds after some, and after all, of them. */
import { closeSync, ftruncateSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Edu } from '../../devices/edu.ts';
import { use } from '../../sdk/index.ts';
import { serve } from '../../sdk/serve/node/serve.ts';
import * as client from './client.ts';
import { type Held, held, mapsOfClients } from './held.ts';
import { bytesOf, clientLibc, fdOf, SocketClient } from './native-client.ts';

/** What the script prints, as JSON. */
export interface ManyClients {
  readonly before: Held;
  readonly after: Held;
  /** Maps of the memory of one client, while it was there: the most of any. */
  readonly most: number;
}

const FirstClients = 10;
const clients = Number(process.argv[2]);
const folder = mkdtempSync(join(tmpdir(), 'backplane-serve-'));
const path = join(folder, 'edu.sock');
const libc = clientLibc();
const one = await serve(use(Edu), { socket: path });

/** What the current client does: said where the process is ended because it stands still. */
let step = '';
let attached = 0;
process.on('SIGTERM', () => {
  console.error(`client ${attached} of ${clients}: ${step}; ${mapsOfClients()} maps`);
  process.exit(1);
});

/** Attaches a client with memory and an interrupt, and lets it die. Answers how many maps its memory had. */
async function attachAndDie(): Promise<number> {
  attached++;
  step = 'connects';
  const guest = await SocketClient.connect(path);
  step = 'waits for the answer to its version';
  await guest.ask(client.version());
  step = 'maps its memory';
  const memory = libc.sealedMemfd('ram', 0x10_0000);
  const unsealed = libc.memfd('more ram');
  const irq = libc.eventfd();
  ftruncateSync(unsealed, 0x10_0000);
  await asked(guest, client.map(0n, 0x10_0000n), memory);
  await asked(guest, client.map(0x10_0000n, 0x10_0000n), unsealed);
  await asked(guest, client.setIrqs(0x24, 0, 0, 1), irq);
  // Half a message, with a descriptor that nobody takes.
  libc.send(fdOf(guest.socket), bytesOf(client.map(0n, 0x1000n)).subarray(0, 20), [memory]);
  closeSync(memory);
  closeSync(unsealed);
  closeSync(irq);
  const maps = mapsOfClients();
  guest.close();
  step = 'has died, and the server has not noticed';
  await one.whenDetached();
  return maps;
}

async function asked(guest: SocketClient, message: DataView, descriptor: number): Promise<void> {
  step = `waits for the answer to command ${message.getUint16(2, true)}`;
  libc.send(fdOf(guest.socket), bytesOf(message), [descriptor]);
  const { errno } = await guest.next();
  if (errno !== 0) throw new Error(`errno ${errno}`);
}

for (let count = 0; count < FirstClients; count++) await attachAndDie();
const before = await held();
let most = 0;
for (let count = FirstClients; count < clients; count++) most = Math.max(most, await attachAndDie());
const after = await held();
console.log(JSON.stringify({ before, after, most }));
await one.close();
rmSync(folder, { recursive: true });
