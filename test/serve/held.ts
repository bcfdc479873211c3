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

/** What this process holds now, after forced collections and the callbacks that follow them. */
export async function held(): Promise<Held> {
  await collectedHeap();
  const maps = mapsHeld();
  return {
    descriptors: readdirSync('/proc/self/fd').length,
    maps: maps.length,
    mapsOfClients: mapsOfClients(maps),
    resident: process.memoryUsage().rss,
  };
}
