import { readdirSync, readFileSync } from 'node:fs';
import { collectedHeap } from '../collected-heap.ts';

/** What a process holds that serves a device. */
export interface Held {
  readonly descriptors: number;
  readonly maps: number;
  /** Maps of the clients' memory among them. */
  readonly mapsOfClients: number;
  /** Bytes of resident memory. */
  readonly resident: number;
}

const mapsHeld = (): readonly string[] => readFileSync('/proc/self/maps', 'utf8').trimEnd().split('\n');

/** Maps of memory that clients share: no other file without a name is mapped. */
export const mapsOfClients = (maps = mapsHeld()): number => maps.filter((line) => line.includes('/memfd:')).length;

/** What compilers and collectors of V8 map for a moment is gone in one of so many readings. */
const Readings = 10;

/** What this process holds now, after forced collections and the callbacks that follow them: the fewest maps of some readings. */
export async function held(): Promise<Held> {
  let maps: readonly string[] = [];
  for (let reading = 0; reading < Readings; reading++) {
    await collectedHeap();
    const now = mapsHeld();
    if (reading === 0 || now.length < maps.length) maps = now;
  }
  return {
    descriptors: readdirSync('/proc/self/fd').length,
    maps: maps.length,
    mapsOfClients: mapsOfClients(maps),
    resident: process.memoryUsage().rss,
  };
}
