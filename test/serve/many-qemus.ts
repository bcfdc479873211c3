/** Virtual machines of QEMU one after the other, in a process where nothing else is. Prints what the process holds after some, and after all. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Edu } from '../../devices/edu.ts';
import { use } from '../../sdk/index.ts';
import { serve } from '../../sdk/serve/node/serve.ts';
import { type Held, held, mapsOfClients } from './held.ts';
import { attachGuest, type QtestGuest } from './qemu-guest.ts';

/** What the script prints, as JSON. */
export interface ManyQemus {
  readonly before: Held;
  readonly after: Held;
  /** Maps of guest memory while a machine was there: the fewest of any. */
  readonly fewest: number;
  /** Interrupts that reached a machine. */
  readonly interrupts: number;
}

const Bar = 0xe000_0000;
const [From, To, Message] = [0x20_0000, 0x30_0000, 0x310_0000];
const first = Number(process.argv[2]);
const all = Number(process.argv[3]);
const folder = mkdtempSync(join(tmpdir(), 'backplane-serve-'));
const served = await serve(use(Edu, { options: { dmaMask: 0xffff_ffffn } }), { socket: join(folder, 'edu.sock') });
let fewest = Number.POSITIVE_INFINITY;

/** A driver moves memory to the card and back, and is told of it by a message. Then the machine is switched off. */
async function useAndQuit(guest: QtestGuest): Promise<void> {
  await guest.writeConfig(0x10, Bar);
  await guest.writeConfig(4, 7, 2);
  const capability = await guest.capability(5);
  await guest.writeConfig(capability + 4, Message);
  await guest.writeConfig(capability + 12, 0xabcd, 2);
  await guest.writeConfig(capability + 2, 0x81, 2);
  await guest.write(From, 0x1122_3344_5566_7788n, 8);
  await transfer(guest, From, 0x4_0000, 1);
  await transfer(guest, 0x4_0000, To, 3 | 4);
  await guest.until(async () => (await guest.read(Message)) === 0xabcdn);
  const moved = await guest.read(To, 8);
  if (moved !== 0x1122_3344_5566_7788n) throw new Error(`0x${moved.toString(16)} came back`);
  fewest = Math.min(fewest, mapsOfClients());
  await guest.qemu.qmp.execute('quit');
  await served.whenDetached();
}

async function transfer(guest: QtestGuest, from: number, to: number, command: number): Promise<void> {
  for (const [offset, value] of [
    [0x80, from],
    [0x88, to],
    [0x90, 8],
    [0x98, command],
  ] as const)
    await guest.write(Bar + offset, value, 8);
  await guest.until(async () => ((await guest.read(Bar + 0x98)) & 1n) === 0n);
}

for (let count = 0; count < first; count++) await attachGuest(served, {}, useAndQuit);
const before = await held();
for (let count = first; count < all; count++) await attachGuest(served, {}, useAndQuit);
const after = await held();
console.log(JSON.stringify({ before, after, fewest, interrupts: served.counts.interrupts }));
await served.close();
rmSync(folder, { recursive: true });
