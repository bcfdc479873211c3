import { hostNanoseconds } from '../../clock/host-time.ts';
import type { LinuxGuest } from '../../testing/qemu/index.ts';

/** Milliseconds: the median of the runs, and the shortest and longest. */
export interface GuestFigure {
  readonly name: string;
  readonly median: number;
  readonly shortest: number;
  readonly longest: number;
  /** Of each run. */
  readonly times: readonly number[];
}

/** A device of QEMU's own, so that only the guest is measured. Its first register is constant. */
const device = { driver: 'edu' } as const;
const Identification = 0x010000ed;

const milliseconds = (): number => hostNanoseconds() / 1e6;

/** Boots, starts from a saved state, and commands of `linuxGuest()`, each so often. */
export async function measureGuest(runs: number, onProgress: (what: string) => void): Promise<readonly GuestFigure[]> {
  const { linuxGuest } = await import('../../testing/qemu/index.ts');
  const start = async (warmStart: boolean): Promise<number> => {
    const begin = milliseconds();
    await using guest = await linuxGuest({ device, warmStart });
    await expectCard(guest);
    return milliseconds() - begin;
  };
  const several = async (what: string, one: () => Promise<number>): Promise<number[]> => {
    const times: number[] = [];
    for (let run = 1; run <= runs; run++) {
      onProgress(`${what}, ${run} of ${runs}`);
      times.push(await one());
    }
    return times;
  };
  const cold = await several('boot', () => start(false));
  await start(true);
  const warm = await several('start from the saved state', () => start(true));
  await using guest = await linuxGuest({ device });
  const command = await several('command', async () => {
    const begin = milliseconds();
    await guest.run('true');
    return milliseconds() - begin;
  });
  return [
    figure('boot, to the first register read', cold),
    figure('saved state, to the first register read', warm),
    figure('command', command),
  ];
}

async function expectCard(guest: LinuxGuest): Promise<void> {
  const read = await guest.bar(0).read32(0);
  if (read !== Identification) throw new Error(`the card identifies itself as ${read}`);
}

function figure(name: string, times: readonly number[]): GuestFigure {
  const sorted = [...times].sort((a, b) => a - b);
  const [shortest = 0, longest = 0] = [sorted[0], sorted.at(-1)];
  return { name, median: sorted[Math.floor(sorted.length / 2)] ?? 0, shortest, longest, times };
}

/** A table in milliseconds. */
export function formatGuestFigures(figures: readonly GuestFigure[], runs: number): string {
  const title = `${runs} runs each`;
  const width = Math.max(title.length, ...figures.map(({ name }) => name.length));
  const cell = (value: number): string => `${Math.round(value)} ms`.padStart(12);
  const row = ({ name, median, shortest, longest }: GuestFigure): string =>
    `${name.padEnd(width)}${cell(median)}${cell(shortest)}${cell(longest)}`;
  const head = `${title.padEnd(width)}${['median', 'shortest', 'longest'].map((text) => text.padStart(12)).join('')}`;
  return [head, ...figures.map(row)].join('\n');
}
