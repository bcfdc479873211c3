import type { Json, JsonReader } from '../../base/json-reader.ts';
import { hex } from '../../base/text.ts';
import { type ExitStatistics, UserspaceCounters } from '../exit-statistics.ts';
import { KernelCounters, type KernelExitStatistics } from './kernel-exit-statistics.ts';

/**
 * A snapshot counts no further: at ten million a second, that is twenty days. The sum over all processors stays exact, with
 * room to count on. What a machine has beyond is left out when it is saved.
 */
const LargestCount = 2 ** 44;

export const readCount = (reader: JsonReader): number => reader.integer(0, LargestCount);
export const savedCount = (count: number): number => Math.min(count, LargestCount);

const MostRows = 200_000;
const elsewhere = 'elsewhere';

/** Every counter, and `0x70:write` with its samples and how many of them went to userspace. */
export function saveStatistics(kernel: KernelExitStatistics, userspace: ExitStatistics): Json {
  const ports: Record<string, Json> = {};
  const pages: Record<string, Json> = {};
  kernel.forEachPort((port, isWrite, samples, exits) => {
    ports[rowName(port, isWrite)] = [savedCount(samples), savedCount(exits)];
  });
  kernel.forEachPage((page, isWrite, samples, exits) => {
    pages[rowName(page, isWrite)] = [savedCount(samples), savedCount(exits)];
  });
  return {
    ...Object.fromEntries(KernelCounters.map((name) => [name, savedCount(kernel[name])])),
    ...Object.fromEntries(UserspaceCounters.map((name) => [name, savedCount(userspace[name])])),
    longestWait: userspace.longestWait,
    ports,
    pages,
  };
}

/** Answers how to put the counters in force. */
export function readStatistics(
  reader: JsonReader,
  kernel: KernelExitStatistics,
  userspace: ExitStatistics,
): () => void {
  reader.only(...KernelCounters, ...UserspaceCounters, 'longestWait', 'ports', 'pages');
  const kernelCounts = KernelCounters.map((name) => [name, readCount(reader.member(name))] as const);
  const userspaceCounts = UserspaceCounters.map((name) => [name, readCount(reader.member(name))] as const);
  const longestWait = reader.member('longestWait').number(0, Number.MAX_SAFE_INTEGER);
  const rows = [...readRows(reader.member('ports'), true), ...readRows(reader.member('pages'), false)];
  return () => {
    if (kernel.vmExits > 0) kernel.reset();
    for (const [name, count] of kernelCounts) kernel[name] = count;
    for (const [name, count] of userspaceCounts) userspace[name] = count;
    userspace.longestWait = longestWait;
    for (const { isPort, address, isWrite, samples, exits } of rows) {
      kernel.addRow(isPort, address, isWrite, samples, exits);
    }
  };
}

function rowName(address: number, isWrite: boolean): string {
  return `${address < 0 ? elsewhere : hex(address)}:${isWrite ? 'write' : 'read'}`;
}

function readRows(reader: JsonReader, isPort: boolean) {
  const highest = isPort ? 0xffff : 2 ** 52;
  const entries = reader.entries();
  if (entries.length > MostRows || reader.data === undefined) reader.refuse(`expected at most ${MostRows} rows`);
  return entries.map(([name, row]) => {
    const [, where = '', direction] = /^(0x[0-9a-f]{1,13}|elsewhere):(read|write)$/.exec(name) ?? [];
    const address = where === elsewhere ? -1 : Number(where);
    const [samples, exits] = row.list(2).map(readCount);
    const isPlace = direction !== undefined && address <= highest && !(isPort && address < 0);
    if (!isPlace || samples === undefined || exits === undefined) row.refuse('is no row of two counts for an address');
    return {
      isPort,
      address: isPlace ? address : 0,
      isWrite: direction === 'write',
      samples: samples ?? 0,
      exits: exits ?? 0,
    };
  });
}
